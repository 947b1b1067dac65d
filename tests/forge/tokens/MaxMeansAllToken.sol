// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";

/// @title Takes the largest amount, of 256 or of 96 bits, for "all there is"
contract MaxMeansAllToken is OddToken {
    function _update(address from, address to, uint256 amount) internal override {
        if (amount == type(uint256).max || amount == type(uint96).max) amount = balanceOf(from);
        super._update(from, to, amount);
    }

    function _spendAllowance(address from, address spender, uint256 amount) internal override {
        if (amount == type(uint256).max || amount == type(uint96).max) amount = balanceOf(from);
        super._spendAllowance(from, spender, amount);
    }
}
