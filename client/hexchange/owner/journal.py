"""What the owner's side did and knows of one market, in SQLite: signed offers, own runs, sealed results.

Each row is on disk before its effect is visible to anybody, so that a repeated step finds it and repeats the
same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hexchange.chain.deployment import Deployment
from hexchange.evaluation import Evaluated
from hexchange.market import documents
from hexchange.market.messages import Offers, SignedOffer
from hexchange.owner.state import StateFile

SCHEMA = """
CREATE TABLE IF NOT EXISTS offers (
    digest BLOB PRIMARY KEY, signed BLOB NOT NULL, published INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS runs (
    job INTEGER PRIMARY KEY, seeds BLOB NOT NULL, digest BLOB NOT NULL, salted BLOB NOT NULL,
    manifest BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS outputs (
    job INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, place INTEGER NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (job, place)
) STRICT;
CREATE TABLE IF NOT EXISTS prints (print BLOB PRIMARY KEY, source BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sealed (
    job INTEGER PRIMARY KEY, ciphertext BLOB NOT NULL, sealed_key BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS claims (job INTEGER PRIMARY KEY, asked BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS refusals (job INTEGER PRIMARY KEY, code TEXT NOT NULL, reason TEXT NOT NULL)
STRICT;
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a job is declined: the error's stable name and its words."""

    code: str
    reason: str


def books(home: Path, deployment: Deployment) -> Path:
    """The folder of an owner's ledger and journal for one market."""
    return home / "releases" / f"{deployment.chain}-{deployment.market.lower()}"


class Journal:
    """Used by one thread; several processes may have it open."""

    def __init__(self, path: Path) -> None:
        self._file = StateFile(path, SCHEMA)

    def close(self) -> None:
        self._file.close()

    # --- offers -----------------------------------------------------------------------------------

    def keep_offer(self, digest: bytes, signed: SignedOffer) -> None:
        """Remember what was signed; durable before the signature leaves."""
        with self._file.transaction() as database:
            row = (digest, documents.encode(Offers((signed,))))
            database.execute("INSERT OR IGNORE INTO offers (digest, signed) VALUES (?, ?)", row)

    def offer(self, digest: bytes) -> SignedOffer | None:
        """The offer with this EIP-712 digest, if it was signed here."""
        row = self._file.row("SELECT signed FROM offers WHERE digest = ?", (digest,))
        return documents.parse(Offers, row[0]).offers[0] if row else None

    def published(self, digest: bytes) -> None:
        """Note that an offer was given away: equal terms are from now on another offer."""
        with self._file.transaction() as database:
            database.execute("UPDATE offers SET published = 1 WHERE digest = ?", (digest,))

    def unpublished(self) -> list[SignedOffer]:
        """Offers that were signed and, as far as is known here, given to nobody."""
        rows = self._file.rows("SELECT signed FROM offers WHERE published = 0 ORDER BY rowid")
        return [documents.parse(Offers, signed).offers[0] for (signed,) in rows]

    def offers(self) -> dict[bytes, SignedOffer]:
        """Every offer signed here, by its digest."""
        rows = self._file.rows("SELECT digest, signed FROM offers ORDER BY rowid")
        return {digest: documents.parse(Offers, signed).offers[0] for digest, signed in rows}

    # --- own runs ---------------------------------------------------------------------------------

    def keep_run(self, job: int, seeds: tuple[bytes, ...], run: Evaluated) -> None:
        """Keep the owner's own run of a job under these seeds."""
        row = (job, b"".join(seeds), run.digest, run.salted, run.manifest)
        with self._file.transaction() as database:
            database.execute("DELETE FROM runs WHERE job = ?", (job,))
            database.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", row)
            outputs = ((job, place, output) for place, output in enumerate(run.outputs))
            database.executemany("INSERT INTO outputs VALUES (?, ?, ?)", outputs)

    def run(self, job: int, seeds: tuple[bytes, ...]) -> Evaluated | None:
        """The owner's own run, without its outputs, if it was made under `seeds` or the first of them."""
        query = "SELECT seeds, digest, salted, manifest FROM runs WHERE job = ?"
        row = self._file.row(query, (job,))
        if row is None or not b"".join(seeds).startswith(row[0]):
            return None
        _, digest, salted, manifest = row
        return Evaluated(digest, salted, manifest, ())

    def outputs(self, job: int) -> tuple[bytes, ...]:
        """The ciphertexts of the own run."""
        query = "SELECT bytes FROM outputs WHERE job = ? ORDER BY place"
        return tuple(output for (output,) in self._file.rows(query, (job,)))

    def jobs(self) -> list[int]:
        """The jobs whose run is kept."""
        return [job for (job,) in self._file.rows("SELECT job FROM runs ORDER BY job")]

    def forget_run(self, job: int) -> None:
        """Drop the bytes of a run that nothing needs any more."""
        with self._file.transaction() as database:
            database.execute("DELETE FROM runs WHERE job = ?", (job,))

    # --- prints of opened results -----------------------------------------------------------------

    def source(self, print_: bytes) -> bytes | None:
        """What the polynomial with this print was computed as, if it was part of an earlier result."""
        row = self._file.row("SELECT source FROM prints WHERE print = ?", (print_,))
        return row[0] if row else None

    def keep_prints(self, sources: dict[bytes, bytes]) -> None:
        """Remember the polynomials of a result that is opened: print -> what it was computed as."""
        with self._file.transaction() as database:
            database.executemany("INSERT OR IGNORE INTO prints VALUES (?, ?)", sources.items())

    # --- sealed results ---------------------------------------------------------------------------

    def claim(self, job: int, asked: bytes) -> bool:
        """Whether the release of this number is for `asked`: the first claim stays for good."""
        with self._file.transaction() as database:
            database.execute("INSERT OR IGNORE INTO claims VALUES (?, ?)", (job, asked))
        row = self._file.row("SELECT asked FROM claims WHERE job = ?", (job,))
        return row is not None and row[0] == asked

    def keep_sealed(self, job: int, ciphertext: bytes, sealed_key: bytes) -> None:
        """Keep what is about to be published for a job: the first one stays for good."""
        with self._file.transaction() as database:
            database.execute("INSERT OR IGNORE INTO sealed VALUES (?, ?, ?)", (job, ciphertext, sealed_key))

    def sealed(self, job: int) -> tuple[bytes, bytes] | None:
        """Ciphertext and sealed key of a job's release, if noise was drawn for it already."""
        query = "SELECT ciphertext, sealed_key FROM sealed WHERE job = ?"
        row = self._file.row(query, (job,))
        return (row[0], row[1]) if row else None

    # --- refusals ---------------------------------------------------------------------------------

    def refuse(self, job: int, code: str, reason: str) -> None:
        """Remember why a job is declined: the first reason stays."""
        with self._file.transaction() as database:
            database.execute("INSERT OR IGNORE INTO refusals VALUES (?, ?, ?)", (job, code, reason))

    def refusal(self, job: int) -> Refusal | None:
        """Why the job is declined, if it is."""
        row = self._file.row("SELECT code, reason FROM refusals WHERE job = ?", (job,))
        return Refusal(*row) if row else None
