"""A logistic model trained on encrypted rows with encrypted weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.builder import Draft
from hexchange.circuit.descent import MOST_STEPS, descend
from hexchange.circuit.document import Circuit, Table, malformed
from hexchange.circuit.packing import signed_values
from hexchange.circuit.whitening import whiten

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
