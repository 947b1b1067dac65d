"""How many rows have each value of each column, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hexchange.circuit.builder import Draft
from hexchange.circuit.counting import cells, input_name, table_inputs
from hexchange.circuit.document import Circuit, Table
from hexchange.circuit.kinds import Kind, Recipe, Released
from hexchange.circuit.sensitivity import Polynomial

if TYPE_CHECKING:
    import pandas as pd

EDITION = "count"


def histogram(table: Table, *, noise: bool = False) -> Circuit:
    """Counts of every value of every column; with `noise`, for an offer with ε > 0: a row moves one count per column.

    Raises MalformedCircuit for a column that is not of few whole numbers.
    """
    draft = Draft(table)
    counts = {
        input_name(column.name, value): draft.indicator(column.name, value).sum()
        for column, value in table_inputs(table)
    }
    return draft.circuit(EDITION, counts, "noise" if noise else "exact", result="histogram")


def histogram_clear(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """The twin: counts by column and value, from clear values."""
    import pandas as pd  # slow to import, and needed by the twin alone

    counts = {
        (column.name, value): int((frame[column.name] == value).sum())
        for column, value in table_inputs(table)
    }
    return pd.Series(counts, name="rows").rename_axis(["column", "value"]).to_frame()


def _present(released: Released) -> pd.DataFrame:
    """Rows by column and value. Of a noisy release they need not be positive, nor sum to the rows of the table."""
    import pandas as pd  # slow to import, and needed by a buyer alone

    counted = cells(released.circuit)
    counts = {counted[name][0]: round(float(value[0])) for name, value in released.meant().items()}
    return pd.Series(counts, name="rows").rename_axis(["column", "value"]).to_frame()


def _holds(circuit: Circuit, _rows: list[Polynomial]) -> bool:
    return circuit.profile.edition == EDITION and all(len(cell) == 1 for cell in cells(circuit).values())


def _says(circuit: Circuit) -> str:
    names = dict.fromkeys(name for cell in cells(circuit).values() for name, _ in cell)
    return f"Rows by each value of {', '.join(names)}"


CIRCUIT = Recipe("histogram", (EDITION,), lambda table, asked: histogram(table, noise=asked.noise))
KINDS = (Kind("histogram", "counts of values", holds=_holds, says=_says, present=_present),)
