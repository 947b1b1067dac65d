"""Results back into numbers, with the secret key: only for bytes whose re-run agreed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.program import Program
from hexchange.he.canonical import from_canonical
from hexchange.he.keys import SecretKey
from hexchange.he.library import malformed, sealapi

Slots = dict[str, list[NDArray[np.float64]]]


def open_outputs(secret: SecretKey, program: Program, outputs: Sequence[bytes]) -> Slots:
    """All slots of each output, one array per row block, from canonical bytes in the program's order.

    The objects that are decrypted are rebuilt here from the checked residues. Raises MalformedBlob when an
    output is not of the program's shape.
    """
    engine, decryptor = secret.engine, secret.decryptor()
    shapes = {output.name: output.shape for output in program.outputs}
    places = program.result_sizes()
    if len(outputs) != len(places):
        raise malformed(f"The result has {len(outputs)} ciphertexts where {len(places)} are expected.")
    opened: Slots = {name: [] for name in shapes}
    for (name, _, _), data in zip(places, outputs, strict=True):
        plaintext = sealapi.Plaintext()
        decryptor.decrypt(from_canonical(engine, data, shapes[name]), plaintext)
        opened[name].append(np.array(engine.encoder.decode_double(plaintext)))
    return opened
