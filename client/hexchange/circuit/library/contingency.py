"""How many rows have each pair of values of two columns, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hexchange.circuit.builder import Draft
from hexchange.circuit.counting import Cell, cells, table_inputs
from hexchange.circuit.document import Circuit, Table, malformed
from hexchange.circuit.kinds import Kind, Recipe, Released
from hexchange.circuit.sensitivity import Polynomial

if TYPE_CHECKING:
    import pandas as pd

EDITION = "count"


def contingency(table: Table, *, noise: bool = False) -> Circuit:
    """Counts of the label's values together with those of every other column, one level deep; with `noise`, for an
    offer with ε > 0: a row moves one count per other column.

    Raises MalformedCircuit for a table without a label or with nothing else, and for a column that is not of few
    whole numbers.
    """
    if table.label is None or not table.features:
        raise malformed("the table has no label to count with, or nothing but a label")
    draft = Draft(table)
    pairs = table_inputs(table)
    counts = {
        f"{column.name} = {value}, {label.name} = {group}": (
            draft.indicator(column.name, value) * draft.indicator(label.name, group)
        ).sum()
        for column, value in pairs
        for label, group in pairs
        if column.name != table.label and label.name == table.label
    }
    return draft.circuit(EDITION, counts, "noise" if noise else "exact", result="contingency")


def contingency_clear(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """The twin: counts by column and value, one column for each value of the label, from clear values."""
    counts: dict[Cell, int] = {}
    for column, value in table_inputs(table):
        for label, group in table_inputs(table):
            if column.name != table.label and label.name == table.label:
                both = (frame[column.name] == value) & (frame[label.name] == group)
                counts[(column.name, value), (label.name, group)] = int(both.sum())
    return crosstab(table.label or "", counts)


def crosstab(label: str, counts: dict[Cell, int]) -> pd.DataFrame:
    """Counts by column and value, one column for each value of the label."""
    import pandas as pd  # slow to import, and needed by the twin and a buyer alone

    placed: dict[tuple[str, int], dict[int, int]] = {}
    for cell, rows in counts.items():
        (group,) = (value for name, value in cell if name == label)
        (other,) = (part for part in cell if part[0] != label)
        placed.setdefault(other, {})[group] = rows
    frame = pd.DataFrame.from_dict(placed, orient="index")
    frame.index = pd.MultiIndex.from_tuples(placed, names=["column", "value"])
    return frame.rename_axis(columns=label)


def counted(released: Released) -> pd.DataFrame:
    """The released table. Of a noisy release counts need not be positive, nor sum to the rows of the table."""
    found = cells(released.circuit)
    counts = {found[name]: round(float(value[0])) for name, value in released.meant().items()}
    return crosstab(released.circuit.table.label or "", counts)


def is_contingency(circuit: Circuit, _rows: list[Polynomial]) -> bool:
    """Whether each output counts a value of the label together with one of another column."""
    label = circuit.table.label
    return circuit.profile.edition == EDITION and all(
        len(cell) == 2 and any(name == label for name, _ in cell) for cell in cells(circuit).values()
    )


def others(circuit: Circuit) -> str:
    """Names of the columns that are counted with the label."""
    names = (name for cell in cells(circuit).values() for name, _ in cell)
    return ", ".join(dict.fromkeys(name for name in names if name != circuit.table.label))


CIRCUIT = Recipe("contingency", (EDITION,), lambda table, asked: contingency(table, noise=asked.noise))
KINDS = (
    Kind(
        "contingency",
        "counts of pairs of values",
        holds=is_contingency,
        says=lambda circuit: f"Rows by each value of {others(circuit)} and of {circuit.table.label} together",
        present=counted,
    ),
)
