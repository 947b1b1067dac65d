"""ERC-2612 permits: a signature instead of an approval, for exactly one amount."""

from __future__ import annotations

from typing import Any

from eth_account.messages import encode_typed_data

from hexchange.chain.contracts import Contracts
from hexchange.chain.events import Permit
from hexchange.chain.wallet import Wallet
from hexchange.errors import NodeUnreachable, PermitUnsupported, Reverted

_FIELDS = (
    ("owner", "address"),
    ("spender", "address"),
    ("value", "uint256"),
    ("nonce", "uint256"),
    ("deadline", "uint256"),
)
_TYPES = {"Permit": [{"name": name, "type": kind} for name, kind in _FIELDS]}
_VERSIONS = ("1", "2")


def sign_permit(wallet: Wallet, contracts: Contracts, value: int, deadline: int) -> Permit:
    """Let the ledger pull exactly `value` base units until `deadline` (block time in seconds).

    The domain is built from the token's name and accepted only if the token's own separator equals it.
    Raises PermitUnsupported where the token has no permit of this form: approve the amount instead.
    """
    try:
        name, separator = contracts.views.permit_domain()
        nonce = contracts.views.permit_nonce(wallet.address)
    except (Reverted, NodeUnreachable) as error:
        raise _unsupported(contracts) from error
    values = {
        "owner": wallet.address, "spender": contracts.deployment.stake, "value": value, "nonce": nonce,
        "deadline": deadline,
    }  # fmt: skip
    for version in _VERSIONS:
        domain: dict[str, Any] = {
            "name": name, "version": version, "chainId": contracts.chain_id,
            "verifyingContract": contracts.token.address,
        }  # fmt: skip
        message = encode_typed_data(domain, _TYPES, values)
        if message.header == separator:
            signature = wallet.sign_message(message)
            return Permit(value, deadline, signature[64], signature[:32], signature[32:64])
    raise _unsupported(contracts)


def _unsupported(contracts: Contracts) -> PermitUnsupported:
    return PermitUnsupported(
        f"{contracts.token.symbol} takes no permits that we can sign", hint="approve the amount instead"
    )
