"""The owner's ledger never overspends, whoever asks at once and whoever is killed on the way."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hexchange.errors import BudgetShort, DiskFull, KeyWornOut
from hexchange.owner.budget import KEY_DAYS, Debit, Ledger, Spent
from hexchange.owner.state import StateFile


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


def debit(ledger: Ledger, job: int, epsilon: int, *, at: int = 0, budget: int = 100, exact: int = 2) -> None:
    ledger.debit(Debit(job, 1, "key", epsilon, at), epsilon_budget=budget, exact_releases=exact)


def test_a_job_is_debited_once_however_often_it_is_asked(ledger: Ledger) -> None:
    for _ in range(3):
        debit(ledger, 1, 60)
    assert ledger.spent(1) == Spent(60, 0)
    assert ledger.holds(1)


def test_what_the_budget_does_not_cover_is_refused_and_not_counted(ledger: Ledger) -> None:
    debit(ledger, 1, 60)
    with pytest.raises(BudgetShort, match=r"ε 0\.00005, 0\.00004 are left"):
        debit(ledger, 2, 50)
    debit(ledger, 3, 40)
    assert ledger.spent(1) == Spent(100, 0)


def test_exact_releases_are_counted_apart(ledger: Ledger) -> None:
    debit(ledger, 1, 0)
    debit(ledger, 2, 0)
    with pytest.raises(BudgetShort, match="all 2 exact releases"):
        debit(ledger, 3, 0)
    debit(ledger, 4, 100)


def test_one_key_opens_no_more_than_1024_results(ledger: Ledger) -> None:
    for job in range(1024):
        debit(ledger, job, 1, budget=10_000)
    with pytest.raises(KeyWornOut, match="1024"):
        debit(ledger, 1024, 1, budget=10_000)


def test_one_key_opens_results_for_no_longer_than_90_days(ledger: Ledger) -> None:
    debit(ledger, 1, 1, at=1000)
    debit(ledger, 2, 1, at=1000 + KEY_DAYS * 86400)
    with pytest.raises(KeyWornOut, match="90 days"):
        debit(ledger, 3, 1, at=1001 + KEY_DAYS * 86400)


def test_a_full_disk_counts_nothing_and_says_so(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "small.sqlite", "CREATE TABLE IF NOT EXISTS t (x BLOB) STRICT")
    file.database.execute("PRAGMA max_page_count = 3")

    def write() -> None:
        with file.transaction() as database:
            database.execute("INSERT INTO t VALUES (?)", (b"small",))
            database.execute("INSERT INTO t VALUES (?)", (bytes(100_000),))

    with pytest.raises(DiskFull, match=r"small\.sqlite"):
        write()
    assert file.rows("SELECT * FROM t") == []
    with file.transaction() as database:
        database.execute("INSERT INTO t VALUES (?)", (b"small",))
    assert file.rows("SELECT x FROM t") == [(b"small",)]
    file.close()


SPENDER = """
import sys
from pathlib import Path
from hexchange.errors import BudgetShort
from hexchange.owner.budget import Debit, Ledger
ledger = Ledger(Path(sys.argv[1]))
for job in range(int(sys.argv[2]), 10**6, 4):
    try:
        ledger.debit(Debit(job, 1, f"key{job}", 10, 0), epsilon_budget=1000, exact_releases=0)
    except BudgetShort:
        break
    print(job, flush=True)
"""


def test_four_processes_at_once_with_kills_never_overspend_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path)
    said: set[int] = set()
    for goal in (150, 400, 700):
        spenders = [
            subprocess.Popen(
                [sys.executable, "-c", SPENDER, str(path), str(start)], stdout=subprocess.PIPE, text=True
            )
            for start in range(4)
        ]
        while ledger.spent(1).epsilon < goal:
            time.sleep(0.002)
        for spender in spenders[:3]:
            spender.send_signal(signal.SIGKILL)
        said |= {int(line) for spender in spenders for line in spender.communicate()[0].split()}
        assert ledger.spent(1).epsilon <= 1000
    assert ledger.spent(1).epsilon == 1000
    assert all(ledger.holds(job) for job in said)
