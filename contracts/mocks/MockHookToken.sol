// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token that makes one call of somebody's choice in the middle of each transfer
contract MockHookToken is ERC20("Hook", "HOOK") {
    address public target;
    bytes public data;
    bool public entered;
    bytes public answer;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function hook(address target_, bytes calldata data_) external {
        target = target_;
        data = data_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (target != address(0)) (entered, answer) = target.call(data);
        super._update(from, to, amount);
    }
}
