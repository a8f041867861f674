// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// The money part of an ERC-20 that anyone may mint, with chosen decimals.
abstract contract Money {
    uint8 public decimals;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    /// Aave since 3.1 lists nothing below 6 decimals; markets upgraded from 3.0 still hold such assets.
    function setDecimals(uint8 decimals_) external {
        decimals = decimals_;
    }

    function mint(address to, uint256 amount) public {
        totalSupply += amount;
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    /// Money and permission in one transaction: the laboratory sends thousands of these.
    function provision(address owner, address spender, uint256 amount) external {
        mint(owner, amount);
        allowance[owner][spender] = type(uint256).max;
        emit Approval(owner, spender, type(uint256).max);
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        _move(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed != type(uint256).max) {
            require(allowed >= amount, "allowance");
            allowance[from][msg.sender] = allowed - amount;
        }
        _move(from, to, amount);
        return true;
    }

    function _move(address from, address to, uint256 amount) private {
        require(balanceOf[from] >= amount, "balance");
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
    }
}

/// Any name and symbol, hostile ones included.
contract LabToken is Money {
    string public name;
    string public symbol;

    constructor(string memory name_, string memory symbol_, uint8 decimals_) Money(decimals_) {
        name = name_;
        symbol = symbol_;
    }
}

/// Like the first generation of tokens: name and symbol are bytes32, not strings.
contract Bytes32Token is Money {
    bytes32 public name;
    bytes32 public symbol;

    constructor(bytes32 name_, bytes32 symbol_, uint8 decimals_) Money(decimals_) {
        name = name_;
        symbol = symbol_;
    }
}

/// Answers these bytes where it is asked for its name or symbol, or for anything else; without any it reverts.
contract NamelessToken is Money {
    bytes private _answer;

    constructor(bytes memory answer_, uint8 decimals_) Money(decimals_) {
        _answer = answer_;
    }

    fallback(bytes calldata) external returns (bytes memory) {
        require(_answer.length != 0);
        return _answer;
    }
}
