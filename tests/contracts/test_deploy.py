"""scripts/deploy.py: what it writes, what it refuses, and that the same sources give the same code anywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import astuple, replace
from pathlib import Path

import pytest
from brownie import (
    DataMarket, MockFeeToken, MockHookToken, MockTopFeeToken, ProviderStake, chain, compile_source, web3,
)  # fmt: skip
from eth_abi import encode
from stage import NOBODY

import deploy
from build_abi import SHIPPED
from deploy import LOCAL_BOUNDS, LOCAL_EXIT, PUBLIC_BOUNDS, PUBLIC_EXIT, Refused, Settings

ROOT = Path(__file__).resolve().parents[2]
DOLLAR = 10**6
DOLLARS = """
pragma solidity 0.8.37;
contract Dollars {
    uint8 public constant decimals = 6;
    uint256 public constant totalSupply = 10**12;
}
contract Silent {
    uint256 public constant totalSupply = 10**12;
}
"""
"""As much of a token as the deployment asks about: nobody mints it, and it is no mock of ours."""


@pytest.fixture(autouse=True)
def recent_blocks(isolation):
    """The draw is tried on the last blocks; anvil forgets the states of old ones, and a revert makes them the last."""
    chain.mine(deploy.BEACON_BLOCKS)


@pytest.fixture(scope="module")
def tokens():
    return compile_source(DOLLARS, solc_version="0.8.37")


@pytest.fixture
def public(people, tokens):
    """Settings that a public chain accepts."""
    token = people["deployer"].deploy(tokens.Dollars)
    return Settings(token.address, DOLLAR, PUBLIC_EXIT, "finalized", PUBLIC_BOUNDS)


def test_a_local_deployment_is_written_whole(tmp_path):
    out = tmp_path / "deployment.json"
    deployed = deploy.main(str(out))
    assert json.loads(out.read_text()) == deployed
    assert set(deployed) == {
        "chain", "market", "stake", "token", "block", "finality", "code", "created", "arguments",
    }  # fmt: skip
    market, stake = DataMarket.at(deployed["market"]), ProviderStake.at(deployed["stake"])
    assert (market.stake(), stake.market(), stake.token()) == (stake, market, deployed["token"])
    assert deployed["chain"] == chain.id
    for name in ("market", "stake"):
        code = web3.eth.get_code(deployed[name])
        assert deployed["code"][name] == web3.to_hex(web3.keccak(code))
        assert len(code) < 24_576
    assert not [path for path in tmp_path.iterdir() if path != out]


def test_the_block_of_the_file_is_where_the_ledger_begins(tmp_path):
    deployed = deploy.main(str(tmp_path / "d.json"))
    assert not web3.eth.get_code(deployed["stake"], deployed["block"] - 1)
    assert web3.eth.get_code(deployed["stake"], deployed["block"])


@pytest.mark.parametrize("local", [True, False])
def test_what_the_constructors_were_given_is_recorded(public, stranger, local):
    deployed = deploy.deploy(public, stranger, local)
    stake = (public.token, deployed["market"], public.unit, public.exit)
    bounds = "(" + ",".join(7 * ["uint24"]) + ")"
    given = {
        "stake": encode(["address", "address", "uint96", "uint40"], stake),
        "market": encode(["address", bounds], (deployed["stake"], astuple(public.bounds))),
    }
    assert deployed["arguments"] == {name: "0x" + found.hex() for name, found in given.items()}
    for name, contract in (("market", DataMarket), ("stake", ProviderStake)):
        created = web3.eth.get_transaction(deployed["created"][name])
        assert bytes(created["input"]) == bytes.fromhex(contract.bytecode) + given[name]
        receipt = web3.eth.get_transaction_receipt(deployed["created"][name])
        assert (receipt["status"], receipt["contractAddress"]) == (1, deployed[name])


def test_good_settings_deploy_on_a_public_chain(public, stranger):
    deployed = deploy.deploy(public, stranger, local=False)
    bounds = (300, 86_400, 600, 604_800, 86_400, 2_592_000, 21_600)
    assert tuple(DataMarket.at(deployed["market"]).bounds()) == bounds
    stake = ProviderStake.at(deployed["stake"])
    assert (stake.token(), stake.unit(), stake.exitDelay()) == (public.token, DOLLAR, 604_800)


def test_another_folder_compiles_to_the_same_code(tmp_path):
    """The metadata hash stays in the code: it vouches for every byte of the sources, comments included, and it costs
    nothing to reproduce, since sources are named relative to the project. So the whole code is compared, hash and
    all, between this folder, another one, and what the Python package ships."""
    other = tmp_path / "somewhere" / "else"
    (other / "tests" / "contracts").mkdir(parents=True)
    for shared in (".tools", "node_modules", "scripts", "tools", "brownie-config.yaml"):
        (other / shared).symlink_to(ROOT / shared)
    shutil.copytree(ROOT / "contracts", other / "contracts", ignore=shutil.ignore_patterns("mocks"))
    command = [str(other / "scripts" / "brownie"), "compile"]
    told = subprocess.run(command, capture_output=True, text=True, cwd=other, env=dict(os.environ))
    assert told.returncode == 0, told.stdout + told.stderr
    for contract in (DataMarket, ProviderStake):
        built = json.loads((other / "build" / "contracts" / f"{contract._name}.json").read_text())
        shipped = json.loads((SHIPPED / f"{contract._name}.json").read_text())
        assert built["bytecode"] == contract.bytecode
        assert "0x" + built["bytecode"] == shipped["bytecode"]


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"token": NOBODY}, "zero address"),
        ({"token": "0x" + "12" * 20}, "no contract"),
        ({"unit": 0}, "unit"),
        ({"finality": "soon"}, "finality"),
    ],
)
def test_settings_that_make_no_sense_are_refused_everywhere(public, change, says, local):
    with pytest.raises(Refused, match=says):
        deploy.check(replace(public, **change), local)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"bounds": LOCAL_BOUNDS}, "windows of a test"),
        ({"bounds": replace(PUBLIC_BOUNDS, naming=60)}, "windows of a test"),
        ({"bounds": replace(PUBLIC_BOUNDS, max_release=2_592_001)}, "windows of a test"),
        ({"exit": LOCAL_EXIT}, "lets stake go"),
        ({"exit": PUBLIC_EXIT - 1}, "lets stake go"),
        ({"unit": DOLLAR - 1}, "unit of a test"),
        ({"unit": 10**12 // 15 + 1}, "whole supply"),
    ],
)
def test_test_parameters_are_refused_on_a_public_chain(public, change, says):
    with pytest.raises(Refused, match=says):
        deploy.check(replace(public, **change), local=False)
    deploy.check(replace(public, **change), local=True)


def test_the_largest_and_the_smallest_unit_that_make_sense_are_taken(public):
    for unit in (DOLLAR, 10**12 // 15):
        deploy.check(replace(public, unit=unit), local=False)


def test_every_mock_is_refused_on_a_public_chain_by_its_code(public, stage, stranger):
    mocks = {
        "MockToken": stage.token,
        "MockFeeToken": stranger.deploy(MockFeeToken),
        "MockHookToken": stranger.deploy(MockHookToken),
        "MockTopFeeToken": stranger.deploy(MockTopFeeToken, 10**12),
    }
    for name, token in mocks.items():
        with pytest.raises(Refused, match=f"is {name}: mocks are for local chains"):
            deploy.check(replace(public, token=token.address), local=False)
        deploy.check(replace(public, token=token.address), local=True)


def test_a_token_that_anybody_mints_is_refused_on_a_public_chain(public, stage, monkeypatch):
    monkeypatch.setattr(deploy, "mock_name", lambda token: None)
    with pytest.raises(Refused, match="anybody may mint"):
        deploy.check(replace(public, token=stage.token.address), local=False)


def test_a_token_without_decimals_is_refused_on_a_public_chain(public, stranger, tokens):
    silent = stranger.deploy(tokens.Silent).address
    with pytest.raises(Refused, match="does not say its decimals"):
        deploy.check(replace(public, token=silent), local=False)


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("blocks", [deploy.BEACON_BLOCKS - 1, 10**9], ids=["now and then", "always"])
def test_a_chain_with_the_same_prevrandao_in_two_blocks_is_refused(
    public, stranger, monkeypatch, blocks, local
):
    """As on a chain that repeats the beacon of a slower one, or has a constant in its place."""
    monkeypatch.setattr(web3.eth, "call", lambda fields, block: (block // blocks).to_bytes(32, "big"))
    monkeypatch.setattr(deploy, "check", lambda settings, local: None)
    with pytest.raises(Refused, match="prevrandao"):
        deploy.deploy(public, stranger, local)


def test_the_beacon_is_what_a_contract_sees(stage):
    beacon = b""
    while beacon[:1] != b"\xef":  # which no contract may start with
        chain.mine()
        beacon = bytes(web3.eth.get_block("latest")["mixHash"])
        assert bytes(web3.eth.call({"data": deploy.READ_BEACON})) == b"\x00" + beacon
    deploy.require_randomness()


def test_a_local_market_is_not_made_on_another_chain(monkeypatch):
    monkeypatch.setattr(deploy, "LOCAL_CHAINS", (5,))
    with pytest.raises(Refused, match="not a local one"):
        deploy.main("nowhere.json")


def test_settings_are_read_from_a_file(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(
        'account = "deployer"\ntoken = "0x1"\nunit = 5\nexit = 6\nfinality = "safe"\n'
        "[bounds]\nmin_fill = 1\nmax_fill = 2\nmin_compute = 3\nmax_compute = 4\nmin_release = 5\n"
        "max_release = 6\nnaming = 7\n"
    )
    settings, account = deploy.read_settings(str(path))
    assert account == "deployer"
    assert settings == Settings("0x1", 5, 6, "safe", deploy.Bounds(1, 2, 3, 4, 5, 6, 7))
