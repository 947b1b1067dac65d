"""Student's t-test of every column between the two groups of a label, from sums, squares and products with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hexchange.circuit.document import Circuit, Column, Table, malformed
from hexchange.circuit.kinds import Floats, Kind, Recipe, Released
from hexchange.circuit.moments import EDITION, Moments, are_moments, halves, moments, names, with_label
from hexchange.circuit.sensitivity import Polynomial
from hexchange.circuit.words import read_columns

if TYPE_CHECKING:
    import pandas as pd


def ttest(table: Table, *, noise: bool = False) -> Circuit:
    """Two independent groups with one variance, one level deep; with `noise`, for an offer with ε > 0.

    The label takes both ends of its range and nothing else. Raises MalformedCircuit for a table without a label.
    """
    if table.label is None or not table.features:
        raise malformed("the table has no label that makes two groups, or nothing but a label")
    return moments(table, with_label(names(table.features), table.label), "ttest", noise=noise)


def ttest_clear(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """The twin: the same table from clear values."""
    import pandas as pd  # these are slow to import, and needed by the twin alone
    from scipy.stats import ttest_ind

    label = table.column(table.label or "")
    features = frame[[column.name for column in table.features]]
    low, high = (features[frame[label.name] == end] for end in (label.low, label.high))
    found = ttest_ind(high, low)
    columns = {"low": low.mean(), "high": high.mean(), "difference": high.mean() - low.mean()}
    return pd.DataFrame({**columns, "t": found.statistic, "p": found.pvalue})


def _present(released: Released) -> pd.DataFrame:
    """Group means, their difference (high minus low) and its t and two-sided p. Of a noisy release the noise in the
    difference counts into its standard error; of an exact one, `attrs["error"]` bounds each t's error."""
    import pandas as pd  # these are slow to import, and needed by a buyer alone
    from scipy.special import stdtr

    found = Moments.of(released)
    features, label, rows = found.features, found.label, found.rows
    across = found.scatter(features, [label])[:, 0]
    spread = max(float(found.scatter([label], [label])[0, 0]), 1.0)  # one row against all others has more
    every = np.array([found.scatter([column], [column])[0, 0] for column in features])
    share = float(np.clip((1 + found.means([label])[0]) / 2, 0.0, 1.0))
    apart = 2 * across / spread
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.maximum(every - across**2 / spread, 0.0) / (rows - 2)
        statistic = apart / np.sqrt(4 * within / spread + _noise(found, apart, spread) ** 2)
    middle, difference = found.own_means(features), halves(features) * apart
    columns = {"low": middle - share * difference, "high": middle + (1 - share) * difference,
               "difference": difference, "t": statistic,
               "p": 2 * stdtr(rows - 2, -np.abs(statistic))}  # fmt: skip
    frame = pd.DataFrame(columns, index=names(features))
    if not found.noise():
        frame.attrs["error"] = float(np.nanmax(_errors(found, statistic), initial=0.0))
    return frame


def _noise(found: Moments, apart: Floats, spread: float) -> Floats:
    """Standard deviation of the noise in each difference of means, to first order."""
    label, noise = found.label, found.noises
    mean = float(found.means([label])[0])
    of_spread = np.hypot(noise[label.name, label.name], 2 * mean * noise[(label.name,)])

    def product(column: Column) -> float:
        pair = noise[min(column.name, label.name), max(column.name, label.name)]
        own = float(found.means([column])[0])
        return float(np.hypot(pair, np.hypot(mean * noise[(column.name,)], own * noise[(label.name,)])))

    pairs = np.array([product(column) for column in found.features])
    return np.asarray(np.hypot(2 * pairs, apart * of_spread) / spread)


def _errors(found: Moments, statistic: Floats) -> Floats:
    """Bound of each t = c √(n - 2) / √(a b - c²), from those of c, a and b."""
    features, label = found.features, [found.label]
    across, off = found.scatter(features, label)[:, 0], found.scatter_errors(features, label)[:, 0]
    every = np.array([found.scatter([column], [column])[0, 0] for column in features])
    every_off = np.array([found.scatter_errors([column], [column])[0, 0] for column in features])
    spread, spread_off = found.scatter(label, label)[0, 0], found.scatter_errors(label, label)[0, 0]
    high, low = np.abs(across) + off, np.maximum(np.abs(across) - off, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        narrow = np.maximum((every - every_off) * (spread - spread_off) - high**2, 0.0)
        wide = (every + every_off) * (spread + spread_off) - low**2
        most, least = (np.sqrt((found.rows - 2) / room) for room in (narrow, wide))
        size = np.abs(statistic)
        return np.asarray(np.maximum(high * most - size, size - np.maximum(low * least, 0.0)))


def _holds(circuit: Circuit, rows: list[Polynomial]) -> bool:
    label, columns = circuit.table.label, read_columns(circuit)
    if label not in columns or len(columns) < 2:
        return False
    return are_moments(circuit, rows, with_label([name for name in columns if name != label], label))


CIRCUIT = Recipe("ttest", (EDITION,), lambda table, asked: ttest(table, noise=asked.noise))
KINDS = (
    Kind(
        "ttest",
        "t-tests of columns between two groups",
        holds=_holds,
        says=lambda circuit: (
            f"Student's t-tests of all other columns between the groups of {circuit.table.label}"
        ),
        present=_present,
        derives=True,
    ),
)
