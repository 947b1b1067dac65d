"""Slots to polynomial coefficients and back, with the same float64 bits on every machine.

The transform is the special FFT over the powers of 5 (Cheon, Kim, Kim, Song 2017). Real and imaginary
parts live in separate arrays and every add, subtract and multiply is a call of its own, so nothing can be
fused; twiddles are rounded once, from integers, so no libm takes part.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Indices = NDArray[np.int64]

_BITS = 160


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    cosine: Reals
    sine: Reals
    power: Indices
    slot: Indices
    conjugated: NDArray[np.bool_]
    reversal: Indices


def coefficients(real: Reals, imaginary: Reals, factor: float) -> Reals:
    """The N unrounded coefficients of the polynomial with these N/2 slots, times `factor`.

    Slot i is the value at the 3^i-th power of the primitive root, as SEAL orders slots.
    """
    slots = len(real)
    tables = _tables(2 * slots)
    re = real[tables.slot]
    im = np.where(tables.conjugated, -imaginary[tables.slot], imaginary[tables.slot])
    block = slots
    while block > 1:
        re, im = _butterflies(re, im, block, tables)
        block //= 2
    return np.concatenate([re[tables.reversal], im[tables.reversal]]) * (factor / slots)


def _butterflies(re: Reals, im: Reals, block: int, tables: _Tables) -> tuple[Reals, Reals]:
    half, quarter_turns = block // 2, 4 * block
    roots = 4 * len(re)
    index = (quarter_turns - tables.power[:half] % quarter_turns) * (roots // quarter_turns) % roots
    cosine, sine = tables.cosine[index], tables.sine[index]
    re, im = re.reshape(-1, 2, half), im.reshape(-1, 2, half)
    difference_re = re[:, 0] - re[:, 1]
    difference_im = im[:, 0] - im[:, 1]
    new_re, new_im = np.empty_like(re), np.empty_like(im)
    new_re[:, 0] = re[:, 0] + re[:, 1]
    new_im[:, 0] = im[:, 0] + im[:, 1]
    new_re[:, 1] = difference_re * cosine - difference_im * sine
    new_im[:, 1] = difference_re * sine + difference_im * cosine
    return new_re.reshape(-1), new_im.reshape(-1)


@lru_cache(maxsize=8)
def _tables(degree: int) -> _Tables:
    slots, roots = degree // 2, 2 * degree
    power = np.array([pow(5, j, roots) for j in range(slots)], dtype=np.int64)
    place = {pow(3, i, roots): i for i in range(slots)}
    slot = np.array([place[p] if p in place else place[roots - p] for p in power.tolist()], dtype=np.int64)
    conjugated = np.array([p not in place for p in power.tolist()])
    cosine, sine = _circle(roots)
    return _Tables(cosine, sine, power, slot, conjugated, bit_reversal(slots))


def bit_reversal(length: int) -> Indices:
    """Indices 0 .. length-1 (a power of two) with their bits reversed."""
    order = np.zeros(1, dtype=np.int64)
    while len(order) < length:
        order = np.concatenate([2 * order, 2 * order + 1])
    return order


def _circle(roots: int) -> tuple[Reals, Reals]:
    """cos and sin of 2 pi k / roots for all k, correctly rounded; `roots` is a multiple of 8."""
    one = 1 << _BITS
    step_cos, step_sin = _small_angle(2 * _pi() // roots)
    octant = [(one, 0)]
    for _ in range(roots // 8):
        c, s = octant[-1]
        octant.append(((c * step_cos - s * step_sin) >> _BITS, (s * step_cos + c * step_sin) >> _BITS))
    quarter = octant[:-1] + [(s, c) for c, s in reversed(octant[1:])]
    half = quarter + [(-s, c) for c, s in quarter]
    whole = half + [(-c, -s) for c, s in half]
    return np.array([c / one for c, _ in whole]), np.array([s / one for _, s in whole])


def _small_angle(angle: int) -> tuple[int, int]:
    """cos and sin of a small fixed-point angle, by their series."""
    terms, term, order = [1 << _BITS], angle, 1
    while term:
        terms.append(term)
        order += 1
        term = (term * angle >> _BITS) // order
    signs = (1, 1, -1, -1)
    signed = [signs[i % 4] * value for i, value in enumerate(terms)]
    return sum(signed[0::2]), sum(signed[1::2])


def _pi() -> int:
    """Pi in fixed point (Machin 1706)."""
    return 4 * (4 * _arctangent_of_inverse(5) - _arctangent_of_inverse(239))


def _arctangent_of_inverse(x: int) -> int:
    term, total, order, sign = (1 << _BITS) // x, 0, 1, 1
    while term:
        total += sign * (term // order)
        term //= x * x
        order, sign = order + 2, -sign
    return total
