"""Ridge regression of the label on all other columns, from their sums and products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hexchange.circuit.document import Circuit, Table
from hexchange.circuit.estimators import regressor
from hexchange.circuit.kinds import Kind, Recipe, Released
from hexchange.circuit.least_squares import fit, spread_of_noise
from hexchange.circuit.moments import EDITION, Moments, halves, is_supervised, middles, supervised

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.linear_model import Ridge

#: Penalty on coefficients of features scaled to [-1, 1], where no noise asks for more.
ALPHA = 1.0


def ridge(table: Table, *, noise: bool = False) -> Circuit:
    """Penalised least squares, one level deep; with `noise`, for an offer with ε > 0: the default for private models.

    Raises MalformedCircuit for a table without a label, or with too many columns.
    """
    return supervised(table, "ridge", noise=noise)


def ridge_clear(table: Table, frame: pd.DataFrame, alpha: float = ALPHA) -> Any:
    """The twin: a pipeline that scales clear features to [-1, 1] and fits the label."""
    from sklearn.linear_model import Ridge  # slow to import, and needed by the twin alone
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    features = [column.name for column in table.features]
    scale = FunctionTransformer(lambda own: (own - middles(table.features)) / halves(table.features))
    return make_pipeline(scale, Ridge(alpha=alpha)).fit(frame[features], frame[table.label])


def penalty(moments: Moments) -> float:
    """ALPHA, or what noise alone does to the matrix where that is more."""
    return max(ALPHA, spread_of_noise(moments))


def _present(released: Released) -> Ridge:
    """In the features' own units; `alpha` is for features scaled to [-1, 1]."""
    from sklearn.linear_model import Ridge  # slow to import, and needed by a buyer alone

    moments = Moments.of(released)
    alpha = penalty(moments)
    return regressor(Ridge(alpha=alpha), fit(moments, ridge=alpha), moments)


CIRCUIT = Recipe("ridge", (EDITION,), lambda table, asked: ridge(table, noise=asked.noise))
KINDS = (
    Kind(
        "ridge",
        "a fitted ridge regression",
        holds=is_supervised,
        says=lambda circuit: f"A ridge regression of {circuit.table.label} on all other columns",
        present=_present,
        derives=True,
    ),
)
