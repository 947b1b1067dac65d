"""Results back into numbers, with the secret key: only for bytes whose re-run agreed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.program import Program
from hexchange.he.canonical import from_outputs
from hexchange.he.keys import SecretKey
from hexchange.he.library import sealapi

Slots = dict[str, list[NDArray[np.float64]]]


def open_outputs(secret: SecretKey, program: Program, outputs: Sequence[bytes]) -> Slots:
    """All slots of each output, one array per row block, from canonical bytes in the program's order.

    The objects that are decrypted are rebuilt here from the checked residues. Raises MalformedBlob when an
    output is not of the program's shape.
    """
    engine, decryptor = secret.engine, secret.decryptor()
    opened: Slots = {output.name: [] for output in program.outputs}
    for name, ciphertext in from_outputs(engine, program, outputs):
        plaintext = sealapi.Plaintext()
        decryptor.decrypt(ciphertext, plaintext)
        opened[name].append(np.array(engine.encoder.decode_double(plaintext)))
    return opened
