"""The only code that ever holds the HE secret key. Each function here runs in a child process without
network.

A child is given the path of the key file and may read nothing else; what comes back is a ciphertext, a
public key, or numbers that are rounded and noised already. The key is never sent anywhere, also not to the
parent.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from hexchange.circuit.editions import edition
from hexchange.circuit.program import Shape
from hexchange.he import canonical
from hexchange.he.encryption import Encryption
from hexchange.he.engine import engine
from hexchange.he.keys import SecretKey, make_relin_key, make_rotation_key
from hexchange.owner.prints import prints


@lru_cache(maxsize=1)
def _secret(name: str, key: str) -> SecretKey:
    return SecretKey.read(edition(name).parameters, Path(key))


@lru_cache(maxsize=1)
def _encryption(name: str, key: str) -> Encryption:
    return Encryption(_secret(name, key))


def encrypt(name: str, key: str, slots: bytes) -> list[bytes]:
    """A seeded ciphertext of float64 `slots` under edition `name`, then the prints of its polynomials."""
    blob = _encryption(name, key).encrypt(np.frombuffer(slots, dtype=np.float64))
    chosen = edition(name).parameters
    shape = Shape(2, len(chosen.data_primes), chosen.scale)
    ciphertext = canonical.from_seeded(engine(chosen), blob, shape)
    return [blob, *prints(canonical.to_canonical(engine(chosen), ciphertext, shape), shape, chosen.degree)]


def relin_key(name: str, key: str) -> bytes:
    """The relinearisation key of edition `name`."""
    return make_relin_key(_secret(name, key))


def rotation_key(name: str, key: str, step: int) -> bytes:
    """The key for rotations by `step` of edition `name`."""
    return make_rotation_key(_secret(name, key), step)
