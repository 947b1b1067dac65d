"""What a provider leaves to others, and how it keeps its disk bounded."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from hexchange.errors import EditionNotServed, HexchangeError, RewardTooLow, RunTooLarge, RunTooSlow
from hexchange.evaluation import Plan
from hexchange.market.manifests import Blob
from hexchange.market.state import Job, Round
from hexchange.provider.config import GIB, ProviderConfig
from hexchange.provider.limits import require_means, require_reward
from hexchange.provider.workshop import make_room

CONFIG = ProviderConfig(
    memory=2, parallel=1, disk=1, editions=["linear"], minimum_reward="0.5", minimum_per_minute="3"
)
DECIMALS = 2


@dataclass(frozen=True)
class Edition:
    name: str


@dataclass(frozen=True)
class Costs:
    """What a plan says of a run."""

    edition: Edition = Edition("linear")
    memory: int = GIB
    seconds: float = 10.0
    size: int = 0
    blobs: tuple[Blob, ...] = ()


def plan(**costs: object) -> Plan:
    return cast(Plan, replace(Costs(), **costs))  # type: ignore[arg-type]


def job(floor: int = 50, reward: int = 100, compute: int = 30, jury: bool = False) -> Job:
    first = Round(1, 0, 0, (None,))
    rounds = (first, replace(first, number=2)) if jury else (first,)
    nobody, none = "0x" + 40 * "0", bytes(32)
    return Job(
        1, 1, nobody, nobody, nobody, none, none, none, 0, 0, 0, 1, floor, reward, 10, compute, 60, none, 0, rounds
    )  # fmt: skip


def test_a_seat_must_earn_the_least_reward_even_at_the_floor() -> None:
    require_reward(CONFIG, job(floor=50), DECIMALS)
    with pytest.raises(RewardTooLow):
        require_reward(CONFIG, job(floor=49), DECIMALS)
    require_reward(CONFIG, job(floor=49, reward=50, jury=True), DECIMALS)


@pytest.mark.parametrize(
    ("costs", "busy", "error"),
    [
        ({"edition": Edition("train")}, 0, EditionNotServed),
        ({"memory": 2 * GIB + 1}, 0, RunTooLarge),
        ({"seconds": 10.1}, 0, RunTooSlow),
        ({}, 0.1, RunTooSlow),
        ({"seconds": 10.0}, 0, None),
        ({"seconds": 0.0}, 10, None),
    ],
)
def test_a_run_must_be_ours_and_fit_three_times_into_its_window(
    costs: dict[str, object], busy: float, error: type[HexchangeError] | None
) -> None:
    if error is None:
        require_means(CONFIG, plan(**costs), job(), DECIMALS, busy)
    else:
        with pytest.raises(error):
            require_means(CONFIG, plan(**costs), job(), DECIMALS, busy)


def test_computing_time_has_its_price_rounded_up() -> None:
    require_means(CONFIG, plan(seconds=10.0), job(floor=50), DECIMALS, 0)
    with pytest.raises(RewardTooLow):
        require_means(CONFIG, plan(seconds=10.0), job(floor=49), DECIMALS, 0)


def fill(cache: Path, name: str, size: int, used_at: int) -> None:
    with (cache / name).open("wb") as file:
        file.truncate(size)
    os.utime(cache / name, (used_at, used_at))


def test_what_was_used_longest_ago_makes_room_and_what_is_wanted_stays(tmp_path: Path) -> None:
    fill(tmp_path, "oldest-but-wanted", 300, used_at=1)
    fill(tmp_path, "old", 300, used_at=2)
    fill(tmp_path, "new", 300, used_at=3)
    wanted = (Blob("oldest-but-wanted", 300), Blob("to-come", 300))
    make_room(tmp_path, plan(size=600, blobs=wanted), limit=1000)
    assert {path.name for path in tmp_path.iterdir()} == {"oldest-but-wanted", "new"}


def test_inputs_larger_than_the_disk_allowed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunTooLarge):
        make_room(tmp_path, plan(size=1001), limit=1000)
