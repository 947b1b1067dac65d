"""Scores of a given linear or logistic model, one per row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from hexchange.circuit.analysis import LEAST_COEFFICIENT
from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Circuit, Table, malformed

EDITION = "linear"
OUTPUT = "score"


def predict(
    table: Table, coefficients: Mapping[str, float], intercept: float, *, probability: bool = False
) -> Circuit:
    """intercept + sum of coefficient * column, in the columns' own units.

    With `probability` the buyer's side applies the logistic function to the released scores. Coefficients
    that cannot move a score by 2^-24 over a column's whole range are left out. Raises MalformedCircuit for an
    unknown column or a model that uses none.
    """
    draft = Draft(table)
    terms = []
    constant = intercept
    for name, coefficient in coefficients.items():
        column = table.column(name)
        constant += coefficient * column.middle
        if abs(coefficient) * column.half >= LEAST_COEFFICIENT:
            terms.append(draft[name] * (coefficient * column.half))
    if not terms:
        raise malformed("every coefficient of the model is zero")
    score = terms[0]
    for term in terms[1:]:
        score = score + term
    outputs = {OUTPUT: score + constant}
    return draft.circuit(EDITION, outputs, "exact", result="probability" if probability else "score")


def predict_clear(frame: pd.DataFrame, coefficients: Mapping[str, float], intercept: float) -> pd.DataFrame:
    """The twin: linear scores from clear values."""
    weights = np.array(list(coefficients.values()))
    return pd.DataFrame({OUTPUT: frame[list(coefficients)].to_numpy() @ weights + intercept})
