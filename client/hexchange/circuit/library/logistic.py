"""A logistic model trained on encrypted rows with encrypted weights: fast and exact, or bounded for ε > 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.bounding import bound_rows, reach
from hexchange.circuit.builder import Draft
from hexchange.circuit.descent import MOST_STEPS, descend, nesterov, pace_of
from hexchange.circuit.document import BoundedDescend, Circuit, Table, Trained, malformed
from hexchange.circuit.kinds import Asked, Kind, Recipe, Released
from hexchange.circuit.packing import signed_values
from hexchange.circuit.sensitivity import Polynomial
from hexchange.circuit.whitening import whiten
from hexchange.circuit.words import times

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

WHITENED, BOUNDED = "train", "bounded"
OUTPUT = "weights"

#: The size of bounded steps. Three of them lengthen no difference of weights, as three of more than 4.28 could.
RATE = 4.0


def logistic(table: Table, iterations: int = MOST_STEPS) -> Circuit:
    """Nesterov steps from zero over all columns but the label, on the owner's whitened rows.

    Exact release only: whitening depends on the data, and one row's effect has no useful bound. Raises
    MalformedCircuit for a table without a label.
    """
    draft = _draft(table)
    return draft.circuit(WHITENED, {OUTPUT: draft.descend(iterations)}, "exact", result="classifier")


def bounded_logistic(
    table: Table, iterations: int = MOST_STEPS, rate: float = RATE, *, noise: bool = False
) -> Circuit:
    """Plain gradient steps from zero over all columns but the label, on rows divided by their declared norm.

    With `noise`, for an offer with ε > 0. Raises MalformedCircuit for a table without a label or a norm.
    """
    draft = _draft(table)
    if table.norm is None:
        raise malformed("the table declares no norm to bound its rows by")
    weights = draft.bounded_descend(iterations, rate).measured(1 / table.norm)
    outputs = {OUTPUT: weights}
    return draft.circuit(BOUNDED, outputs, "noise" if noise else "exact", result="classifier")


def logistic_clear(
    table: Table, values: NDArray[np.float64], iterations: int = MOST_STEPS
) -> NDArray[np.float64]:
    """The twin: weights of scaled columns and an intercept, from clear values scaled to [-1, 1]."""
    rows, whitening = whiten(*signed_values(table, values))
    return whitening.unwhiten(descend(rows, nesterov(iterations)).weights)


def bounded_logistic_clear(
    table: Table, values: NDArray[np.float64], iterations: int = MOST_STEPS, rate: float = RATE
) -> NDArray[np.float64]:
    """The twin of the bounded form, from a table with a norm."""
    norm = table.norm or 1.0
    pace = pace_of(BoundedDescend(iterations, rate))
    weights: NDArray[np.float64] = descend(bound_rows(*signed_values(table, values), norm), pace).weights
    return weights / norm


def _draft(table: Table) -> Draft:
    if table.label is None:
        raise malformed("the table has no label to train on")
    return Draft(table)


def _build(table: Table, asked: Asked) -> Circuit:
    return bounded_logistic(table, noise=asked.noise) if asked.edition == BOUNDED else logistic(table)


def _holds(circuit: Circuit, _rows: list[Polynomial]) -> bool:
    """Whether weights are all that is released, and stand for those of scaled columns."""
    output, *others = circuit.outputs
    node = circuit.nodes[output.node]
    if not isinstance(node, Trained) or others or output.offset:
        return False
    norm = circuit.table.norm if isinstance(node, BoundedDescend) else 1.0
    return norm is not None and output.unit == 1 / norm


def _says(circuit: Circuit) -> str:
    model = f"A logistic model of {circuit.table.label} from all other columns"
    node = _node(circuit)
    if not isinstance(node, BoundedDescend):
        return f"{model}, {times(node.iterations, 'Nesterov step')}"
    steps = f"{times(node.iterations, 'gradient step')} of the size {node.rate:g}"
    rows, longest = circuit.table.norm, reach(node).weights * circuit.outputs[0].unit
    return f"{model}, {steps} over rows at most {rows:.4g} long, to weights at most {longest:.3g} long"


def _node(circuit: Circuit) -> Trained:
    node = circuit.nodes[circuit.outputs[0].node]
    assert isinstance(node, Trained), "the kind holds"
    return node


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
    model.n_iter_ = np.array([_node(released.circuit).iterations])
    return model


CIRCUIT = Recipe("logistic", (WHITENED, BOUNDED), _build, noisy=(BOUNDED,))
KINDS = (Kind("classifier", "a fitted classifier", holds=_holds, says=_says, present=_present),)
