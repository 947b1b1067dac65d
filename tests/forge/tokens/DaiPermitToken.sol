// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {OddToken} from "./OddToken.sol";

/// @title Has a permit of other arguments than ERC-2612: all or nothing, as Dai
contract DaiPermitToken is OddToken {
    bytes32 private constant DAI_TYPEHASH =
        keccak256("Permit(address holder,address spender,uint256 nonce,uint256 expiry,bool allowed)");

    error PermitInvalid();

    /// @dev As if there were none.
    function permit(address, address, uint256, uint256, uint8, bytes32, bytes32) public pure override {
        revert();
    }

    function permit(
        address holder,
        address spender,
        uint256 nonce,
        uint256 expiry,
        bool allowed,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        if (block.timestamp > expiry || nonce != _useNonce(holder)) revert PermitInvalid();
        if (ECDSA.recover(permitDigest(holder, spender, nonce, expiry, allowed), v, r, s) != holder) {
            revert PermitInvalid();
        }
        _approve(holder, spender, allowed ? type(uint256).max : 0);
    }

    function permitDigest(address holder, address spender, uint256 nonce, uint256 expiry, bool allowed)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(keccak256(abi.encode(DAI_TYPEHASH, holder, spender, nonce, expiry, allowed)));
    }
}
