// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";

/// @title Keeps a hundredth of each transfer: less arrives than was sent
contract FeeOutToken is OddToken {
    function _update(address from, address to, uint256 amount) internal override {
        uint256 fee = _oddNow(from, to) ? amount / 100 : 0;
        super._update(from, to, amount - fee);
        if (fee != 0) super._update(from, address(0), fee);
    }
}
