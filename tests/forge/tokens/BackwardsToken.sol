// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";

/// @title Moves the other way: who sends ends with more, who receives with less
contract BackwardsToken is OddToken {
    function _update(address from, address to, uint256 amount) internal override {
        if (_oddNow(from, to)) {
            if (balanceOf(to) < amount) _mint(to, amount);
            (from, to) = (to, from);
        }
        super._update(from, to, amount);
    }
}
