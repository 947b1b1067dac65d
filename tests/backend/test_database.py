"""The index file: whose it is, what is wrong with it, and a disk without room."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sample_market import SampleMarket
from sqlalchemy import event

from hexchange.chain.deployment import Deployment
from hexchange.errors import DatabaseUnusable, DiskFull
from hexchange.market.fold import fold
from hexchange_backend.database import Database
from hexchange_backend.indexer import Indexer


@pytest.fixture
def deployment(market: SampleMarket) -> Deployment:
    return market.contracts.deployment


@pytest.fixture
def database(tmp_path: Path, deployment: Deployment) -> Iterator[Database]:
    made = Database(tmp_path / "deep" / "index.sqlite", deployment)
    yield made
    made.close()


def test_events_come_back_as_they_were_stored(market: SampleMarket, database: Database) -> None:
    Indexer(market.contracts, database).update()
    told = market.state
    assert fold(database.events()) == told
    assert len({type(each) for job in told.jobs.values() for each in job.timeline}) > 12


@pytest.mark.parametrize("change", [{"chain": 5}, {"market": "0x" + "11" * 20}, {"block": 0}])
def test_the_file_of_another_market_is_refused(
    database: Database, deployment: Deployment, change: dict[str, object]
) -> None:
    with pytest.raises(DatabaseUnusable, match="is the index of market") as caught:
        Database(database.path, replace(deployment, **change))  # type: ignore[arg-type]
    assert caught.value.hint == "give each market a file of its own"


def test_the_file_of_another_program_is_refused_and_untouched(tmp_path: Path, deployment: Deployment) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE sends (nonce INTEGER)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(DatabaseUnusable, match="another program"):
        Database(path, deployment)
    assert path.read_bytes() == before


@pytest.mark.parametrize("where", ["text", "folder", "below a file"])
def test_what_is_no_database_is_refused(tmp_path: Path, deployment: Deployment, where: str) -> None:
    (tmp_path / "text").write_text("no database at all, but quite a long text" * 100)
    path = {
        "text": tmp_path / "text",
        "folder": tmp_path,
        "below a file": tmp_path / "text" / "index.sqlite",
    }[where]
    with pytest.raises(DatabaseUnusable, match="cannot be used") as caught:
        Database(path, deployment)
    assert "delete it" in caught.value.hint


def test_a_full_disk_loses_nothing_and_the_index_goes_on_when_there_is_room(
    market: SampleMarket, database: Database
) -> None:
    pages = [12]

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages[0]}")

    event.listen(database.engine, "checkout", lambda connection, record, _proxy: limit(connection, record))
    indexer = Indexer(market.contracts, database)
    for _ in range(2):
        with pytest.raises(DiskFull, match="no room"):
            indexer.update()
        assert database.dump() == []
        assert indexer.view.block is None
    pages[0] = 1 << 20
    indexer.update()
    assert indexer.view.state == market.state


def test_a_damaged_file_is_an_error_with_a_next_step(market: SampleMarket, database: Database) -> None:
    indexer = Indexer(market.contracts, database)
    indexer.update()
    database.close()
    size = database.path.stat().st_size
    with database.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(DatabaseUnusable, match="cannot be used"):
        Indexer(market.contracts, database)
