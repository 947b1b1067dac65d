"""A sale without a market: what a buyer would get of a circuit over a table that one has oneself.

The table is encrypted, the circuit computed and its result released as in a sale, in this process and without chain,
store or other people. Owners see what they would give away, buyers what a circuit is worth to them.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from hexchange.circuit.analysis import check
from hexchange.circuit.document import Circuit
from hexchange.circuit.lowering import lower
from hexchange.circuit.results import present, released_errors
from hexchange.he.encryption import Encryption
from hexchange.he.evaluator import evaluate
from hexchange.he.keys import Keys, SecretKey
from hexchange.owner.encrypt import packed_as
from hexchange.owner.opening import open_result
from hexchange.owner.schema import Schema
from hexchange.owner.table import prepare

if TYPE_CHECKING:
    import pandas as pd


def rehearse(
    circuit: Circuit, frame: pd.DataFrame, schema: Schema, *, epsilon: float = 0.0, delta: float = 1e-6
) -> Any:
    """The DataFrame or fitted estimator that is bought, with noise for `epsilon` if the circuit has it.

    `schema` declares the columns of `frame`. Raises what the circuit's analysis refuses, and what encrypting the table
    would raise.
    """
    analysis = check(circuit)
    program = lower(circuit)
    packed = packed_as(program.edition, schema, prepare(frame, schema))
    secret = SecretKey.generate(program.edition.parameters)
    encryption = Encryption(secret)
    blobs = {(name, block): encryption.encrypt(slots) for name, block, slots in packed.inputs}
    public = Keys.made(secret, program.steps, relinearize=program.relinearizes)
    ran = evaluate(program, lambda name, block: blobs[name, block], public, ())
    with TemporaryDirectory() as folder:
        key = Path(folder) / "secret.key"
        secret.write(key)
        deviation, *released = open_result(
            circuit, ran.outputs, str(key), json.dumps(packed.private), round(epsilon * 1e6), delta
        )
    grid = Decimal(circuit.release.grid)
    values = {
        name: np.array([float(count * grid) for count in counts]).reshape(shape)
        for name, shape, counts in released
    }
    errors = released_errors(circuit, analysis.errors)
    return present(circuit, values, errors=errors, noise=deviation)
