"""The shipped interfaces and bytecode of the contracts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

CONTRACTS = ("DataMarket", "ProviderStake", "MockToken")


@dataclass(frozen=True, slots=True)
class Artifact:
    """A contract's ABI and its creation bytecode."""

    abi: list[Any]
    bytecode: bytes


@cache
def artifact(contract: str) -> Artifact:
    """One of CONTRACTS, as generated from the compiled sources."""
    text = files("hexchange.chain").joinpath("abi", f"{contract}.json").read_text(encoding="utf-8")
    document = json.loads(text)
    return Artifact(document["abi"], bytes.fromhex(document["bytecode"].removeprefix("0x")))
