"""Linear regression of the label on all other columns, from their sums and products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hexchange.circuit.document import Circuit, Table
from hexchange.circuit.estimators import regressor
from hexchange.circuit.kinds import Kind, Recipe, Released
from hexchange.circuit.least_squares import fit
from hexchange.circuit.moments import EDITION, Moments, is_supervised, supervised

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.linear_model import LinearRegression


def linear(table: Table, *, noise: bool = False) -> Circuit:
    """Least squares, one level deep; with `noise`, for an offer with ε > 0.

    Raises MalformedCircuit for a table without a label, or with too many columns.
    """
    return supervised(table, "linear", noise=noise)


def linear_clear(frame: pd.DataFrame, label: str) -> LinearRegression:
    """The twin: the same model from clear values."""
    from sklearn.linear_model import LinearRegression  # slow to import, and needed by the twin alone

    return LinearRegression().fit(frame.drop(columns=label), frame[label])


def _present(released: Released) -> LinearRegression:
    from sklearn.linear_model import LinearRegression  # slow to import, and needed by a buyer alone

    moments = Moments.of(released)
    found = fit(moments)
    model = regressor(LinearRegression(), found, moments)
    model.rank_ = found.rank
    return model


CIRCUIT = Recipe("linear", (EDITION,), lambda table, asked: linear(table, noise=asked.noise))
KINDS = (
    Kind(
        "linear",
        "a fitted linear regression",
        holds=is_supervised,
        says=lambda circuit: f"A linear regression of {circuit.table.label} on all other columns",
        present=_present,
        derives=True,
    ),
)
