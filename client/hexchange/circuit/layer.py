"""A layer of a neural network as it stands in a circuit: numbers as base64 of their float32 bytes, little endian, which
is a third of what they take as decimals."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

Numbers = Annotated[str, Field(min_length=8, max_length=1 << 20)]

_LARGEST = 1e6


@dataclass(frozen=True, slots=True)
class Layer:
    """A matrix product and a sum: `weights`, outputs x inputs in row-major order, and as many `biases` as outputs."""

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")

    weights: Numbers
    biases: Numbers

    def __post_init__(self) -> None:
        if len(_numbers(self.weights)) % len(_numbers(self.biases)):
            raise ValueError("a layer's weights are no whole number of rows")

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The weights, outputs x inputs."""
        return _numbers(self.weights).reshape(len(self.bias), -1)

    @property
    def bias(self) -> NDArray[np.float64]:
        """What is added to each output."""
        return _numbers(self.biases)

    @classmethod
    def of(cls, matrix: NDArray[np.float64], bias: NDArray[np.float64]) -> Layer:
        """The layer with these numbers, each rounded to a float32."""
        texts = (base64.b64encode(each.astype("<f4").tobytes()).decode() for each in (matrix, bias))
        return cls(*texts)


def _numbers(text: str) -> NDArray[np.float64]:
    """What stands in the base64 of float32 values; raises ValueError where it is not canonical, or not finite."""
    raw = base64.b64decode(text, validate=True)
    if len(raw) % 4 or base64.b64encode(raw).decode() != text:
        raise ValueError("this is not the base64 of float32 values")
    values = np.frombuffer(raw, dtype="<f4").astype(np.float64)
    if not np.all(np.abs(values) <= _LARGEST):
        raise ValueError(f"a weight is not finite, or above {_LARGEST:g}")
    return values
