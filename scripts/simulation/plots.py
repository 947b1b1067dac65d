"""The plots of docs/simulation.md, the same bytes in every run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

from simulation.compare import Comparison
from simulation.law import limit
from simulation.rules import COMPUTE, KINDS, UNDISPUTED

matplotlib.use("svg")
from matplotlib import pyplot as plt

plt.rcParams.update({"svg.hashsalt": "hexchange", "svg.fonttype": "none", "font.size": 9})

NAMED = {kind.name: kind for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Plot:
    """One measure over the hostile share, for the kinds that differ in it."""

    name: str
    title: str
    field: str
    kinds: tuple[str, ...]
    value: Callable[[float], float]
    scale: float = 1.0  # of a standard error
    log: bool = False


def _percent(rate: float) -> float:
    return 100 * rate


def _itself(amount: float) -> float:
    return amount


def _windows(seconds: float) -> float:
    return (seconds - UNDISPUTED) / COMPUTE


PLOTS = (
    Plot("wrong-paid", "wrong results paid, % of jobs", "wrong_paid",
         ("collude", "challenge", "one_seat", "unchecked", "one_seat_unchecked"), _percent, 100, log=True),
    Plot("no-result", "jobs without a result, %", "no_result",
         ("collude", "garbage", "lazy", "silent", "challenge", "stall", "one_seat"), _percent, 100),
    Plot("profit", "profit of all hostile stake, R per job", "hostile_gain",
         ("honest", "collude", "garbage", "silent", "challenge", "stall", "one_seat"), _itself),
    Plot("delay", "delay beyond an undisputed job, compute windows", "seconds",
         ("collude", "garbage", "silent", "challenge", "stall", "one_seat"), _windows, 1 / COMPUTE),
)  # fmt: skip


def draw(plot: Plot, many: Sequence[Comparison], contracts: Sequence[Comparison], folder: Path) -> None:
    """Lines are the exact odds, dots the many providers, bars the contracts with two standard errors to each side."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for place, name in enumerate(plot.kinds):
        kind, color, shares = NAMED[name], f"C{place}", range(1, 50)
        line = [plot.value(limit(kind, share).mean(plot.field)) for share in shares]
        axes.plot(shares, line, color=color, linewidth=1, label=kind.text)
        for marker, source in (("o", many), ("s", contracts)):
            seen = [
                one for one in source if one.row.kind is kind and one.field == plot.field and one.row.percent
            ]
            places = [one.row.percent for one in seen]
            values = [plot.value(one.row.means[plot.field]) for one in seen]
            errors = [2 * plot.scale * one.error if source is contracts else 0.0 for one in seen]
            axes.errorbar(places, values, errors, fmt=marker, color=color, markersize=3, linewidth=0.7)
    axes.set(xlabel="hostile stake, %", ylabel=plot.title, xlim=(0, 50))
    if plot.log:
        axes.set(yscale="log", ylim=(1e-4, 100))
    else:
        axes.axhline(0, color="black", linewidth=0.5)
    axes.legend(fontsize=8)
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{plot.name}.svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
