"""What a provider computed, on disk before anybody hears of it.

One row per job: the digest and the trace of round two are all that a seal needs, the output bytes are what is
published after the naming. A run is deterministic, so a lost journal costs another run and nothing else.
A run counts under the seeds that it was made with: if the chain replaces the block of a draw, it is made
again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hexchange.errors import DiskFull
from hexchange.evaluation import Evaluated

SCHEMA = """
CREATE TABLE IF NOT EXISTS evaluations (
    job INTEGER PRIMARY KEY, seeds BLOB NOT NULL, digest BLOB NOT NULL, salted BLOB NOT NULL, manifest BLOB
    NOT NULL, published INTEGER NOT NULL DEFAULT 0 ); CREATE TABLE IF NOT EXISTS outputs ( job INTEGER NOT
    NULL REFERENCES evaluations ON DELETE CASCADE, place INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY
    (job, place) );
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One evaluated job: `seeds` are those it was run under, `salted` is 32 zero bytes where that is one."""

    seeds: tuple[bytes, ...]

    digest: bytes
    salted: bytes
    published: bool


class Journal:
    """The evaluations of one provider. Used by one thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path)
        self._database.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"
        )
        self._database.executescript(SCHEMA)

    def record(self, job: int, seeds: tuple[bytes, ...], evaluated: Evaluated) -> None:
        """Keep one run; durable on return. A run for round two replaces that for round one."""
        with self._transaction() as database:
            database.execute("DELETE FROM evaluations WHERE job = ?", (job,))
            database.execute(
                "INSERT INTO evaluations (job, seeds, digest, salted, manifest) VALUES (?, ?, ?, ?, ?)",
                (job, b"".join(seeds), evaluated.digest, evaluated.salted, evaluated.manifest),
            )
            rows = ((job, place, output) for place, output in enumerate(evaluated.outputs))
            database.executemany("INSERT INTO outputs VALUES (?, ?, ?)", rows)

    def entry(self, job: int) -> Entry | None:
        """What is known of a job's run."""
        query = "SELECT seeds, digest, salted, published FROM evaluations WHERE job = ?"
        row = self._database.execute(query, (job,)).fetchone()
        if row is None:
            return None
        seeds, digest, salted, published = row
        return Entry(
            tuple(seeds[i : i + 32] for i in range(0, len(seeds), 32)), digest, salted, bool(published)
        )

    def evaluated(self, job: int) -> Evaluated | None:
        """A kept run with its bytes."""
        query = "SELECT digest, salted, manifest FROM evaluations WHERE job = ?"
        row = self._database.execute(query, (job,)).fetchone()
        if row is None:
            return None
        outputs = self._database.execute("SELECT bytes FROM outputs WHERE job = ? ORDER BY place", (job,))
        return Evaluated(row[0], row[1], row[2], tuple(output for (output,) in outputs))

    def publish(self, job: int) -> None:
        """Note that the store holds the bytes; they are not kept twice."""
        with self._transaction() as database:
            database.execute("UPDATE evaluations SET published = 1 WHERE job = ?", (job,))
            database.execute("DELETE FROM outputs WHERE job = ?", (job,))

    def jobs(self) -> list[int]:
        """The jobs with a kept run."""
        return [job for (job,) in self._database.execute("SELECT job FROM evaluations ORDER BY job")]

    def forget(self, job: int) -> None:
        """Drop what is kept of a job that is over."""
        with self._transaction() as database:
            database.execute("DELETE FROM evaluations WHERE job = ?", (job,))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._database:
                yield self._database
        except sqlite3.OperationalError as error:
            raise DiskFull(
                f"the provider's journal cannot be written: {error}",
                hint="free some space; the run is kept till then",
            ) from error

    def close(self) -> None:
        self._database.close()
