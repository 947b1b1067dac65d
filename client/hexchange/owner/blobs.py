"""What an encryption made so far: each blob is on disk here before it is put anywhere, and made once."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

from hexchange.market.manifests import Blob
from hexchange.owner.state import StateFile

SCHEMA = """
CREATE TABLE IF NOT EXISTS parts (
    edition TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, block INTEGER NOT NULL,
    waiting BLOB, cid TEXT, size INTEGER,
    PRIMARY KEY (edition, kind, name, block)
) STRICT;
CREATE TABLE IF NOT EXISTS prints (print BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One blob of an edition: an input's block, or an evaluation key (`name` is the step of a rotation)."""

    edition: str
    kind: Literal["input", "relin", "rotation"]
    name: str
    block: int


class BlobIndex:
    """The blobs of one encrypted table. A part is *waiting* until the store has it, then it has a CID."""

    def __init__(self, path: Path) -> None:
        self._file = StateFile(path, SCHEMA)

    def keep(self, part: Part, blob: bytes, prints: list[bytes]) -> None:
        """Keep a fresh blob; durable on return."""
        with self._file.transaction() as database:
            database.execute("INSERT INTO parts VALUES (?, ?, ?, ?, ?, NULL, NULL)", (*astuple(part), blob))
            database.executemany("INSERT OR IGNORE INTO prints VALUES (?)", [(one,) for one in prints])

    def waiting(self) -> list[tuple[Part, bytes]]:
        """What was made and may not be in the store yet."""
        query = "SELECT edition, kind, name, block, waiting FROM parts WHERE waiting IS NOT NULL"
        return [(Part(*row[:4]), row[4]) for row in self._file.rows(query)]

    def stored(self, part: Part, blob: Blob) -> None:
        """The store has it: remember where, forget the bytes."""
        query = (
            "UPDATE parts SET waiting = NULL, cid = ?, size = ? "
            "WHERE (edition, kind, name, block) = (?, ?, ?, ?)"
        )
        with self._file.transaction() as database:
            database.execute(query, (blob.cid, blob.size, *astuple(part)))

    def done(self) -> dict[Part, Blob]:
        """Every part that is in the store."""
        query = "SELECT edition, kind, name, block, cid, size FROM parts WHERE cid IS NOT NULL"
        return {Part(*row[:4]): Blob(row[4], row[5]) for row in self._file.rows(query)}

    def repeats(self, prints: list[bytes]) -> bool:
        """Whether any of `prints` is that of an input's polynomial."""
        query = "SELECT 1 FROM prints WHERE print = ?"
        return any(self._file.row(query, (one,)) for one in prints)

    def close(self) -> None:
        self._file.close()
