"""Scores of a given model, one per row of a linear or logistic one; networks are handed on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from math import ceil, inf, log2
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from hexchange.circuit.builder import Draft, Term
from hexchange.circuit.document import Circuit, Network, Sum, Table, Trained, malformed
from hexchange.circuit.kinds import Asked, Kind, Recipe, Released
from hexchange.circuit.library.network import scoring_network
from hexchange.circuit.sensitivity import LEAST_COEFFICIENT, Polynomial
from hexchange.circuit.words import formulas
from hexchange.errors import ModelMissing, ModelUnreadable

if TYPE_CHECKING:
    import pandas as pd

EDITIONS = ("linear", "stats")
OUTPUT = "score"

#: Scores reach at most this magnitude in the circuit: a quarter of what the edition carries.
CARRIED = 128.0


def predict(
    table: Table,
    coefficients: Mapping[str, float],
    intercept: float,
    *,
    probability: bool = False,
    edition: str = EDITIONS[0],
) -> Circuit:
    """intercept + sum of coefficient * column, in the columns' own units.

    The circuit scores in a unit that uses the edition's whole range; unit and offset are applied after
    release, and with `probability` the logistic function too. Coefficients that move no score by more than
    2^-24 units are left out. Raises MalformedCircuit for an unknown column or a model that uses none.
    """
    weights, middle = in_ranges(table, coefficients, intercept)
    unit = 2.0 ** ceil(log2(sum(map(abs, weights.values())) / CARRIED))
    draft = Draft(table)
    outputs = {OUTPUT: weighted(draft, weights, unit).measured(unit, middle)}
    return draft.circuit(edition, outputs, "exact", result="probability" if probability else "score")


def in_ranges(
    table: Table, coefficients: Mapping[str, float], intercept: float
) -> tuple[dict[str, float], float]:
    """The same score over columns scaled to [-1, 1]: weights, and what all columns in the middle of their ranges get.

    Raises MalformedCircuit for an unknown column or a model that uses none.
    """
    columns = {name: table.column(name) for name in coefficients}
    weights = {name: coefficients[name] * column.half for name, column in columns.items()}
    if not 0 < sum(map(abs, weights.values())) < inf:
        raise malformed("the model's coefficients are all zero, or not finite")
    return weights, intercept + sum(coefficients[name] * column.middle for name, column in columns.items())


def weighted(draft: Draft, weights: Mapping[str, float], unit: float) -> Term:
    """The columns' weighted sum in this unit, without weights that would vanish."""
    shares = {name: weight / unit for name, weight in weights.items()}
    terms = [draft[name] * share for name, share in shares.items() if abs(share) >= LEAST_COEFFICIENT]
    return reduce(add, terms)


def predict_clear(frame: pd.DataFrame, coefficients: Mapping[str, float], intercept: float) -> pd.DataFrame:
    """The twin: linear scores from clear values."""
    import pandas as pd  # slow to import, and needed by the twin alone

    weights = np.array(list(coefficients.values()))
    return pd.DataFrame({OUTPUT: frame[list(coefficients)].to_numpy() @ weights + intercept})


def scoring(table: Table, model: Any, edition: str = EDITIONS[0]) -> Circuit:
    """The scores of a fitted model. Raises ModelUnreadable as `weights_of` does."""
    chances = hasattr(model, "predict_proba")
    return predict(table, *weights_of(table, model), probability=chances, edition=edition)


def weights_of(table: Table, model: Any) -> tuple[dict[str, float], float]:
    """Coefficients and intercept of a fitted model, its columns found by name, or by order where it was fitted without.

    Raises ModelUnreadable where the model has several outputs or not as many coefficients as columns.
    """
    names = [
        str(name) for name in getattr(model, "feature_names_in_", [column.name for column in table.features])
    ]
    coefficients = [float(value) for value in model.coef_.reshape(-1)]
    intercepts = [float(value) for value in np.reshape(model.intercept_, -1)]
    if len(coefficients) != len(names) or len(intercepts) != 1:
        raise ModelUnreadable(
            f"the model has {len(coefficients)} coefficients for {len(names)} columns",
            hint="use a model with one output, fitted to columns of this table",
        )
    return dict(zip(names, coefficients, strict=True)), intercepts[0]


def _build(table: Table, asked: Asked) -> Circuit:
    if asked.model is None:
        raise ModelMissing("predict needs a model to score with", hint="add --model FILE.skops")
    if hasattr(asked.model, "coef_"):
        return scoring(table, asked.model, asked.edition)
    return scoring_network(table, asked.model)


def _holds(circuit: Circuit, _rows: list[Polynomial]) -> bool:
    return not any(
        isinstance(circuit.nodes[output.node], Sum | Trained | Network) for output in circuit.outputs
    )


def _scores(released: Released) -> pd.DataFrame:
    import pandas as pd  # slow to import, and needed by a buyer alone

    return pd.DataFrame(released.meant())


def _probabilities(released: Released) -> pd.DataFrame:
    import pandas as pd  # slow to import, and needed by a buyer alone

    return pd.DataFrame({name: 1 / (1 + np.exp(-value)) for name, value in released.meant().items()})


CIRCUIT = Recipe("predict", EDITIONS, _build)
KINDS = (
    Kind("score", "scores of rows", _holds, lambda circuit: formulas(circuit, "a value"), _scores),
    Kind(
        "probability",
        "probabilities of rows",
        _holds,
        lambda circuit: formulas(circuit, "a probability"),
        _probabilities,
    ),
)
