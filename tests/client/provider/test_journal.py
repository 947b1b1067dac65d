"""What a provider computed survives it, and only under the seeds it was computed with."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hexchange.errors import DiskFull
from hexchange.evaluation import Evaluated
from hexchange.provider.journal import Journal

FIRST, SECOND = bytes([1]) * 32, bytes([2]) * 32


def evaluated(salted: bytes = bytes(32)) -> Evaluated:
    manifest = b'{"kind":"result"}'
    return Evaluated(hashlib.sha256(manifest).digest(), salted, manifest, (b"one", b"two"))


def test_a_run_is_found_again_by_another_process(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.record(7, (FIRST,), evaluated())
    journal.close()
    again = Journal(tmp_path / "journal.sqlite")
    assert again.evaluated(7) == evaluated()
    entry = again.entry(7)
    assert entry
    assert entry.seeds == (FIRST,)
    assert not entry.published


def test_a_run_for_round_two_replaces_that_for_round_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.record(7, (FIRST,), evaluated())
    journal.record(7, (FIRST, SECOND), evaluated(salted=b"s" * 32))
    entry = journal.entry(7)
    assert entry
    assert entry.seeds == (FIRST, SECOND)
    assert entry.salted == b"s" * 32
    assert journal.jobs() == [7]


def test_what_the_store_holds_is_not_kept_twice(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.record(7, (FIRST,), evaluated())
    journal.publish(7)
    entry, kept = journal.entry(7), journal.evaluated(7)
    assert entry
    assert entry.published
    assert kept
    assert kept.outputs == ()
    journal.forget(7)
    assert journal.entry(7) is None
    assert journal.jobs() == []


def test_a_run_is_whole_or_absent_after_a_kill(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from hexchange.evaluation import Evaluated;"
        "from hexchange.provider.journal import Journal; journal = Journal(Path(sys.argv[1]));"
        "journal.record(1, (b'a' * 32,), Evaluated(b'd' * 32, bytes(32), b'm', (b'x',)));"
        "outputs = (os.kill(os.getpid(), signal.SIGKILL) or b'y' for _ in range(2));"
        "journal.record(2, (b'a' * 32,), Evaluated(b'd' * 32, bytes(32), b'm', outputs))"
    )
    path = tmp_path / "journal.sqlite"
    killed = subprocess.run([sys.executable, "-c", program, str(path)], env=os.environ, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert Journal(path).jobs() == [1]


def test_a_full_disk_is_named_and_leaves_the_journal_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.record(1, (FIRST,), evaluated())
    (pages,) = journal._database.execute("PRAGMA page_count").fetchone()
    journal._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskFull):
        journal.record(2, (FIRST,), Evaluated(FIRST, bytes(32), b"m", (bytes(1 << 20),)))
    assert journal.jobs() == [1]
