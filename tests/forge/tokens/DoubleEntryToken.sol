// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";

/// @title One ledger of balances with a second, older address that moves the same money
contract DoubleEntryToken is OddToken {
    OldEntry public immutable oldEntry = new OldEntry(this);

    error NotTheOldEntry(address caller);

    modifier onlyOldEntry() {
        if (msg.sender != address(oldEntry)) revert NotTheOldEntry(msg.sender);
        _;
    }

    function moveFor(address from, address to, uint256 amount) external onlyOldEntry {
        _transfer(from, to, amount);
    }

    function spendFor(address spender, address from, address to, uint256 amount) external onlyOldEntry {
        _spendAllowance(from, spender, amount);
        _transfer(from, to, amount);
    }

    function approveFor(address from, address spender, uint256 amount) external onlyOldEntry {
        _approve(from, spender, amount);
    }
}

/// @title The older address of a token of double entry
contract OldEntry {
    DoubleEntryToken private immutable _token;

    constructor(DoubleEntryToken token) {
        _token = token;
    }

    function totalSupply() external view returns (uint256) {
        return _token.totalSupply();
    }

    function balanceOf(address account) external view returns (uint256) {
        return _token.balanceOf(account);
    }

    function mint(address to, uint256 amount) external {
        _token.mint(to, amount);
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        _token.approveFor(msg.sender, spender, amount);
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        _token.moveFor(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        _token.spendFor(msg.sender, from, to, amount);
        return true;
    }
}
