"""A small SQLite file of the owner's: what a transaction wrote is on disk when it ends, or nothing of it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hexchange.errors import DiskFull, HexchangeError, StateUnusable


class StateFile:
    """Used by one thread; several processes may have the file open. Made readable by its owner alone."""

    def __init__(self, path: Path, schema: str) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self._path = path
        self.database = sqlite3.connect(path, timeout=30, isolation_level=None)
        self.database.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"
        )
        self.database.executescript(schema)

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Every row that a query finds."""
        return self.database.execute(query, parameters).fetchall()

    def row(self, query: str, parameters: Sequence[Any] = ()) -> Any:
        """The first row that a query finds, or None."""
        return self.database.execute(query, parameters).fetchone()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing, alone in the file, durable at the end. Raises DiskFull, StateUnusable."""
        try:
            self.database.execute("BEGIN IMMEDIATE")
            yield self.database
            self.database.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            raise self._unusable(error) from error
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        if self.database.in_transaction:
            self.database.execute("ROLLBACK")

    def _unusable(self, error: sqlite3.Error) -> HexchangeError:
        if "full" in str(error):
            hint = "free some space and repeat: nothing was lost, nothing is done twice"
            return DiskFull(f"no room to write {self._path}", hint=hint)
        return StateUnusable(
            f"{self._path}: {error}", hint="see that the file is yours to write, and undamaged"
        )

    def close(self) -> None:
        self.database.close()
