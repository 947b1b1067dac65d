"""Outputs of a given neural network, several per row, and matrix products as its simplest case."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, log2
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Circuit, Network, Table, malformed
from hexchange.circuit.kinds import Asked, Kind, Recipe, Released
from hexchange.circuit.layer import Layer
from hexchange.circuit.network import LEAST_WEIGHT
from hexchange.circuit.sensitivity import Polynomial
from hexchange.errors import ActivationUnfit, CircuitTooLarge, ModelMissing, ModelUnreadable

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Weights = tuple[Floats, Floats]
"""A layer as scikit-learn keeps it: inputs x outputs, and a bias for each output."""

EDITION = "mlp"
OUTPUT = "outputs"
LABEL = "label"

#: A layer's outputs reach at most this before they are squared, and the last layer's that: it keeps rounding small
#: beside them, within what the edition carries.
HIDDEN = 16.0
CARRIED = 4096.0

#: Weights that fit into one document beside a table's columns.
MOST_WEIGHTS = 180_000


def network(
    table: Table, layers: Sequence[Weights], names: Sequence[str] | None = None, *, classes: bool = False
) -> Circuit:
    """A network over all columns but the label, in their own units: products and biases of `layers`, and between two
    of them each value times itself. One layer is a matrix product.

    `names` are those of the last layer's outputs, by default their numbers; with `classes` they are classes, and a
    row's label is the one with the highest score. Weights are rounded to float32; what vanishes in the rounding of the
    circuit is left out. Raises MalformedCircuit for layers that do not fit together, and CircuitTooLarge.
    """
    if not layers or any(weights.ndim != 2 or bias.shape != weights.shape[1:] for weights, bias in layers):
        raise malformed("a layer is a matrix of inputs x outputs and a bias for each output")
    if not all(np.isfinite(part).all() for layer in layers for part in layer):
        raise malformed("a weight is not finite")
    if any(len(bias) != len(weights) for (_, bias), (weights, _) in pairwise(layers)):
        raise malformed("a layer takes another number of values than the one before it gives")
    if layers[0][0].shape[0] != len(table.features):
        raise malformed(f"the network takes {len(layers[0][0])} values, a row has {len(table.features)}")
    if sum(weights.size for weights, _ in layers) > MOST_WEIGHTS:
        raise CircuitTooLarge(
            f"The network has more than {MOST_WEIGHTS:,} weights.",
            hint="Use fewer inputs or narrower layers.",
        )
    fitting, unit = _fitted(table, layers)
    try:
        node = Network(fitting, tuple(names or map(str, range(len(fitting[-1].bias)))))
    except ValueError as error:
        raise malformed(str(error)) from None
    draft = Draft(table)
    outputs = {OUTPUT: draft.term(node).measured(unit)}
    return draft.circuit(EDITION, outputs, "exact", result="classes" if classes else "outputs")


def _fitted(table: Table, layers: Sequence[Weights]) -> tuple[tuple[Layer, ...], float]:
    """The layers over scaled columns, each unit of a hidden layer reaching up to HIDDEN, and the unit of the last."""
    halves = np.array([column.half for column in table.features])
    middles = np.array([column.middle for column in table.features])
    made: list[Layer] = []
    coming, reach = halves, 1.0  # what one of a value stands for, and the largest value
    shift = middles
    for weights, bias in layers[:-1]:
        own, moved = weights * coming[:, None], bias + shift @ weights
        most = reach * np.abs(own).sum(axis=0) + np.abs(moved)
        by = np.where(most > 0, HIDDEN / np.where(most > 0, most, 1.0), 1.0)
        made.append(_layer(own * by, moved * by))
        coming, reach, shift = by**-2.0, HIDDEN**2, np.zeros(len(bias))
    weights, bias = layers[-1]
    own, moved = weights * coming[:, None], bias + shift @ weights
    most = float((reach * np.abs(own).sum(axis=0) + np.abs(moved)).max())
    if not 0 < most < 1e300:
        raise malformed("the network's weights are all zero, or too large")
    unit = 2.0 ** ceil(log2(most / CARRIED))
    return (*made, _layer(own / unit, moved / unit)), unit


def _layer(weights: Floats, bias: Floats) -> Layer:
    return Layer.of(np.where(np.abs(weights) < LEAST_WEIGHT, 0.0, weights).T, bias)


def network_clear(frame: pd.DataFrame, layers: Sequence[Weights]) -> Floats:
    """The twin: outputs (rows x outputs) from clear values."""
    values = frame.to_numpy(float)
    for number, (weights, bias) in enumerate(layers):
        values = (values**2 if number else values) @ weights + bias
    return values


def scoring_network(table: Table, model: Any) -> Circuit:
    """The outputs of a model: a list of (weights, bias) with squares between its layers, or a fitted network whose
    activation is `identity` or `square`; columns are found by name, or by order where it was fitted without names.

    Raises ActivationUnfit for another activation, and ModelUnreadable for what is no network of this table.
    """
    if isinstance(model, list):
        return network(table, [_pair(each) for each in model])
    layers = [
        (np.asarray(w, float), np.asarray(b, float))
        for w, b in zip(model.coefs_, model.intercepts_, strict=True)
    ]
    if model.activation == "identity" or len(layers) == 1:
        layers = [_merged(layers)]
    elif model.activation != "square":
        raise ActivationUnfit(
            f"the network's activation is {model.activation}, which takes more than sums and products",
            hint="fit hexchange.square_classifier.SquareClassifier to the same rows, or use activation='identity'",
        )
    first, bias = layers[0]
    layers[0] = _in_order(table, model, first), bias
    if not hasattr(model, "classes_"):
        return network(table, layers)
    weights, bias = layers[-1]
    if len(model.classes_) == 2 and len(bias) == 1:  # one score for the second class against the first
        layers[-1] = np.hstack([-weights, weights]) / 2, np.append(-bias, bias) / 2
    elif len(model.classes_) != len(bias) or getattr(model, "out_activation_", "softmax") != "softmax":
        raise ModelUnreadable("the network chooses several labels at once", hint="use one output per class")
    return network(table, layers, [str(each) for each in model.classes_], classes=True)


def _pair(each: Any) -> Weights:
    try:
        weights, bias = each
        return np.asarray(weights, float), np.asarray(bias, float)
    except (TypeError, ValueError):
        raise ModelUnreadable(
            "a plain network is a list of (weights, bias)", hint="save arrays of numbers, inputs x outputs"
        ) from None


def _merged(layers: Sequence[Weights]) -> Weights:
    """Layers with nothing between them are one."""
    weights, bias = layers[0]
    for further, more in layers[1:]:
        weights, bias = weights @ further, bias @ further + more
    return weights, bias


def _in_order(table: Table, model: Any, weights: Floats) -> Floats:
    """The first layer over the table's features; those that the model does not know count nothing."""
    known = [column.name for column in table.features]
    names = [str(name) for name in getattr(model, "feature_names_in_", known)]
    if len(names) != len(weights):
        raise ModelUnreadable(
            f"the model takes {len(weights)} values, the table has {len(names)} columns",
            hint="use a model that was fitted to columns of this table",
        )
    if missing := [name for name in names if name not in known]:
        raise ModelUnreadable(
            f"the table has no column {missing[0]!r}",
            hint="use a model that was fitted to columns of this table",
        )
    ordered = np.zeros((len(known), weights.shape[1]))
    ordered[[known.index(name) for name in names]] = weights
    return ordered


def _build(table: Table, asked: Asked) -> Circuit:
    if asked.model is None:
        raise ModelMissing("a network needs the model to compute", hint="add --model FILE.skops")
    if hasattr(asked.model, "coef_"):
        raise ModelUnreadable("this is a linear model", hint="ask for predict, on the edition linear")
    return scoring_network(table, asked.model)


def _node(circuit: Circuit) -> Network:
    node = circuit.nodes[0]
    assert isinstance(node, Network), "the analysis has checked the kind"
    return node


def _says(circuit: Circuit) -> str:
    node = _node(circuit)
    widths = " - ".join(map(str, (node.inputs, *(len(layer.bias) for layer in node.layers))))
    columns = [column.name for column in circuit.table.features]
    read = ", ".join(columns) if len(columns) <= 8 else f"{', '.join(columns[:3])} … {columns[-1]}"
    shown = ", ".join(node.names) if len(node.names) <= 32 else f"{node.names[0]} … {node.names[-1]}"
    what = "A network" if len(node.layers) > 1 else "A matrix product"
    squares = ", squares between its layers" if len(node.layers) > 1 else ""
    return f"{what} {widths}{squares}, of the {len(columns)} columns {read}: for each row a value of {shown}"


def _outputs(released: Released) -> pd.DataFrame:
    import pandas as pd  # slow to import, and needed by a buyer alone

    (values,) = released.meant().values()
    return pd.DataFrame(values, columns=list(_node(released.circuit).names))


def _classes(released: Released) -> pd.DataFrame:
    scores = _outputs(released)
    return scores.assign(**{LABEL: scores.idxmax(axis=1)})


def _is_network(circuit: Circuit, _rows: list[Polynomial]) -> bool:
    return isinstance(circuit.nodes[0], Network)


def _has_classes(circuit: Circuit, _rows: list[Polynomial]) -> bool:
    node = circuit.nodes[0]
    return isinstance(node, Network) and len(node.names) > 1 and LABEL not in node.names


CIRCUIT = Recipe("network", (EDITION,), _build)
KINDS = (
    Kind("outputs", "outputs of a network", _is_network, _says, _outputs),
    Kind(
        "classes",
        "scores of classes and labels",
        _has_classes,
        lambda circuit: f"{_says(circuit)}; the label is the highest",
        _classes,
    ),
)
