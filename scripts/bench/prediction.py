"""What the analysis predicts of a run, beside what it takes: seconds, memory of a child, bytes that are read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.case import Case
from bench.report import Prediction
from bench.timing import medians
from hexchange.circuit.analysis import analyse
from hexchange.circuit.costs import CostTable
from hexchange.circuit.document import Circuit, Column, Table
from hexchange.circuit.library.contingency import contingency
from hexchange.circuit.library.covariance import covariance
from hexchange.circuit.library.describe import describe
from hexchange.circuit.library.logistic import logistic
from hexchange.circuit.library.mean import mean
from hexchange.circuit.library.network import network
from hexchange.circuit.library.predict import predict
from hexchange.circuit.library.rate import rate
from hexchange.he.calibration import measure


def predictions() -> list[Prediction]:
    """Circuits of every edition, predicted from a cost table that is measured before."""
    costs = measure()
    return [found for work in _works() for found in compare(*work, costs)]


def _works() -> Iterator[tuple[str, Circuit, np.ndarray]]:
    random = np.random.default_rng(6)

    def drawn(rows: int, columns: int, *, label: bool = False) -> tuple[Table, np.ndarray]:
        named = tuple(Column(f"x{number}", -1.0, 1.0) for number in range(columns))
        values = random.uniform(-1, 1, (rows, columns))
        if label:
            named = (*named, Column("y", 0.0, 1.0))
            values = np.column_stack([values, np.sign(values[:, 0] + 0.1 * random.normal(size=rows))])
        return Table(rows, named, label="y" if label else None), values

    weights = {f"x{number}": float(random.normal()) for number in range(20)}
    table, values = drawn(100_000, 20)
    yield "mean 100,000 x 20", mean(table), values
    yield "score 100,000 x 20", predict(table, weights, 0.5), values
    table, values = drawn(569, 30)
    yield "describe 569 x 30", describe(table), values
    table, values = drawn(20_000, 20)
    yield "sums and products 20,000 x 20", covariance(table), values
    yield "rate 20,000 x 20", rate(table, weights, 0.5), values
    table, values = drawn(1000, 20, label=True)
    yield "train on 1,000 x 20, three steps", logistic(table), values
    table, values = drawn(100, 784)
    sizes = ((784, 64), (64, 10))
    layers = [(random.normal(size=size) / 28, random.normal(size=size[1])) for size in sizes]
    yield "network 784-64-10, 100 images", network(table, layers), values
    counted = (*(Column(f"x{number}", 0.0, 4.0) for number in range(4)), Column("y", 0.0, 1.0))
    whole = np.column_stack(
        [random.integers(0, 5, (20_000, 4)) / 2 - 1, 2 * random.integers(0, 2, 20_000) - 1]
    )
    yield "contingency 20,000 x 5", contingency(Table(20_000, counted, label="y")), whole


def compare(text: str, circuit: Circuit, values: np.ndarray, costs: CostTable) -> list[Prediction]:
    """Each figure of a circuit over these values, predicted and measured."""
    case, analysis = Case.of(circuit, values), analyse(circuit, costs)
    found = medians(3, case.load_keys, case.run)
    read = case.stored_bytes + case.key_bytes
    return [
        Prediction(text, "seconds", analysis.seconds, found["keys"] + found["whole"]),
        Prediction(text, "memory", analysis.memory, case.child_memory()),
        Prediction(text, "bytes", analysis.input_bytes + analysis.key_bytes, read),
    ]
