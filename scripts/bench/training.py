"""Logistic training on encrypted rows with encrypted weights."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from bench.case import Case, Floats
from bench.peer import TRAINED, Trainer
from bench.report import Peer, Result
from bench.timing import medians
from hexchange.circuit.document import Column, Table
from hexchange.circuit.library.logistic import logistic, logistic_clear


def train(rows: int = 1000, features: int = 20, peer_rows: int = 4) -> list[Result]:
    """Three steps of logistic training with encrypted rows and weights, judged on as many fresh rows.

    One step for itself is the second: the first needs no data, the last does not make weights for another.
    TenSEAL's time per row is measured on `peer_rows` of them.
    """
    generator = np.random.default_rng(2)
    columns = (*(Column(f"x{number}", -1.0, 1.0) for number in range(features)), Column("y", 0.0, 1.0))
    values = generator.uniform(-1, 1, (2 * rows, features))
    signs = np.sign(values @ generator.normal(size=features) + generator.normal(size=2 * rows) / 2)
    both = np.column_stack([values, signs])
    case = Case.of(logistic(Table(rows, columns, label="y")), both[:rows])
    trainer = Trainer(values[:peer_rows], (signs[:peer_rows] + 1) / 2)
    found = medians(3, case.load_keys, case.run, case.stages, lambda: {"peer": trainer.row()})
    peer = Peer(
        f"TenSEAL's tutorial, a row per ciphertext, `dot` and `polyval`, {TRAINED}; "
        f"{peer_rows} rows measured, {rows:,} extrapolated",
        found["peer"] * rows,
        trainer.row_bytes * rows,
    )
    trained, clear = case.values()["weights"], logistic_clear(case.circuit.table, both[:rows])
    fitted = LogisticRegression(max_iter=1000).fit(values[:rows], signs[:rows])

    def auc(scores: Floats) -> float:
        return float(roc_auc_score(signs[rows:], scores))

    details = {
        "seconds to parse the rows": found["load"],
        "largest error of a weight, against the same steps in the clear": float(
            np.abs(trained - clear).max()
        ),
        "largest weight": float(np.abs(clear).max()),
        "AUC on fresh rows, encrypted": auc(values[rows:] @ trained[:-1] + trained[-1]),
        "AUC on fresh rows, same steps in the clear": auc(values[rows:] @ clear[:-1] + clear[-1]),
        "AUC on fresh rows, scikit-learn": auc(fitted.decision_function(values[rows:])),
    }
    what = f"{rows:,} x {features}"
    iteration = found["stage 1"] + found["stage 2"]
    return [
        Result("logistic_iteration_1000x20", f"train on {what}, one step", iteration, case.stored_bytes, peer,
               goal_ratio=60),
        Result("logistic_3_iterations_1000x20", f"train on {what}, three steps", found["whole"],
               case.stored_bytes, goal_seconds=5, details=details),
        Result("logistic_keys", f"load the keys of {what}", found["keys"], case.key_bytes),
    ]  # fmt: skip
