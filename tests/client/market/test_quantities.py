"""Quantities follow the published table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexchange.market import quantities as q

rewards = st.integers(1, 1 << 120)


@pytest.mark.parametrize(
    ("seats", "jury", "quorum"), [(1, 7, 5), (2, 9, 6), (3, 11, 8), (4, 13, 9), (5, 15, 10)]
)
def test_the_jury_and_its_two_thirds(seats: int, jury: int, quorum: int) -> None:
    assert (q.jury(seats), q.quorum(seats)) == (jury, quorum)
    assert 3 * quorum >= 2 * jury


@given(st.integers(1, 5), rewards)
def test_one_bond_pays_the_jury_the_bounty_and_one_reward_to_burn(seats: int, reward: int) -> None:
    assert q.bond(seats, reward) == 3 * (seats + 3) * reward
    assert q.bond(seats, reward) - q.jury(seats) * reward - q.bounty(seats, reward) == reward


@given(st.integers(1, 5), rewards)
def test_one_fine_pays_the_other_seats_of_the_round(seats: int, reward: int) -> None:
    assert 3 * q.fine(seats, reward) == q.bond(seats, reward)
    assert q.fine(seats, reward) >= (seats - 1) * reward


@given(st.integers(1, 1 << 100), st.integers(0, 1 << 100), st.integers(300, 86400), st.data())
def test_the_reward_rises_from_floor_to_ceiling(
    floor: int, rise: int, fill: int, data: st.DataObject
) -> None:
    late = data.draw(st.integers(0, fill))
    paid = q.right_reward(floor, floor + rise, late, fill)
    assert floor <= paid <= floor + rise
    assert q.right_reward(floor, floor + rise, 0, fill) == floor
    assert q.right_reward(floor, floor + rise, fill, fill) == floor + rise
