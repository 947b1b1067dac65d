"""What the backend stores: proven blocks, their events, and documents that were read from storage.

Events hang from their block and die with it. Everything else a reader sees is a fold of the events, so deleting
this file and starting again gives the same answers. Documents are named by their digest and depend on no block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from sqlalchemy import (
    JSON,
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
from hexchange.chain.events import EVENTS, BlockRef, Event, EventRef, Offer, Terms
from hexchange.chain.reader import Block
from hexchange.errors import DatabaseUnusable

metadata = MetaData()

market = Table(
    "market", metadata,
    Column("chain", Integer, primary_key=True),
    Column("address", String, primary_key=True),
    Column("block", Integer, nullable=False),
)  # fmt: skip

blocks = Table(
    "blocks", metadata,
    Column("number", Integer, primary_key=True),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    Column("parent", LargeBinary(32), nullable=False),
    Column("timestamp", Integer, nullable=False),
)  # fmt: skip

events = Table(
    "events", metadata,
    Column("block", LargeBinary(32), ForeignKey("blocks.hash", ondelete="CASCADE"), primary_key=True),
    Column("log_index", Integer, primary_key=True),
    Column("tx", LargeBinary(32), nullable=False),
    Column("contract", String, nullable=False),
    Column("name", String, nullable=False),
    Column("fields", JSON, nullable=False),
)  # fmt: skip

documents = Table(
    "documents", metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)  # fmt: skip


class Database:
    """One SQLite file (WAL, synchronous) of one market."""

    def __init__(self, path: Path, deployment: Deployment) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.engine = create_engine(f"sqlite:///{path}")
        event.listen(self.engine, "connect", _configure)
        try:
            metadata.create_all(self.engine)
            self._belongs_to(deployment, path)
        except DatabaseError as error:
            raise DatabaseUnusable(
                f"{path} cannot be used as the index: {error.orig}",
                hint="delete the file and start again; the chain gives everything back",
            ) from None

    def _belongs_to(self, deployment: Deployment, path: Path) -> None:
        own = (deployment.chain, deployment.market, deployment.block)
        with self.engine.begin() as connection:
            found = connection.execute(select(market)).first()
            if found is None:
                connection.execute(insert(market).values(chain=own[0], address=own[1], block=own[2]))
            elif tuple(found) != own:
                raise DatabaseUnusable(
                    f"{path} is the index of market {found.address} on chain {found.chain}",
                    hint="give each market its own file",
                )

    def extend(self, found: Block) -> None:
        """Add a block and its events in one transaction."""
        with self.engine.begin() as connection:
            connection.execute(
                insert(blocks).values(
                    number=found.ref.number, hash=found.ref.hash, parent=found.parent, timestamp=found.ref.timestamp
                )
            )
            rows = [_row(one) for one in found.events]
            if rows:
                connection.execute(insert(events), rows)

    def drop_above(self, number: int) -> None:
        """Forget every block above `number`, and with it all that came from it."""
        with self.engine.begin() as connection:
            connection.execute(delete(blocks).where(blocks.c.number > number))

    def newest(self, count: int | None = None) -> list[BlockRef]:
        """The stored blocks, newest first, at most `count`."""
        query = select(blocks).order_by(blocks.c.number.desc()).limit(count)
        with self.engine.connect() as connection:
            return [BlockRef(row.number, row.hash, row.timestamp) for row in connection.execute(query)]

    def events(self) -> Iterator[Event]:
        """Every stored event in the order of the chain."""
        query = (
            select(events, blocks.c.number, blocks.c.timestamp)
            .join(blocks, blocks.c.hash == events.c.block)
            .order_by(blocks.c.number, events.c.log_index)
        )
        with self.engine.connect() as connection:
            for row in connection.execute(query):
                at = EventRef(BlockRef(row.number, row.block, row.timestamp), row.tx, row.log_index, row.contract)
                yield EVENTS[row.name](at=at, **_decode(EVENTS[row.name], row.fields))

    def document(self, digest: bytes) -> bytes | None:
        """A document kept before, by the sha-256 of its bytes."""
        with self.engine.connect() as connection:
            found = connection.execute(select(documents.c.body).where(documents.c.digest == digest)).scalar()
            return None if found is None else bytes(found)

    def keep(self, digest: bytes, body: bytes) -> None:
        """Keep a verified document."""
        with self.engine.begin() as connection:
            connection.execute(insert(documents).prefix_with("OR IGNORE").values(digest=digest, body=body))

    def dump(self) -> list[tuple[Any, ...]]:
        """Every row that comes from the chain, in a fixed order: two indexes are equal if their dumps are."""
        with self.engine.connect() as connection:
            return [*_rows(connection, blocks, "number"), *_rows(connection, events, "block", "log_index")]

    def close(self) -> None:
        self.engine.dispose()


def _configure(connection: Any, _record: Any) -> None:
    for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _rows(connection: Connection, table: Table, *order: str) -> Iterable[tuple[Any, ...]]:
    query = select(table).order_by(*(table.c[name] for name in order))
    return [(table.name, *(str(value) for value in row)) for row in connection.execute(query)]


def _row(one: Event) -> dict[str, Any]:
    return {
        "block": one.at.block.hash,
        "log_index": one.at.log_index,
        "tx": one.at.tx,
        "contract": one.at.contract,
        "name": type(one).__name__,
        "fields": _encode(one),
    }


def _encode(value: Any) -> Any:
    """A struct or event as JSON values: bytes in hex, integers as text where JSON readers would lose digits."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, bool) or not isinstance(value, int):
        named = fields(value) if hasattr(value, "__dataclass_fields__") else ()
        return {item.name: _encode(getattr(value, item.name)) for item in named if item.name != "at"} or value
    return str(value)


def _decode(kind: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {name: _decode_value(hints[name], value) for name, value in values.items()}


def _decode_value(kind: Any, value: Any) -> Any:
    if kind is bytes:
        return bytes.fromhex(value)
    if kind in (Offer, Terms):
        return kind(**_decode(kind, value))
    return kind(int(value)) if isinstance(kind, type) and issubclass(kind, int) else value
