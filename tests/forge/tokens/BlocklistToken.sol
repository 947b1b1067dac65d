// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";

/// @title Refuses to move the money of a listed address, to it or from it
contract BlocklistToken is OddToken {
    mapping(address account => bool) public listed;

    error Blocked(address account);

    function list(address account, bool listed_) external {
        listed[account] = listed_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (listed[from]) revert Blocked(from);
        if (listed[to]) revert Blocked(to);
        super._update(from, to, amount);
    }
}
