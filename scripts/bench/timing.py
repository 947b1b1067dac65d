"""Stopwatches, and medians over rounds in which both sides of a comparison take turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Seconds = dict[str, float]


def timed(function: Callable[P, T], spent: list[float]) -> Callable[P, T]:
    """`function`, which also notes the seconds of each call in `spent`."""

    def call(*args: P.args, **options: P.kwargs) -> T:
        began = perf_counter()
        try:
            return function(*args, **options)
        finally:
            spent.append(perf_counter() - began)

    return call


def medians(rounds: int, *measures: Callable[[], Mapping[str, float]]) -> Seconds:
    """The median of each named figure over `rounds`, after one round that warms up and does not count.

    In every round each of `measures` runs once, so that a busy machine slows all sides of a comparison alike.
    """
    for measure in measures:
        measure()
    seen: dict[str, list[float]] = {}
    for _ in range(rounds):
        for measure in measures:
            for name, value in measure().items():
                seen.setdefault(name, []).append(value)
    return {name: median(values) for name, values in seen.items()}
