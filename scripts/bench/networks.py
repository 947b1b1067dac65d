"""A matrix product and a small neural network on encrypted images, beside TenSEAL's `mm` and `square`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import tenseal as ts

from bench.case import Case, Floats
from bench.peer import STARTED, Parameters
from bench.report import Peer, Result
from bench.timing import Seconds, medians
from hexchange.circuit.document import Column, Table
from hexchange.circuit.library.network import Weights, network, network_clear
from hexchange.circuit.results import in_units
from hexchange.circuit.shares import split
from hexchange.he.evaluator import Run

SAME = Parameters(8192, (50, 35, 35, 35, 60), 2.0**35)
"""Those of our edition `mlp`."""


class Images:
    """Layers over one encrypted row, as TenSEAL's tutorial on encrypted evaluation writes them, on one thread."""

    def __init__(self, parameters: Parameters, row: Floats, layers: Sequence[Weights]) -> None:
        context = ts.context(
            ts.SCHEME_TYPE.CKKS,
            parameters.degree,
            coeff_mod_bit_sizes=list(parameters.bits),
            n_threads=1,
        )
        context.global_scale = parameters.scale
        context.generate_galois_keys()
        self._row, self._layers = ts.ckks_vector(context, row.tolist()), layers
        self.row_bytes = len(self._row.serialize())

    def seconds(self) -> float:
        """Of the network on the row."""
        began = perf_counter()
        self._outputs()
        return perf_counter() - began

    def error(self, clear: Floats) -> float:
        """The largest of an output."""
        return float(np.abs(np.array(self._outputs().decrypt()) - clear).max())

    def _outputs(self) -> Any:
        values = self._row
        for number, (weights, bias) in enumerate(self._layers):
            values = (values.square() if number else values).mm(weights.tolist()) + bias.tolist()
        return values


def product(size: int = 128) -> list[Result]:
    """A matrix times one vector; what fits beside it in the same ciphertext would be multiplied too."""
    return [_alone("matvec128", f"matrix {size} x {size}", STARTED, (size, size), 8)[0]]


def images(inputs: int = 784, hidden: int = 64, outputs: int = 10, rows: int = 100) -> list[Result]:
    """A network with square activation on one image, and on `rows` of them in one run, encoding included."""
    sizes = (inputs, hidden, outputs)
    text = f"network {'-'.join(map(str, sizes))}"
    one, peer = _alone("mlp_784_64_10", text, SAME, sizes, 60)
    case, _, _ = _case(sizes, rows)
    found = medians(3, lambda: _twice(case))
    many = Result("mlp_784_64_10_amortised", f"{text}, each of {rows} images", found["first"] / rows,
                  case.stored_bytes // rows, peer, goal_ratio=250)  # fmt: skip
    return [one, many]


def _case(sizes: Sequence[int], rows: int) -> tuple[Case, list[Weights], Floats]:
    random = np.random.default_rng(4)
    layers = [
        (random.normal(size=(before, after)) / before**0.5, random.normal(size=after) / 4)
        for before, after in pairwise(sizes)
    ]
    columns = tuple(Column(f"x{number}", -1.0, 1.0) for number in range(sizes[0]))
    values = random.uniform(-1, 1, (rows, sizes[0]))
    return Case.of(network(Table(rows, columns), layers), values), layers, values


def _alone(
    work: str, text: str, parameters: Parameters, sizes: Sequence[int], goal: float
) -> tuple[Result, Peer]:
    """One row, on a model that is encoded already."""
    case, layers, values = _case(sizes, 1)
    clear = network_clear(pd.DataFrame(values), layers)
    encrypted = Images(parameters, values[0], layers)
    found = medians(3, lambda: _twice(case), lambda: {"peer": encrypted.seconds()})
    calls = "`mm` and `square`" if len(layers) > 1 else "`mm`"
    peer = Peer(f"TenSEAL's {calls}, {parameters}, one thread", found["peer"], encrypted.row_bytes)
    details = {
        "seconds to encode the model, once in a run": found["first"] - found["again"],
        "rows that a ciphertext has room for": case.program.edition.rows_per_block,
        "largest error of an output": float(
            np.abs(in_units(case.circuit, case.values())["outputs"] - clear).max()
        ),
        "the peer's": encrypted.error(clear[0]),
        "bytes of our keys": case.key_bytes,
    }
    result = Result(work, f"{text}, one row, model encoded", found["again"], case.stored_bytes, peer,
                    goal_ratio=goal, details=details)  # fmt: skip
    return result, peer


def _twice(case: Case) -> Seconds:
    """All rows from parsing to writing, on a model that has to be encoded, and on one that is."""
    (shares,) = split(case.program, 1)
    run = Run(case.program, shares, case.blob, case.keys, [], lambda *_: None)
    spent = []
    for _ in range(2):
        began = perf_counter()
        run.stage(0)
        spent.append(perf_counter() - began)
    return {"first": spent[0], "again": spent[1]}
