// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";

/// @title Refuses an approval of zero, and one that replaces another that is not used up
contract ApproveOnceToken is OddToken {
    error ApprovalZero();
    error ApprovalNotUsed(uint256 left);

    function approve(address spender, uint256 amount) public override returns (bool) {
        if (amount == 0) revert ApprovalZero();
        uint256 left = allowance(msg.sender, spender);
        if (left != 0) revert ApprovalNotUsed(left);
        return super.approve(spender, amount);
    }
}
