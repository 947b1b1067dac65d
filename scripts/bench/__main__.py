"""Measure, print, and write var/bench/results.json and docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import services
from bench import market, moments, networks, prediction, report, scores, storage, training, whole
from bench.machine import machine, versions
from bench.report import Prediction, Result
from hexchange.cli.output import pairs
from hexchange.errors import HexchangeError

FOLDER = services.ROOT / "var" / "bench"
PAGE = services.ROOT / "docs" / "benchmarks.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--demo", action="store_true", help="also run `make demo` and watch its memory")
    options = parser.parse_args()
    groups: list[Callable[[], list[Result]]] = [
        *(
            scores.score,
            training.train,
            moments.described,
            moments.gram,
            moments.large,
            storage.tables,
            storage.keys,
        ),
        *(networks.product, networks.images),
        market.overhead,
    ]
    if options.demo:
        groups.append(lambda: whole.demo(FOLDER / "demo.log"))
    console = report.console()
    here, installed = machine(), versions()
    console.print(pairs({**here, "memory_bytes": report.size(here["memory_bytes"])}))
    console.print(pairs(installed))
    results: list[Result] = []
    foretold: list[Prediction] = []
    failures: list[str] = []
    for group in groups:
        with noted(failures):
            results += group()
        report.write(FOLDER / "results.json", here, installed, results)
    with noted(failures):
        foretold = prediction.predictions()
        report.write(FOLDER / "results.json", here, installed, results, foretold)
    report.show(console, results, foretold)
    page = report.markdown(here, installed, results, f"{datetime.now(UTC):%Y-%m-%d}", foretold)
    PAGE.write_text(page, encoding="utf-8")
    console.print(f"\nAlso in {FOLDER / 'results.json'} and {PAGE}")
    if failures:
        sys.exit("\n".join(failures))


@contextmanager
def noted(failures: list[str]) -> Iterator[None]:
    """A failure costs what it belongs to, and is said at the end."""
    try:
        yield
    except (RuntimeError, HexchangeError) as error:
        failures.append(str(error))


if __name__ == "__main__":
    main()
