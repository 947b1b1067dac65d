"""The owner's private change of coordinates, in which three steps of training are enough.

Features are centred and multiplied by SPREAD (covariance + FLOOR)^(-1/2), so that every direction has about
the same spread and three steps come close to the optimum. Long rows are shortened, first to LONGEST, then
until a run in the clear keeps the promises that the error bound relies on. All of it depends on the data: it
serves exact releases only, and the transform never leaves the owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.descent import GROWTH, LONGEST, MOST_STEPS, REACH, SPREAD, WIDEST, descend, nesterov

Floats = NDArray[np.float64]

#: Variance added in every direction (columns lie in [-1, 1]): it bounds the transform, hence how far rounded
#: weights can move, and shrinks directions that hold next to nothing.
FLOOR = 1e-3

_FLOATS = 1e-6  # relative error of the transform and its product in float64, generously


@dataclass(frozen=True, slots=True)
class Whitening:
    """`whitened = (features - mean) @ transform`; the transform is symmetric."""

    mean: Floats
    transform: Floats

    def unwhiten(self, weights: Floats) -> Floats:
        """Weights of whitened features and of the intercept column, as weights of scaled features and an
        intercept."""
        coefficients = self.transform @ weights[:-1]
        return np.append(coefficients, SPREAD * weights[-1] - self.mean @ coefficients)

    def to_json(self) -> dict[str, Any]:
        """As the owner keeps it."""
        return {"mean": self.mean.tolist(), "transform": self.transform.tolist()}

    @classmethod
    def from_json(cls, private: dict[str, Any]) -> Whitening:
        """The reverse of `to_json`."""
        return cls(np.asarray(private["mean"]), np.asarray(private["transform"]))


def unwhitened_error(error: float, features: int) -> float:
    """How far scaled features' weights and intercept are off where each whitened weight is off by `error`.

    From public facts alone: the transform's norm is at most SPREAD / sqrt(FLOOR), and means lie in [-1, 1].
    """
    coefficients = SPREAD / sqrt(FLOOR) * sqrt(features) * error  # L2, hence of each
    return max(coefficients, SPREAD * error + sqrt(features) * coefficients) * (1 + _FLOATS)


def whiten(features: Floats, signs: Floats) -> tuple[Floats, Whitening]:
    """Signed rows (rows x features and an intercept) ready for training, and the way back."""
    mean = features.mean(axis=0)
    centred = features - mean
    spreads, directions = np.linalg.eigh(centred.T @ centred / len(features))
    transform = SPREAD * (directions / np.sqrt(np.maximum(spreads, 0) + FLOOR)) @ directions.T
    whitened = centred @ transform
    intercept = np.full((len(features), 1), SPREAD)
    longest = LONGEST
    while True:
        lengths = np.linalg.norm(whitened, axis=1, keepdims=True)
        shortened = whitened * (longest / np.maximum(lengths, longest))
        rows = np.hstack([shortened, intercept]) * signs[:, None]
        run = descend(rows, nesterov(MOST_STEPS))
        if run.widest <= WIDEST and run.reach <= REACH and run.growth <= GROWTH:
            return rows, Whitening(mean, transform)
        longest *= 0.9
