// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {IDataMarket} from "../interfaces/IDataMarket.sol";

/// @title What the owner of a dataset signs, and whether it did
library Offers {
    bytes32 private constant TYPEHASH = keccak256(
        "Offer(uint256 dataset,uint64 epoch,bytes32 manifest,bytes32 circuit,address buyer,address payee,"
        "uint96 price,uint96 guarantee,uint64 epsilon,uint8 minSeats,uint96 minReward,uint96 maxReward,"
        "uint24 minFill,uint24 minCompute,uint40 expiry,uint32 maxUses,bytes32 salt)"
    );
    /// @dev Enough for a wallet of several signers, too little to be a nuisance to the buyer who pays for it.
    uint256 private constant ERC1271_GAS = 500_000;

    /// @dev The hash of the struct by EIP-712, which a domain makes a digest.
    function hash(IDataMarket.Offer calldata offer) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, offer));
    }

    /// @dev 65 bytes with a low s, or the static consent of a contract with bounded gas.
    function signed(address owner, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        (address signer, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (failure == ECDSA.RecoverError.NoError && signer == owner) return true;
        bytes memory question = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        bool ok;
        bytes32 answer;
        // Reads one word, so that the buyer does not pay for a long answer.
        assembly ("memory-safe") {
            ok := staticcall(ERC1271_GAS, owner, add(question, 32), mload(question), 0, 32)
            ok := and(ok, eq(returndatasize(), 32))
            answer := mload(0)
        }
        return ok && answer == bytes32(IERC1271.isValidSignature.selector);
    }
}
