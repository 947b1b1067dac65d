"""Values into seeded symmetric ciphertexts: half the size, and the smallest noise the scheme has."""

from __future__ import annotations

from typing import Any

import numpy as np

from hexchange.circuit.packing import Slots
from hexchange.errors import UsageError
from hexchange.he.keys import SecretKey
from hexchange.he.library import save, sealapi


class Encryption:
    """Encrypts slot vectors of one edition under the owner's key."""

    def __init__(self, secret: SecretKey) -> None:
        self._engine = secret.engine
        self._encryptor: Any = secret.encryptor()

    def encrypt(self, values: Slots, scale: float | None = None) -> bytes:
        """The blob of up to N/2 finite values, real or complex, the other slots zero.

        The scale is the edition's, or another.

        Raises UsageError for values that are too many, too large or not finite.
        """
        engine = self._engine
        if values.ndim != 1 or len(values) > engine.slots or not np.all(np.isfinite(values)):
            raise UsageError(f"Only up to {engine.slots} finite values fit into one ciphertext.")
        plaintext = sealapi.Plaintext()
        try:
            engine.encoder.encode(values.tolist(), scale or engine.parameters.scale, plaintext)
        except ValueError:
            raise UsageError(
                f"A value is too large for edition {engine.parameters.name}.", hint="Scale values to [-1, 1]."
            ) from None
        return save(self._encryptor.encrypt_symmetric(plaintext))
