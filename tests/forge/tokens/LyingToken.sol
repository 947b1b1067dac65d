// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";

/// @title Reports balances that it does not have: a multiple of them, or always the same
contract LyingToken is OddToken {
    uint256 private immutable _times;
    uint256 private immutable _always;

    constructor(uint256 times, uint256 always) {
        (_times, _always) = (times, always);
    }

    function balanceOf(address account) public view override returns (uint256) {
        return odd ? super.balanceOf(account) * _times + _always : super.balanceOf(account);
    }
}
