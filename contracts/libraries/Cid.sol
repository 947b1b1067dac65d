// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The address of a document in IPFS
library Cid {
    bytes16 private constant HEX_DIGITS = "0123456789abcdef";

    /// @return A CIDv1 in base 16 of one raw block hashed with sha-256
    function uri(bytes32 digest) internal pure returns (string memory) {
        bytes memory digits = new bytes(64);
        for (uint256 i = 0; i < 64; ++i) {
            digits[i] = HEX_DIGITS[uint256(digest) >> (252 - 4 * i) & 15];
        }
        return string.concat("ipfs://f01551220", string(digits));
    }
}
