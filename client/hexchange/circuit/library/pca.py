"""Principal components of all columns but the label, from their covariances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hexchange.circuit.document import Circuit, Table
from hexchange.circuit.estimators import fitted
from hexchange.circuit.kinds import Kind, Recipe, Released
from hexchange.circuit.moments import EDITION, Moments, gram_circuit, halves, is_gram, without_noise

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.decomposition import PCA


def pca(table: Table, *, noise: bool = False) -> Circuit:
    """All components, one level deep; with `noise`, for an offer with ε > 0.

    Raises MalformedCircuit for a table with too many columns.
    """
    return gram_circuit(table, "pca", noise=noise)


def pca_clear(table: Table, frame: pd.DataFrame) -> PCA:
    """The twin: the same components from clear values."""
    from sklearn.decomposition import PCA  # slow to import, and needed by the twin alone

    return PCA().fit(frame[[column.name for column in table.features]])


def _present(released: Released) -> PCA:
    """In the columns' own units. Of an exact release, `explained_variance_error_` bounds each variance's error, and
    `components_error_` how far each component can be turned (Davis and Kahan), where anything bounds it."""
    from sklearn.decomposition import PCA  # slow to import, and needed by a buyer alone

    moments = Moments.of(released)
    features, degrees = moments.features, max(moments.rows - 1, 1)
    unit = np.outer(halves(features), halves(features)) / degrees
    scatter = without_noise(moments.scatter(features, features), moments.noise())
    spreads, directions = np.linalg.eigh(unit * scatter)
    count = min(moments.rows, len(features))
    variances = np.maximum(spreads[::-1][:count], 0.0)
    components = directions.T[::-1][:count]
    largest = components[np.arange(count), np.abs(components).argmax(axis=1)]
    learnt = {
        "components_": components * np.where(largest < 0, -1.0, 1.0)[:, None],
        "explained_variance_": variances,
        "explained_variance_ratio_": variances / max(float(variances.sum()), 1e-300),
        "singular_values_": np.sqrt(variances * degrees),
        "mean_": moments.own_means(features),
        "n_components_": count,
        "n_samples_": moments.rows,
        "noise_variance_": 0.0,
    }
    if not moments.noise():
        off = float(np.linalg.norm(unit * moments.scatter_errors(features, features)))
        gaps = np.abs(spreads[:, None] - spreads[None, :]) - 2 * off
        np.fill_diagonal(gaps, np.inf)
        gap = np.maximum(gaps.min(axis=1), 1e-300)[::-1][:count]
        learnt["explained_variance_error_"] = off
        learnt["components_error_"] = np.minimum(2**1.5 * off / gap, 2.0)
    return fitted(PCA(), features, learnt)


CIRCUIT = Recipe("pca", (EDITION,), lambda table, asked: pca(table, noise=asked.noise))
KINDS = (
    Kind(
        "pca",
        "principal components",
        holds=is_gram,
        says=lambda circuit: (
            "Principal components of all columns"
            + (f" but {circuit.table.label}" if circuit.table.label else "")
        ),
        present=_present,
        derives=True,
    ),
)
