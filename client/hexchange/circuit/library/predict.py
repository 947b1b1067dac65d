"""Scores of a given linear or logistic model, one per row."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, inf, log2
from typing import TYPE_CHECKING

import numpy as np

from hexchange.circuit.analysis import LEAST_COEFFICIENT
from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Circuit, Table, malformed

if TYPE_CHECKING:
    import pandas as pd

EDITION = "linear"
OUTPUT = "score"

#: Scores reach at most this magnitude in the circuit: a quarter of what the edition carries.
CARRIED = 128.0


def predict(
    table: Table, coefficients: Mapping[str, float], intercept: float, *, probability: bool = False
) -> Circuit:
    """intercept + sum of coefficient * column, in the columns' own units.

    The circuit scores in a unit that uses the edition's whole range; unit and offset are applied after
    release, and with `probability` the logistic function too. Coefficients that move no score by more than
    2^-24 units are left out. Raises MalformedCircuit for an unknown column or a model that uses none.
    """
    columns = {name: table.column(name) for name in coefficients}
    weights = {name: coefficients[name] * column.half for name, column in columns.items()}
    reach = sum(abs(weight) for weight in weights.values())
    if not 0 < reach < inf:
        raise malformed("the model's coefficients are all zero, or not finite")
    unit = 2.0 ** ceil(log2(reach / CARRIED))
    draft = Draft(table)
    terms = [
        draft[name] * (weight / unit)
        for name, weight in weights.items()
        if abs(weight / unit) >= LEAST_COEFFICIENT
    ]
    score = terms[0]
    for term in terms[1:]:
        score = score + term
    offset = intercept + sum(coefficients[name] * column.middle for name, column in columns.items())
    outputs = {OUTPUT: score.measured(unit, offset)}
    return draft.circuit(EDITION, outputs, "exact", result="probability" if probability else "score")


def predict_clear(frame: pd.DataFrame, coefficients: Mapping[str, float], intercept: float) -> pd.DataFrame:
    """The twin: linear scores from clear values."""
    import pandas as pd  # slow to import, and needed by the twin alone

    weights = np.array(list(coefficients.values()))
    return pd.DataFrame({OUTPUT: frame[list(coefficients)].to_numpy() @ weights + intercept})
