"""The circuits over real ciphertexts: right by their twins, within their bounds, always the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from hexchange.circuit import results
from hexchange.circuit.analysis import analyse
from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Circuit, Column, Network, Table
from hexchange.circuit.layer import Layer
from hexchange.circuit.library.contingency import contingency
from hexchange.circuit.library.covariance import covariance
from hexchange.circuit.library.describe import describe, describe_clear
from hexchange.circuit.library.histogram import histogram
from hexchange.circuit.library.logistic import (
    bounded_logistic,
    logistic,
    logistic_clear,
)
from hexchange.circuit.library.predict import OUTPUT, predict, predict_clear
from hexchange.circuit.library.score_card import Bin, Card, score_card
from hexchange.circuit.library.ttest import ttest
from hexchange.circuit.lowering import lower
from hexchange.circuit.packing import pack
from hexchange.he import selftest
from hexchange.he.encryption import Encryption
from hexchange.he.evaluator import evaluate
from hexchange.he.keys import Keys, SecretKey
from hexchange.he.opening import open_outputs

#: Digests of results and traces over made-up inputs: a change here is another lowering or another engine.
GOLDEN = {
    "contingency": "74f4edc0b6c656ad115c8f3ca0fc4ef4ffecfcc818d52f3cabc139d3f4223906",
    "histogram": "48cce49a8ac6b0a626c71ee01fa8e4ee1ce2c8641535e9eabbabffc4de929698",
    "covariance": "4577fbe4c78a524c4f311b3eaceef3279ceac68f8da3847b01e9bf939ddad32f",
    "covariance with noise": "818c69369c59e533a67b7b6703be1c6f257ee3061314d1167935324c796857ce",
    "ttest": "2d5d56f6cd04cf77bdc2b39ec70affca55c83341c1080238746995709abb0556",
    "describe": "4527f4bf33fb4d8dd69b9549a06056350c242a1caeb03dff6dc54e58c5458962",
    "predict": "e1538177bd9e3bc14e0b360cdf09488a12e8ff34180835781292f267ec8a5f73",
    "network": "34d02aa31f679c5b3ffedf25d40a80d1298f4572ff705135ea85dcbcefd01101",
    "logistic": "2c87cca1092e2ee91126bb765129ed296e47740a20341ba7299e041f5341eea6",
    "score_card": "39ecb32af6415e569da2a16eb21f09331d5570c9775ccc58b64d843efe546a8a",
    "bounded logistic": "2541779a451c217fc9ed4d12c19f86a15c34e07865e7aaa9385a57dfafa2df2f",
}

COLUMNS = (Column("age", 20.0, 80.0), Column("dose", 0.0, 5.0), Column("rate", -1.0, 1.0))
COEFFICIENTS = {"age": 0.02, "dose": -0.7, "rate": 1.5}


def _described() -> Circuit:
    return describe(Table(rows=5000, columns=COLUMNS))


def _predicted() -> Circuit:
    return predict(Table(rows=3000, columns=COLUMNS), COEFFICIENTS, 0.25)


def _trained() -> Circuit:
    return logistic(Table(rows=400, columns=(*COLUMNS, Column("ill", 0.0, 1.0)), label="ill"))


def _bounded() -> Circuit:
    columns = (*COLUMNS, Column("ill", 0.0, 1.0))
    return bounded_logistic(Table(rows=400, columns=columns, norm=1.5, label="ill"), noise=True)


def _carded() -> Circuit:
    columns = (Column("age", 20.0, 60.0), Column("rents", 0.0, 1.0))
    card = Card((Bin("age", 20, 35, -7), Bin("age", 50, 60, 12), Bin("rents", 0, 0, 30)), base=500)
    return score_card(Table(rows=5000, columns=columns), card)


def _covaried() -> Circuit:
    return covariance(Table(rows=5000, columns=COLUMNS))


def _covaried_with_noise() -> Circuit:
    return covariance(Table(rows=5000, columns=COLUMNS), noise=True)


def _tested() -> Circuit:
    return ttest(Table(rows=5000, columns=(*COLUMNS, Column("ill", 0.0, 1.0)), label="ill"))


COUNTED = Table(
    9000, (Column("sex", 0.0, 1.0), Column("grade", 1.0, 4.0), Column("ill", 0.0, 1.0)), label="ill"
)


def _network() -> Circuit:
    """Two row blocks, a first layer wider than its input, a second one narrower; weights without rounding."""
    columns = tuple(Column(f"p{index}", -1.0, 1.0) for index in range(12))
    layers = tuple(
        Layer.of((np.arange(after * before) * 7 % 11 - 5).reshape(after, before) / 8, np.arange(after) / 4)
        for before, after in ((12, 20), (20, 3))
    )
    draft = Draft(Table(40, columns))
    outputs = {"outputs": draft.term(Network(layers, ("a", "b", "c")))}
    return draft.circuit("mlp", outputs, "exact", grid="0.1", result="classes")


CIRCUITS: dict[str, Callable[[], Circuit]] = {
    "contingency": lambda: contingency(COUNTED),
    "histogram": lambda: histogram(COUNTED),
    "covariance": _covaried,
    "covariance with noise": _covaried_with_noise,
    "ttest": _tested,
    "describe": _described,
    "predict": _predicted,
    "network": _network,
    "logistic": _trained,
    "bounded logistic": _bounded,
    "score_card": _carded,
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_a_circuit_has_its_golden_digest(name: str) -> None:
    assert selftest.digest(lower(CIRCUITS[name]())) == GOLDEN[name]


@dataclass(frozen=True)
class Opened:
    values: dict[str, NDArray[np.float64]]
    private: dict[str, object]


def _run(circuit: Circuit, scaled: NDArray[np.float64]) -> Opened:
    """Encrypt a table, run the circuit over it, open the result: every step as in a job."""
    program = lower(circuit)
    secret = SecretKey.generate(program.edition.parameters)
    packed, encryption = pack(program.edition, circuit.table, scaled), Encryption(secret)
    blobs = {(name, block): encryption.encrypt(values) for name, block, values in packed.inputs}
    keys = Keys.made(secret, program.steps, relinearize=program.relinearizes)
    evaluation = evaluate(program, lambda name, block: blobs[name, block], keys, ())
    slots = open_outputs(secret, program, evaluation.outputs)
    return Opened(results.reduce(circuit, slots), packed.private)


def _table(rows: int, columns: tuple[Column, ...]) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Random values in the columns' ranges, and the same scaled to [-1, 1]."""
    scaled = np.random.default_rng(3).uniform(-1, 1, (rows, len(columns)))
    low, high = np.array([column.low for column in columns]), np.array([column.high for column in columns])
    return pd.DataFrame((scaled + 1) / 2 * (high - low) + low, columns=[c.name for c in columns]), scaled


def test_described_columns_are_those_of_pandas() -> None:
    circuit = _described()
    frame, scaled = _table(5000, COLUMNS)
    opened = _run(circuit, scaled)
    bound = analyse(circuit).errors
    for index, column in enumerate(COLUMNS):
        for output, exact in (("sum", scaled[:, index].sum()), ("squares", (scaled[:, index] ** 2).sum())):
            error = abs(opened.values[f"{column.name}.{output}"][0] - exact)
            assert error <= bound[f"{column.name}.{output}"]
    pd.testing.assert_frame_equal(
        results.present(circuit, opened.values), describe_clear(frame), check_dtype=False, rtol=1e-6
    )


def test_predicted_scores_are_those_of_the_model_in_the_clear() -> None:
    circuit = _predicted()
    frame, scaled = _table(3000, COLUMNS)
    scores = results.present(circuit, _run(circuit, scaled).values)
    error = np.abs(scores - predict_clear(frame, COEFFICIENTS, 0.25)).to_numpy().max()
    assert error <= circuit.outputs[0].unit * analyse(circuit).errors[OUTPUT] <= 1000 * error


def test_trained_weights_are_those_of_the_algorithm_in_the_clear() -> None:
    circuit = _trained()
    _, scaled = _table(400, circuit.table.columns)
    scaled[:, -1] = np.where(scaled[:, :3] @ [1.0, -2.0, 0.5] + 0.3 * scaled[:, -1] > 0, 1.0, -1.0)
    opened = _run(circuit, scaled)
    (weights,) = results.unwhiten(circuit, opened.values, opened.private).values()
    assert np.abs(weights - logistic_clear(circuit.table, scaled)).max() < 1e-4
