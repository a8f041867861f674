// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// An implementation behind a proxy that does what the one before it did, but for the answer to one question, and but
/// for one that it has forgotten. Whoever installs it may initialize it: there is nothing left to do.
contract Upgrade {
    address private immutable _before;
    bytes4 private immutable _asked;
    uint256 private immutable _answer;
    bytes4 private immutable _forgotten;

    constructor(address before, bytes4 asked, uint256 answer, bytes4 forgotten) {
        _before = before;
        _asked = asked;
        _answer = answer;
        _forgotten = forgotten;
    }

    function initialize(address) external {}

    fallback(bytes calldata data) external payable returns (bytes memory said) {
        if (msg.sig == _asked) return abi.encode(_answer);
        bool done = msg.sig != _forgotten;
        if (done) (done, said) = _before.delegatecall(data);
        if (!done) {
            assembly {
                revert(add(said, 32), mload(said))
            }
        }
    }
}
