// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token of a fixed supply that can charge whoever sends one unit on top of the amount
contract MockTopFeeToken is ERC20("Top Fee", "TOP") {
    bool public charging;

    constructor(uint256 supply) {
        _mint(msg.sender, supply);
    }

    function charge(bool charging_) external {
        charging = charging_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (charging && from != address(0)) super._update(from, address(0), 1);
    }
}
