"""Encoded errors of contracts, decoded and put into words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple, function_abi_to_4byte_selector
from eth_utils.address import to_checksum_address

from hexchange.chain.artifacts import CONTRACTS, artifact
from hexchange.chain.refusals import REFUSALS, STATES, TOO_LITTLE
from hexchange.errors import ContractReverted, NotEnoughTokens

_TEXT_SELECTOR = bytes.fromhex("08c379a0")
_PANIC_SELECTOR = bytes.fromhex("4e487b71")


def explain(data: bytes, message: str = "", amount: Callable[[int], str] = str) -> ContractReverted:
    """The error that a revert's data encodes; `message` is the node's text where nobody declared it.

    `amount` shows base units to people. NotEnoughTokens is returned where somebody has too little.
    """
    selector, body = data[:4], data[4:]
    try:
        if selector == _TEXT_SELECTOR:
            (text,) = decode(["string"], body)
            return ContractReverted(f"the contract refused: {text}", error="Error", arguments={"text": text})
        if selector == _PANIC_SELECTOR:
            (code,) = decode(["uint256"], body)
            return ContractReverted(
                f"the contract failed (panic {code})", error="Panic", arguments={"code": code}
            )
        if selector in _errors():
            return _declared(_errors()[selector], body, amount)
    except DecodingError:
        pass
    text = message or "it gave no reason"
    return ContractReverted(f"the contract refused: {text}", hint="check the call and the account's balance")


@cache
def _errors() -> dict[bytes, Any]:
    """Declared errors of all our contracts by selector; an error of one passes through the other."""
    found = {}
    for contract in CONTRACTS:
        for entry in artifact(contract).abi:
            if entry["type"] == "error":
                found[bytes(function_abi_to_4byte_selector(entry))] = entry
    return found


def _declared(entry: Any, body: bytes, amount: Callable[[int], str]) -> ContractReverted:
    values = decode([collapse_if_tuple(each) for each in entry["inputs"]], body)
    arguments = {
        each["name"]: to_checksum_address(value) if each["type"] == "address" else value
        for each, value in zip(entry["inputs"], values, strict=True)
    }
    name = entry["name"]
    words, hint = REFUSALS.get(name, (f"the contract refused ({name})", "check the call and the balance"))
    shown = {key: _Shown(value, amount) for key, value in arguments.items()}
    kind = NotEnoughTokens if name in TOO_LITTLE else ContractReverted
    return kind(words.format(**shown), hint=hint.format(**shown), error=name, arguments=arguments)


@dataclass(frozen=True, slots=True)
class _Shown:
    """An argument that a template shows as a time, an amount, a state or as it is."""

    value: Any
    amount: Callable[[int], str]

    def __format__(self, spec: str) -> str:
        if spec == "amount":
            return self.amount(self.value)
        if spec == "state":
            return STATES[self.value] if self.value < len(STATES) else str(self.value)
        if spec == "time" and self.value < 2**34:
            return datetime.fromtimestamp(self.value, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"0x{self.value.hex()}" if isinstance(self.value, bytes) else str(self.value)
