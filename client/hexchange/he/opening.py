"""Results back into numbers, with the secret key: only for bytes whose re-run agreed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.packing import in_rows
from hexchange.circuit.program import Program
from hexchange.he.canonical import from_outputs
from hexchange.he.keys import SecretKey
from hexchange.he.library import sealapi

Opened = dict[str, list[NDArray[np.float64]]]


def open_outputs(secret: SecretKey, program: Program, outputs: Sequence[bytes]) -> Opened:
    """All values of each output, one array per row block, from canonical bytes in the program's order.

    The objects that are decrypted are rebuilt here from the checked residues. Raises MalformedBlob when an
    output is not of the program's shape.
    """
    engine, decryptor = secret.engine, secret.decryptor()
    whole = engine.parameters.plain_modulus > 0
    decode = engine.encoder.decode_int64 if whole else engine.encoder.decode_complex
    opened: Opened = {output.name: [] for output in program.outputs}
    for name, ciphertext in from_outputs(engine, program, outputs):
        plaintext = sealapi.Plaintext()
        decryptor.decrypt(ciphertext, plaintext)
        opened[name].append(in_rows(program.edition, np.array(decode(plaintext))))
    return opened
