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

    `prime` is below 2^50 and 1 modulo 2N, N is at most 2^15; coefficients are any int64.

    A product a b - q prime wraps around and is exact whatever q is; q is a b / prime by float64, so what is left is at
    most one prime, and 3 / 2^53 of a (three roundings) times the prime. Values are therefore not reduced on the way: a
    stage lengthens the largest by 3/8 of itself and one prime at most, to 2^59 after fifteen.
    """
    roots, quotients = _roots(len(coefficients), prime)
    values = coefficients % prime
    half = len(values) // 2
    real, whole, product = np.empty(half), np.empty(half, np.int64), np.empty(half, np.int64)
    groups = 1
    while groups < len(values):
        pairs, now = values.reshape(groups, 2, -1), slice(groups, 2 * groups)
        upper, lower = pairs[:, 0], pairs[:, 1]
        quotient = real.reshape(lower.shape)
        times, rest = whole.reshape(lower.shape), product.reshape(lower.shape)
        np.multiply(lower, quotients[now, None], out=quotient)
        times[...] = quotient
        times *= prime
        np.multiply(lower, roots[now, None], out=rest)
        rest -= times
        np.subtract(upper, rest, out=lower)
        upper += rest
        groups *= 2
    return values % prime


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
