"""Covariances of all pairs of columns, from their sums and products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hexchange.circuit.document import Circuit, Table
from hexchange.circuit.kinds import Floats, Kind, Recipe, Released
from hexchange.circuit.moments import (
    EDITION,
    Moments,
    gram_circuit,
    halves,
    is_gram,
    square_frame,
    without_noise,
)
from hexchange.circuit.words import read_columns

if TYPE_CHECKING:
    import pandas as pd


def covariance(table: Table, columns: Sequence[str] | None = None, *, noise: bool = False) -> Circuit:
    """Covariances of `columns` (default: all), one level deep; with `noise`, for an offer with ε > 0.

    Raises MalformedCircuit for a column that the table does not have, or for too many of them.
    """
    return gram_circuit(table, "covariance", columns, noise=noise)


def covariance_clear(frame: pd.DataFrame) -> pd.DataFrame:
    """The twin: the same table from clear values."""
    return frame.cov()


def covariances(moments: Moments) -> tuple[Floats, Floats]:
    """Covariances (of a sample: n - 1) in the columns' own units, and bounds of their errors."""
    columns = moments.columns
    scatter = without_noise(moments.scatter(columns, columns), moments.noise())
    unit = np.outer(halves(columns), halves(columns)) / max(moments.rows - 1, 1)
    return unit * scatter, unit * moments.scatter_errors(columns, columns)


def _present(released: Released) -> pd.DataFrame:
    moments = Moments.of(released)
    values, errors = covariances(moments)
    return square_frame(values, moments.columns, float(errors.max()))


CIRCUIT = Recipe("covariance", (EDITION,), lambda table, asked: covariance(table, noise=asked.noise))
KINDS = (
    Kind(
        "covariance",
        "covariances of columns",
        holds=is_gram,
        says=lambda circuit: f"Covariances of all pairs of {', '.join(read_columns(circuit))}",
        present=_present,
        derives=True,
    ),
)
