"""Who takes part in a simulated job, what each seat does, what is paid and how long it takes.

Amounts are in units of the highest reward R of a seat, times in seconds; both are those of
tests/forge/Simulation.t.sol, whose figures are compared with these.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from hexchange.market import quantities

SHARES = (0, 10, 20, 33, 49)
"""Hostile stake in percent, as the contracts are run with."""
REWARD = 0.8
"""What a right seat of round one is paid: the floor, because every round fills within its contest."""
GUARANTEE = 5.0
"""What the owner pays back of the rewards at most, if it declines a result: here always all of them."""
DRAW, FILL, COMPUTE, NAMING = 24, 6 * 3600, 24 * 3600, 6 * 3600
"""Two blocks until the seed, the contest, the compute window (and challenge window), the naming window."""
WORK = COMPUTE // 2
"""When seats seal, and when a challenge comes: half of their windows."""
UNDISPUTED = DRAW + FILL + WORK + COMPUTE
"""From the opening of a job to its settlement if all is well."""


class Act(IntEnum):
    """What a seat seals."""

    RIGHT = 0
    WRONG = 1  # the one wrong digest that all hostile seats agree on
    NOISE = 2  # opens with nothing
    NOTHING = 3


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to be hostile, and the job it is tried on."""

    name: str  # as forge writes it
    text: str
    first: Act  # hostile seats of round one
    second: Act  # hostile seats of round two
    challenges: bool = False  # every right result, with a wrong digest
    seats: int = 3
    checked: float = 1.0  # odds that the owner has its own run within half of the challenge window

    @property
    def jury(self) -> int:
        """Seats of round two."""
        return quantities.jury(self.seats)

    @property
    def quorum(self) -> int:
        """Seats of round two that decide: two thirds, rounded up, of however many it has."""
        return (2 * self.jury + 2) // 3

    @property
    def bond(self) -> float:
        """Of a seat and of a challenger: pays round two and the bounty, and leaves at least one R to be burnt."""
        return float(quantities.bond(self.seats, 1))

    @property
    def fine(self) -> float:
        """For a missing seal, or where all sealed and nobody can name a digest; also the bounty."""
        return float(quantities.fine(self.seats, 1))


HONEST = Kind("honest", "honest", Act.RIGHT, Act.RIGHT)
KINDS = (
    HONEST,
    Kind("copy", "copying", Act.NOISE, Act.NOISE),
    Kind("lazy", "lazy", Act.WRONG, Act.NOISE),
    Kind("collude", "colluding", Act.WRONG, Act.WRONG),
    Kind("silent", "silent", Act.NOTHING, Act.NOTHING),
    Kind("garbage", "garbage", Act.NOISE, Act.NOISE),
    Kind("late", "late", Act.NOTHING, Act.NOTHING),
    Kind("challenge", "griefing, votes wrong", Act.RIGHT, Act.WRONG, challenges=True),
    Kind("stall", "griefing, votes noise", Act.RIGHT, Act.NOISE, challenges=True),
    Kind("one_seat", "colluding, 1 seat", Act.WRONG, Act.WRONG, seats=1),
    Kind("unchecked", "colluding, unchecked", Act.WRONG, Act.WRONG, checked=0.0),
    Kind("one_seat_unchecked", "colluding, 1 seat, unchecked", Act.WRONG, Act.WRONG, seats=1, checked=0.0),
)
"""A copied seal is worth what garbage is, a late one what none is: that the contracts see it so is part of the test."""
