// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";

/// @title Refuses to move nothing
contract NoZeroToken is OddToken {
    error AmountZero();

    function _update(address from, address to, uint256 amount) internal override {
        if (amount == 0) revert AmountZero();
        super._update(from, to, amount);
    }
}
