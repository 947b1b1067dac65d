"""Sums and means of columns: nothing but additions, so the smallest ciphertexts there are serve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Circuit, Table
from hexchange.circuit.kinds import Kind, Recipe, Released, unfit
from hexchange.circuit.moments import Moments, are_moments, output_name
from hexchange.circuit.words import read_columns

if TYPE_CHECKING:
    import pandas as pd

EDITIONS = ("sum", "linear", "stats")


def mean(
    table: Table, columns: Sequence[str] | None = None, *, noise: bool = False, edition: str = EDITIONS[0]
) -> Circuit:
    """Sums of `columns` (default: all), no level deep; with `noise`, for an offer with ε > 0.

    Raises MalformedCircuit for a column that the table does not have.
    """
    draft = Draft(table)
    names = columns or [column.name for column in table.columns]
    outputs = {output_name((name,)): draft[name].sum() for name in names}
    return draft.circuit(edition, outputs, "noise" if noise else "exact", result="mean")


def mean_clear(frame: pd.DataFrame) -> pd.DataFrame:
    """The twin: the same table from clear values."""
    import pandas as pd  # slow to import, and needed by the twin alone

    return pd.DataFrame({"count": frame.count().astype(float), "sum": frame.sum(), "mean": frame.mean()})


def _present(released: Released) -> pd.DataFrame:
    """Count, sum and mean of each column whose sum was released, in its own unit."""
    import pandas as pd  # slow to import, and needed by a buyer alone

    found = Moments.of(released)
    rows = found.rows
    means = {
        column.name: column.middle + column.half * found.values[(column.name,)] / rows
        for column in found.table.columns
        if (column.name,) in found.values
    }
    if not means:
        raise unfit("what was released holds no sum of a column")
    return pd.DataFrame({"count": float(rows), "sum": pd.Series(means) * rows, "mean": pd.Series(means)})


CIRCUIT = Recipe("mean", EDITIONS, lambda table, asked: mean(table, noise=asked.noise, edition=asked.edition))
KINDS = (
    Kind(
        "mean",
        "sums and means of columns",
        holds=lambda circuit, rows: are_moments(circuit, rows, [(name,) for name in read_columns(circuit)]),
        says=lambda circuit: f"Sum and mean of {', '.join(read_columns(circuit))}",
        present=_present,
        derives=True,
    ),
)
