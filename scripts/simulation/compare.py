"""Whether what was seen is what is to be expected, within sampling error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

from simulation.law import FIELDS, law
from simulation.market import Row

FALSE_ALARMS = 0.001
"""Odds that one of all comparisons of a run fails although everything is right."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One mean over the jobs of a row."""

    row: Row
    field: str
    expected: float
    allowed: float  # largest difference that chance explains
    error: float  # standard error of the mean

    @property
    def difference(self) -> float:
        return abs(self.row.means[self.field] - self.expected)

    @property
    def holds(self) -> bool:
        return self.difference <= self.allowed

    def __str__(self) -> str:
        return (
            f"{self.row.kind.name} at {self.row.percent} %, {self.row.jobs:,} jobs: {self.field} is "
            f"{self.row.means[self.field]:.6g}, expected {self.expected:.6g} ± {self.allowed:.2g}"
        )


def comparisons(rows: Sequence[Row]) -> list[Comparison]:
    """Every mean of every row with the mean of the law, for just as many units.

    Allowed is what Bernstein's inequality allows for the mean of J independent jobs with standard deviation s, none
    further than b from its mean: with L = ln(2 / odds of a false alarm) and c = b L / 3J, it is
    c + sqrt(c^2 + 2 s^2 L / J). It holds for every J, also where a wrong result is so rare that its count is far
    from normal.
    """
    margin = log(2 * len(rows) * len(FIELDS) / FALSE_ALARMS)
    found = []
    for row in rows:
        odds = law(row.kind, row.hostile_units, row.units)
        for field in FIELDS:
            spread, rest = odds.deviation(field), odds.reach(field) * margin / (3 * row.jobs)
            allowed = rest + sqrt(rest**2 + 2 * spread**2 * margin / row.jobs)
            rounding = 1e-9 * max(1.0, abs(odds.mean(field)))
            found.append(
                Comparison(row, field, odds.mean(field), allowed + rounding, spread / sqrt(row.jobs))
            )
    return found
