"""A small neural network that encrypted rows can be scored with: one hidden layer, each of its values times itself.

scikit-learn's networks bend their hidden values by functions that take more than sums and products. This one is
fitted as they are, in the clear, to rows that a buyer has of its own.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

Floats = NDArray[np.float64]

_DECAY, _FORGET, _FORGET_SQUARES, _TINY = 1e-4, 0.9, 0.999, 1e-8


class SquareClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Scores of classes: (rows @ coefs_[0] + intercepts_[0])² @ coefs_[1] + intercepts_[1], the highest wins.

    Softmax cross-entropy by Adam (Kingma and Ba, ICLR 2015) over batches of rows, with columns scaled to the ranges
    that they have; what is learnt is in the columns' own units.
    """

    activation = "square"

    def __init__(
        self, hidden: int = 64, epochs: int = 40, batch: int = 64, rate: float = 2e-3, seed: int = 0
    ) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.seed = seed

    def fit(self, rows: Any, labels: Any) -> Self:
        """Learn from rows (rows x columns) and a label of each. Raises ValueError for a single class."""
        values, labels = validate_data(self, rows, labels, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("the labels have one class, at least two are needed")
        low, high = values.min(axis=0), values.max(axis=0)
        middle, half = (low + high) / 2, np.where(high > low, (high - low) / 2, 1.0)
        first, bias, second, outer = self._descend(
            (values - middle) / half, np.eye(len(self.classes_))[numbers]
        )
        first = first / half[:, None]
        self.coefs_ = [first, second]
        self.intercepts_ = [bias - middle @ first, outer]
        return self

    def _descend(self, values: Floats, wanted: Floats) -> list[Floats]:
        random = np.random.default_rng(self.seed)
        columns, classes = values.shape[1], wanted.shape[1]
        weights = [
            random.normal(0, np.sqrt(1 / columns), (columns, self.hidden)),
            np.zeros(self.hidden),
            random.normal(0, np.sqrt(0.1 / self.hidden), (self.hidden, classes)),
            np.zeros(classes),
        ]
        means, squares = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
        step = 0
        for _ in range(self.epochs):
            for chosen in np.array_split(random.permutation(len(values)), -(-len(values) // self.batch)):
                step += 1
                slopes = _slopes(weights, values[chosen], wanted[chosen])
                for weight, slope, mean, square in zip(weights, slopes, means, squares, strict=True):
                    slope += _DECAY * weight
                    mean += (1 - _FORGET) * (slope - mean)
                    square += (1 - _FORGET_SQUARES) * (slope * slope - square)
                    spread = np.sqrt(square / (1 - _FORGET_SQUARES**step)) + _TINY
                    weight -= self.rate * mean / (1 - _FORGET**step) / spread
        return weights

    def decision_function(self, rows: Any) -> Floats:
        """Scores, rows x classes."""
        check_is_fitted(self)
        values = validate_data(self, rows, dtype=np.float64, reset=False)
        scores: Floats = (values @ self.coefs_[0] + self.intercepts_[0]) ** 2 @ self.coefs_[
            1
        ] + self.intercepts_[1]
        return scores

    def predict(self, rows: Any) -> NDArray[Any]:
        """The class with the highest score of each row."""
        scores = self.decision_function(rows)
        found: NDArray[Any] = self.classes_[scores.argmax(axis=1)]
        return found


def _slopes(weights: list[Floats], values: Floats, wanted: Floats) -> list[Floats]:
    """Of the mean cross-entropy of a batch, by each of the weights."""
    first, bias, second, outer = weights
    inner = values @ first + bias
    squared = inner * inner
    scores = squared @ second + outer
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    back = (likely - wanted) / len(values)
    within = back @ second.T * 2 * inner
    return [values.T @ within, within.sum(axis=0), squared.T @ back, back.sum(axis=0)]
