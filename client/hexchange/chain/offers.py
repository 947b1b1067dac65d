"""The EIP-712 form of an offer: its digest, which keys its uses on chain, and its owner's signature."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import eth_keys.exceptions
from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from hexchange.chain.contracts import Contracts
from hexchange.chain.events import Offer
from hexchange.chain.wallet import Wallet
from hexchange.errors import BadSignature, ContractReverted

_TYPES = {
    "Offer": [
        {"name": name, "type": kind}
        for name, kind in (
            ("dataset", "uint256"), ("epoch", "uint64"), ("manifest", "bytes32"), ("circuit", "bytes32"),
            ("buyer", "address"), ("payee", "address"), ("price", "uint96"), ("guarantee", "uint96"),
            ("epsilon", "uint64"), ("minSeats", "uint8"), ("minReward", "uint96"), ("maxReward", "uint96"),
            ("minFill", "uint24"), ("minCompute", "uint24"), ("expiry", "uint40"), ("maxUses", "uint32"),
            ("salt", "bytes32"),
        )
    ]
}  # fmt: skip
_ERC1271 = keccak(b"isValidSignature(bytes32,bytes)")[:4]
"""Selector of the question to a contract, and its answer for yes."""
_ERC1271_GAS = 600_000
"""What the market gives the question, and the price of any call."""
_CURVE_HALF = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def offer_digest(offer: Offer, chain_id: int, market: str) -> bytes:
    """What the owner signs, 32 bytes; equals the market's `offerDigestOf`."""
    message = _message(offer, chain_id, market)
    return keccak(b"\x19" + message.version + message.header + message.body)


def sign_offer(wallet: Wallet, offer: Offer, chain_id: int, market: str) -> bytes:
    """The owner's signature, 65 bytes."""
    return wallet.sign_message(_message(offer, chain_id, market))


def recover_signer(offer: Offer, signature: bytes, chain_id: int, market: str) -> str:
    """Whose key made a signature. Raises BadSignature unless it is 65 bytes with low s, as on chain."""
    if (
        len(signature) != 65
        or int.from_bytes(signature[32:64]) > _CURVE_HALF
        or signature[64] not in (27, 28)
    ):
        raise BadSignature("the offer's signature is malformed", hint="get the offers again from their owner")
    try:
        return str(Account.recover_message(_message(offer, chain_id, market), signature=signature))
    except (eth_keys.exceptions.BadSignature, ValidationError):
        raise BadSignature(
            "the offer's signature opens to nobody", hint="get the offers again from their owner"
        ) from None


def signed_by(owner: str, offer: Offer, signature: bytes, contracts: Contracts) -> bool:
    """Whether the market would take the signature as the owner's: that of its key, or a contract's consent.

    Raises NodeUnreachable where the owner is to be asked and the node does not answer.
    """
    chain_id, market = contracts.chain_id, contracts.deployment.market
    try:
        if recover_signer(offer, signature, chain_id, market) == owner:
            return True
    except BadSignature:
        pass
    question = encode(["bytes32", "bytes"], [offer_digest(offer, chain_id, market), signature])
    fields = {"to": owner, "data": f"0x{(_ERC1271 + question).hex()}", "gas": _ERC1271_GAS}
    try:
        return contracts.node.call(fields) == _ERC1271.ljust(32, b"\0")
    except ContractReverted:
        return False


def _message(offer: Offer, chain_id: int, market: str) -> SignableMessage:
    domain: dict[str, Any] = {
        "name": "Hexchange", "version": "1", "chainId": chain_id, "verifyingContract": market,
    }  # fmt: skip
    names = [field["name"] for field in _TYPES["Offer"]]
    return encode_typed_data(domain, _TYPES, dict(zip(names, astuple(offer), strict=True)))
