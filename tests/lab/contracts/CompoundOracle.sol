// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

interface IAnswer {
    function latestAnswer() external view returns (int256);
    function decimals() external view returns (uint8);
}

interface INamed {
    function symbol() external view returns (string memory);
    function underlying() external view returns (address);
    function decimals() external view returns (uint8);
}

/// Prices for Compound's markets straight from feeds that are filed under the underlying's symbol. The chain's own
/// coin has no underlying and is filed under its market's symbol.
contract CompoundOracle {
    mapping(address => uint256) public direct;
    mapping(string => address) private _feeds;
    mapping(address => bool) private _coin;
    bool public constant isPriceOracle = true;

    function setFeed(string calldata symbol, address feed) external {
        _feeds[symbol] = feed;
    }

    function setCoin(address market) external {
        _coin[market] = true;
    }

    function getFeed(string memory symbol) public view returns (address) {
        return _feeds[symbol];
    }

    function getUnderlyingPrice(address market) external view returns (uint256) {
        if (direct[market] != 0) return direct[market];
        INamed named = INamed(_coin[market] ? market : INamed(market).underlying());
        uint256 places = _coin[market] ? 18 : named.decimals();
        IAnswer feed = IAnswer(getFeed(named.symbol()));
        int256 answer = feed.latestAnswer();
        return answer <= 0 ? 0 : (uint256(answer) * 10 ** (36 - feed.decimals())) / 10 ** places;
    }
}
