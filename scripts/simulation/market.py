"""Jobs drawn at random, seat by seat, in a market of many providers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.law import FIELDS
from simulation.rules import COMPUTE, DRAW, FILL, GUARANTEE, NAMING, REWARD, WORK, Act, Kind

PROVIDERS = 180_000
LARGEST = 1_000
"""Units of the largest provider."""

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Population:
    """Providers and their stake units; hostile ones come first in both."""

    holder: Integers  # of each unit
    providers: int
    hostile_providers: int
    hostile_units: int


@dataclass(frozen=True, slots=True)
class Row:
    """The means over jobs of one kind at one share."""

    kind: Kind
    percent: int
    units: int
    hostile_units: int
    jobs: int
    means: dict[str, float]


def population(percent: int, rng: np.random.Generator, providers: int = PROVIDERS) -> Population:
    """Stakes are like wealth, many small and few large; hostile is whoever comes first until the share is reached."""
    stakes = np.minimum(1 + rng.pareto(1.5, providers), LARGEST).astype(np.int64)
    units = stakes.cumsum()
    hostile = int(np.searchsorted(units, units[-1] * percent / 100, side="right"))
    return Population(
        np.repeat(np.arange(providers), stakes), providers, hostile, int(units[hostile - 1]) if hostile else 0
    )


def lowest(rng: np.random.Generator, jobs: int, seats: int, units: int) -> Integers:
    """The units with the lowest tickets: any `seats` different ones, each set as likely as another."""
    drawn = rng.integers(units, size=(jobs, seats))
    again = np.arange(jobs)
    while again.size:
        ordered = np.sort(drawn[again], axis=1)
        again = again[(ordered[:, 1:] == ordered[:, :-1]).any(axis=1)]
        drawn[again] = rng.integers(units, size=(again.size, seats))
    return drawn


def play(
    kind: Kind, percent: int, market: Population, jobs: int, rng: np.random.Generator
) -> tuple[Row, Floats]:
    """The means of that many jobs, and what each provider gained in all of them."""
    n, fine, bond, units = kind.seats, kind.fine, kind.bond, market.holder.size

    # Round one, drawn anew where seals are missing.
    first = lowest(rng, jobs, n, units)
    acts = _acts(first, market, kind.first)
    empty = acts == Act.NOTHING
    redrawn = empty.any(axis=1)
    seats = np.where(empty, lowest(rng, jobs, n, units), first)
    acts = _acts(seats, market, kind.first)
    right, wrong = (acts == Act.RIGHT).sum(axis=1), (acts == Act.WRONG).sum(axis=1)
    unsealed = (acts == Act.NOTHING).any(axis=1)
    unnamed = ~unsealed & (right + wrong == 0)

    # Unanimous, or a dispute.
    checks = (wrong == n) & (rng.random(jobs) < kind.checked)
    spam = (right == n) & kind.challenges & (market.hostile_units > 0)
    unanimous = (right == n) | (wrong == n)
    disputed = ~unsealed & ~unnamed & (~unanimous | checks | spam)
    jury = lowest(rng, jobs, kind.jury, units)
    votes = _acts(jury, market, kind.second)
    decided_right = disputed & ((votes == Act.RIGHT).sum(axis=1) >= kind.quorum)
    decided_wrong = disputed & ((votes == Act.WRONG).sum(axis=1) >= kind.quorum)
    decided = decided_right | decided_wrong
    paid_right = decided_right | (~disputed & (right == n))
    paid_wrong = decided_wrong | (~disputed & (wrong == n))
    no_result = ~paid_right & ~paid_wrong

    # Who gains what.
    agrees = ((acts == Act.RIGHT) & paid_right[:, None]) | ((acts == Act.WRONG) & paid_wrong[:, None])
    of_first = np.where(empty, -fine, 0.0)
    of_seats = np.where(agrees, REWARD, np.where((paid_right | paid_wrong)[:, None], -bond, 0.0))
    of_seats += np.where(unsealed[:, None], np.where(acts == Act.NOTHING, -fine, 1.0), 0.0)
    of_seats += np.where(unnamed[:, None], -fine, 0.0)
    votes_win = ((votes == Act.RIGHT) & decided_right[:, None]) | (
        (votes == Act.WRONG) & decided_wrong[:, None]
    )
    of_jury = np.where(votes_win, 1.0, np.where(decided[:, None], -bond, 0.0))
    checker = np.where(checks & decided, np.where(decided_right & (right < n), fine, -bond), 0.0)
    spammer = np.where(spam & decided, np.where(decided_wrong & (wrong < n), fine, -bond), 0.0)
    rewards = REWARD * agrees.sum(axis=1)
    back = np.where(paid_wrong, np.minimum(GUARANTEE, rewards), 0.0)

    gains = (of_first, of_seats, of_jury)
    hostile = [taken < market.hostile_units for taken in (first, seats, jury)]
    of_hostile = sum(np.where(his, gain, 0.0).sum(axis=1) for his, gain in zip(hostile, gains, strict=True))
    of_honest = sum(np.where(his, 0.0, gain).sum(axis=1) for his, gain in zip(hostile, gains, strict=True))
    hit = (
        ((of_seats < 0) & ~hostile[1]).sum(axis=1) + ((of_jury < 0) & ~hostile[2]).sum(axis=1) + (checker < 0)
    )
    burnt = rewards - of_hostile - of_honest - spammer - checker
    if (burnt < -1e-9).any() or (burnt[decided] < 1 - 1e-9).any():
        raise AssertionError("a job paid out more than was locked, or a dispute burnt less than R")
    if hit[~decided_wrong].any():
        raise AssertionError("an honest seat lost although two thirds of round two were not wrong")

    ends = {
        "disputed": disputed, "wrong_paid": paid_wrong, "no_result": no_result, "honest_hit": hit,
        "seconds": _seconds(redrawn, unsealed, unnamed, disputed, decided, unanimous),
        "buyer_paid": rewards - back, "hostile_gain": of_hostile + spammer, "honest_gain": of_honest,
        "checker_gain": checker - back,
    }  # fmt: skip
    row = Row(
        kind, percent, units, market.hostile_units, jobs, {name: float(ends[name].mean()) for name in FIELDS}
    )
    return row, _by_provider(market, (first, seats, jury), gains)


def _acts(taken: Integers, market: Population, hostile: Act) -> Integers:
    return np.where(taken < market.hostile_units, int(hostile), int(Act.RIGHT))


def _seconds(
    redrawn: Flags, unsealed: Flags, unnamed: Flags, disputed: Flags, decided: Flags, unanimous: Flags
) -> Integers:
    """Every window in the order in which a job goes through it."""
    contest = DRAW + FILL + np.where(redrawn, COMPUTE + FILL, 0)
    undisputed = np.where(unsealed, COMPUTE, np.where(unnamed, COMPUTE + NAMING, WORK + COMPUTE))
    challenged = np.where(unanimous, WORK, 0)
    second = WORK + challenged + DRAW + FILL + np.where(decided, WORK, COMPUTE + NAMING)
    return contest + np.where(disputed, second, undisputed)


def _by_provider(market: Population, taken: tuple[Integers, ...], gains: tuple[Floats, ...]) -> Floats:
    units = np.concatenate([seats.ravel() for seats in taken])
    amounts = np.concatenate([gain.ravel() for gain in gains])
    return np.bincount(market.holder[units], amounts, minlength=market.providers).astype(np.float64)
