// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";

/// @title Multiplies every balance at once when it turns; holders have parts, rounded down
contract RebasingToken is OddToken {
    uint256 private immutable _percent;

    constructor(uint256 percent) {
        _percent = percent;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return odd ? super.balanceOf(account) * _percent / 100 : super.balanceOf(account);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, odd ? amount * 100 / _percent : amount);
    }
}
