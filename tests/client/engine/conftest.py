"""Keys of every edition, made once, and what a job does from a scaled table to raw values."""

from __future__ import annotations

from functools import cache

import pytest
from twin import Floats, Run

from hexchange.circuit import results
from hexchange.circuit.document import Circuit
from hexchange.circuit.editions import Edition
from hexchange.circuit.lowering import lower
from hexchange.circuit.packing import pack
from hexchange.he.encryption import Encryption
from hexchange.he.evaluator import evaluate
from hexchange.he.keys import Keys, SecretKey
from hexchange.he.opening import open_outputs


@pytest.fixture(scope="session")
def run() -> Run:
    """Encrypts a scaled table, runs a circuit, decrypts: raw values per output."""

    def over(circuit: Circuit, values: Floats) -> dict[str, Floats]:
        program = lower(circuit)
        secret, public = _keys(program.edition)
        packed, encryption = pack(program.edition, circuit.table, values), Encryption(secret)
        wanted = {source.name for source in program.inputs}
        blobs = {(n, block): encryption.encrypt(slots) for n, block, slots in packed.inputs if n in wanted}
        evaluation = evaluate(program, lambda name, block: blobs[name, block], public, ())
        return results.reduce(circuit, open_outputs(secret, program, evaluation.outputs))

    return over


@cache
def _keys(chosen: Edition) -> tuple[SecretKey, Keys]:
    secret = SecretKey.generate(chosen.parameters)
    return secret, Keys.made(secret, chosen.steps, relinearize=chosen.relinearize)
