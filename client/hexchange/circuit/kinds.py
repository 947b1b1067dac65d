"""What a file of the library declares: a circuit that people ask for by name, and the kinds of result it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.document import Circuit, Table
from hexchange.circuit.sensitivity import Polynomial
from hexchange.errors import ResultUnfit

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Released:
    """What a buyer holds: values of each output on the grid, in the circuit's own units.

    `errors` bound each value's difference to the clear computation, noise apart; `noise` is the standard
    deviation of what was added to each, 0 if exact.
    """

    circuit: Circuit
    values: Mapping[str, Floats]
    errors: Mapping[str, float] = field(default_factory=dict)
    noise: float = 0.0

    def meant(self) -> dict[str, Floats]:
        """What the values stand for: offset + unit * value of each output, in the circuit's order."""
        outputs = self.circuit.outputs
        return {output.name: output.offset + output.unit * self.values[output.name] for output in outputs}


@dataclass(frozen=True, slots=True)
class Kind:
    """What released values are made into. People sign and pay by its name, so `holds` decides whether the outputs
    (each node a polynomial in the columns of a row, none for training) are what the name says.

    `title` says it in a few words, `says` what a circuit of the kind computes, `present` makes the DataFrame or
    the fitted estimator; being made of released values and public facts, it costs no privacy. Where it `derives`,
    it finds the numbers that it needs in a circuit of any other kind, and raises ResultUnfit for what lacks.
    """

    name: str
    title: str
    holds: Callable[[Circuit, list[Polynomial]], bool]
    says: Callable[[Circuit], str]
    present: Callable[[Released], Any]
    derives: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """How a circuit of the library is wanted: in which edition, with noise for an offer with ε > 0, scoring with a
    fitted model."""

    edition: str
    noise: bool = False
    model: Any = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """A circuit by name: the editions that serve it, the best first, and how it is built over a table. `noisy` are
    those for an offer with ε > 0, where they are others."""

    name: str
    editions: tuple[str, ...]
    build: Callable[[Table, Asked], Circuit]
    noisy: tuple[str, ...] = ()

    def served_by(self, *, noise: bool) -> tuple[str, ...]:
        """The editions of which a dataset needs one, the best first."""
        return self.noisy if noise and self.noisy else self.editions


def unfit(reason: str) -> ResultUnfit:
    """The one way to say that released numbers do not make a result."""
    hint = "`hexchange buy quote` says what an offer's circuit releases; --as names another kind"
    return ResultUnfit(reason, hint=hint)
