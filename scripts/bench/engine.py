"""The engine alone: scores, training and statistics, in this process and on one thread."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from unittest.mock import patch

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from bench.peer import EVALUATED, STARTED, Scorer
from bench.report import Peer, Result
from bench.timing import Seconds, medians, timed
from hexchange.circuit.document import Circuit, Column, Table
from hexchange.circuit.library.describe import describe, describe_clear
from hexchange.circuit.library.logistic import logistic, logistic_clear
from hexchange.circuit.library.predict import predict, predict_clear
from hexchange.circuit.lowering import lower
from hexchange.circuit.packing import Packed, pack
from hexchange.circuit.program import Program
from hexchange.circuit.results import in_units, present, reduce, unwhiten
from hexchange.he import evaluator
from hexchange.he.canonical import from_seeded, to_canonical
from hexchange.he.encryption import Encryption
from hexchange.he.keys import (
    Keys,
    SecretKey,
    load_relin_key,
    load_rotation_key,
    make_relin_key,
    make_rotation_key,
)
from hexchange.he.opening import open_outputs

ROUNDS = 5
SEED = bytes(32)
"""Of the trace that every provider's run has."""

Floats = NDArray[np.float64]


@dataclass
class Case:
    """A circuit over a table that is encrypted in memory, with its keys loaded."""

    circuit: Circuit
    program: Program
    packed: Packed
    secret: SecretKey
    blobs: dict[tuple[str, int], bytes]
    relin: bytes | None
    rotations: dict[int, bytes]

    @classmethod
    def of(cls, circuit: Circuit, values: Floats) -> Case:
        """Keys, and ciphertexts of `values` (rows x columns in [-1, 1])."""
        program = lower(circuit)
        secret = SecretKey.generate(program.edition.parameters)
        encryption = Encryption(secret)
        packed = pack(program.edition, circuit.table, values)
        blobs = {(name, block): encryption.encrypt(slots) for name, block, slots in packed.inputs}
        relin = make_relin_key(secret) if program.relinearizes else None
        rotations = {step: make_rotation_key(secret, step) for step in program.steps}
        return cls(circuit, program, packed, secret, blobs, relin, rotations)

    @property
    def stored_bytes(self) -> int:
        """Of the ciphertexts as they are uploaded."""
        return sum(map(len, self.blobs.values()))

    @property
    def key_bytes(self) -> int:
        return len(self.relin or b"") + sum(map(len, self.rotations.values()))

    @cached_property
    def keys(self) -> Keys:
        return self._load_keys()

    def load_keys(self) -> Seconds:
        """Parse and expand the public keys, as a provider does once per dataset."""
        began = perf_counter()
        self._load_keys()
        return {"keys": perf_counter() - began}

    def run(self) -> Seconds:
        """One run: parsing the inputs, computing, and writing outputs and trace as canonical bytes."""
        load: list[float] = []
        write: list[float] = []
        keys = self.keys
        with (
            patch.object(evaluator, "from_seeded", timed(from_seeded, load)),
            patch.object(evaluator, "to_canonical", timed(to_canonical, write)),
        ):
            began = perf_counter()
            self.evaluate(keys)
            whole = perf_counter() - began
        parts = {"load": sum(load), "write": sum(write)}
        return {"whole": whole, "compute": whole - sum(parts.values()), **parts}

    def evaluate(self, keys: Keys) -> evaluator.Evaluation:
        return evaluator.evaluate(self.program, lambda name, block: self.blobs[name, block], keys, [SEED])

    def values(self) -> dict[str, Floats]:
        """What a release would give without rounding or noise, still in the circuit's own units."""
        outputs = self.evaluate(self.keys).outputs
        values = reduce(self.circuit, open_outputs(self.secret, self.program, outputs))
        return unwhiten(self.circuit, values, self.packed.private) if self.packed.private else values

    def _load_keys(self) -> Keys:
        engine = self.secret.engine
        relin = load_relin_key(engine, self.relin) if self.relin else None
        return Keys(
            relin, {step: load_rotation_key(engine, step, key) for step, key in self.rotations.items()}
        )


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
    found = medians(
        ROUNDS,
        case.run,
        lambda: {"started": started.score()},
        lambda: {"evaluated": evaluated.score()},
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
        "microseconds a row": found["compute"] / rows * 1e6,
        "seconds to write results and trace": found["write"],
    }
    done = (found["compute"], case.stored_bytes)
    return [
        Result("score20_rows", text, *done, peer(started, found["started"]), 0.2, details=details),
        Result("score20_rows_coarse", f"{text}, coarse peer", *done, peer(evaluated, found["evaluated"])),
        Result("score20_load", f"load {rows:,} x 20", found["load"], case.stored_bytes),
    ]


def train(rows: int = 1000, features: int = 20) -> list[Result]:
    """Three steps of logistic training with encrypted rows and weights, judged on as many fresh rows."""
    generator = np.random.default_rng(2)
    columns = (*(Column(f"x{number}", -1.0, 1.0) for number in range(features)), Column("y", 0.0, 1.0))
    values = generator.uniform(-1, 1, (2 * rows, features))
    signs = np.sign(values @ generator.normal(size=features) + generator.normal(size=2 * rows) / 2)
    both = np.column_stack([values, signs])
    case = Case.of(logistic(Table(rows, columns, label="y")), both[:rows])
    found = medians(3, case.load_keys, case.run)
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
    return [
        Result("logistic_3_iterations_1000x20", f"train on {what}, three steps", found["whole"],
               case.stored_bytes, goal_seconds=5, details=details),
        Result("logistic_keys", f"load the keys of {what}", found["keys"], case.key_bytes),
    ]  # fmt: skip


def statistics(rows: int = 569, columns: int = 30) -> list[Result]:
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
