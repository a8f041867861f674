// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// As much of a tokenised vault as a price adapter asks for: what a share is worth in the asset.
contract CometVault {
    address public immutable asset;
    uint8 public constant decimals = 18;
    uint256 public rate;

    constructor(address asset_, uint256 rate_) {
        asset = asset_;
        rate = rate_;
    }

    function set(uint256 rate_) external {
        rate = rate_;
    }

    function convertToAssets(uint256 shares) external view returns (uint256) {
        return (shares * rate) / 1e18;
    }
}
