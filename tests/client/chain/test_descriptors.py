"""What a wallet shows before somebody signs (ERC-7730): every call and the offer, in words, and nothing hidden."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from hexchange.chain.artifacts import artifact
from hexchange.chain.offers import _TYPES

FOLDER = Path(__file__).parents[3] / "contracts" / "erc7730"
KINDS = {
    "raw": ("uint", "bytes", "bool"),
    "addressName": ("address",),
    "tokenAmount": ("uint96", "uint256"),
    "nftName": ("uint256",),
    "duration": ("uint24",),
    "date": ("uint40", "uint256"),
    "unit": ("uint16", "uint64"),
    "calldata": ("bytes[]",),
}
"""The formats in use, and the types that each may show."""
NEEDED = {
    "tokenAmount": {"token": "$.metadata.constants.token"},
    "nftName": {"collectionPath": "@.to"},
    "calldata": {"calleePath": "@.to"},
    "date": {"encoding": "timestamp"},
}
NEVER_SHOWN = {"signature", "permit.v", "permit.r", "permit.s"}
"""Nobody reads a signature; what it signs is shown."""


def descriptor(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())


def typed(parameter: dict[str, Any]) -> str:
    kind = parameter["type"]
    if kind == "tuple":
        kind = f"tuple({', '.join(map(typed, parameter['components']))})"
    return f"{kind} {parameter['name']}"


def leaves(parameters: list[dict[str, Any]], above: str = "") -> Iterator[tuple[str, str]]:
    """Path and type of everything that is signed."""
    for parameter in parameters:
        path = above + parameter["name"]
        if parameter["type"] == "tuple":
            yield from leaves(parameter["components"], f"{path}.")
        else:
            yield path, parameter["type"]


CALLS = {
    (contract, f"{entry['name']}({', '.join(map(typed, entry['inputs']))})"): dict(leaves(entry["inputs"]))
    for contract in ("DataMarket", "ProviderStake")
    for entry in artifact(contract).abi
    if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
}
ENCODED = "Offer(" + ",".join(f"{field['type']} {field['name']}" for field in _TYPES["Offer"]) + ")"
MESSAGES = {("Offer", ENCODED): {field["name"]: field["type"] for field in _TYPES["Offer"]}}
EVERYTHING = CALLS | MESSAGES


@pytest.mark.parametrize("name", ["DataMarket", "ProviderStake", "Offer"])
def test_every_call_that_changes_something_is_described_and_nothing_else(name: str) -> None:
    described = {(name, key) for key in descriptor(name)["display"]["formats"]}
    assert described == {each for each in EVERYTHING if each[0] == name}


@pytest.mark.parametrize(("name", "key"), EVERYTHING)
def test_everything_that_is_signed_is_shown_once_in_a_format_of_its_type(name: str, key: str) -> None:
    types = EVERYTHING[name, key]
    shown = descriptor(name)["display"]["formats"][key]
    assert shown["intent"]
    paths = [field["path"].removesuffix(".[]") for field in shown["fields"]]
    assert sorted(paths) == sorted(types)
    for path, field in zip(paths, shown["fields"], strict=True):
        assert types[path].startswith(KINDS[field["format"]]), path
        assert field["label"]
        needed = NEEDED.get(field["format"], {})
        assert needed.items() <= field.get("params", {}).items(), path
        assert (field.get("visible") == "never") == (path in NEVER_SHOWN), path
    said = {name for _, name, _, _ in Formatter().parse(shown.get("interpolatedIntent", "")) if name}
    assert said <= set(types)


def test_the_offer_is_the_one_that_the_contract_hashes() -> None:
    source = (FOLDER.parent / "DataMarket.sol").read_text() + "".join(
        path.read_text() for path in (FOLDER.parent / "libraries").glob("*.sol")
    )
    written = re.search(r'keccak256\(\s*"(Offer\([^;]*)"\s*\);', source)
    assert written
    assert re.sub(r'"\s*"', "", written[1]) == ENCODED
    domain = descriptor("Offer")["context"]["eip712"]["domain"]
    assert f'EIP712("{domain["name"]}", "{domain["version"]}")' in source


@pytest.mark.parametrize("name", ["DataMarket", "ProviderStake", "Offer"])
def test_a_descriptor_is_for_any_deployment(name: str) -> None:
    read = descriptor(name)
    context = read["context"]["eip712" if name == "Offer" else "contract"]
    assert context["deployments"] == []
    assert read["metadata"]["constants"] == {"token": None}
