// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The amounts that follow from what a job was opened with
library Quantities {
    /// @dev B = 3 (n + 3) R pays a whole round two, (2n + 5) R, a bounty of (n + 3) R, and R that is burnt.
    function bond(uint8 seats, uint96 reward) internal pure returns (uint96) {
        return 3 * (uint96(seats) + 3) * reward;
    }

    /// @dev r: the floor, and the more of the rest the later the round was full.
    function rewardPaid(uint96 floor, uint96 reward, uint24 late, uint24 fill) internal pure returns (uint96) {
        return floor + uint96(uint256(reward - floor) * late / fill);
    }
}
