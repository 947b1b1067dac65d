"""Sums of columns and of their products over all rows: what statistics and linear models are made of.

One release of all of them, the Gram matrix, serves covariance, correlation, regression, discriminant analysis and
principal components: whoever holds it derives each by itself, which costs neither a job nor privacy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import nan
from typing import TYPE_CHECKING

import numpy as np

from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Circuit, Column, Sum, Table, malformed
from hexchange.circuit.kinds import Floats, Released, unfit
from hexchange.circuit.sensitivity import Monomial, Polynomial, polynomials
from hexchange.circuit.words import read_columns

if TYPE_CHECKING:
    import pandas as pd

EDITION = "stats"

#: Columns whose sums and products fit into the outputs of one circuit.
MOST_COLUMNS = 62


def gram(columns: Sequence[str]) -> list[Monomial]:
    """Sums, squares and products of pairs of these columns."""
    ordered = sorted(columns)
    return [*((name,) for name in ordered), *((name, name) for name in ordered), *combinations(ordered, 2)]


def with_label(features: Sequence[str], label: str) -> list[Monomial]:
    """Sums and squares of all, and of products only those with the label."""
    products = [(min(name, label), max(name, label)) for name in features]
    every = [*features, label]
    return [*((name,) for name in every), *((name, name) for name in every), *products]


def output_name(monomial: Monomial) -> str:
    """What the sum of a monomial is called."""
    if len(monomial) == 1:
        return f"{monomial[0]}.sum"
    return f"{monomial[0]}.squares" if monomial[0] == monomial[1] else f"{monomial[0]} * {monomial[1]}"


def moments(table: Table, monomials: Iterable[Monomial], result: str, *, noise: bool) -> Circuit:
    """The circuit that releases the sum of each monomial, one level deep.

    With noise a product of two columns is released twice as large. It then moves more, but each pair is one
    number for two places of the matrix, and its noise counts half: the better trade from two columns on.
    """
    draft = Draft(table)
    outputs = {}
    for monomial in monomials:
        left, right = draft[monomial[0]], draft[monomial[-1]]
        term = left if len(monomial) == 1 else left * right
        if noise and len(set(monomial)) == 2:
            outputs[output_name(monomial)] = (term + term).sum().measured(0.5)
        else:
            outputs[output_name(monomial)] = term.sum()
    return draft.circuit(EDITION, outputs, "noise" if noise else "exact", result=result)


def gram_circuit(
    table: Table, result: str, columns: Sequence[str] | None = None, *, noise: bool = False
) -> Circuit:
    """Sums and products of all pairs of `columns` (default: all), to be made into `result`.

    Raises MalformedCircuit for an unknown column, or for more of them than one circuit's outputs hold.
    """
    names = list(columns or [column.name for column in table.columns])
    if len(names) > MOST_COLUMNS:
        raise malformed(
            f"the products of {len(names)} columns are too many, at most {MOST_COLUMNS} columns go"
        )
    return moments(table, gram(names), result, noise=noise)


def supervised(table: Table, result: str, *, noise: bool = False) -> Circuit:
    """`gram_circuit` over all columns of a table with a label. Raises MalformedCircuit where it has none."""
    if table.label is None or not table.features:
        raise malformed("the table has no label to fit, or nothing but a label")
    return gram_circuit(table, result, noise=noise)


def are_moments(circuit: Circuit, rows: list[Polynomial], monomials: Iterable[Monomial]) -> bool:
    """Whether the outputs are the sums of exactly these monomials, each under its own name and in its own unit."""
    wanted = {output_name(monomial): monomial for monomial in monomials}
    if not rows or {output.name for output in circuit.outputs} != set(wanted):
        return False
    return all(
        isinstance(circuit.nodes[output.node], Sum)
        and not output.offset
        and rows[output.node] == {wanted[output.name]: 1 / output.unit}
        for output in circuit.outputs
    )


def is_gram(circuit: Circuit, rows: list[Polynomial]) -> bool:
    """Whether the outputs are all sums and products of the columns that are read."""
    return are_moments(circuit, rows, gram(read_columns(circuit)))


def is_supervised(circuit: Circuit, rows: list[Polynomial]) -> bool:
    """`is_gram` with the label and something to fit it by."""
    columns = read_columns(circuit)
    return circuit.table.label in columns and len(columns) > 1 and is_gram(circuit, rows)


@dataclass(frozen=True, slots=True)
class Moments:
    """Released sums by monomial, of columns scaled to [-1, 1]; bounds of their errors; deviations of their noise.

    Only columns with sum and square are listed, in the table's order.
    """

    table: Table
    values: dict[Monomial, float]
    errors: dict[Monomial, float]
    noises: dict[Monomial, float]

    @classmethod
    def of(cls, released: Released) -> Moments:
        """Found by what each output computes, whatever the result is called. Raises ResultUnfit for none."""
        rows, circuit = polynomials(released.circuit) or [], released.circuit
        values, errors, noises = {}, {}, {}
        for output in circuit.outputs:
            if rows and isinstance(circuit.nodes[output.node], Sum) and len(rows[output.node]) == 1:
                ((monomial, factor),) = rows[output.node].items()
                values[monomial] = float(released.values[output.name][0]) / factor
                errors[monomial] = released.errors.get(output.name, nan) / abs(factor)
                noises[monomial] = released.noise / abs(factor)
        if not values:
            raise unfit("what was released holds no sums over rows")
        return cls(circuit.table, values, errors, noises)

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self.table.rows

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns with sum and square."""
        return tuple(c for c in self.table.columns if {(c.name,), (c.name, c.name)} <= self.values.keys())

    @property
    def features(self) -> tuple[Column, ...]:
        """Those but the label; raises ResultUnfit where there are none."""
        features = tuple(column for column in self.columns if column.name != self.table.label)
        if not features:
            raise unfit("what was released holds no column but the label")
        return features

    @property
    def label(self) -> Column:
        """The label; raises ResultUnfit where it was not released."""
        for column in self.columns:
            if column.name == self.table.label:
                return column
        raise unfit("what was released holds no label")

    def means(self, columns: Sequence[Column]) -> Floats:
        """Of scaled columns."""
        return np.array([self.values[(column.name,)] for column in columns]) / self.rows

    def mean_errors(self, columns: Sequence[Column]) -> Floats:
        """Bounds of `means`."""
        return np.array([self.errors[(column.name,)] for column in columns]) / self.rows

    def own_means(self, columns: Sequence[Column]) -> Floats:
        """In the columns' own units."""
        own: Floats = middles(columns) + halves(columns) * self.means(columns)
        return own

    def scatter(self, left: Sequence[Column], right: Sequence[Column]) -> Floats:
        """Sum over rows of (x - mean x)(y - mean y) for x in `left`, y in `right`, scaled.

        Raises ResultUnfit for a product that was not released.
        """
        means = np.outer(self.means(left), self.means(right))
        return np.asarray(self._products(self.values, left, right) - self.rows * means)

    def scatter_errors(self, left: Sequence[Column], right: Sequence[Column]) -> Floats:
        """Bounds of `scatter`."""
        x, y = np.abs(self.means(left)), np.abs(self.means(right))
        dx, dy = self.mean_errors(left), self.mean_errors(right)
        means = np.outer(x, dy) + np.outer(dx, y) + np.outer(dx, dy)
        return np.asarray(self._products(self.errors, left, right) + self.rows * means)

    def noise(self) -> float:
        """Standard deviation of the noise in a product of two columns, 0 if exact."""
        pairs = [noise for monomial, noise in self.noises.items() if len(set(monomial)) == 2]
        return max(pairs, default=max(self.noises.values(), default=0.0))

    def _products(self, of: dict[Monomial, float], left: Sequence[Column], right: Sequence[Column]) -> Floats:
        try:
            found = [[of[min(x.name, y.name), max(x.name, y.name)] for y in right] for x in left]
        except KeyError as missing:
            raise unfit(f"what was released does not hold {output_name(missing.args[0])!r}") from None
        return np.array(found).reshape(len(left), len(right))


def middles(columns: Sequence[Column]) -> Floats:
    """What 0 stands for in each."""
    return np.array([column.middle for column in columns])


def halves(columns: Sequence[Column]) -> Floats:
    """What a step of 1 stands for in each."""
    return np.array([column.half for column in columns])


def names(columns: Sequence[Column]) -> list[str]:
    """Their names."""
    return [column.name for column in columns]


def without_noise(scatter: Floats, noise: float) -> Floats:
    """A scatter matrix as it is, or where noise was added the nearest one that can be: without negative spreads."""
    if not noise:
        return scatter
    spreads, directions = np.linalg.eigh(scatter)
    return np.asarray((directions * np.maximum(spreads, 0.0)) @ directions.T)


def square_frame(values: Floats, columns: Sequence[Column], error: float) -> pd.DataFrame:
    """A matrix with a row and a column for each of `columns`; `error`, in `attrs`, bounds each value's error."""
    import pandas as pd  # slow to import, and needed by a buyer alone

    frame = pd.DataFrame(values, index=names(columns), columns=names(columns))
    frame.attrs["error"] = error
    return frame
