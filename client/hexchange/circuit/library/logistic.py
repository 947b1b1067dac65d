"""A logistic model trained on encrypted rows with encrypted weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.builder import Draft
from hexchange.circuit.descent import MOST_STEPS, descend
from hexchange.circuit.document import Circuit, Descend, Table, malformed
from hexchange.circuit.kinds import Kind, Recipe, Released
from hexchange.circuit.packing import signed_values
from hexchange.circuit.whitening import whiten
from hexchange.circuit.words import times

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

EDITION = "train"
OUTPUT = "weights"


def logistic(table: Table, iterations: int = MOST_STEPS) -> Circuit:
    """Nesterov steps from zero over all columns but the label, on the owner's whitened rows.

    Exact release only: whitening depends on the data, and one row's effect has no useful bound. Raises
    MalformedCircuit for a table without a label.
    """
    if table.label is None:
        raise malformed("the table has no label to train on")
    draft = Draft(table)
    return draft.circuit(EDITION, {OUTPUT: draft.descend(iterations)}, "exact", result="classifier")


def logistic_clear(
    table: Table, values: NDArray[np.float64], iterations: int = MOST_STEPS
) -> NDArray[np.float64]:
    """The twin: weights of scaled columns and an intercept, from clear values scaled to [-1, 1]."""
    rows, whitening = whiten(*signed_values(table, values))
    return whitening.unwhiten(descend(rows, iterations).weights)


def _steps(circuit: Circuit) -> list[int]:
    return [node.iterations for node in circuit.nodes if isinstance(node, Descend)]


def _says(circuit: Circuit) -> str:
    model = f"A logistic model of {circuit.table.label} from all other columns"
    return f"{model}, {times(sum(_steps(circuit)), 'Nesterov step')}"


def _present(released: Released) -> LogisticRegression:
    """A fitted estimator over the features' own units, classes being the label's two values."""
    from sklearn.linear_model import LogisticRegression  # slow to import, and needed by a buyer alone

    table = released.circuit.table
    (weights,) = released.meant().values()
    features = table.features
    halves = np.array([column.half for column in features])
    middles = np.array([column.middle for column in features])
    coefficients = weights[:-1] / halves
    label = table.column(table.label or "")
    model = LogisticRegression()
    model.classes_ = np.array([label.low, label.high])
    model.coef_ = coefficients[None, :]
    model.intercept_ = np.array([weights[-1] - middles @ coefficients])
    model.feature_names_in_ = np.array([column.name for column in features], dtype=object)
    model.n_features_in_ = len(features)
    model.n_iter_ = np.array(_steps(released.circuit))
    return model


CIRCUIT = Recipe("logistic", EDITION, lambda table, _: logistic(table))
KINDS = (
    Kind(
        "classifier",
        "a fitted classifier",
        holds=lambda circuit, _: (
            {type(circuit.nodes[output.node]) for output in circuit.outputs} == {Descend}
        ),
        says=_says,
        present=_present,
    ),
)
