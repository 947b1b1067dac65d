"""Constants as plaintexts, with the same bits on every machine.

A scalar goes through SEAL's scalar encoder, which is exact everywhere. SEAL's vector encoder uses the
machine's libm and fused operations, so vectors are encoded by our own transforms.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexchange.errors import UsageError
from hexchange.he.engine import Engine
from hexchange.he.fourier import coefficients
from hexchange.he.library import header, load, sealapi
from hexchange.he.residues import transform

_LARGEST_COEFFICIENT = 2.0**62


def encode_scalar(engine: Engine, value: float, primes: int, scale: float) -> Any:
    """A plaintext with `value` in every slot, at the level with `primes` primes."""
    plaintext = sealapi.Plaintext()
    engine.encoder.encode(float(value), engine.words(primes), scale, plaintext)
    return plaintext


def encode_vector(engine: Engine, values: NDArray[Any], primes: int, scale: float) -> Any:
    """A plaintext of up to N/2 real or complex values, the other slots zero, at a level of `primes` primes.

    Raises UsageError for too many values, values that are not finite, or too large at this scale.
    """
    integers = rounded_coefficients(engine.parameters.slots, values, scale)
    rows = [transform(integers, prime) for prime in engine.parameters.primes[:primes]]
    residues = np.stack(rows).astype("<u8").tobytes()
    count = primes * engine.parameters.degree
    fields = engine.ids[primes] + struct.pack("<Qd", count, scale)
    array = header(8 + len(residues)) + struct.pack("<Q", count)
    return load(sealapi.Plaintext(), engine.context, fields + array + residues)


def rounded_coefficients(slots: int, values: NDArray[Any], scale: float) -> NDArray[np.int64]:
    """The integer polynomial (2 x `slots` coefficients) that encodes `values` at `scale`.

    Raises UsageError for too many values, values that are not finite, or too large at this scale.
    """
    if values.ndim != 1 or len(values) > slots:
        raise UsageError(f"A constant of shape {values.shape} does not fit into {slots} slots.")
    # No coefficient is larger than the largest value, so an int64 holds each.
    if not np.all(np.abs(values) < _LARGEST_COEFFICIENT / scale):
        raise UsageError("A constant is not finite, or too large for its scale.")
    real, imaginary = np.zeros(slots), np.zeros(slots)
    real[: len(values)] = values.real
    imaginary[: len(values)] = values.imag
    return np.rint(coefficients(real, imaginary, scale)).astype(np.int64)
