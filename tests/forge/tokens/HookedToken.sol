// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";

interface Hook {
    function tokensToSend(address from, address to, uint256 amount) external;
    function tokensReceived(address from, address to, uint256 amount) external;
}

/// @title Calls what the sender registered before a transfer and what the receiver registered after it (ERC-777)
contract HookedToken is OddToken {
    mapping(address account => Hook) public hooks;

    function register(Hook hook) external {
        hooks[msg.sender] = hook;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (address(hooks[from]) != address(0)) hooks[from].tokensToSend(from, to, amount);
        super._update(from, to, amount);
        if (address(hooks[to]) != address(0)) hooks[to].tokensReceived(from, to, amount);
    }
}
