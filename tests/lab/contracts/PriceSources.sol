// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

interface IFeed {
    function latestAnswer() external view returns (int256);
    function decimals() external view returns (uint8);
}

/// What a staking token offers: how much of the base asset one share is worth.
contract RatioProvider {
    uint256 public stEthPerToken;

    constructor(uint256 ratio) {
        stEthPerToken = ratio;
    }

    function set(uint256 ratio) external {
        stEthPerToken = ratio;
    }
}

/// Share price = base feed x ratio, where the ratio may grow only so fast. Carries the getters that
/// capped adapters of staking tokens carry on the live markets.
contract RatioCapAdapter {
    address public immutable BASE_TO_USD_AGGREGATOR;
    address public immutable RATIO_PROVIDER;
    uint8 public constant RATIO_DECIMALS = 18;
    uint8 public immutable decimals;
    string public description;
    uint256 public getSnapshotRatio;
    uint256 public getSnapshotTimestamp;
    uint256 public getMaxYearlyGrowthRatePercent;
    uint256 public getMaxRatioGrowthPerSecond;

    constructor(address base, address provider, string memory description_, uint256 yearlyGrowthBps) {
        BASE_TO_USD_AGGREGATOR = base;
        RATIO_PROVIDER = provider;
        decimals = IFeed(base).decimals();
        description = description_;
        setCap(uint256(getRatio()), yearlyGrowthBps);
    }

    function setCap(uint256 snapshotRatio, uint256 yearlyGrowthBps) public {
        getSnapshotRatio = snapshotRatio;
        getSnapshotTimestamp = block.timestamp;
        getMaxYearlyGrowthRatePercent = yearlyGrowthBps;
        getMaxRatioGrowthPerSecond = (snapshotRatio * yearlyGrowthBps) / 10_000 / 365 days;
    }

    function getRatio() public view returns (int256) {
        return int256(RatioProvider(RATIO_PROVIDER).stEthPerToken());
    }

    function isCapped() external view returns (bool) {
        return getRatio() > _ceiling();
    }

    function latestAnswer() external view returns (int256) {
        int256 base = IFeed(BASE_TO_USD_AGGREGATOR).latestAnswer();
        int256 ratio = getRatio();
        if (base <= 0 || ratio <= 0) return 0;
        int256 ceiling = _ceiling();
        return (base * (ratio < ceiling ? ratio : ceiling)) / int256(10 ** uint256(RATIO_DECIMALS));
    }

    function _ceiling() private view returns (int256) {
        return int256(getSnapshotRatio + getMaxRatioGrowthPerSecond * (block.timestamp - getSnapshotTimestamp));
    }
}

/// A dollar token's feed, never above a fixed ceiling; falls pass through.
contract StableCapAdapter {
    address public immutable ASSET_TO_USD_AGGREGATOR;
    uint8 public immutable decimals;
    string public description;
    int256 public getPriceCap;

    constructor(address feed, string memory description_, int256 cap) {
        ASSET_TO_USD_AGGREGATOR = feed;
        decimals = IFeed(feed).decimals();
        description = description_;
        getPriceCap = cap;
    }

    function setPriceCap(int256 cap) external {
        getPriceCap = cap;
    }

    function isCapped() external view returns (bool) {
        return IFeed(ASSET_TO_USD_AGGREGATOR).latestAnswer() > getPriceCap;
    }

    function latestAnswer() external view returns (int256) {
        int256 answer = IFeed(ASSET_TO_USD_AGGREGATOR).latestAnswer();
        if (answer <= 0) return 0;
        return answer > getPriceCap ? getPriceCap : answer;
    }
}

/// A feed that fails in a chosen way.
contract BrokenFeed {
    enum Fault {
        Reverts,
        RevertsWithText,
        BurnsAllGas,
        AnswersHalfAWord,
        AnswersZero,
        AnswersNegative
    }

    Fault public fault;
    uint8 public constant decimals = 8;

    constructor(Fault fault_) {
        fault = fault_;
    }

    function set(Fault fault_) external {
        fault = fault_;
    }

    function latestAnswer() external view returns (int256) {
        if (fault == Fault.Reverts) revert();
        if (fault == Fault.RevertsWithText) revert("feed is closed \x1b[31m[bold]");
        if (fault == Fault.BurnsAllGas) assembly { invalid() }
        if (fault == Fault.AnswersHalfAWord) assembly { return(0, 16) }
        return fault == Fault.AnswersZero ? int256(0) : int256(-1);
    }
}
