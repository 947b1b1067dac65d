"""The same work by TenSEAL's high-level interface: as its tutorials use it, a row per ciphertext, and at its best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import tenseal as ts
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a tutorial of TenSEAL chooses; inside the 128-bit table, as all of our editions are."""

    degree: int
    bits: tuple[int, ...]
    scale: float

    def __str__(self) -> str:
        return f"N = {self.degree:,}, {'-'.join(map(str, self.bits))} bits"


STARTED = Parameters(8192, (60, 40, 40, 60), 2.0**40)
"""Of the tutorial "Getting started"; the most used ones."""

EVALUATED = Parameters(4096, (40, 20, 40), 2.0**20)
"""Of the evaluation in the tutorial on logistic regression: faster and far less exact."""

TRAINED = Parameters(8192, (40, 21, 21, 21, 21, 21, 21, 40), 2.0**21)
"""Of the training in the same tutorial: levels for one step, whose weights are then encrypted anew."""

SAME = Parameters(4096, (40, 29, 40), 2.0**29)
"""Those of our edition `linear`."""


def public_context(parameters: Parameters, *, rotations: bool) -> tuple[Any, float]:
    """A context with its keys, those for relinearising and if asked for rotating, and the seconds it took."""
    began = perf_counter()
    context = ts.context(ts.SCHEME_TYPE.CKKS, parameters.degree, coeff_mod_bit_sizes=list(parameters.bits))
    context.global_scale = parameters.scale
    if rotations:
        context.generate_galois_keys()
    return context, perf_counter() - began


class Scorer:
    """A linear model over a few encrypted rows."""

    def __init__(self, parameters: Parameters, rows: Floats, weights: Floats, intercept: float) -> None:
        self.parameters = parameters
        context, _ = public_context(parameters, rotations=True)
        self._rows = rows
        self._encrypted = [ts.ckks_vector(context, row.tolist()) for row in rows]
        self._weights, self._intercept = weights.tolist(), intercept

    @property
    def row_bytes(self) -> int:
        """Of one encrypted row as it is stored."""
        return len(self._encrypted[0].serialize())

    def score(self) -> float:
        """Seconds per row."""
        began = perf_counter()
        self._scores()
        return (perf_counter() - began) / len(self._encrypted)

    def error(self) -> float:
        """The largest of a score."""
        scores = np.array([score.decrypt()[0] for score in self._scores()])
        clear = self._rows @ np.array(self._weights) + self._intercept
        return float(np.abs(scores - clear).max())

    def _scores(self) -> Sequence[Any]:
        return [row.dot(self._weights) + self._intercept for row in self._encrypted]


class Columns:
    """A table with a column and as many rows as fit in each ciphertext."""

    def __init__(self, parameters: Parameters, values: Floats, *, rotations: bool) -> None:
        context, _ = public_context(parameters, rotations=rotations)
        size = parameters.degree // 2
        began = perf_counter()
        self.blocks = [
            [ts.ckks_vector(context, column.tolist()) for column in values[start : start + size].T]
            for start in range(0, len(values), size)
        ]
        self.seconds = perf_counter() - began
        self.stored_bytes = sum(len(block[0].serialize()) * len(block) for block in self.blocks)


class ColumnScorer:
    """A linear model over columns: the products and sums that a user writes."""

    def __init__(self, parameters: Parameters, values: Floats, weights: Floats, intercept: float) -> None:
        self._values = values
        self._columns = Columns(parameters, values, rotations=False)
        self._weights, self._intercept = weights.tolist(), intercept

    @property
    def stored_bytes(self) -> int:
        """Of the whole table."""
        return self._columns.stored_bytes

    def score(self) -> float:
        """Seconds for all rows."""
        began = perf_counter()
        self._scores()
        return perf_counter() - began

    def error(self) -> float:
        """The largest of a score."""
        scores = np.concatenate([np.array(block.decrypt()) for block in self._scores()])
        clear = self._values @ np.array(self._weights) + self._intercept
        return float(np.abs(scores - clear).max())

    def _scores(self) -> list[Any]:
        return [self._score(block) for block in self._columns.blocks]

    def _score(self, block: Sequence[Any]) -> Any:
        total = block[0] * self._weights[0]
        for column, weight in zip(block[1:], self._weights[1:], strict=True):
            total = total + column * weight
        return total + self._intercept


class Gram:
    """Products of columns, each pair by `dot`, which also adds up the slots."""

    def __init__(self, parameters: Parameters, values: Floats) -> None:
        self._columns = Columns(parameters, values, rotations=True)

    def pairs(self, count: int) -> float:
        """Seconds for one pair over one ciphertext of rows, measured on so many."""
        (block, *_) = self._columns.blocks
        began = perf_counter()
        for number in range(count):
            block[number % len(block)].dot(block[(number + 1) % len(block)])
        return (perf_counter() - began) / count


class Trainer:
    """A step of logistic regression on a few encrypted rows with encrypted weights, as the tutorial trains."""

    def __init__(self, rows: Floats, labels: Floats) -> None:
        context, _ = public_context(TRAINED, rotations=True)
        self._rows = [ts.ckks_vector(context, row.tolist()) for row in rows]
        self._labels = [ts.ckks_vector(context, [label]) for label in labels]
        self._weights = ts.ckks_vector(context, [0.0] * rows.shape[1])
        self._bias = ts.ckks_vector(context, [0.0])

    @property
    def row_bytes(self) -> int:
        """Of one encrypted row with its label as it is stored."""
        return len(self._rows[0].serialize()) + len(self._labels[0].serialize())

    def row(self) -> float:
        """Seconds per row: the model on it, and what it adds to the step."""
        began = perf_counter()
        steps: list[Any] = []
        for row, label in zip(self._rows, self._labels, strict=True):
            miss = (row.dot(self._weights) + self._bias).polyval([0.5, 0.197, 0, -0.004]) - label
            parts = [row * miss, miss]
            steps = [step + part for step, part in zip(steps, parts, strict=True)] if steps else parts
        return (perf_counter() - began) / len(self._rows)
