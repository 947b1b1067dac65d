"""The numbers every job is made of. Amounts are base units of the market's token, times are seconds."""

from __future__ import annotations


def jury(seats: int) -> int:
    """m, the seats of round two."""
    return 2 * seats + 5


def quorum(seats: int) -> int:
    """t, how many of the jury must open one digest to decide: 5 of 7, 8 of 11, 10 of 15."""
    return (2 * jury(seats) + 2) // 3


def bounty(seats: int, reward: int) -> int:
    """What a challenger earns when a seat of round one was wrong."""
    return (seats + 3) * reward


def bond(seats: int, reward: int) -> int:
    """B, locked per seat and per challenge: the whole jury's rewards, the bounty, and one reward to burn."""
    return jury(seats) * reward + bounty(seats, reward) + reward


def fine(seats: int, reward: int) -> int:
    """N, what a seat loses by silence: a third of its bond."""
    return bond(seats, reward) // 3


def right_reward(floor: int, reward: int, late: int, fill: int) -> int:
    """r, what a right seat of round one earns: it grows from floor to reward as `late` nears `fill`."""
    return floor + (reward - floor) * late // fill
