// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";

/// @title Moves nothing while it is turned
contract PausableToken is OddToken {
    error Paused();

    function _update(address from, address to, uint256 amount) internal override {
        if (_oddNow(from, to)) revert Paused();
        super._update(from, to, amount);
    }
}
