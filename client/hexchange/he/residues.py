"""Polynomial coefficients to SEAL's transformed residues: one number-theoretic transform per prime."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hexchange.he.fourier import bit_reversal

Integers = NDArray[np.int64]

LARGEST_PRIME = 1 << 50


def transform(coefficients: Integers, prime: int) -> Integers:
    """Residues of the polynomial at the odd powers of the smallest primitive 2N-th root, bit reversed.

    `prime` is below 2^50 and 1 modulo 2N; coefficients are any int64.
    """
    roots, quotients = _roots(len(coefficients), prime)
    values = coefficients % prime
    groups = 1
    while groups < len(values):
        pairs, now = values.reshape(groups, 2, -1), slice(groups, 2 * groups)
        product = _times(pairs[:, 1], roots[now, None], quotients[now, None], prime)
        sums, differences = pairs[:, 0] + product, pairs[:, 0] - product
        sums -= prime * (sums >= prime)
        differences += prime * (differences < 0)
        values = np.stack([sums, differences], axis=1).reshape(-1)
        groups *= 2
    return values


def _times(a: Integers, b: Integers, quotient: NDArray[np.float64], prime: int) -> Integers:
    """a b mod prime: the float64 estimate of the quotient is off by at most one, and integers wrap."""
    estimate = (a.astype(np.float64) * quotient).astype(np.int64)
    rest = a * b - estimate * prime
    rest += prime * (rest < 0)
    rest -= prime * (rest >= prime)
    return rest


@lru_cache(maxsize=32)
def _roots(degree: int, prime: int) -> tuple[Integers, NDArray[np.float64]]:
    """Powers of the root in bit-reversed order, and each divided by the prime."""
    if prime >= LARGEST_PRIME or prime % (2 * degree) != 1:
        raise ValueError(f"{prime} is no prime of this transform")
    root = _smallest_root(2 * degree, prime)
    powers = [1]
    for _ in range(degree - 1):
        powers.append(powers[-1] * root % prime)
    ordered = np.array(powers, dtype=np.int64)[bit_reversal(degree)]
    return ordered, ordered / prime


def _smallest_root(order: int, prime: int) -> int:
    """The smallest primitive `order`-th root of unity modulo `prime`; `order` is a power of two."""
    candidates = (pow(base, (prime - 1) // order, prime) for base in range(2, 1000))
    root = next(candidate for candidate in candidates if pow(candidate, order // 2, prime) == prime - 1)
    square, smallest = root * root % prime, root
    for _ in range(order // 2):
        root = root * square % prime
        smallest = min(smallest, root)
    return smallest
