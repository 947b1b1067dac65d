"""How many rows a logistic model expects to be positive: one number over all rows, which can be noised for an ε.

The logistic function is put in place by a cubic, computed row by row on ciphertext and summed, so nobody sees a score.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from math import inf
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Circuit, Sum, Table, malformed
from hexchange.circuit.kinds import Asked, Kind, Recipe, Released
from hexchange.circuit.library.predict import weights_of
from hexchange.circuit.sensitivity import LEAST_COEFFICIENT, Polynomial
from hexchange.circuit.words import read_columns
from hexchange.errors import ModelMissing, ModelUnreadable

if TYPE_CHECKING:
    import pandas as pd

EDITION = "poly3"
OUTPUT = "expected"

#: 1 / 2 + LINEAR * s + CUBIC * s³ is the least-squares cubic of the logistic function over scores from -5 to 5, nowhere
#: there off by more than 0.061. Beyond them it errs more.
LINEAR = 0.198322
CUBIC = -0.00447268


def rate(
    table: Table, coefficients: Mapping[str, float], intercept: float, *, noise: bool = False
) -> Circuit:
    """The sum over rows of 1 / 2 + LINEAR s + CUBIC s³, s = intercept + sum of coefficient * column in own units.

    Three levels deep; with `noise`, for an offer with ε > 0. Raises MalformedCircuit for an unknown column or a model
    that uses none.
    """
    columns = {name: table.column(name) for name in coefficients}
    weights = {name: coefficients[name] * column.half for name, column in columns.items()}
    reach = sum(abs(weight) for weight in weights.values())
    if not 0 < reach < inf:
        raise malformed("the model's coefficients are all zero, or not finite")
    middle = intercept + sum(coefficients[name] * column.middle for name, column in columns.items())
    draft = Draft(table)
    # From -1 to 1; the cubic of the score is a cubic of this, and without its constant an empty row adds nothing.
    score = reduce(
        add,
        (
            draft[name] * (weight / reach)
            for name, weight in weights.items()
            if abs(weight / reach) >= LEAST_COEFFICIENT
        ),
    )
    first = reach * (LINEAR + 3 * CUBIC * middle**2)
    second, third = 3 * CUBIC * middle * reach**2, CUBIC * reach**3
    positive = score.square() * (score * third + second) + score * first
    outputs = {OUTPUT: positive.sum().measured(1.0, table.rows * _cubic(middle))}
    return draft.circuit(EDITION, outputs, "noise" if noise else "exact", result="rate")


def rate_clear(frame: pd.DataFrame, coefficients: Mapping[str, float], intercept: float) -> pd.DataFrame:
    """The twin: the same figures from clear values."""
    weights = np.array(list(coefficients.values()))
    scores = frame[list(coefficients)].to_numpy() @ weights + intercept
    return _figures(float(_cubic(scores).sum()), len(frame))


def _cubic(score: Any) -> Any:
    return 0.5 + LINEAR * score + CUBIC * score**3


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
