"""Correlations of all pairs of columns, from their sums and products."""

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
    is_gram,
    square_frame,
    without_noise,
)
from hexchange.circuit.words import read_columns

if TYPE_CHECKING:
    import pandas as pd


def correlation(table: Table, columns: Sequence[str] | None = None, *, noise: bool = False) -> Circuit:
    """Pearson's correlations of `columns` (default: all), one level deep; with `noise`, for an offer with ε > 0.

    Raises MalformedCircuit for a column that the table does not have, or for too many of them.
    """
    return gram_circuit(table, "correlation", columns, noise=noise)


def correlation_clear(frame: pd.DataFrame) -> pd.DataFrame:
    """The twin: the same table from clear values."""
    return frame.corr()


def correlations(moments: Moments) -> tuple[Floats, Floats]:
    """Correlations and bounds of their errors; not a number for columns that vary no more than their error."""
    columns, noise = moments.columns, moments.noise()
    scatter = without_noise(moments.scatter(columns, columns), noise)
    errors = moments.scatter_errors(columns, columns)
    spread, off = np.diag(scatter), np.diag(errors)
    varies = spread > np.maximum(np.nan_to_num(off), noise)
    with np.errstate(divide="ignore", invalid="ignore"):
        lengths = np.sqrt(np.outer(spread, spread))
        longest = np.sqrt(np.outer(spread + off, spread + off))
        shortest = np.sqrt(np.outer(spread - off, spread - off))
        values = np.clip(scatter / lengths, -1, 1)
        above = (np.abs(scatter) + errors) / shortest - np.abs(values)
        below = np.abs(values) - (np.abs(scatter) - errors) / longest
    bounds = np.maximum(above, below)
    np.fill_diagonal(values, 1.0)
    np.fill_diagonal(bounds, 0.0)
    both = np.outer(varies, varies)
    return np.where(both, values, np.nan), np.where(both, bounds, np.nan)


def _present(released: Released) -> pd.DataFrame:
    moments = Moments.of(released)
    values, errors = correlations(moments)
    return square_frame(values, moments.columns, float(np.nanmax(errors, initial=0.0)))


CIRCUIT = Recipe("correlation", (EDITION,), lambda table, asked: correlation(table, noise=asked.noise))
KINDS = (
    Kind(
        "correlation",
        "correlations of columns",
        holds=is_gram,
        says=lambda circuit: f"Correlations of all pairs of {', '.join(read_columns(circuit))}",
        present=_present,
        derives=True,
    ),
)
