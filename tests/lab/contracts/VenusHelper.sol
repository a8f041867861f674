// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// What Venus's contracts ask of others, and where they send their share: everybody may do everything, all is taken.
contract VenusHelper {
    function isAllowedToCall(address, string calldata) external pure returns (bool) {
        return true;
    }

    fallback() external {}
}
