"""What an account has sent and will send: one SQLite file, durable before anything leaves the machine.

A row of `sends` is one nonce and one intent; `signed` holds every signed form of it, oldest first. Several
processes may share the file: a nonce is given out inside one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hexchange.chain.events import BlockRef
from hexchange.errors import DiskFull, HexchangeError, OtherHistory, StateUnusable

SENT, MINED, FAILED, EXPIRED, DISPLACED = "sent", "mined", "failed", "expired", "displaced"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS history (genesis BLOB NOT NULL, sender TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sends (
  nonce INTEGER PRIMARY KEY, intent TEXT NOT NULL, function TEXT NOT NULL,
  target TEXT NOT NULL, data BLOB NOT NULL, value TEXT NOT NULL, gas INTEGER NOT NULL, deadline INTEGER,
  state TEXT NOT NULL, final INTEGER NOT NULL DEFAULT 0, told INTEGER NOT NULL DEFAULT 0,
  tx BLOB, block INTEGER, block_hash BLOB, block_time INTEGER, gas_used INTEGER, gas_price TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS one_intent ON sends (intent) WHERE state IN ('sent', 'mined');
CREATE TABLE IF NOT EXISTS signed (
  tx BLOB PRIMARY KEY, nonce INTEGER NOT NULL REFERENCES sends, raw BLOB NOT NULL,
  max_fee TEXT NOT NULL, priority TEXT NOT NULL, empty INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Send:
    """One nonce: what is sent with it, and what became of it. Block and gas are None until it is in a block.

    `state`: sent (not in a block), mined, failed (reverted), expired (its deadline passed and an empty
    transaction took the nonce) or displaced (the account used the nonce elsewhere). `final`: no
    reorganisation undoes it.
    """

    nonce: int
    intent: str
    function: str
    target: str
    data: bytes
    value: int
    gas: int
    deadline: int | None
    state: str
    final: bool
    tx: bytes | None
    block: BlockRef | None
    gas_used: int | None
    gas_price: int | None


@dataclass(frozen=True, slots=True)
class Signed:
    """Signed bytes of a send; `empty` marks the transaction to oneself that only uses up the nonce."""

    tx: bytes
    nonce: int
    raw: bytes
    max_fee: int
    priority: int
    empty: bool


class Outbox:
    """The file. Raises OtherHistory where it was written for another chain that has the same id."""

    def __init__(self, path: Path, genesis: bytes, sender: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
        with self.exclusive():
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            known = self._db.execute("SELECT genesis, sender FROM history").fetchone()
            if known is None:
                self._db.execute("INSERT INTO history VALUES (?, ?)", (genesis, sender))
        if known not in (None, (genesis, sender)):
            self.close()
            raise OtherHistory(
                f"{path} belongs to another chain or account",
                hint="if the local chain was started anew, use another --home; else check --rpc-url",
            )

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One transaction that no other process shares; all of it or nothing is on disk afterwards."""
        try:
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            raise self._unusable(error) from None
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _unusable(self, error: sqlite3.Error) -> HexchangeError:
        if "full" in str(error):
            return DiskFull(
                f"no room for {self._path}; nothing was sent", hint="free some space and try again"
            )
        return StateUnusable(
            f"{self._path}: {error}", hint="see that the file is yours to write, and undamaged"
        )

    def live(self, intent: str) -> Send | None:
        """The send that is under way or done for this intent."""
        found = self._select("intent = ? AND state IN ('sent', 'mined')", intent)
        return found[0] if found else None

    def last(self, intent: str) -> Send | None:
        """The newest send of this intent, whatever became of it."""
        found = self._select("intent = ?", intent)
        return found[-1] if found else None

    def once(self, prefix: str) -> str:
        """The intent below `prefix` whose end nobody was told yet, else a new one."""
        below = self._select("substr(intent, 1, length(?1) + 1) = ?1 || ':'", prefix)
        told = {nonce for (nonce,) in self._db.execute("SELECT nonce FROM sends WHERE told = 1")}
        for send in below:
            if send.state in (SENT, MINED) and send.nonce not in told:
                return send.intent
        return f"{prefix}:{len(below)}"

    def told(self, intent: str) -> None:
        """Somebody knows how this intent ended."""
        self._db.execute("UPDATE sends SET told = 1 WHERE intent = ?", (intent,))

    def unsettled(self) -> list[Send]:
        """Everything that a new block may still change, by nonce."""
        return self._select("final = 0")

    def all(self) -> list[Send]:
        return self._select("1 = 1")

    def next_nonce(self) -> int:
        (highest,) = self._db.execute("SELECT MAX(nonce) FROM sends").fetchone()
        return 0 if highest is None else highest + 1

    def has_nonce(self, nonce: int) -> bool:
        return bool(self._select("nonce = ?", nonce))

    def add(self, send: Send, signed: Signed) -> None:
        """Keep a new send with its first signed bytes; call it inside `exclusive`."""
        self._db.execute(
            "INSERT INTO sends (nonce, intent, function, target, data, value, gas, deadline, state)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (send.nonce, send.intent, send.function, send.target, send.data, str(send.value), send.gas,
             send.deadline, send.state),
        )  # fmt: skip
        self.add_signed(signed)

    def add_signed(self, signed: Signed) -> None:
        """Keep another signed form of a send: a replacement with a higher fee, or an empty one."""
        self._db.execute(
            "INSERT INTO signed VALUES (?, ?, ?, ?, ?, ?)",
            (signed.tx, signed.nonce, signed.raw, str(signed.max_fee), str(signed.priority), signed.empty),
        )

    def signed(self, nonce: int) -> list[Signed]:
        """Every signed form of a send, newest first."""
        rows = self._db.execute("SELECT * FROM signed WHERE nonce = ? ORDER BY rowid DESC", (nonce,))
        return [
            Signed(tx, nonce, raw, int(max_fee), int(priority), bool(empty))
            for tx, nonce, raw, max_fee, priority, empty in rows
        ]

    def mined(
        self, nonce: int, state: str, tx: bytes, block: BlockRef, gas_used: int, gas_price: int
    ) -> None:
        """Record the block that a send is in."""
        self._db.execute(
            "UPDATE sends SET state = ?, tx = ?, block = ?, block_hash = ?, block_time = ?, gas_used = ?,"
            " gas_price = ? WHERE nonce = ?",
            (state, tx, block.number, block.hash, block.timestamp, gas_used, str(gas_price), nonce),
        )

    def reopened(self, nonce: int) -> None:
        """The block of a send left the chain: it is to be sent again.

        Where its intent was taken up by a later send, only its nonce is: a deadline of 0 says so.
        """
        self._db.execute(
            "UPDATE sends SET intent = intent || '#' || nonce, deadline = 0 WHERE nonce = ? AND EXISTS"
            " (SELECT 1 FROM sends o WHERE o.intent = sends.intent AND o.nonce > sends.nonce)",
            (nonce,),
        )
        self._db.execute(
            "UPDATE sends SET state = 'sent', tx = NULL, block = NULL, block_hash = NULL, block_time = NULL,"
            " gas_used = NULL, gas_price = NULL WHERE nonce = ?",
            (nonce,),
        )

    def displaced(self, nonce: int) -> None:
        self._db.execute("UPDATE sends SET state = 'displaced', final = 1 WHERE nonce = ?", (nonce,))

    def finalized(self, number: int) -> None:
        """Nothing undoes what is in a block up to this number."""
        self._db.execute("UPDATE sends SET final = 1 WHERE final = 0 AND block <= ?", (number,))

    def _select(self, where: str, *values: object) -> list[Send]:
        rows = self._db.execute(f"SELECT * FROM sends WHERE {where} ORDER BY nonce", values)  # noqa: S608
        return [_send(row) for row in rows]


def _send(row: tuple[Any, ...]) -> Send:
    (nonce, intent, function, target, data, value, gas, deadline, state, final, _told,
     tx, block, block_hash, block_time, gas_used, gas_price) = row  # fmt: skip
    ref = None if block is None else BlockRef(int(block), block_hash, int(block_time))
    return Send(
        nonce, intent, function, target, data, int(value), gas, deadline, state, bool(final),
        tx, ref, gas_used, None if gas_price is None else int(gas_price),
    )  # fmt: skip
