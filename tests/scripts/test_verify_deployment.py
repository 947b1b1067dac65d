"""A deployed market against the source: what is verified, and everything that is not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

import services
import verify_deployment
from hexchange.chain import artifacts
from hexchange.chain import deploy as deploying
from hexchange.chain.deployment import Deployment, save_deployment
from hexchange.chain.wallet import Wallet
from verify_deployment import main

DEPLOYER = Wallet(b"\x77" * 32)
NOWHERE = "0x" + "00" * 19 + "77"
ROLES = ("market", "stake")
compiled_once = cache(verify_deployment.compile_contracts)
Run = Callable[[Deployment], tuple[int, str]]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.Chain]:
    with services.anvil(tmp_path_factory.mktemp("chain")) as running:
        running.rpc("anvil_setBalance", DEPLOYER.address, hex(10**20))
        running.rpc("evm_setIntervalMining", 0)
        running.rpc("evm_setAutomine", True)
        yield running


@pytest.fixture(scope="module")
def deployment(chain: services.Chain) -> Deployment:
    return deploying.deploy(chain.url, DEPLOYER)


@pytest.fixture
def run(
    chain: services.Chain,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Verify a deployment; the exit code and what was printed. Compiles once for all."""
    monkeypatch.setattr(verify_deployment, "compile_contracts", compiled_once)

    def verified(deployment: Deployment) -> tuple[int, str]:
        save_deployment(tmp_path / "deployment.json", deployment)
        code = main([str(tmp_path / "deployment.json"), chain.url])
        return code, capsys.readouterr().out

    return verified


def wrong(told: str) -> list[str]:
    """The things that do not hold, by the table and by the verdict, which agree."""
    rows = [line[5:] for line in told.splitlines() if line.startswith("NO ")]
    verdict = told.splitlines()[-1].split(": ", 2)[-1].split(", ")
    assert [row[: len(name)] for row, name in zip(rows, verdict, strict=True)] == verdict
    return verdict


def test_a_deployed_market_is_verified_from_the_command_line(
    chain: services.Chain, deployment: Deployment, tmp_path: Path
) -> None:
    save_deployment(tmp_path / "deployment.json", deployment)
    script = services.ROOT / "scripts" / "verify_deployment.py"
    command = [sys.executable, str(script), str(tmp_path / "deployment.json"), chain.url]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr
    *_, verdict = lines = told.stdout.splitlines()
    assert verdict == "VERIFIED: the market that is deployed there is this source"
    assert "compiled now by solc 0.8.37" in told.stdout
    rows = [line for line in lines if line.startswith("yes")]
    assert [row[5:].split("  ")[0] for row in rows] == [
        "chain", "stake code", "stake code hash", "stake creation", "first block", "stake token", "stake market",
        "stake unit", "stake exitDelay", "market code", "market code hash", "market creation", "market stake",
        "market bounds",
    ]  # fmt: skip
    assert "minFill 2, maxFill 86,400, minCompute 2" in rows[-1]
    assert len({len(row) - len(row[5:].split("  ", 1)[1].lstrip()) for row in rows}) == 1


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("place", [0.0, 0.5, 0.99])
def test_a_changed_byte_of_code_is_found_although_the_file_agrees_with_it(
    chain: services.Chain, deployment: Deployment, run: Run, role: str, place: float
) -> None:
    source = compiled_once()[role]
    address = getattr(deployment, role)
    code = bytearray.fromhex(chain.rpc("eth_getCode", address, "latest")[2:])
    at = int(place * len(code))
    covered = {i for start, length in source.immutables for i in range(start, start + length)}
    while at in covered:
        at += 1
    code[at] ^= 1
    snapshot = chain.rpc("evm_snapshot")
    chain.rpc("anvil_setCode", address, f"0x{code.hex()}")
    told = {**deployment.code, role: f"0x{keccak(bytes(code)).hex()}"}
    exit_code, text = run(replace(deployment, code=told))
    chain.rpc("evm_revert", snapshot)
    assert exit_code == 8
    assert f"{role} code" in wrong(text)
    assert f"{role} code hash" not in wrong(text)


@pytest.mark.parametrize("role", ROLES)
def test_a_changed_immutable_is_found_by_its_getter_or_by_the_hash(
    chain: services.Chain, deployment: Deployment, run: Run, role: str
) -> None:
    start, length = compiled_once()[role].immutables[-1]
    address = getattr(deployment, role)
    code = bytearray.fromhex(chain.rpc("eth_getCode", address, "latest")[2:])
    code[start + length - 1] ^= 1
    snapshot = chain.rpc("evm_snapshot")
    chain.rpc("anvil_setCode", address, f"0x{code.hex()}")
    exit_code, text = run(deployment)
    chain.rpc("evm_revert", snapshot)
    assert exit_code == 8
    assert f"{role} code hash" in wrong(text)


@pytest.mark.parametrize(("contract", "role"), [("DataMarket", "market"), ("ProviderStake", "stake")])
def test_the_same_instructions_from_other_sources_are_not_ours(
    chain: services.Chain, run: Run, monkeypatch: pytest.MonkeyPatch, contract: str, role: str
) -> None:
    def doctored(name: str) -> artifacts.Artifact:
        found = artifacts.artifact(name)
        if name != contract:
            return found
        return replace(found, bytecode=found.bytecode[:-20] + bytes(1) + found.bytecode[-19:])

    monkeypatch.setattr(deploying, "artifact", doctored)
    exit_code, text = run(deploying.deploy(chain.url, DEPLOYER))
    assert (exit_code, wrong(text)) == (8, [f"{role} code", f"{role} creation"])
    assert "the same instructions from other sources" in text


def test_another_chain_is_named_and_nothing_else_is_looked_at(deployment: Deployment, run: Run) -> None:
    exit_code, text = run(replace(deployment, chain=1))
    assert (exit_code, wrong(text)) == (8, ["chain"])
    assert "the node is on chain 31337, the file is of chain 1" in text


@pytest.mark.parametrize("role", ROLES)
def test_an_address_without_a_contract_is_named(deployment: Deployment, run: Run, role: str) -> None:
    exit_code, text = run(replace(deployment, **{role: NOWHERE}))  # type: ignore[arg-type]
    assert exit_code == 8
    assert f"{role} code" in wrong(text)
    assert f"there is no contract at {NOWHERE}" in text


@pytest.mark.parametrize(
    ("role", "word", "finding"),
    [
        ("stake", 0, "stake token"), ("stake", 1, "stake market"), ("stake", 2, "stake unit"),
        ("stake", 3, "stake exitDelay"), ("market", 0, "market stake"), ("market", 1, "market bounds"),
        ("market", 7, "market bounds"),
    ],
)  # fmt: skip
def test_other_constructor_arguments_than_recorded_are_found_twice(
    deployment: Deployment, run: Run, role: str, word: int, finding: str
) -> None:
    given = bytearray.fromhex(deployment.arguments[role][2:])
    given[32 * word + 31] ^= 1
    exit_code, text = run(replace(deployment, arguments={**deployment.arguments, role: f"0x{given.hex()}"}))
    assert (exit_code, wrong(text)) == (8, [f"{role} creation", finding])


@pytest.mark.parametrize("arguments", ["0x", "0x" + "ff" * 128])
def test_what_is_recorded_but_is_no_argument_is_found(
    deployment: Deployment, run: Run, arguments: str
) -> None:
    exit_code, text = run(replace(deployment, arguments={**deployment.arguments, "stake": arguments}))
    assert (exit_code, wrong(text)) == (8, ["stake creation", "stake arguments"])


def test_a_market_with_another_token_than_the_file_says_is_found(deployment: Deployment, run: Run) -> None:
    exit_code, text = run(replace(deployment, token=NOWHERE))
    assert (exit_code, wrong(text)) == (8, ["stake token"])
    assert f"elsewhere the file says {NOWHERE}" in text


@pytest.mark.parametrize("role", ROLES)
def test_the_creation_of_another_contract_or_none_is_found(
    deployment: Deployment, run: Run, role: str
) -> None:
    other = deployment.created["stake" if role == "market" else "market"]
    exit_code, text = run(replace(deployment, created={**deployment.created, role: other}))
    assert (exit_code, wrong(text)) == (8, [f"{role} creation"])
    exit_code, text = run(replace(deployment, created={**deployment.created, role: "0x" + "12" * 32}))
    assert (exit_code, wrong(text)) == (8, [f"{role} creation"])
    assert "the node does not know the transaction" in text


def test_a_first_block_after_the_creation_is_found_since_it_hides_events(
    deployment: Deployment, run: Run
) -> None:
    exit_code, text = run(replace(deployment, block=10**6))
    assert (exit_code, wrong(text)) == (8, ["first block"])


def test_no_file_and_no_node_have_exit_codes_of_their_own(
    deployment: Deployment,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verify_deployment, "compile_contracts", compiled_once)
    file = tmp_path / "deployment.json"
    assert main([str(file), "http://127.0.0.1:1"]) == 2
    save_deployment(file, deployment)
    assert main([str(file), f"http://127.0.0.1:{services.free_port()}"]) == 6
    assert "does not answer" in capsys.readouterr().err
