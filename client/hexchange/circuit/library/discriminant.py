"""Linear discriminant analysis of a label with two values, from sums and products of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hexchange.circuit.document import Circuit, Table
from hexchange.circuit.estimators import fitted
from hexchange.circuit.kinds import Floats, Kind, Recipe, Released
from hexchange.circuit.least_squares import solve, spread_of_noise
from hexchange.circuit.moments import EDITION, Moments, halves, is_supervised, supervised, without_noise

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis


def discriminant(table: Table, *, noise: bool = False) -> Circuit:
    """A linear classifier, one level deep; with `noise`, for an offer with ε > 0.

    The label takes both ends of its range and nothing else; what it means for another one is not defined. Raises
    MalformedCircuit for a table without a label, or with too many columns.
    """
    return supervised(table, "discriminant", noise=noise)


def discriminant_clear(frame: pd.DataFrame, label: str) -> LinearDiscriminantAnalysis:
    """The twin: the same model from clear values."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # slow, and for the twin alone

    return LinearDiscriminantAnalysis().fit(frame.drop(columns=label), frame[label])


def _present(released: Released) -> LinearDiscriminantAnalysis:
    """In the features' own units, classes being the label's two values.

    With a label y of ±1 the class means differ by 2 C(x, y) / C(y, y), C being scatter over all rows, and the
    scatter within classes is C(x, x) - C(x, y) C(x, y)' / C(y, y).
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # slow, and for a buyer alone

    moments = Moments.of(released)
    features, label, rows = moments.features, moments.label, moments.rows
    matrix, target, errors = _system(moments)
    noise = spread_of_noise(moments)
    least = float(np.nan_to_num(np.linalg.norm(errors[0])))
    found = solve(without_noise(matrix, noise), target, errors, ridge=noise, least=least)
    half = halves(features)
    weights = rows * found.values / half
    share = float(np.clip((1 + moments.means([label])[0]) / 2, 1 / rows, 1 - 1 / rows))
    middle, apart = moments.own_means(features), half * target
    means = np.array([middle - share * apart, middle + (1 - share) * apart])
    intercept = np.log(share / (1 - share)) - weights @ means.mean(axis=0)
    learnt = {
        "classes_": np.array([label.low, label.high]),
        "priors_": np.array([1 - share, share]),
        "means_": means,
        "xbar_": middle,
        "coef_": weights[None, :],
        "intercept_": np.array([intercept]),
        "scalings_": (weights / np.sqrt(max(float(apart @ weights), 1e-300)))[:, None],
        "explained_variance_ratio_": np.array([1.0]),
        "_max_components": 1,
    }
    if not moments.noise():
        learnt["coef_error_"] = rows * found.error / half[None, :]
    return fitted(LinearDiscriminantAnalysis(), features, learnt)


def _system(moments: Moments) -> tuple[Floats, Floats, tuple[Floats, Floats]]:
    """Scatter within classes, difference of the class means (high minus low), and bounds of their errors; scaled."""
    features, label = moments.features, [moments.label]
    across, across_off = moments.scatter(features, label)[:, 0], moments.scatter_errors(features, label)[:, 0]
    spread, off = (
        float(moments.scatter(label, label)[0, 0]),
        float(moments.scatter_errors(label, label)[0, 0]),
    )
    spread = max(spread, 1.0)  # one row against all others has more
    least = max(spread - np.nan_to_num(off), 1e-300)
    farthest = np.abs(across) + across_off
    between_off = np.outer(farthest, farthest) / least - np.outer(np.abs(across), np.abs(across)) / spread
    matrix = moments.scatter(features, features) - np.outer(across, across) / spread
    matrix_off = moments.scatter_errors(features, features) + between_off
    return matrix, 2 * across / spread, (matrix_off, 2 * (farthest / least - np.abs(across) / spread))


CIRCUIT = Recipe("discriminant", (EDITION,), lambda table, asked: discriminant(table, noise=asked.noise))
KINDS = (
    Kind(
        "discriminant",
        "a fitted discriminant",
        holds=is_supervised,
        says=lambda circuit: f"A linear discriminant of {circuit.table.label} by all other columns",
        present=_present,
        derives=True,
    ),
)
