"""Constants are encoded to the same bits everywhere, and to what SEAL means by them."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from hexchange.circuit.editions import STATS, TRAIN
from hexchange.errors import UsageError
from hexchange.he.encoder import encode_scalar, encode_vector, rounded_coefficients
from hexchange.he.engine import engine
from hexchange.he.fourier import coefficients
from hexchange.he.library import save, sealapi
from hexchange.he.residues import transform

GOLDEN = "875bfc39ec81966bfd1876d0d9c1ce879de3aaa46e255e6620c549ccf75304e4"

PRINT_DIGEST = """
from hashlib import sha256
import numpy as np
from hexchange.he.encoder import rounded_coefficients
values = np.array([((i * 7919) % 10007) / 10007 - 0.5 for i in range(8192)])
found = sha256()
for scale in (2.0**30, 2.0**45, 2.0**50, 274877022209.5):
    found.update(rounded_coefficients(8192, values, scale).astype("<i8").tobytes())
print(found.hexdigest())
"""


def _digest(**environment: str) -> str:
    outcome = subprocess.run(
        [sys.executable, "-c", PRINT_DIGEST],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return outcome.stdout.strip()


def test_a_vector_has_the_golden_bits_with_and_without_wide_and_fused_instructions() -> None:
    features = np._core._multiarray_umath
    wide = [name for name in features.__cpu_dispatch__ if features.__cpu_features__[name]]
    masked = _digest(
        NPY_DISABLE_CPU_FEATURES=" ".join(wide), GLIBC_TUNABLES="glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F"
    )
    assert _digest() == masked == GOLDEN


@pytest.mark.parametrize("scale", [2.0**30, 2.0**38, 2.0**40])
def test_a_vector_is_what_seal_encodes_within_one_unit_of_the_scale(scale: float) -> None:
    chosen, random = engine(TRAIN.parameters), np.random.default_rng(1)
    values = random.uniform(-1, 1, chosen.parameters.slots) + 1j * random.uniform(
        -1, 1, chosen.parameters.slots
    )
    theirs = sealapi.Plaintext()
    chosen.encoder.encode(values.tolist(), chosen.words(3), scale, theirs)
    ours = encode_vector(chosen, values, 3, scale)
    difference = np.array(chosen.encoder.decode_complex(ours)) - np.array(
        chosen.encoder.decode_complex(theirs)
    )
    assert ours.scale == theirs.scale
    assert ours.parms_id() == theirs.parms_id()
    assert np.max(np.abs(difference)) * scale <= 1


def test_a_short_vector_leaves_the_other_slots_zero() -> None:
    chosen = engine(STATS.parameters)
    plain = encode_vector(chosen, np.array([0.5, -0.25]), 2, 2.0**40)
    decoded = np.array(chosen.encoder.decode_double(plain))
    assert np.max(np.abs(decoded[:2] - [0.5, -0.25])) < 1e-9
    assert np.max(np.abs(decoded[2:])) < 1e-9


def test_a_vector_of_one_value_is_the_scalar() -> None:
    chosen = engine(STATS.parameters)
    vector = encode_vector(chosen, np.full(chosen.parameters.slots, 0.75), 2, 2.0**40)
    assert save(vector) == save(encode_scalar(chosen, 0.75, 2, 2.0**40))


def test_the_transform_evaluates_at_odd_powers_of_the_smallest_root() -> None:
    degree, prime = 16, 97
    root = min(candidate for candidate in range(2, prime) if pow(candidate, degree, prime) == prime - 1)
    polynomial = np.arange(-5, degree - 5, dtype=np.int64)
    reverse = [int(f"{index:04b}"[::-1], 2) for index in range(degree)]
    expected = [
        sum(int(c) * pow(root, (2 * place + 1) * power, prime) for power, c in enumerate(polynomial)) % prime
        for place in reverse
    ]
    assert transform(polynomial, prime).tolist() == expected


def test_the_transform_is_exact_for_the_longest_primes_and_coefficients() -> None:
    degree, prime = STATS.parameters.degree, STATS.parameters.primes[0]
    assert prime.bit_length() == 50
    random = np.random.default_rng(2)
    polynomial = random.choice(np.array([-(2**63), 2**63 - 1, prime - 1, -1, prime // 2]), degree)
    found = transform(polynomial, prime)
    constant = transform(np.array([1] + [0] * (degree - 1)), prime)
    powers = transform(np.array([0, 1] + [0] * (degree - 2)), prime)  # the points themselves
    assert set(constant) == {1}
    for place in random.integers(0, degree, 8):
        value = 0
        for coefficient in polynomial[::-1].tolist():
            value = (value * int(powers[place]) + coefficient) % prime
        assert found[place] == value


def test_slots_are_the_values_at_powers_of_three() -> None:
    values = np.array([1.0, -2.0, 0.5, 3.0])
    polynomial = coefficients(values, np.zeros(4), 1.0)
    points = np.exp(1j * np.pi / 8 * np.array([pow(3, slot, 16) for slot in range(4)]))
    found = [sum(c * point**power for power, c in enumerate(polynomial)) for point in points]
    assert found == pytest.approx(values)


@pytest.mark.parametrize(
    "bad", [np.array([np.nan]), np.array([np.inf]), np.array([1e30]), np.zeros(4097), np.zeros((2, 2))]
)
def test_a_constant_that_cannot_be_encoded_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(UsageError):
        rounded_coefficients(4096, bad, 2.0**40)
