// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The seal of a result: a hash that only this seat of this round of this job can open
library Seal {
    /// @param round 1 or 2; 0 for a challenge, whose seat and `salted` are 0 too
    /// @param salted trace under the seed of round two; 0 in round one
    function hash(
        address market,
        uint256 job,
        uint8 round,
        uint8 seat,
        address provider,
        bytes32 digest,
        bytes32 salted
    ) internal view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, market, job, round, seat, provider, digest, salted));
    }
}
