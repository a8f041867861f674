// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// Stands in for a pre-liquidation contract, which no package ships: its getters, and a word on whether it may act that
/// is told it and not worked out.
contract PreLiquidationDouble {
    struct Terms {
        uint256 lltv;
        uint256[2] close;
        uint256[2] incentive;
        address oracle;
    }

    address public immutable MORPHO;
    uint256 public immutable ID;
    Terms private _terms;
    bool public due;

    error NotPreLiquidatablePosition();

    constructor(address morpho, uint256 id, Terms memory terms) {
        MORPHO = morpho;
        ID = id;
        _terms = terms;
    }

    function set(bool due_) external {
        due = due_;
    }

    function preLiquidationParams() external view returns (Terms memory) {
        return _terms;
    }

    function preLiquidate(address, uint256 seized, uint256, bytes calldata) external view returns (uint256) {
        if (!due) revert NotPreLiquidatablePosition();
        return seized * 2;
    }
}
