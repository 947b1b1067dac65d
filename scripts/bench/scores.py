"""Scores of a linear model with 20 features, beside TenSEAL a row and a column per ciphertext."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.case import ROUNDS, Case
from bench.peer import EVALUATED, SAME, STARTED, ColumnScorer, Scorer
from bench.report import Peer, Result
from bench.timing import medians
from hexchange.circuit.document import Column, Table
from hexchange.circuit.library.predict import predict, predict_clear
from hexchange.circuit.results import in_units


def score(rows: int = 100_000, peer_rows: int = 40) -> list[Result]:
    """Scores of a linear model with 20 features; TenSEAL's time per row is measured on `peer_rows` of them."""
    generator = np.random.default_rng(1)
    columns = tuple(Column(f"x{number}", -1.0, 1.0) for number in range(20))
    values, weights = generator.uniform(-1, 1, (rows, 20)), generator.normal(size=20)
    model = {column.name: float(weight) for column, weight in zip(columns, weights, strict=True)}
    case = Case.of(predict(Table(rows, columns), model, 0.5), values)
    started, evaluated = (
        Scorer(parameters, values[:peer_rows], weights, 0.5) for parameters in (STARTED, EVALUATED)
    )
    columned = ColumnScorer(SAME, values, weights, 0.5)
    found = medians(
        ROUNDS,
        case.run,
        lambda: {"started": started.score()},
        lambda: {"evaluated": evaluated.score()},
        lambda: {"columns": columned.score()},
    )
    clear = predict_clear(
        pd.DataFrame(values, columns=[column.name for column in columns]), model, 0.5
    ).to_numpy()[:, 0]
    error = float(np.abs(in_units(case.circuit, case.values())["score"] - clear).max())

    def peer(scorer: Scorer, per_row: float) -> Peer:
        what = f"TenSEAL, a row per ciphertext, `dot`, {scorer.parameters}"
        return Peer(f"{what}; {peer_rows} rows measured, {rows:,} extrapolated", per_row * rows,
                    scorer.row_bytes * rows)  # fmt: skip

    text = f"score {rows:,} x 20"
    details = {
        "largest error of a score": error,
        "the peer's": started.error(),
        "the coarse peer's": evaluated.error(),
        "that of the peer with columns": columned.error(),
        "microseconds a row": found["compute"] / rows * 1e6,
        "seconds to write results and trace": found["write"],
    }
    done = (found["compute"], case.stored_bytes)
    columns_peer = Peer(
        f"TenSEAL, a column per ciphertext, products with numbers and sums, {SAME}, our edition's",
        found["columns"],
        columned.stored_bytes,
    )
    return [
        Result(
            "score20_rows",
            text,
            *done,
            peer(started, found["started"]),
            0.2,
            goal_ratio=15_000,
            details=details,
        ),
        Result("score20_columns", f"{text}, peer by columns", *done, columns_peer, goal_ratio=1.8),
        Result("score20_rows_coarse", f"{text}, coarse peer", *done, peer(evaluated, found["evaluated"])),
        Result("score20_load", f"load {rows:,} x 20", found["load"], case.stored_bytes),
    ]
