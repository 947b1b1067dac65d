"""What a benchmark yields: figures, goals beside them, the same work by a peer; as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from hexchange.cli.output import pairs, table

WIDTH = 130
PREDICTED = ("work", "figure", "predicted", "measured", "off by", "goal", "")
NAMES = ("work", "ours", "goal", "", "peer", "ratio", "our bytes", "peer bytes")


@dataclass(frozen=True, slots=True)
class Peer:
    """The same work done by something else in the same run; its name says what was extrapolated."""

    name: str
    seconds: float
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """One work: `work` for machines, `text` for people. Goals are wished for, never asserted: the most seconds and
    bytes, the least ratio to the peer, of what the work `compares`."""

    work: str
    text: str
    seconds: float
    bytes: int | None = None
    peer: Peer | None = None
    goal_seconds: float | None = None
    goal_bytes: int | None = None
    goal_ratio: float | None = None
    compares: Literal["seconds", "bytes"] = "seconds"
    details: Mapping[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """How many times longer the peer takes, or how many times more it stores."""
        if self.peer is None:
            return None
        if self.compares == "seconds":
            return self.peer.seconds / self.seconds
        return self.peer.bytes / self.bytes if self.peer.bytes and self.bytes else None

    @property
    def met(self) -> bool | None:
        """Whether every goal is met; None without one."""
        checks = []
        if self.goal_seconds is not None:
            checks.append(self.seconds <= self.goal_seconds)
        if self.goal_bytes is not None and self.bytes is not None:
            checks.append(self.bytes <= self.goal_bytes)
        if self.goal_ratio is not None and self.ratio is not None:
            checks.append(self.ratio >= self.goal_ratio)
        return all(checks) if checks else None

    def document(self) -> dict[str, Any]:
        """As results.json has it."""
        return {
            "work": self.work,
            "ours_seconds": self.seconds,
            "peer_seconds": self.peer.seconds if self.peer else None,
            "peer": self.peer.name if self.peer else None,
            "ratio": self.ratio,
            "ours_bytes": self.bytes,
            "peer_bytes": self.peer.bytes if self.peer else None,
            "goal_seconds": self.goal_seconds,
            "goal_bytes": self.goal_bytes,
            "goal_ratio": self.goal_ratio,
            "compares": self.compares,
            "met": self.met,
            "details": dict(self.details),
        }


@dataclass(frozen=True, slots=True)
class Prediction:
    """One figure of a work (`seconds`, or bytes as `memory` or `bytes`), predicted and measured."""

    text: str
    figure: str
    predicted: float
    measured: float

    @property
    def goal(self) -> float:
        """By which factor it may be off."""
        return 2.0 if self.figure == "seconds" else 1.2

    @property
    def factor(self) -> float:
        """How far the prediction is off, either way."""
        return max(self.predicted / self.measured, self.measured / self.predicted)

    @property
    def met(self) -> bool:
        """Whether it is off by no more than it may."""
        return self.factor <= self.goal

    def document(self) -> dict[str, Any]:
        """As results.json has it."""
        return {
            "work": self.text, "figure": self.figure, "predicted": self.predicted, "measured": self.measured,
            "goal_factor": self.goal, "met": self.met,
        }  # fmt: skip


def write(
    path: Path,
    machine: Mapping[str, Any],
    versions: Mapping[str, str],
    results: Sequence[Result],
    predictions: Sequence[Prediction] = (),
) -> None:
    """Write what was measured so far."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": machine,
        "versions": versions,
        "results": [result.document() for result in results],
        "predictions": [prediction.document() for prediction in predictions],
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def markdown(
    machine: Mapping[str, Any],
    versions: Mapping[str, str],
    results: Iterable[Result],
    date: str,
    predictions: Sequence[Prediction] = (),
) -> str:
    """The same as a page."""
    results = list(results)
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {date}: medians, ours and the peer's in turns in one run, at 128 bits of security",
        "on both sides. A ratio is the peer's time in ours, or its bytes in ours where that is what is compared. Times",
        "of a peer that were extrapolated say from what.",
        "",
        f"{machine['cpu']}, {machine['cores']} cores, {size(machine['memory_bytes'])}, {machine['kernel']}, load "
        f"{machine['load']} at the start; {', '.join(f'{name} {version}' for name, version in versions.items())}.",
        "",
        f"| {' | '.join(NAMES)} |",
        f"|{'---|' * len(NAMES)}",
        *(f"| {' | '.join(row(result))} |" for result in results),
        "",
    ]
    lines += [f"* {result.text}: the peer is {result.peer.name}." for result in results if result.peer]
    for result in results:
        figures = [f"{name} {value:.4g}" for name, value in result.details.items()]
        lines += [f"* {result.text}: {'; '.join(figures)}."] if figures else []
    if predictions:
        lines += [
            "",
            "## Predictions",
            "",
            "What the analysis says of a run before it, from a cost table measured in the same run of benchmarks:",
            "seconds of one core from loading keys to writing results and a trace, most resident memory of the child,",
            "and bytes of keys and ciphertexts.",
            "",
            f"| {' | '.join(PREDICTED)} |",
            f"|{'---|' * len(PREDICTED)}",
            *(f"| {' | '.join(predicted(prediction))} |" for prediction in predictions),
        ]
    return "\n".join(lines) + "\n"


def console() -> Console:
    """Where results go: wide enough for the tables also where the terminal, or a file, says less."""
    wide = Console(highlight=False, soft_wrap=True)
    wide.width = max(wide.width, WIDTH)
    return wide


def show(console: Console, results: Iterable[Result], predictions: Sequence[Prediction] = ()) -> None:
    """The table, and below it who the peers are and what else was measured; then what was predicted."""
    results = list(results)
    names = [name if name in ("work", "") else f">{name}" for name in NAMES]
    console.print(table(names, [row(result) for result in results], title="Medians"))
    for result in results:
        if result.peer:
            console.print(f"  {result.text}: the peer is {result.peer.name}")
    for result in results:
        if result.details:
            console.print(f"\n  [bold]{result.text}[/bold]")
            console.print(pairs({f"    {name}": f"{value:.4g}" for name, value in result.details.items()}))
    if predictions:
        names = [name if name in ("work", "figure", "") else f">{name}" for name in PREDICTED]
        console.print(table(names, [predicted(each) for each in predictions], title="Predictions"))


def row(result: Result) -> tuple[str, ...]:
    """One line of the table."""
    goals = [seconds(result.goal_seconds), size(result.goal_bytes), times(result.goal_ratio)]
    met = {True: "met", False: "not met", None: ""}[result.met]
    peer = result.peer
    return (
        result.text, seconds(result.seconds), ", ".join(goal for goal in goals if goal), met,
        seconds(peer.seconds if peer else None), times(result.ratio),
        size(result.bytes), size(peer.bytes if peer else None),
    )  # fmt: skip


def predicted(prediction: Prediction) -> tuple[str, ...]:
    """One line of the table of predictions."""
    said: Callable[[float], str] = (
        seconds if prediction.figure == "seconds" else lambda count: size(round(count))
    )
    return (
        prediction.text, prediction.figure, said(prediction.predicted), said(prediction.measured),
        f"{prediction.factor:.2f}x", f"{prediction.goal:g}x", "met" if prediction.met else "not met",
    )  # fmt: skip


def times(ratio: float | None) -> str:
    """Two digits that matter, or all before the point."""
    if ratio is None:
        return ""
    return f"{ratio:,.0f}x" if ratio >= 10 else f"{ratio:.2g}x"


def seconds(value: float | None) -> str:
    """Three digits that matter."""
    if value is None:
        return ""
    return f"{value:,.0f} s" if value >= 100 else f"{value:.3g} s"


def size(count: int | None) -> str:
    """Decimal units."""
    if count is None:
        return ""
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= limit:
            return f"{count / limit:.3g} {unit}"
    return f"{count} B"
