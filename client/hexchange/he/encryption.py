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
        """The blob of as many finite values as there are slots at most, the others zero: real or complex, in BFV whole.

        The scale is the edition's, or another.

        Raises UsageError for values that are too many, too large, not finite, or in BFV not whole.
        """
        engine, parameters = self._engine, self._engine.parameters
        if values.ndim != 1 or len(values) > parameters.slots or not np.all(np.isfinite(values)):
            raise UsageError(f"Only up to {parameters.slots} finite values fit into one ciphertext.")
        plaintext = sealapi.Plaintext()
        if parameters.plain_modulus:
            return self._encrypt_whole(values, plaintext)
        try:
            engine.encoder.encode(values.tolist(), scale or parameters.scale, plaintext)
        except ValueError:
            raise UsageError(
                f"A value is too large for edition {parameters.name}.", hint="Scale values to [-1, 1]."
            ) from None
        return save(self._encryptor.encrypt_symmetric(plaintext))

    def _encrypt_whole(self, values: Slots, plaintext: Any) -> bytes:
        most = self._engine.parameters.plain_modulus // 2
        if np.any(values != np.rint(values)) or np.any(np.abs(values) > most):
            raise UsageError(
                f"Only whole numbers up to {most} fit into edition {self._engine.parameters.name}."
            )
        self._engine.encoder.encode([int(value) for value in values.real], plaintext)
        return save(self._encryptor.encrypt_symmetric(plaintext))
