"""What an owner encrypts for an edition: a scaled table as vectors of slots, by input name and row block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.bounding import bound_rows
from hexchange.circuit.counting import input_name, table_inputs
from hexchange.circuit.descent import MEANS, ROWS
from hexchange.circuit.document import Table
from hexchange.circuit.editions import Categories, Edition, Grid, Interleaved, padded
from hexchange.circuit.whitening import whiten
from hexchange.errors import (
    BadLabel,
    EmptyTable,
    MissingValue,
    OutsideRange,
    RowNormMissing,
    TableTooLarge,
    UsageError,
    ValueNotWhole,
)

Floats = NDArray[np.float64]
Slots = NDArray[np.float64] | NDArray[np.complex128]

#: What scaling to [-1, 1] and back may leave of a whole number.
_NEARLY_WHOLE = 1e-6


@dataclass(frozen=True, slots=True)
class Packed:
    """Slot vectors to encrypt, and what the owner must keep to itself to read results of this edition."""

    inputs: tuple[tuple[str, int, Slots], ...]
    private: dict[str, Any]


def pack(edition: Edition, table: Table, values: Floats) -> Packed:
    """The slots of every ciphertext of the table: (input name, row block, up to N/2 values).

    `values` is rows x columns in [-1, 1], in the order of `table.columns`. In layouts of columns an input is
    named after its column; on a grid there are `rows` and the single `means`, interleaved there are `rows`; of
    categories there is one for each value of each column. Raises EmptyTable, MissingValue, OutsideRange,
    TableTooLarge, BadLabel where training finds no label with two values, RowNormMissing where its rows are to be
    bounded and the table declares no norm, and ValueNotWhole and MalformedCircuit where columns cannot be counted.
    """
    if values.shape != (table.rows, len(table.columns)):
        raise UsageError(f"The values are {values.shape}, the table {(table.rows, len(table.columns))}.")
    if values.size == 0:
        raise EmptyTable("The table has no rows.", hint="Give a table with at least one row.")
    if np.isnan(values).any():
        raise MissingValue("A value is missing.", hint="Fill it, or drop the row.")
    if not np.all(np.abs(values) <= 1):
        raise OutsideRange("A value lies outside its column's range.", hint="Declare a wider range, or clip.")
    edition = _with_room(edition, table)
    if isinstance(edition.layout, Grid):
        return _pack_grid(edition, edition.layout, table, values)
    if isinstance(edition.layout, Categories):
        return Packed(tuple(_indicators(edition, table, values)), {})
    if isinstance(edition.layout, Interleaved):
        return _pack_interleaved(edition, table, values)
    inputs = [
        (column.name, block, _in_slots(edition, part[:, index]))
        for index, column in enumerate(table.columns)
        for block, part in enumerate(_blocks(values, edition.rows_per_block))
    ]
    return Packed(tuple(inputs), {})


def ciphertexts(edition: Edition, table: Table) -> int:
    """How many `pack` makes slots for. Raises TableTooLarge, and MalformedCircuit where columns cannot be counted."""
    edition = _with_room(edition, table)
    blocks = edition.blocks(table.rows)
    match edition.layout:
        case Grid():
            return 1 + blocks
        case Interleaved():
            return blocks
        case Categories():
            return len(table_inputs(table)) * blocks
        case _:
            return len(table.columns) * blocks


def _with_room(edition: Edition, table: Table) -> Edition:
    """The edition as it holds the table. Raises TableTooLarge where it does not."""
    edition = edition.over(len(table.features))
    if edition.blocks(table.rows) > edition.most_blocks:
        raise TableTooLarge(
            f"The table has {table.rows} rows, the edition {edition.name} holds {edition.most_rows}.",
            hint="List the table in parts.",
        )
    if isinstance(edition.layout, Grid) and len(table.features) >= edition.layout.features:
        raise TableTooLarge(
            f"The table has {len(table.features)} features, the edition {edition.name} holds "
            f"{edition.layout.features - 1} and an intercept.",
            hint="Leave columns out, or list the table in other editions only.",
        )
    return edition


def in_rows(edition: Edition, slots: Slots) -> Floats:
    """What `pack` had for each row of a block, from its slots; on a grid the slots as they are."""
    parts = (slots.real, slots.imag)[: edition.rows_per_slot]
    return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts])


def _in_slots(edition: Edition, rows: Floats) -> Slots:
    real, imaginary = rows[: edition.parameters.slots], rows[edition.parameters.slots :]
    if not len(imaginary):
        return np.ascontiguousarray(real)
    slots = real.astype(np.complex128)
    slots.imag[: len(imaginary)] = imaginary
    return slots


def signed_values(table: Table, values: Floats) -> tuple[Floats, Floats]:
    """Features (rows x features) and the label's signs (+1 where it is high); raises BadLabel."""
    names = [column.name for column in table.columns]
    if table.label is None:
        raise BadLabel("The table has no label to train on.", hint="Give one column the role `label`.")
    at = names.index(table.label)
    signs = values[:, at]
    if set(np.unique(signs)) != {-1.0, 1.0}:
        raise BadLabel(
            f"The label {table.label!r} must take both ends of its range and nothing else.",
            hint="Declare its two values as low and high.",
        )
    return np.delete(values, at, axis=1), signs


def _pack_grid(edition: Edition, grid: Grid, table: Table, values: Floats) -> Packed:
    """Rows with an intercept, whitened or bounded, each times its label's sign; and their mean, copied to every row."""
    features, signs = signed_values(table, values)
    private: dict[str, Any] = {}
    if grid.whitened:
        rows, whitening = whiten(features, signs)
        private = whitening.to_json()
    elif table.norm is None:
        raise RowNormMissing(
            f"The edition {edition.name} divides rows by their norm, and none is declared.",
            hint="Write row_norm into the columns file, or choose the edition `train` for exact releases.",
        )
    else:
        rows = bound_rows(features, signs, table.norm)
    blocks = [(ROWS, block, _on_grid(part, grid)) for block, part in enumerate(_blocks(rows, grid.rows))]
    mean = np.repeat(rows.mean(axis=0), grid.rows)
    return Packed(((MEANS, 0, mean), *blocks), private)


def _indicators(edition: Edition, table: Table, values: Floats) -> Iterator[tuple[str, int, Floats]]:
    """Zeros and ones: which rows have which value."""
    own = np.array([column.middle for column in table.columns]) + values * [c.half for c in table.columns]
    whole = np.rint(own)
    for index, column in enumerate(table.columns):
        if np.abs(own[:, index] - whole[:, index]).max() > _NEARLY_WHOLE:
            raise ValueNotWhole(
                f"The column {column.name!r} has values that are not whole numbers.",
                hint="Declare its type as `number`: then it is not counted.",
            )
    at = {column.name: index for index, column in enumerate(table.columns)}
    for column, value in table_inputs(table):
        has = (whole[:, at[column.name]] == value).astype(np.float64)
        for block, part in enumerate(_blocks(has, edition.rows_per_block)):
            yield input_name(column.name, value), block, part


def _pack_interleaved(edition: Edition, table: Table, values: Floats) -> Packed:
    """Features without the label, repeated along the row; places and rows that are empty hold zero."""
    names = [column.name for column in table.columns]
    features = values if table.label is None else np.delete(values, names.index(table.label), axis=1)
    period = padded(features.shape[1])
    repeats = edition.parameters.slots // edition.rows_per_block // period
    inputs = []
    for block, part in enumerate(_blocks(features, edition.rows_per_block)):
        places = np.zeros((period, edition.rows_per_block))
        places[: part.shape[1], : len(part)] = part.T
        inputs.append((ROWS, block, np.tile(places, (repeats, 1)).reshape(-1)))
    return Packed(tuple(inputs), {})


def _on_grid(rows: Floats, grid: Grid) -> Floats:
    slots = np.zeros((rows.shape[1], grid.rows))
    slots[:, : len(rows)] = rows.T
    return slots.reshape(-1)


def _blocks(values: Floats, size: int) -> Iterator[Floats]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
