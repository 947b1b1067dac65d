"""Prints the digest of every circuit of the library over made-up inputs, as one JSON object."""

from __future__ import annotations

import json
import sys

import numpy as np

from hexchange.circuit.document import Circuit, Column, Table
from hexchange.circuit.editions import EDITIONS
from hexchange.circuit.kinds import Asked
from hexchange.circuit.library import CIRCUITS
from hexchange.circuit.library.score_card import Bin, Card
from hexchange.circuit.lowering import lower
from hexchange.he import selftest


class Linear:
    """As much of a fitted model as a circuit reads."""

    coef_, intercept_ = np.array([0.25, -1.5]), np.array([0.125])


class Logistic(Linear):
    """One that gives probabilities."""

    def predict_proba(self) -> None:
        """Never asked for any."""


LAYERS = [
    (np.linspace(-1, 1, 6).reshape(2, 3), np.array([0.1, 0.2, 0.3])),
    (np.linspace(-0.5, 1, 6).reshape(3, 2), np.array([0.0, 1.0])),
]
CARD = Card((Bin("a", 0, 0, 5), Bin("b", 1, 2, -2)), 10)


def circuits() -> dict[str, Circuit]:
    """Every circuit in every edition that serves it, exact and with noise, over a table of two row blocks at most."""
    columns = (Column("a", 0.0, 1.0), Column("b", 1.0, 3.0), Column("y", 0.0, 1.0))
    models = {"predict": Linear(), "rate": Logistic(), "network": LAYERS, "score_card": CARD}
    made = {}
    for name, recipe in CIRCUITS.items():
        for noise in (False, True):
            for edition in recipe.served_by(noise=noise):
                rows = EDITIONS[edition].rows_per_block + 1
                table = Table(rows, columns, norm=1.5, label="y")
                asked = Asked(edition, noise, models.get(name))
                made[f"{name}, {edition}{', noise' if noise else ''}"] = recipe.build(table, asked)
    return made


if __name__ == "__main__":
    wanted = sys.argv[1:]
    print(
        json.dumps({n: selftest.digest(lower(c)) for n, c in circuits().items() if not wanted or n in wanted})
    )
