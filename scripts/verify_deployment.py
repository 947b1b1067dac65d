"""Verifies that a deployed market is this source: `verify_deployment.py DEPLOYMENT RPC_URL`.

The contracts are compiled here and now. Of each contract on the chain it compares the code with the compiled one, all
bytes but those of immutables; the transaction that created it with the compiled creation code and the arguments that
the deployment file records; and what its getters say with these arguments. It believes the node, and nothing else.

Exit code 0: verified; 8: something differs; 2: no such file, or no deployment file; 6: the node does not answer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from build_abi import FORGE, ROOT
from hexchange.chain.deployment import Deployment, load_deployment
from hexchange.chain.node import Node
from hexchange.errors import HexchangeError, VerificationFailed

CONTRACTS = {
    "stake": ("ProviderStake", ("token", "market", "unit", "exitDelay")),
    "market": ("DataMarket", ("stake", "bounds")),
}
"""By its name in the deployment file: a contract, and for each constructor argument the getter that returns it."""
METADATA_BYTES = 53
"""The last bytes of compiled code: a hash of all sources and settings, wrapped in CBOR."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A contract as compiled here; `immutables` are the places (start, length) that its constructor fills in."""

    abi: list[Any]
    creation: bytes
    runtime: bytes
    immutables: tuple[tuple[int, int], ...]
    compiler: str

    def masked(self, code: bytes) -> bytes:
        """The code with zeros for immutables."""
        bare = bytearray(code)
        for start, length in self.immutables:
            bare[start : start + length] = bytes(min(length, max(0, len(code) - start)))
        return bytes(bare)

    @property
    def inputs(self) -> list[Any]:
        """The constructor's parameters."""
        return next(list(each["inputs"]) for each in self.abi if each["type"] == "constructor")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    holds: bool
    text: str


def compile_contracts() -> dict[str, Compiled]:
    """Both contracts from the sources as they are now."""
    names = [name for name, _ in CONTRACTS.values()]
    command = [str(FORGE), "build", "--quiet", *(f"contracts/{name}.sol" for name in names)]
    subprocess.run(command, cwd=ROOT, check=True)
    return {role: _compiled(name) for role, (name, _) in CONTRACTS.items()}


def _compiled(name: str) -> Compiled:
    built = json.loads((ROOT / "build" / "forge" / f"{name}.sol" / f"{name}.json").read_text())
    places = built["deployedBytecode"]["immutableReferences"].values()
    return Compiled(
        abi=built["abi"],
        creation=_bytes(built["bytecode"]["object"]),
        runtime=_bytes(built["deployedBytecode"]["object"]),
        immutables=tuple((place["start"], place["length"]) for found in places for place in found),
        compiler=built["metadata"]["compiler"]["version"],
    )


def verify(deployment: Deployment, node: Node, compiled: dict[str, Compiled]) -> Iterator[Finding]:
    """Everything that is looked at, in order; on another chain nothing else is."""
    chain = node.chain_id()
    if chain != deployment.chain:
        yield Finding(
            "chain", False, f"the node is on chain {chain}, the file is of chain {deployment.chain}"
        )
        return
    yield Finding("chain", True, str(chain))
    for role, source in compiled.items():
        address = getattr(deployment, role)
        code = node.code(address)
        if not code:
            yield Finding(f"{role} code", False, f"there is no contract at {address}")
            continue
        yield _code(role, address, code, source)
        yield _code_hash(role, code, deployment)
        yield from _creation(role, address, source, deployment, node)
        yield from _arguments(role, address, source, deployment, node)


def _code(role: str, address: str, code: bytes, source: Compiled) -> Finding:
    here, there = source.masked(source.runtime), source.masked(code)
    what, size = f"{role} code", f"{len(code):,} bytes at {address}"
    if here == there:
        masked = sum(length for _, length in source.immutables)
        return Finding(what, True, f"{size}: as compiled, but for {masked:,} bytes of immutables")
    if here[:-METADATA_BYTES] == there[:-METADATA_BYTES]:
        return Finding(what, False, f"{size}: the same instructions from other sources or settings")
    return Finding(what, False, f"{size}: other code than the {len(source.runtime):,} bytes compiled here")


def _code_hash(role: str, code: bytes, deployment: Deployment) -> Finding:
    found, told = f"0x{keccak(code).hex()}", deployment.code[role]
    same = _bytes(found) == _bytes(told)
    return Finding(f"{role} code hash", same, found if same else f"{found}, but the file says {told}")


def _creation(
    role: str, address: str, source: Compiled, deployment: Deployment, node: Node
) -> Iterator[Finding]:
    """A constructor can do more than its arguments tell: what was sent must be ours to the last byte."""
    what, tx = f"{role} creation", _bytes(deployment.created[role])
    sent, receipt = node.transaction(tx), node.receipt(tx)
    if sent is None or receipt is None:
        yield Finding(what, False, f"the node does not know the transaction 0x{tx.hex()}")
        return
    block, made = int(receipt["blockNumber"]), receipt["contractAddress"]
    if receipt["status"] != 1 or made is None or to_checksum_address(made) != address:
        yield Finding(what, False, f"0x{tx.hex()} did not create {address}")
        return
    wanted = source.creation + _bytes(deployment.arguments[role])
    same = bytes(sent["input"]) == wanted
    told = "the compiled code and the recorded arguments" if same else "other code or other arguments"
    yield Finding(what, same, f"in block {block:,} by {sent['from']}: {told}")
    if role == "stake":
        begins = deployment.block <= block
        text = f"events are read from block {deployment.block:,} on"
        yield Finding("first block", begins, text if begins else f"{text}, after the ledger was created")


def _arguments(
    role: str, address: str, source: Compiled, deployment: Deployment, node: Node
) -> Iterator[Finding]:
    """What the constructor was given, by the file; what the getters say now; what else the file says of it."""
    try:
        types = [collapse_if_tuple(each) for each in source.inputs]
        given = decode(types, _bytes(deployment.arguments[role]))
    except DecodingError:
        yield Finding(f"{role} arguments", False, "what is recorded are no arguments of this constructor")
        return
    contract = node.web3.eth.contract(address=to_checksum_address(address), abi=source.abi)
    for getter, entry, value in zip(CONTRACTS[role][1], source.inputs, given, strict=True):
        what, shown = f"{role} {getter}", _shown(entry, value)
        try:
            with node.edge():
                found = _shown(entry, contract.functions[getter]().call())
        except HexchangeError as error:
            yield Finding(what, False, f"it does not say: {error.message}")
            continue
        told = str(getattr(deployment, getter, shown))
        if found != shown:
            yield Finding(what, False, f"{found}, but the constructor was given {shown} by the file")
        elif found != told:
            yield Finding(what, False, f"{found}, but elsewhere the file says {told}")
        else:
            yield Finding(what, True, found)


def _shown(entry: Any, value: Any) -> str:
    if entry["type"] == "address":
        return str(to_checksum_address(value))
    if entry["type"] == "tuple":
        named = zip(entry["components"], value, strict=True)
        return ", ".join(f"{component['name']} {each:,}" for component, each in named)
    return f"{value:,}"


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def report(
    deployment: Path, node: Node, compiled: dict[str, Compiled], findings: Sequence[Finding]
) -> Iterator[str]:
    """What a person reads, line by line."""
    compilers = ", ".join(sorted({each.compiler for each in compiled.values()}))
    yield f"deployment  {deployment}"
    yield f"node        {node.shown}"
    yield f"source      {ROOT / 'contracts'}, compiled now by solc {compilers}"
    yield ""
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        yield f"{'yes' if finding.holds else 'NO':<5}{finding.what:<{width + 2}}{finding.text}"
    yield ""
    wrong = [finding.what for finding in findings if not finding.holds]
    if wrong:
        yield f"NOT VERIFIED: {len(wrong)} of {len(findings)} do not hold: {', '.join(wrong)}"
    else:
        yield "VERIFIED: the market that is deployed there is this source"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Verify that a deployed market is this source.")
    parser.add_argument("deployment", type=Path, help="deployment file of the market")
    parser.add_argument("rpc_url", help="address of a node of its chain")
    options = parser.parse_args(arguments)
    try:
        deployment, node = load_deployment(options.deployment), Node(options.rpc_url)
        compiled = compile_contracts()
        findings = list(verify(deployment, node, compiled))
    except HexchangeError as error:
        print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
        return error.exit_code
    print("\n".join(report(options.deployment, node, compiled, findings)))
    return 0 if all(finding.holds for finding in findings) else VerificationFailed.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
