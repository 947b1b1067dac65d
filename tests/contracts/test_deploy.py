"""scripts/deploy.py: what it writes, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from brownie import DataMarket, MockFeeToken, MockTopFeeToken, ProviderStake, chain, web3
from stage import NOBODY

import deploy
from deploy import LOCAL_BOUNDS, LOCAL_EXIT, PUBLIC_BOUNDS, PUBLIC_EXIT, Refused, Settings


@pytest.fixture
def public(people):
    """Settings that a public chain accepts: the token has no `mint`."""
    return Settings(
        people["deployer"].deploy(MockTopFeeToken, 10**12).address,
        10**6,
        PUBLIC_EXIT,
        "finalized",
        PUBLIC_BOUNDS,
    )


def test_a_local_deployment_is_written_whole(tmp_path):
    out = tmp_path / "deployment.json"
    deployed = deploy.main(str(out))
    assert json.loads(out.read_text()) == deployed
    assert set(deployed) == {"chain", "market", "stake", "token", "block", "finality", "code"}
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


def test_good_settings_deploy_on_a_public_chain(public, stranger):
    deployed = deploy.deploy(public, stranger, local=False)
    assert tuple(DataMarket.at(deployed["market"]).bounds()) == (
        300,
        86_400,
        600,
        604_800,
        86_400,
        2_592_000,
        21_600,
    )


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
        ({"exit": LOCAL_EXIT}, "lets stake go"),
    ],
)
def test_test_parameters_are_refused_on_a_public_chain(public, change, says):
    with pytest.raises(Refused, match=says):
        deploy.check(replace(public, **change), local=False)
    deploy.check(replace(public, **change), local=True)


def test_a_token_that_anybody_mints_is_refused_on_a_public_chain(public, stage, stranger):
    for token in (stage.token.address, stranger.deploy(MockFeeToken).address):
        with pytest.raises(Refused, match="anybody may mint"):
            deploy.check(replace(public, token=token), local=False)


def test_a_chain_with_the_same_prevrandao_in_two_blocks_is_refused(public, stranger, monkeypatch):
    monkeypatch.setattr(web3.eth, "get_block", lambda number: {"number": 5, "mixHash": b"\7" * 32})
    with pytest.raises(Refused, match="prevrandao"):
        deploy.deploy(public, stranger, local=True)


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
