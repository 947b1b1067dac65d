"""A market on a chain that is not local, by the commands that its deployer types, and verified afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address

import services
import verify_deployment
from hexchange.chain.wallet import Wallet

CHAIN = 424_242
KEY, PASSWORD = b"\x33" * 32, "a password"
DOLLARS = """
pragma solidity 0.8.37;
contract Dollars {
    string public constant name = "Dollar";
    string public constant symbol = "USD";
    uint8 public constant decimals = 6;
    uint256 public constant totalSupply = 10**15;
}
"""
"""As much of a token as a deployment asks about: nobody mints it."""
SETTINGS = {
    "account": '"deployer"', "token": '""', "unit": "1_000_000", "exit": "604_800", "finality": '"finalized"',
    "bounds": "{ min_fill = 300, max_fill = 86_400, min_compute = 600, max_compute = 604_800, "
    "min_release = 86_400, max_release = 2_592_000, naming = 21_600 }",
}  # fmt: skip


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.Chain]:
    """A chain with a number that is no local one's. Brownie remembers deployments by it, from one run to the next."""
    folder, port = tmp_path_factory.mktemp("chain"), services.free_port()
    command = [services.program("anvil"), "--port", str(port), "--chain-id", str(CHAIN), "--block-time", "1"]
    remembered = services.ROOT / "build" / "deployments" / str(CHAIN)
    shutil.rmtree(remembered, ignore_errors=True)
    with services.running(command, folder / "anvil.log") as process:
        found = services.Chain(port, process, folder / "anvil.log")
        services.wait_until(lambda: found.rpc("eth_chainId") == hex(CHAIN), process, found.log)
        yield found
    shutil.rmtree(remembered, ignore_errors=True)


@pytest.fixture(scope="module")
def token(chain: services.Chain) -> str:
    """A contract of a stranger."""
    wanted = {
        "language": "Solidity", "sources": {"Dollars.sol": {"content": DOLLARS}},
        "settings": {"outputSelection": {"*": {"*": ["evm.bytecode.object"]}}},
    }  # fmt: skip
    compiler = [str(services.ROOT / "tools" / "solc" / "solc-v0.8.37"), "--standard-json"]
    told = subprocess.run(compiler, input=json.dumps(wanted), capture_output=True, text=True, check=True)
    code = json.loads(told.stdout)["contracts"]["Dollars.sol"]["Dollars"]["evm"]["bytecode"]["object"]
    rich = chain.rpc("eth_accounts")[0]
    chain.rpc("eth_sendTransaction", {"from": rich, "to": Wallet(KEY).address, "value": hex(10**20)})
    tx = chain.rpc("eth_sendTransaction", {"from": rich, "data": f"0x{code}", "gas": hex(10**6)})
    services.wait_until(lambda: chain.rpc("eth_getTransactionReceipt", tx), chain.process, chain.log)
    return to_checksum_address(chain.rpc("eth_getTransactionReceipt", tx)["contractAddress"])


@pytest.fixture(scope="module")
def home(chain: services.Chain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which Brownie has one account and one network."""
    home = tmp_path_factory.mktemp("home")
    accounts = home / ".brownie" / "accounts"
    accounts.mkdir(parents=True)
    keystore = Account.encrypt(KEY, PASSWORD, kdf="pbkdf2", iterations=1000)
    (accounts / "deployer.json").write_text(json.dumps(keystore))
    brownie(home, "networks", "add", "live", "far", f"host={chain.url}", f"chainid={CHAIN}")
    return home


def brownie(home: Path, *words: str) -> str:
    """What Brownie says to one command; it asks for the password once."""
    told = subprocess.run(
        [str(services.ROOT / "scripts" / "brownie"), *words], input=f"{PASSWORD}\n", text=True,
        env={**os.environ, "BROWNIE_HOME": str(home)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return told.stdout


def deploy(home: Path, out: Path, **changes: str) -> str:
    settings = out.with_suffix(".toml")
    settings.write_text("\n".join(f"{key} = {value}" for key, value in (SETTINGS | changes).items()))
    return brownie(home, "run", "deploy", "public", str(settings), str(out), "--network", "far")


def test_a_public_deployment_is_verified_against_the_source(
    chain: services.Chain, token: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = deploy(home, tmp_path / "deployment.json", token=f'"{token}"')
    assert "written to" in told, told
    assert verify_deployment.main([str(tmp_path / "deployment.json"), chain.url]) == 0
    report = capsys.readouterr().out
    assert f"stake token       {token}" in report
    assert "naming 21,600" in report
    assert "VERIFIED" in report


def test_a_test_parameter_is_refused_before_anything_is_sent(
    chain: services.Chain, token: str, home: Path, tmp_path: Path
) -> None:
    sent = chain.rpc("eth_getTransactionCount", Wallet(KEY).address, "pending")
    told = deploy(home, tmp_path / "deployment.json", token=f'"{token}"', exit="10")
    assert "a public market lets stake go after 604800 seconds" in told
    assert not (tmp_path / "deployment.json").exists()
    assert chain.rpc("eth_getTransactionCount", Wallet(KEY).address, "pending") == sent
