"""What the backend stores: proven blocks, their events, and documents that were read from storage.

Events hang from their block and die with it. Everything else a reader sees is a fold of the events, so deleting
this file and starting again gives the same answers. Documents are named by their digest and depend on no block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import GenericAlias
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    insert,
    select,
)
from sqlalchemy.exc import DatabaseError

from hexchange.chain.deployment import Deployment
from hexchange.chain.events import EVENTS, BlockRef, Event
from hexchange.chain.reader import Block
from hexchange.errors import DatabaseUnusable, DiskFull

APPLICATION = 0x48584942
"""SQLite's application id of our files. Another layout of the tables takes another one."""

KEPT_BLOCKS = 256
"""Blocks without events are needed to find where a reorganisation began, and only for so long."""

metadata = MetaData()

market = Table(
    "market", metadata,
    Column("chain", Integer, nullable=False),
    Column("address", String, nullable=False),
    Column("block", Integer, nullable=False),
)  # fmt: skip

blocks = Table(
    "blocks", metadata,
    Column("number", Integer, primary_key=True),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    Column("timestamp", Integer, nullable=False),
)  # fmt: skip

events = Table(
    "events", metadata,
    Column("block", LargeBinary(32), ForeignKey("blocks.hash", ondelete="CASCADE"), primary_key=True),
    Column("log_index", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
)  # fmt: skip

documents = Table(
    "documents", metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)  # fmt: skip


class Database:
    """One SQLite file of one market. What a method wrote is on disk when it returns, whole or not at all.

    Every method raises DiskFull where there is no room, and DatabaseUnusable where the file is damaged, cannot be
    written or is not ours.
    """

    def __init__(self, path: Path, deployment: Deployment) -> None:
        self.path = path
        self.engine = create_engine(f"sqlite:///{path}")
        event.listen(self.engine, "connect", _configure)
        with self._edge():
            path.parent.mkdir(parents=True, exist_ok=True)
            with self.engine.begin() as connection:
                self._claim(connection, deployment)

    def extend(self, found: Sequence[Block]) -> None:
        """Add the next blocks with their events, and forget old blocks without any."""
        rows = [_row(each) for block in found for each in block.events]
        first, last = found[0].ref.number - KEPT_BLOCKS, found[-1].ref.number - KEPT_BLOCKS
        old = blocks.c.number.between(first, last) & blocks.c.hash.not_in(select(events.c.block))
        with self._edge(), self.engine.begin() as connection:
            connection.execute(insert(blocks), [_block(block.ref) for block in found])
            if rows:
                connection.execute(insert(events), rows)
            connection.execute(delete(blocks).where(old))

    def drop_above(self, number: int) -> None:
        """Forget every block above `number`, and with it all that came from it."""
        with self._edge(), self.engine.begin() as connection:
            connection.execute(delete(blocks).where(blocks.c.number > number))

    def newest(self, count: int) -> list[BlockRef]:
        """The stored blocks, newest first, at most `count`."""
        query = select(blocks).order_by(blocks.c.number.desc()).limit(count)
        with self._edge(), self.engine.connect() as connection:
            return [BlockRef(row.number, row.hash, row.timestamp) for row in connection.execute(query)]

    def events(self) -> Iterator[Event]:
        """Every stored event in the order of the chain."""
        joined = select(events.c.name, events.c.body).join(blocks, blocks.c.hash == events.c.block)
        query = joined.order_by(blocks.c.number, events.c.log_index)
        with self._edge(), self.engine.connect() as connection:
            for row in connection.execute(query):
                yield _form(row.name).validate_json(row.body)[0]

    def document(self, digest: bytes) -> bytes | None:
        """A document kept before, by the sha-256 of its bytes."""
        query = select(documents.c.body).where(documents.c.digest == digest)
        with self._edge(), self.engine.connect() as connection:
            found: bytes | None = connection.execute(query).scalar()
            return found

    def keep(self, digest: bytes, body: bytes) -> None:
        """Keep a verified document."""
        query = insert(documents).prefix_with("OR IGNORE").values(digest=digest, body=body)
        with self._edge(), self.engine.begin() as connection:
            connection.execute(query)

    def dump(self) -> list[tuple[Any, ...]]:
        """Every row that comes from the chain, in a fixed order: two indexes are equal if their dumps are."""
        order = {blocks: ("number",), events: ("block", "log_index")}
        queries = [
            select(table).order_by(*(table.c[name] for name in names)) for table, names in order.items()
        ]
        with self._edge(), self.engine.connect() as connection:
            return [tuple(row) for query in queries for row in connection.execute(query)]

    def close(self) -> None:
        """Give the file back."""
        self.engine.dispose()

    def _claim(self, connection: Connection, deployment: Deployment) -> None:
        """Make the tables in an empty file; refuse one of another program or another market."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver begins by itself only for changes of rows
        found = connection.exec_driver_sql("PRAGMA application_id").scalar()
        if not connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar():
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION}")
        elif found != APPLICATION:
            raise DatabaseUnusable(
                f"{self.path} is a database of another program or of another release",
                hint="name another file",
            )
        metadata.create_all(connection)
        own = (deployment.chain, deployment.market, deployment.block)
        owner = connection.execute(select(market)).first()
        if owner is None:
            connection.execute(insert(market).values(own))
        elif tuple(owner) != own:
            raise DatabaseUnusable(
                f"{self.path} is the index of market {owner.address} on chain {owner.chain}, from block {owner.block}",
                hint="give each market a file of its own",
            )

    @contextmanager
    def _edge(self) -> Iterator[None]:
        try:
            yield
        except (DatabaseError, OSError) as error:
            reason = str(error.orig) if isinstance(error, DatabaseError) else error.strerror
            if reason == "database or disk is full":
                raise DiskFull(
                    f"no room for {self.path}", hint="make room; the index then goes on by itself"
                ) from None
            raise DatabaseUnusable(
                f"{self.path} cannot be used: {reason}",
                hint="see that it may be read and written there; else delete it, the chain gives everything back",
            ) from None


def _configure(connection: Any, _record: Any) -> None:
    for pragma in ("foreign_keys = ON", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _block(ref: BlockRef) -> dict[str, Any]:
    return {"number": ref.number, "hash": ref.hash, "timestamp": ref.timestamp}


def _row(each: Event) -> dict[str, Any]:
    name = type(each).__name__
    body = _form(name).dump_json((each,))
    return {"block": each.at.block.hash, "log_index": each.at.log_index, "name": name, "body": body}


@cache
def _form(name: str) -> TypeAdapter[tuple[Event]]:
    """An event as JSON, bytes in hex. The tuple is there because a dataclass itself takes no such setting."""
    kind: Any = GenericAlias(tuple, (EVENTS[name],))
    return TypeAdapter(kind, config=ConfigDict(ser_json_bytes="hex", val_json_bytes="hex"))
