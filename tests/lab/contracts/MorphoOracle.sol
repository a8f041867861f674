// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

interface IRounds {
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80);
}

/// What one share of a vault is worth, 18 decimals.
contract VaultRate {
    uint256 public rate;

    constructor(uint256 rate_) {
        rate = rate_;
    }

    function set(uint256 rate_) external {
        rate = rate_;
    }

    function convertToAssets(uint256 shares) external view returns (uint256) {
        return (shares * rate) / 1e18;
    }
}

/// A price made of up to four feeds and a vault. Carries the getters that oracles of live markets carry.
contract FeedOracle {
    address public immutable BASE_VAULT;
    uint256 public immutable BASE_VAULT_CONVERSION_SAMPLE;
    address public constant QUOTE_VAULT = address(0);
    address public immutable BASE_FEED_1;
    address public immutable BASE_FEED_2;
    address public immutable QUOTE_FEED_1;
    address public immutable QUOTE_FEED_2;
    uint256 public immutable SCALE_FACTOR;

    constructor(address vault, uint256 sample, address[4] memory feeds, uint256 scale) {
        BASE_VAULT = vault;
        BASE_VAULT_CONVERSION_SAMPLE = sample;
        (BASE_FEED_1, BASE_FEED_2) = (feeds[0], feeds[1]);
        (QUOTE_FEED_1, QUOTE_FEED_2) = (feeds[2], feeds[3]);
        SCALE_FACTOR = 10 ** scale;
    }

    function price() external view returns (uint256) {
        uint256 shares = BASE_VAULT == address(0)
            ? 1
            : VaultRate(BASE_VAULT).convertToAssets(BASE_VAULT_CONVERSION_SAMPLE);
        uint256 base = shares * _answer(BASE_FEED_1) * _answer(BASE_FEED_2);
        return (SCALE_FACTOR * base) / (_answer(QUOTE_FEED_1) * _answer(QUOTE_FEED_2));
    }

    function _answer(address feed) private view returns (uint256) {
        if (feed == address(0)) return 1;
        (, int256 answer, , , ) = IRounds(feed).latestRoundData();
        require(answer >= 0, "negative answer");
        return uint256(answer);
    }
}

/// An oracle that tells nothing of how it comes to its price.
contract OpaqueOracle {
    uint256 private _price;

    constructor(uint256 price_) {
        _price = price_;
    }

    function set(uint256 price_) external {
        _price = price_;
    }

    function price() external view returns (uint256) {
        require(_price != type(uint256).max, "closed");
        return _price;
    }
}
