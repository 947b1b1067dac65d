"""Training for ε > 0: how far steps over bounded rows reach, and how far one row moves what they end at.

The owner divides each row by its declared norm, so no signed row is longer than 1. With p for the sigmoid's cubic,
|p| at most c_t where weights have the length B_t at most, hence margins too, a step of the size r adds r c_t to the
length: B_1 = 0, B_(t+1) = B_t + r c_t.

Two runs over tables that differ in one of n rows are apart by D_t. That row moves a step by r c_t / n, and the others
map the difference by a symmetric matrix with eigenvalues between 1 + r min p' and 1 + r max p': D_(t+1) is at most
L_t D_t + r c_t / n, L_t the largest of 1 and both eigenvalues' sizes. Where every L_t is 1, D_t = B_t / n.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.descent import CUBIC, SLOPE
from hexchange.circuit.document import BoundedDescend


@dataclass(frozen=True, slots=True)
class Reach:
    """Of all steps: longest weights after them, widest margin, and `growth`, the largest factor by which a step
    lengthens a difference of weights."""

    weights: float
    margin: float
    growth: float


def reach(node: BoundedDescend) -> Reach:
    """How far the steps of a node go on rows of length 1 at most, whatever the table."""
    weights, margin, growth = 0.0, 0.0, 1.0
    for step in range(node.iterations):
        margin = weights
        steepest = max(3 * CUBIC * margin * margin - SLOPE, 0.0)
        if step:  # before the first step there is no difference
            growth = max(growth, node.rate * SLOPE - 1, 1 + node.rate * steepest)
        weights += node.rate * largest_pull(margin)
    return Reach(weights, margin, growth)


def largest_pull(margin: float) -> float:
    """The largest |p(z)| = |1/2 - SLOPE z + CUBIC z³| for |z| up to `margin`: at an end, or where p' = 0."""
    turn = sqrt(SLOPE / (3 * CUBIC))
    places = (margin, -margin, min(turn, margin), -min(turn, margin))
    return max(abs(0.5 - SLOPE * place + CUBIC * place**3) for place in places)


def one_row(node: BoundedDescend, rows: int) -> float | None:
    """How far (L2) the weights move at most if one of so many rows is zeroed; None where a step lengthens what earlier
    steps differ by, so that the bound soon says nothing."""
    found = reach(node)
    return found.weights / rows if found.growth == 1 else None


def bound_rows(features: NDArray[np.float64], signs: NDArray[np.float64], norm: float) -> NDArray[np.float64]:
    """Signed rows (rows x features and an intercept) over `norm`, none longer than 1.

    The intercept takes the place of the label, which is 1 or -1: a row is as long as before, and one that is shortened
    to the norm is shortened with its intercept.
    """
    rows = np.hstack([features, np.ones((len(features), 1))]) * signs[:, None]
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    bounded: NDArray[np.float64] = rows / np.maximum(lengths, norm)
    return bounded
