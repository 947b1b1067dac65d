"""From decrypted slots to what a buyer holds, in steps that keep the privacy proof right.

1. `reduce` (owner): slots -> raw values in the circuit's own units, cut to the table's shape.
2. The release mechanism (owner) rounds each to the circuit's grid, or adds discrete noise on the grid that
   is calibrated to the analysed sensitivity. Nothing that follows sees a raw decryption.
3. `unwhiten` (owner, weights of whitened rows only): rounded weights -> weights of scaled columns; rounded to the
   grid again.
4. `present` (buyer): released values -> DataFrame or estimator in the columns' own units. It uses public
   facts only (units, ranges, number of rows), so it is post-processing and costs no privacy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hexchange.circuit.counting import is_whole
from hexchange.circuit.descent import UNIT
from hexchange.circuit.document import BoundedDescend, Circuit, Descend, Network, Sum
from hexchange.circuit.editions import Grid, edition
from hexchange.circuit.kinds import Floats, Released, unfit
from hexchange.circuit.library import KINDS
from hexchange.circuit.lowering import left_out
from hexchange.circuit.sensitivity import polynomials
from hexchange.circuit.whitening import Whitening, unwhitened_error


def shapes(circuit: Circuit) -> dict[str, tuple[int, ...]]:
    """Shape of every output: (1,) for a sum, (rows,) per row, (features + 1,) for trained weights,
    (rows, outputs) for a network."""
    return {output.name: _shape(circuit, output.node) for output in circuit.outputs}


def reduce(circuit: Circuit, slots: Mapping[str, Sequence[Floats]]) -> dict[str, Floats]:
    """Raw values of every output from what was decrypted of each row block (one for sums and weights), row by row.

    For the owner's eyes only: raw decryptions are never released.
    """
    chosen = edition(circuit.profile.edition).over(len(circuit.table.features))
    wanted = shapes(circuit)
    rows, constants = circuit.table.rows, left_out(circuit)
    values: dict[str, Floats] = {}
    for output in circuit.outputs:
        blocks = slots[output.name]
        match circuit.nodes[output.node]:
            case Sum():
                values[output.name] = np.array([blocks[0][: min(rows, chosen.rows_per_block)].sum()])
            case Descend() | BoundedDescend():
                assert isinstance(chosen.layout, Grid)
                totals = blocks[0].reshape(chosen.layout.features, chosen.layout.rows).sum(axis=1)
                values[output.name] = UNIT * totals[: wanted[output.name][0]]
            case Network(names=names):
                placed = (block.reshape(-1, chosen.rows_per_block)[: len(names)].T for block in blocks)
                values[output.name] = np.concatenate(list(placed))[:rows]
            case _:
                values[output.name] = np.concatenate(blocks)[:rows] + constants.get(output.name, 0.0)
    return values


def unwhiten(circuit: Circuit, values: Mapping[str, Floats], private: dict[str, Any]) -> dict[str, Floats]:
    """Weights of whitened rows, already rounded to the grid, as weights of scaled columns and an intercept.

    Other outputs pass through. `private` is what packing gave the owner for this edition. The values are to
    be rounded to the grid once more.
    """
    trained = {output.name for output in circuit.outputs if isinstance(circuit.nodes[output.node], Descend)}
    return {
        name: Whitening.from_json(private).unwhiten(value) if name in trained else value
        for name, value in values.items()
    }


def released_errors(circuit: Circuit, errors: Mapping[str, float]) -> dict[str, float]:
    """Bound of each released value, from those of the computation: after rounding, and for weights of whitened
    rows after `unwhiten` and rounding again."""
    half = 0.0 if is_whole(circuit) else float(circuit.release.grid) / 2
    features = len(circuit.table.features)
    trained = {output.name for output in circuit.outputs if isinstance(circuit.nodes[output.node], Descend)}
    return {
        name: (unwhitened_error(error + half, features) if name in trained else error) + half
        for name, error in errors.items()
    }


def in_units(circuit: Circuit, values: Mapping[str, Floats]) -> dict[str, Floats]:
    """What released values stand for, in the circuit's order."""
    return Released(circuit, values).meant()


def present(
    circuit: Circuit,
    values: Mapping[str, Floats],
    *,
    errors: Mapping[str, float] | None = None,
    noise: float = 0.0,
    result: str | None = None,
) -> Any:
    """What a buyer gets: a fitted scikit-learn estimator, or a DataFrame.

    With `errors` of the released values and the standard deviation of their `noise`, what is made of several
    numbers says how far off it can be. `result` asks for another kind than the circuit's own. Raises
    ResultUnfit where there is none of that name, or where it needs what was not released.
    """
    name = result or circuit.result
    kind = KINDS.get(name)
    if kind is None:
        raise unfit(f"there is no result called {name!r}")
    if name != circuit.result and not kind.derives and not kind.holds(circuit, polynomials(circuit) or []):
        raise unfit(f"a result called {circuit.result!r} cannot be made into {name!r}")
    return kind.present(Released(circuit, values, errors or {}, noise))


def _shape(circuit: Circuit, node: int) -> tuple[int, ...]:
    match circuit.nodes[node]:
        case Sum():
            return (1,)
        case Descend() | BoundedDescend():
            return (len(circuit.table.features) + 1,)
        case Network(names=names):
            return (circuit.table.rows, len(names))
        case _:
            return (circuit.table.rows,)
