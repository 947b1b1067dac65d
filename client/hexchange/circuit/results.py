"""From decrypted slots to what a buyer holds, in steps that keep the privacy proof right.

1. `reduce` (owner): slots -> raw values in the circuit's own units, cut to the table's shape.
2. The release mechanism (owner) rounds each to the circuit's grid, or adds discrete noise on the grid that
   is calibrated to the analysed sensitivity. Nothing that follows sees a raw decryption.
3. `unwhiten` (owner, training only): rounded weights -> weights of scaled columns; rounded to the grid again.
4. `present` (buyer): released values -> DataFrame or estimator in the columns' own units. It uses public
   facts only (units, ranges, number of rows), so it is post-processing and costs no privacy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.descent import UNIT
from hexchange.circuit.document import Circuit, Descend, Sum
from hexchange.circuit.editions import Grid, edition
from hexchange.circuit.whitening import Whitening, unwhitened_error

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.float64]


def shapes(circuit: Circuit) -> dict[str, tuple[int, ...]]:
    """Shape of every output: (1,) for a sum, (rows,) per row, (features + 1,) for trained weights."""
    return {output.name: _shape(circuit, output.node) for output in circuit.outputs}


def reduce(circuit: Circuit, slots: Mapping[str, Sequence[Floats]]) -> dict[str, Floats]:
    """Raw values of every output from its decrypted slots, given per row block (one for sums and weights).

    For the owner's eyes only: raw decryptions are never released.
    """
    chosen = edition(circuit.profile.edition)
    wanted = shapes(circuit)
    rows = circuit.table.rows
    values: dict[str, Floats] = {}
    for output in circuit.outputs:
        blocks = slots[output.name]
        match circuit.nodes[output.node]:
            case Sum():
                values[output.name] = np.array([blocks[0][: min(rows, chosen.parameters.slots)].sum()])
            case Descend():
                assert isinstance(chosen.layout, Grid)
                totals = blocks[0].reshape(chosen.layout.features, chosen.layout.rows).sum(axis=1)
                values[output.name] = UNIT * totals[: wanted[output.name][0]]
            case _:
                values[output.name] = np.concatenate(blocks)[:rows]
    return values


def unwhiten(circuit: Circuit, values: Mapping[str, Floats], private: dict[str, Any]) -> dict[str, Floats]:
    """Trained weights, already rounded to the grid, as weights of scaled columns and an intercept.

    Other outputs pass through. `private` is what packing gave the owner for this edition. The values are to
    be rounded to the grid once more.
    """
    trained = {output.name for output in circuit.outputs if isinstance(circuit.nodes[output.node], Descend)}
    return {
        name: Whitening.from_json(private).unwhiten(value) if name in trained else value
        for name, value in values.items()
    }


def released_errors(circuit: Circuit, errors: Mapping[str, float]) -> dict[str, float]:
    """Bound of each released value, from those of the computation: after rounding, and for trained weights after
    `unwhiten` and rounding again."""
    half = float(circuit.release.grid) / 2
    features = len(circuit.table.features)
    trained = {output.name for output in circuit.outputs if isinstance(circuit.nodes[output.node], Descend)}
    return {
        name: (unwhitened_error(error + half, features) if name in trained else error) + half
        for name, error in errors.items()
    }


def in_units(circuit: Circuit, values: Mapping[str, Floats]) -> dict[str, Floats]:
    """What released values stand for: offset + unit * value of each output, in the circuit's order."""
    return {output.name: output.offset + output.unit * values[output.name] for output in circuit.outputs}


def present(circuit: Circuit, values: Mapping[str, Floats]) -> pd.DataFrame | LogisticRegression:
    """What a buyer gets: a fitted LogisticRegression for `classifier`, a DataFrame for everything else."""
    import pandas as pd  # only a buyer needs it; a provider's child has the rest of this module

    meant = in_units(circuit, values)
    match circuit.result:
        case "describe":
            return _description(circuit, meant)
        case "score":
            return pd.DataFrame(meant)
        case "probability":
            return pd.DataFrame({name: 1 / (1 + np.exp(-value)) for name, value in meant.items()})
        case "classifier":
            return _classifier(circuit, meant[circuit.outputs[0].name])
        case "numbers":
            return pd.DataFrame(
                [(name, *placed) for name, value in meant.items() for placed in enumerate(value)],
                columns=["output", "place", "value"],
            )


def _shape(circuit: Circuit, node: int) -> tuple[int, ...]:
    match circuit.nodes[node]:
        case Sum():
            return (1,)
        case Descend():
            return (len(circuit.table.features) + 1,)
        case _:
            return (circuit.table.rows,)


def _description(circuit: Circuit, values: Mapping[str, Floats]) -> pd.DataFrame:
    """Count, mean, variance (of a sample: n - 1) and standard deviation per column."""
    import pandas as pd

    rows = circuit.table.rows
    described: dict[str, tuple[float, ...]] = {}
    for column in circuit.table.columns:
        if f"{column.name}.sum" in values:
            mean = float(values[f"{column.name}.sum"][0]) / rows
            square = float(values[f"{column.name}.squares"][0]) / rows
            variance = max(square - mean**2, 0.0) * rows / max(rows - 1, 1)
            described[column.name] = (
                rows,
                column.middle + column.half * mean,
                column.half**2 * variance,
                column.half * variance**0.5,
            )
    return pd.DataFrame.from_dict(described, orient="index", columns=["count", "mean", "variance", "std"])


def _classifier(circuit: Circuit, weights: Floats) -> LogisticRegression:
    """A fitted estimator over the features' own units, classes being the label's two values."""
    from sklearn.linear_model import LogisticRegression

    features = circuit.table.features
    halves = np.array([column.half for column in features])
    middles = np.array([column.middle for column in features])
    coefficients = weights[:-1] / halves
    label = circuit.table.column(circuit.table.label or "")
    model = LogisticRegression()
    model.classes_ = np.array([label.low, label.high])
    model.coef_ = coefficients[None, :]
    model.intercept_ = np.array([weights[-1] - middles @ coefficients])
    model.feature_names_in_ = np.array([column.name for column in features], dtype=object)
    model.n_features_in_ = len(features)
    model.n_iter_ = np.array([node.iterations for node in circuit.nodes if isinstance(node, Descend)])
    return model
