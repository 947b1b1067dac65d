"""The same work by TenSEAL's high-level interface, as its tutorials use it: one row per ciphertext."""

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


class Scorer:
    """A linear model over a few encrypted rows."""

    def __init__(self, parameters: Parameters, rows: Floats, weights: Floats, intercept: float) -> None:
        self.parameters = parameters
        context = ts.context(
            ts.SCHEME_TYPE.CKKS, parameters.degree, coeff_mod_bit_sizes=list(parameters.bits)
        )
        context.global_scale = parameters.scale
        context.generate_galois_keys()
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
