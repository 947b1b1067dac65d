"""Linear systems of released matrices, with a bound that says how far their solutions can be off.

A true system (A - E) w = b - f, of which A and b are known and E and f bounded, has a solution that differs from
that of A by at most (|E| |w| + |f|) / (least eigenvalue of A - |E|), in the Euclidean norm.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

from hexchange.circuit.document import Column
from hexchange.circuit.kinds import Floats
from hexchange.circuit.moments import Moments, halves, without_noise


@dataclass(frozen=True, slots=True)
class Solution:
    """`error` bounds the Euclidean distance to the true solution; infinite where the system hardly decides it."""

    values: Floats
    error: float
    rank: int


@dataclass(frozen=True, slots=True)
class Fit:
    """A linear model in the columns' own units, with a bound for each of its numbers."""

    features: tuple[Column, ...]
    coefficients: Floats
    coefficient_errors: Floats
    intercept: float
    intercept_error: float
    rank: int


def solve(
    matrix: Floats, target: Floats, errors: tuple[Floats, Floats], *, ridge: float = 0.0, least: float = 0.0
) -> Solution:
    """The solution of (matrix + ridge) w = target, in the directions whose eigenvalues are above `least`.

    `errors` bound the entries of a positive semidefinite matrix and of the target.
    """
    off, target_off = (float(np.linalg.norm(each)) for each in errors)
    spreads, directions = np.linalg.eigh(matrix)
    spreads = spreads + ridge
    kept = spreads > max(least, 0.0)
    inverse = np.where(kept, 1 / np.where(kept, spreads, 1.0), 0.0)
    values = directions @ (inverse * (directions.T @ target))
    firm = max(float(spreads.min()) - off, ridge)
    decided = bool(kept.all()) and firm > 0
    error = (off * float(np.linalg.norm(values)) + target_off) / firm if decided else inf
    return Solution(values, error, int(kept.sum()))


def fit(moments: Moments, *, ridge: float = 0.0) -> Fit:
    """The label by all features, least squares over scaled columns with an intercept that `ridge` leaves alone.

    Without `ridge`, directions in which the features vary no more than the error, or the noise, are left out.
    """
    features, label = moments.features, moments.label
    own, with_label = (features, features), (features, [label])
    noise = moments.noise()
    matrix = without_noise(moments.scatter(*own), noise)
    target, target_errors = moments.scatter(*with_label)[:, 0], moments.scatter_errors(*with_label)[:, 0]
    errors = moments.scatter_errors(*own)
    least = 0.0 if ridge else float(np.nan_to_num(np.linalg.norm(errors))) + spread_of_noise(moments)
    found = solve(matrix, target, (errors, target_errors), ridge=ridge, least=least)
    ratio = label.half / halves(features)
    coefficients, means = ratio * found.values, moments.own_means(features)
    (mean,), (mean_error,) = moments.own_means([label]), moments.mean_errors([label])
    moved = np.abs(found.values) @ moments.mean_errors(features) + mean_error
    intercept_error = label.half * moved + found.error * np.linalg.norm(ratio * means)
    return Fit(
        features,
        coefficients,
        ratio * found.error,
        float(mean - coefficients @ means),
        float(intercept_error),
        found.rank,
    )


def spread_of_noise(moments: Moments) -> float:
    """The largest eigenvalue that noise alone gives a matrix of products, about; 0 if exact."""
    return 2 * sqrt(len(moments.features)) * moments.noise()
