"""The owner's own ledger of what it released: written before a key is loaded, and never taken back.

It may be ahead of the chain's count (a release that never landed stays counted here), never behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hexchange.chain.amounts import format_amount
from hexchange.errors import BudgetShort, KeyWornOut
from hexchange.owner.state import StateFile

RELEASES_PER_KEY = 1024
KEY_DAYS = 90

SCHEMA = """
CREATE TABLE IF NOT EXISTS debits (
    job INTEGER PRIMARY KEY,
    dataset INTEGER NOT NULL,
    key TEXT NOT NULL,
    epsilon INTEGER NOT NULL CHECK (epsilon >= 0),
    at INTEGER NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class Debit:
    """One release: `epsilon` in millionths (0: exact), `key` names the HE key, `at` is block time."""

    job: int
    dataset: int
    key: str
    epsilon: int
    at: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What a dataset has used up: sum of epsilon in millionths, and exact releases."""

    epsilon: int
    exact: int


class Ledger:
    """Debits in one file, synced at each commit. For one thread; several processes may use the file at once."""

    def __init__(self, path: Path) -> None:
        self._file = StateFile(path, SCHEMA)

    def close(self) -> None:
        self._file.close()

    def debit(self, debit: Debit, *, epsilon_budget: int, exact_releases: int) -> None:
        """Count a job's release, once; durable on return. Raises BudgetShort, KeyWornOut: nothing counted."""
        with self._file.transaction() as database:
            if self.holds(debit.job):
                return
            self._check_key(debit)
            require_budget(
                self.spent(debit.dataset), debit.job, debit.epsilon, epsilon_budget, exact_releases
            )
            row = (debit.job, debit.dataset, debit.key, debit.epsilon, debit.at)
            database.execute("INSERT INTO debits VALUES (?, ?, ?, ?, ?)", row)

    def holds(self, job: int) -> bool:
        """Whether the job's release is counted."""
        return self._file.row("SELECT 1 FROM debits WHERE job = ?", (job,)) is not None

    def spent(self, dataset: int) -> Spent:
        """What the dataset has used up by this ledger."""
        query = (
            "SELECT COALESCE(SUM(epsilon), 0), COALESCE(SUM(epsilon = 0), 0) FROM debits WHERE dataset = ?"
        )
        return Spent(*self._file.row(query, (dataset,)))

    def _check_key(self, debit: Debit) -> None:
        count, first = self._file.row("SELECT COUNT(*), MIN(at) FROM debits WHERE key = ?", (debit.key,))
        hint = "encrypt the table again under a new name and update the dataset with it"
        if count >= RELEASES_PER_KEY:
            raise KeyWornOut(f"the key opened {count} results, which is the most", hint=hint)
        if count and debit.at - first > KEY_DAYS * 86400:
            raise KeyWornOut(f"the key opened its first result more than {KEY_DAYS} days ago", hint=hint)


def require_budget(spent: Spent, job: int, epsilon: int, epsilon_budget: int, exact_releases: int) -> None:
    """Raises BudgetShort where what is left does not cover `epsilon` millionths, or for 0 one exact
    release."""
    hint = "cancel the dataset's standing offers; its buyers' jobs can only be declined"
    if epsilon and spent.epsilon + epsilon > epsilon_budget:
        left = format_amount(epsilon_budget - spent.epsilon, 6)
        raise BudgetShort(f"job {job} asks for ε {format_amount(epsilon, 6)}, {left} are left", hint=hint)
    if not epsilon and spent.exact + 1 > exact_releases:
        raise BudgetShort(f"job {job}: all {exact_releases} exact releases are used up", hint=hint)
