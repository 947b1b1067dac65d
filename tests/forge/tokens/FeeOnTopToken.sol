// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";

/// @title Takes a hundredth more from the sender than arrives
contract FeeOnTopToken is OddToken {
    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (_oddNow(from, to)) super._update(from, address(0), amount / 100);
    }
}
