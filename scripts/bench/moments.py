"""Sums and products of columns: what describe, covariance and all regressions are made of."""

from __future__ import annotations

from time import perf_counter

import numpy as np
import pandas as pd

from bench.case import ROUNDS, Case
from bench.peer import STARTED, Gram
from bench.report import Peer, Result
from bench.timing import medians
from hexchange.circuit.document import Column, Table
from hexchange.circuit.library.covariance import covariance, covariance_clear
from hexchange.circuit.library.describe import describe, describe_clear
from hexchange.circuit.results import present


def described(rows: int = 569, columns: int = 30) -> list[Result]:
    """Mean, variance and standard deviation of every column."""
    values = np.random.default_rng(3).uniform(-1, 1, (rows, columns))
    table = Table(rows, tuple(Column(f"x{number}", -1.0, 1.0) for number in range(columns)))
    case = Case.of(describe(table), values)
    found = medians(ROUNDS, case.run)
    described = present(case.circuit, case.values())
    clear = describe_clear(pd.DataFrame(values, columns=[column.name for column in table.columns]))
    details = {
        "seconds of it in computing": found["compute"],
        "largest error of a figure": float((described - clear).abs().to_numpy().max()),
    }
    text = f"describe {rows} x {columns}"
    return [Result("describe_569x30", text, found["whole"], case.stored_bytes, details=details)]


def gram(rows: int = 100_000, columns: int = 20, peer_pairs: int = 6) -> list[Result]:
    """Sums and products of all columns, in one process and in two; TenSEAL's time is measured on `peer_pairs`."""
    values = np.random.default_rng(4).uniform(-1, 1, (rows, columns))
    names = tuple(Column(f"x{number}", -1.0, 1.0) for number in range(columns))
    case = Case.of(covariance(Table(rows, names)), values)
    theirs = Gram(STARTED, values[: STARTED.degree // 2])
    found = medians(3, case.run, lambda: {"pair": theirs.pairs(peer_pairs)})
    pairs, blocks = columns * (columns + 1) // 2, -(-rows // (STARTED.degree // 2))
    peer = Peer(
        f"TenSEAL, a column per ciphertext, `dot` per pair, {STARTED}; "
        f"{peer_pairs} pairs over one of {blocks} blocks measured, {pairs} pairs extrapolated",
        found["pair"] * pairs * blocks,
    )
    covariances = present(case.circuit, case.values())
    clear = covariance_clear(pd.DataFrame(values, columns=[column.name for column in names]))
    details = {
        "seconds of it in computing": found["compute"],
        "largest error of a covariance": float((covariances - clear).abs().to_numpy().max()),
    }
    text = f"sums and products {rows:,} x {columns}"
    return [
        Result(
            "gram_100000x20", text, found["whole"], case.stored_bytes, peer, goal_ratio=25, details=details
        ),
        _two_processes(case, text),
    ]


def large(rows: int = 1_000_000, columns: int = 20) -> list[Result]:
    """The same over ten times the rows: streamed, so a child takes no more memory for them."""
    values = np.random.default_rng(5).uniform(-1, 1, (rows, columns))
    names = tuple(Column(f"x{number}", -1.0, 1.0) for number in range(columns))
    few = rows // 10
    case, tenth = (Case.of(covariance(Table(len(part), names)), part) for part in (values, values[:few]))
    spent = case.run()
    covariances = present(case.circuit, case.values())
    clear = covariance_clear(pd.DataFrame(values, columns=[column.name for column in names]))
    details = {
        "seconds of it in computing": spent["compute"],
        "bytes that a child had in memory": case.child_memory(),
        f"the same for {few:,} rows": tenth.child_memory(),
        "largest error of a covariance": float((covariances - clear).abs().to_numpy().max()),
    }
    text = f"sums and products {rows:,} x {columns}"
    return [Result("gram_1000000x20", text, spent["whole"], case.stored_bytes, details=details)]


def _two_processes(case: Case, text: str) -> Result:
    """The same run by sandboxed children from files into files, keys loaded, by the clock on the wall."""
    with case.crew(2) as run:

        def wall(processes: int) -> float:
            began = perf_counter()
            run(processes)
            return perf_counter() - began

        found = medians(ROUNDS, lambda: {"one": wall(1)}, lambda: {"two": wall(2)})
    peer = Peer("we ourselves in one process", found["one"])
    return Result("two_processes", f"{text} in two processes", found["two"], peer=peer, goal_ratio=1.8)
