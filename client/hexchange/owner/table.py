"""From a file or DataFrame to numbers in [-1, 1]: read, checked, clipped where the owner says so."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hexchange.errors import EmptyTable, OutsideRange, TableUnreadable
from hexchange.market.manifests import Column
from hexchange.owner.schema import Schema, numbers, require_column

if TYPE_CHECKING:
    import pandas as pd

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A table ready for encryption: rows x columns in [-1, 1]. What was clipped is the owner's business
    alone.

    In `values` rows longer than the declared norm are shortened, in `unshortened` they are not.
    """

    schema: Schema
    values: Floats
    unshortened: Floats
    clipped: dict[str, int]
    rows_shortened: int

    @property
    def rows(self) -> int:
        return int(self.values.shape[0])

    @property
    def digest(self) -> bytes:
        """sha-256 over schema and values: whether an interrupted encryption goes on with the same table."""
        head = repr((self.schema, self.values.shape)).encode()
        return hashlib.sha256(head + self.unshortened.tobytes()).digest()


def read_table(path: Path, drop: Sequence[str] = ()) -> pd.DataFrame:
    """The table in a .csv or .parquet file, without the columns in `drop`.

    Raises TableUnreadable, EmptyTable, MissingColumn.
    """
    import pandas as pd  # slow to import; of the owner's commands only `encrypt` needs it
    import pyarrow

    if path.suffix.lower() not in (".csv", ".parquet"):
        raise TableUnreadable(
            f"{path.name}: neither .csv nor .parquet", hint="export the table as CSV or Parquet"
        )
    try:
        frame = pd.read_csv(path) if path.suffix.lower() == ".csv" else pd.read_parquet(path)
    except pd.errors.EmptyDataError:
        raise EmptyTable(
            f"{path.name} is empty", hint="give a table with a header and at least one row"
        ) from None
    except FileNotFoundError:
        raise TableUnreadable(f"{path}: no such file", hint="check the path") from None
    except (ValueError, OSError, pyarrow.ArrowException) as error:
        raise TableUnreadable(
            f"{path.name} cannot be read: {error}", hint="check that the file is complete"
        ) from error
    if frame.empty:
        raise EmptyTable(f"{path.name} has no rows", hint="give a table with a header and at least one row")
    for name in drop:
        require_column(frame, name)
    return frame.drop(columns=list(drop))


def prepare(frame: pd.DataFrame, schema: Schema) -> Prepared:
    """Scale every column of `schema` to [-1, 1] by its range, row by row as `frame` has them.

    Raises EmptyTable, MissingColumn, TextColumn, MissingValue, and OutsideRange unless the schema clips.
    """
    if frame.empty:
        raise EmptyTable("the table has no rows or no columns", hint="give a table with at least one row")
    clipped: dict[str, int] = {}
    values = np.empty((len(frame), len(schema.columns)), dtype=np.float64)
    for index, column in enumerate(schema.columns):
        require_column(frame, column.name)
        scaled = scale(column, numbers(column.name, frame[column.name]))
        outside = ~(np.abs(scaled) <= 1)
        if outside.any() and not schema.clip:
            raise _outside(column, frame, outside)
        clipped[column.name] = int(outside.sum())
        values[:, index] = np.clip(scaled, -1, 1)
    shortened, count = _shorten(values, schema)
    return Prepared(schema, shortened, values, clipped, count)


def scale(column: Column, values: Floats) -> Floats:
    """Map [low, high] to [-1, 1]."""
    return np.asarray((values - column.low) / (column.high - column.low) * 2 - 1, dtype=np.float64)


def _shorten(values: Floats, schema: Schema) -> tuple[Floats, int]:
    """Rows longer than the declared norm shortened to it, and their count. Refused without `clip`."""
    if schema.row_norm is None:
        return values, 0
    norms = np.linalg.norm(values, axis=1)
    longer = norms > schema.row_norm
    if longer.any() and not schema.clip:
        row = int(longer.argmax())
        hint = "declare a larger row_norm, or add clip = true to shorten such rows"
        raise OutsideRange(
            f"row {row + 1}: norm {norms[row]:.6g} is above row_norm {schema.row_norm:g}", hint=hint
        )
    factors = np.where(longer, schema.row_norm / np.where(longer, norms, 1.0), 1.0)
    return values * factors[:, None], int(longer.sum())


def _outside(
    column: Column, frame: pd.DataFrame, outside: np.ndarray[Any, np.dtype[np.bool_]]
) -> OutsideRange:
    row = int(outside.argmax())
    value = frame[column.name].iloc[row]
    more = f" ({int(outside.sum()) - 1} more in this column)" if outside.sum() > 1 else ""
    return OutsideRange(
        f"column {column.name!r}, row {row + 1}: {value} is outside [{column.low:g}, {column.high:g}]{more}",
        hint="declare a wider range, or set clip = true in the columns file to move such values to the edge",
    )
