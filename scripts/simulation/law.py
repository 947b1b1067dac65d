"""The exact odds of every end of a job, by counting hostile seats.

The n lowest tickets of all units sit, so the number of hostile ones among them is hypergeometric in (hostile units, all
units); each round and each redraw throws anew. With p for the hostile share and many units:

* all n seats agree on one wrong digest: p^n, paid at once if nobody checks;
* a job has a wrong seat: 1 - (1 - p)^n, and a dispute follows;
* of m = 2n + 5 seats of round two at least t = (2m + 2) / 3 are hostile: the tail of a binomial; then wrong is paid;
* none of the sides has t: no result;
* silent seats stop a job if the seats drawn in their place are silent too: 1 - (1 - p^2)^n.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from functools import cache
from math import comb

import numpy as np
from numpy.typing import NDArray

from simulation.rules import COMPUTE, DRAW, FILL, GUARANTEE, NAMING, REWARD, WORK, Act, Kind

UNITS = 1_000_000
"""Stake units of a market so large that drawing a unit leaves the shares as they are."""


@dataclass(frozen=True, slots=True)
class End:
    """How a job ended. Gains are net of stake and escrow, the price apart."""

    disputed: float = 0.0
    wrong_paid: float = 0.0
    no_result: float = 0.0
    honest_hit: float = 0.0  # honest seats and checkers that lost a bond
    seconds: float = 0.0  # from opening to settlement or refund
    buyer_paid: float = 0.0
    hostile_gain: float = 0.0
    honest_gain: float = 0.0
    checker_gain: float = 0.0  # of the owner


FIELDS = tuple(field.name for field in fields(End))


@dataclass(frozen=True, slots=True)
class Law:
    """Every end with its odds."""

    odds: NDArray[np.float64]
    ends: NDArray[np.float64]  # a row an end, a column a field

    def mean(self, field: str) -> float:
        return float(self.odds @ self.ends[:, FIELDS.index(field)])

    def deviation(self, field: str) -> float:
        """Standard deviation of one job."""
        apart = self.ends[:, FIELDS.index(field)] - self.mean(field)
        return float(np.sqrt(self.odds @ apart**2))

    def reach(self, field: str) -> float:
        """How far from the mean one job can be."""
        return float(np.abs(self.ends[:, FIELDS.index(field)] - self.mean(field)).max())


def law(kind: Kind, hostile: int, units: int = UNITS) -> Law:
    """Of a job where `hostile` of all stake units are of this kind."""
    found = [(odds, astuple(end)) for odds, end in _ends(kind, hostile, units) if odds > 0]
    return Law(np.array([odds for odds, _ in found]), np.array([end for _, end in found]))


@cache
def limit(kind: Kind, percent: float) -> Law:
    """Of a market with very many units."""
    return law(kind, round(percent / 100 * UNITS))


def drawn(seats: int, hostile: int, units: int) -> Iterator[tuple[int, float]]:
    """Numbers of hostile seats among the lowest tickets, with their odds."""
    for count in range(seats + 1):
        ways = comb(hostile, count) * comb(units - hostile, seats - count)
        yield count, ways / comb(units, seats)


def _ends(kind: Kind, hostile: int, units: int) -> Iterator[tuple[float, End]]:
    n = kind.seats
    sealed = DRAW + FILL + WORK
    for count, odds in drawn(n, hostile, units):
        if kind.first is Act.NOTHING and count:
            for odds_again, end in _redrawn(kind, count, hostile, units):
                yield odds * odds_again, end
        elif kind.first is Act.NOISE and count == n:
            lost = -n * kind.fine
            yield odds, End(no_result=1, seconds=DRAW + FILL + COMPUTE + NAMING, hostile_gain=lost)
        elif kind.first is Act.WRONG and count == n:
            paid = n * REWARD
            back = min(GUARANTEE, paid)
            unchecked = End(
                wrong_paid=1,
                seconds=sealed + COMPUTE,
                buyer_paid=paid - back,
                hostile_gain=paid,
                checker_gain=-back,
            )
            yield odds * (1 - kind.checked), unchecked
            for odds_jury, end in _disputed(kind, count, sealed + WORK, True, hostile, units):
                yield odds * kind.checked * odds_jury, end
        elif count and kind.first is not Act.RIGHT:
            for odds_jury, end in _disputed(kind, count, sealed, False, hostile, units):
                yield odds * odds_jury, end
        elif kind.challenges and hostile:
            for odds_jury, end in _disputed(kind, count, sealed + WORK, False, hostile, units):
                yield odds * odds_jury, end
        else:
            yield odds, _undisputed(kind, count, sealed + COMPUTE)


def _undisputed(kind: Kind, hostile_seats: int, seconds: int) -> End:
    """A right result, of which the hostile seats are paid their share."""
    honest_seats = kind.seats - hostile_seats
    return End(
        seconds=seconds, buyer_paid=kind.seats * REWARD,
        hostile_gain=hostile_seats * REWARD, honest_gain=honest_seats * REWARD,
    )  # fmt: skip


def _redrawn(kind: Kind, silent: int, hostile: int, units: int) -> Iterator[tuple[float, End]]:
    """Silent seats are fined and drawn anew. If one is silent again, the sealed ones have R each from the fines."""
    n, second = kind.seats, DRAW + FILL + COMPUTE + FILL
    for again, odds in drawn(silent, hostile, units):
        if again:
            lost, paid = -(silent + again) * kind.fine, n - again
            yield odds, End(no_result=1, seconds=second + COMPUTE, hostile_gain=lost, honest_gain=paid)
        else:
            yield odds, End(
                seconds=second + WORK + COMPUTE, buyer_paid=n * REWARD,
                hostile_gain=-silent * kind.fine, honest_gain=n * REWARD,
            )  # fmt: skip


def _disputed(
    kind: Kind, count: int, since: int, by_checker: bool, hostile: int, units: int
) -> Iterator[tuple[float, End]]:
    """Round two, `count` hostile seats in round one, `since` seconds after the opening.

    A hostile challenger is at work if the kind challenges, the owner if `by_checker`; otherwise the seats disagreed.
    """
    n, m, bond = kind.seats, kind.jury, kind.bond
    wrong = count if kind.first is not Act.RIGHT else 0
    for votes, odds in drawn(m, hostile, units):
        if m - votes >= kind.quorum:
            seconds = since + DRAW + FILL + WORK
            challenger = -bond if kind.challenges else 0.0
            paid_hostile = (count - wrong) * REWARD
            yield odds, End(
                disputed=1, seconds=seconds, buyer_paid=(n - wrong) * REWARD,
                hostile_gain=paid_hostile - (wrong + votes) * bond + challenger,
                honest_gain=(n - count) * REWARD + m - votes,
                checker_gain=kind.fine if by_checker else 0.0,
            )  # fmt: skip
        elif kind.second is Act.WRONG and votes >= kind.quorum:
            seconds = since + DRAW + FILL + WORK
            agreeing = count if kind.first is Act.WRONG else 0
            rewards, hit = agreeing * REWARD, n - count + m - votes
            back = min(GUARANTEE, rewards)
            yield odds, End(
                disputed=1, wrong_paid=1, honest_hit=hit + by_checker, seconds=seconds, buyer_paid=rewards - back,
                hostile_gain=rewards - (count - agreeing) * bond + votes + (kind.fine if kind.challenges else 0.0),
                honest_gain=-hit * bond,
                checker_gain=-back - (bond if by_checker else 0.0),
            )  # fmt: skip
        else:
            yield odds, End(disputed=1, no_result=1, seconds=since + DRAW + FILL + COMPUTE + NAMING)
