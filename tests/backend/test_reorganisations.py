"""The index against a chain that takes blocks back: equal to a fresh index, or a safe stop."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_market import BUYER, STRANGER, SampleMarket, manifest, sample_market

from hexchange.errors import NodeUnreachable, OtherHistory, StaleNode, WrongContracts
from hexchange.market.state import MarketState
from hexchange_backend.database import Database
from hexchange_backend.indexer import Indexer
from services import anvil

KILLED = Path(__file__).with_name("killed.py")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleMarket]:
    """A market whose chain the tests change, with room to take 100 blocks back."""
    with sample_market(tmp_path_factory.mktemp("ground")) as made:
        made.list_dataset(manifest())
        made.mine(120)
        yield made


class Index:
    """An indexer with a file of its own."""

    def __init__(self, market: SampleMarket, path: Path) -> None:
        self.database = Database(path, market.contracts.deployment)
        self.indexer = Indexer(market.contracts, self.database)

    def told(self) -> tuple[list[tuple[object, ...]], MarketState]:
        return self.database.dump(), self.indexer.view.state


@pytest.fixture
def index(ground: SampleMarket, tmp_path: Path) -> Iterator[Index]:
    made = Index(ground, tmp_path / "index.sqlite")
    made.indexer.update()
    yield made
    made.database.close()


def fresh(market: SampleMarket, path: Path) -> tuple[list[tuple[object, ...]], MarketState]:
    made = Index(market, path)
    made.indexer.update()
    made.database.close()
    return made.told()


def deposit(market: SampleMarket, amount: int) -> None:
    market.send(market.contracts.calls.deposit(amount), BUYER)


def reorganise(market: SampleMarket, depth: int) -> None:
    """Replace so many blocks; the first of the new ones holds a deposit, so that all differ."""
    call = market.contracts.calls.deposit(depth).fields(STRANGER)
    market.chain.rpc("anvil_reorg", depth, [[{**call, "value": "0x0", "gas": hex(500_000)}, 0]])


def test_an_index_after_a_reorganisation_equals_a_fresh_one(
    ground: SampleMarket, index: Index, tmp_path: Path
) -> None:
    for depth in range(1, 65):
        deposit(ground, depth)
        index.indexer.update()
        before = index.told()
        reorganise(ground, depth)
        index.indexer.update()
        after = index.told()
        assert after == fresh(ground, tmp_path / f"{depth}.sqlite")
        assert before[1].account(BUYER).free - after[1].account(BUYER).free >= depth, (
            "deposits die with their blocks"
        )
        assert len(set(before[0]) - set(after[0])) >= depth, (
            "so many blocks were replaced, with what hung from them"
        )
        replayed = Indexer(ground.contracts, index.database)
        assert (replayed.view.state, replayed.view.block) == (after[1], index.indexer.view.block)


def test_95_blocks_are_followed_and_96_stop_the_index(
    ground: SampleMarket, index: Index, tmp_path: Path
) -> None:
    reorganise(ground, 95)
    index.indexer.update()
    before = index.told()
    assert before == fresh(ground, tmp_path / "95.sqlite")
    reorganise(ground, 96)
    for _ in range(2):
        with pytest.raises(OtherHistory, match="more than 95 blocks"):
            index.indexer.update()
    assert index.told() == before, "nothing is written that a person has to decide"


def test_a_node_that_is_behind_takes_nothing_back(ground: SampleMarket, index: Index, tmp_path: Path) -> None:
    snapshot = ground.chain.rpc("evm_snapshot")
    deposit(ground, 1)
    ground.mine(50)
    index.indexer.update()
    before = index.told()
    ground.chain.rpc("evm_revert", snapshot)
    index.indexer.update()
    assert index.told() == before, "51 blocks behind is no proof of anything"
    ground.chain.rpc("evm_increaseTime", 7)
    ground.mine(60)
    index.indexer.update()
    assert index.told() == fresh(ground, tmp_path / "fresh.sqlite"), "another chain of more blocks is"


def test_a_node_far_behind_is_trouble_and_no_reorganisation(ground: SampleMarket, index: Index) -> None:
    snapshot = ground.chain.rpc("evm_snapshot")
    ground.mine(96)
    index.indexer.update()
    before = index.told()
    ground.chain.rpc("evm_revert", snapshot)
    with pytest.raises(StaleNode):
        index.indexer.update()
    assert index.told() == before


def test_another_chain_behind_the_same_address_is_not_followed(tmp_path: Path) -> None:
    with sample_market(tmp_path / "one") as market:
        index = Index(market, tmp_path / "index.sqlite")
        index.indexer.update()
    before, block = index.told(), index.indexer.view.block
    assert block is not None
    with anvil(tmp_path / "two", port=market.chain.port) as other:
        other.rpc("anvil_mine", hex(block.number + 10))
        with pytest.raises(WrongContracts, match="no contract"):
            index.indexer.update()
    with pytest.raises(NodeUnreachable):
        index.indexer.update()
    assert index.told() == before
    index.database.close()


def test_killed_before_any_write_and_started_again_it_is_right(
    ground: SampleMarket, index: Index, tmp_path: Path
) -> None:
    """Reading the chain for the first time, and following a reorganisation of 30 blocks."""
    deposit(ground, 1)
    index.indexer.update()
    started = tmp_path / "started.sqlite"
    index.database.close()
    shutil.copy(index.database.path, started)
    reorganise(ground, 30)
    for start in (tmp_path / "none.sqlite", started):
        command = [sys.executable, str(KILLED), ground.chain.url, str(ground.deployment_file), str(start)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) > 5, "so many times it was killed"
