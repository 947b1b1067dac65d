"""The market at the head and at the finalized block, on a chain that takes blocks back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import services
from hexchange.chain.contracts import Contracts, connect
from hexchange.chain.deploy import deploy
from hexchange.chain.sender import Sender
from hexchange.chain.wallet import Wallet
from hexchange.errors import FinalityBroken
from hexchange.follower import Follower

FUNDED = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
"""The published key of anvil's first account."""


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[services.Chain]:
    with services.anvil(tmp_path / "chain") as running:
        running.rpc("evm_setIntervalMining", 0)
        running.rpc("evm_setAutomine", True)
        yield running


@pytest.fixture
def contracts(chain: services.Chain) -> Contracts:
    return connect(chain.url, deploy(chain.url, Wallet(FUNDED)))


def listed(contracts: Contracts, folder: Path, manifests: range) -> None:
    with Sender(folder / "sends.sqlite", Wallet(FUNDED), contracts) as sender:
        for number in manifests:
            call = contracts.calls.list_dataset(bytes([number]) * 32, 0, 0)
            sender.send(f"list:{number}", call)


def test_what_left_the_chain_leaves_the_state_and_what_is_final_stays(
    chain: services.Chain, contracts: Contracts, tmp_path: Path
) -> None:
    listed(contracts, tmp_path, range(1, 3))
    chain.rpc("anvil_mine", hex(20))
    follower = Follower(contracts)
    follower.update()
    assert set(follower.final.datasets) == {1, 2}
    listed(contracts, tmp_path, range(3, 5))
    follower.update()
    assert (set(follower.state.datasets), set(follower.final.datasets)) == ({1, 2, 3, 4}, {1, 2})
    chain.rpc("anvil_reorg", 2, [])
    follower.update()
    fresh = Follower(contracts)
    fresh.update()
    assert follower.state == fresh.state
    assert set(follower.state.datasets) == {1, 2}
    assert follower.block == fresh.block


def test_a_final_branch_that_was_not_read_is_not_folded(
    chain: services.Chain, contracts: Contracts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = Follower(contracts)
    follower.update()
    before = set(follower.final.datasets)
    listed(contracts, tmp_path, range(1, 2))
    honest = follower.reader.tip
    monkeypatch.setattr(follower.reader, "tip", lambda _finality: replace(honest("latest"), hash=bytes(32)))
    follower.update()
    assert (set(follower.state.datasets), set(follower.final.datasets)) == ({1}, before)
    monkeypatch.setattr(follower.reader, "tip", lambda _finality: honest("latest"))
    follower.update()
    assert set(follower.final.datasets) == {1}


@pytest.mark.parametrize("finality", ["latest", "finalized"])
def test_a_chain_that_takes_final_blocks_back_is_read_anew_only_where_latest_counts_as_final(
    chain: services.Chain, contracts: Contracts, tmp_path: Path, finality: str
) -> None:
    listed(contracts, tmp_path, range(1, 2))
    chain.rpc("anvil_mine", hex(12))
    own = connect(chain.url, replace(contracts.deployment, finality=finality))
    follower = Follower(own)
    follower.update()
    assert set(follower.final.datasets) == {1}
    chain.rpc("anvil_reorg", 14, [])
    if finality == "finalized":
        with pytest.raises(FinalityBroken):
            follower.update()
    else:
        follower.update()
        assert follower.state.datasets == follower.final.datasets == {}
