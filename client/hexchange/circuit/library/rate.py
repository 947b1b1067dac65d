"""How many rows a logistic model expects to be positive: one number over all rows, which can be noised for an ε.

The logistic function is put in place by a cubic, computed row by row on ciphertext and summed, so nobody sees a score.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Circuit, Sum, Table
from hexchange.circuit.kinds import Asked, Kind, Recipe, Released
from hexchange.circuit.library.predict import in_ranges, weighted, weights_of
from hexchange.circuit.sensitivity import Polynomial
from hexchange.circuit.words import read_columns
from hexchange.errors import ModelMissing, ModelUnreadable

if TYPE_CHECKING:
    import pandas as pd

EDITION = "poly3"
OUTPUT = "expected"

REACH = 5.0
"""Scores that are told apart where nothing else is asked for."""


def rate(
    table: Table,
    coefficients: Mapping[str, float],
    intercept: float,
    *,
    reach: float = REACH,
    noise: bool = False,
) -> Circuit:
    """The sum over rows of `cubic(reach)` of the score, intercept + sum of coefficient * column in own units.

    Three levels deep; with `noise`, for an offer with ε > 0. Most scores should lie within ±`reach`, as far as those
    who fitted the model know. Raises MalformedCircuit for an unknown column or a model that uses none.
    """
    weights, middle = in_ranges(table, coefficients, intercept)
    most = sum(map(abs, weights.values()))
    # From -1 to 1; the cubic of the score is a cubic of this, and without its constant an empty row adds nothing.
    score = weighted(Draft(table), weights, most)
    slope, bend = cubic(reach)
    first = most * (slope + 3 * bend * middle**2)
    second, third = 3 * bend * middle * most**2, bend * most**3
    positive = score.square() * (score * third + second) + score * first
    outputs = {OUTPUT: positive.sum().measured(1.0, table.rows * _chance(middle, reach))}
    return score.draft.circuit(EDITION, outputs, "noise" if noise else "exact", result="rate")


def rate_clear(
    frame: pd.DataFrame, coefficients: Mapping[str, float], intercept: float, *, reach: float = REACH
) -> pd.DataFrame:
    """The twin: the same figures from clear values."""
    weights = np.array(list(coefficients.values()))
    scores = frame[list(coefficients)].to_numpy() @ weights + intercept
    return _figures(float(_chance(scores, reach).sum()), len(frame))


def cubic(reach: float) -> tuple[float, float]:
    """a and b of 1/2 + a s + b s³, the least-squares cubic of the logistic function over scores within ±`reach`.

    It is off by at most 0.02 for a reach of 3, 0.06 for 5 and 0.12 for 8; beyond the reach by more and more. Both have
    six digits, so that every machine builds the same circuit.
    """
    scores = np.linspace(-reach, reach, 2001)
    fitted = np.polynomial.Polynomial.fit(scores, 1 / (1 + np.exp(-scores)), 3).convert().coef
    return float(f"{fitted[1]:.6g}"), float(f"{fitted[3]:.6g}")


def _chance(score: Any, reach: float) -> Any:
    slope, bend = cubic(reach)
    return 0.5 + slope * score + bend * score**3


def _figures(expected: float, rows: int) -> pd.DataFrame:
    import pandas as pd  # slow to import, and needed by the twin and a buyer alone

    return pd.DataFrame({"expected": [expected], "rate": [expected / rows]})


def _present(released: Released) -> pd.DataFrame:
    """Rows that are expected to be positive, and their share of all."""
    (expected,) = released.meant().values()
    return _figures(float(expected[0]), released.circuit.table.rows)


def _build(table: Table, asked: Asked) -> Circuit:
    if asked.model is None:
        raise ModelMissing("rate needs a model to score with", hint="add --model FILE.skops")
    if not (hasattr(asked.model, "coef_") and hasattr(asked.model, "predict_proba")):
        raise ModelUnreadable(
            "rate needs a model that gives probabilities", hint="use a fitted LogisticRegression"
        )
    return rate(table, *weights_of(table, asked.model), noise=asked.noise)


def _holds(circuit: Circuit, rows: list[Polynomial]) -> bool:
    (output, *others) = circuit.outputs
    one = isinstance(circuit.nodes[output.node], Sum) and not others and output.unit == 1
    return one and bool(rows) and max(map(len, rows[output.node]), default=0) == 3


CIRCUIT = Recipe("rate", (EDITION,), _build)
KINDS = (
    Kind(
        "rate",
        "how many rows a model expects to be positive",
        holds=_holds,
        says=lambda circuit: (
            f"How many rows a model expects to be positive, by a cubic of {', '.join(read_columns(circuit))}"
        ),
        present=_present,
    ),
)
