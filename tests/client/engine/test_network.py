"""Networks over real ciphertexts are those of NumPy and scikit-learn, within the declared bound."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin import Run, drawn, handed_over, within_bound

from hexchange.circuit.analysis import analyse
from hexchange.circuit.document import Circuit, Column, Network, Table
from hexchange.circuit.library.network import Weights, network, network_clear
from hexchange.circuit.network import run as run_clear

DIGITS = Table(60, tuple(Column(f"pixel{index}", 0.0, 16.0) for index in range(64)))


def weights_of(*sizes: int, seed: int = 0) -> list[Weights]:
    random = np.random.default_rng(seed)
    return [
        (random.normal(size=(before, after)) / np.sqrt(before), random.normal(size=after) / 4)
        for before, after in pairwise(sizes)
    ]


def exact(circuit: Circuit, values: np.ndarray) -> np.ndarray:
    (node,) = circuit.nodes
    assert isinstance(node, Network)
    return run_clear(node.layers, values)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    st.integers(2, 70),
    st.lists(st.integers(1, 24), min_size=1, max_size=2),
    st.integers(1, 70),
    st.integers(0, 9),
)
def test_outputs_are_those_of_numpy_within_the_declared_error(
    run: Run, features: int, widths: list[int], rows: int, seed: int
) -> None:
    table, frame, scaled = drawn(rows, features, seed=seed)
    layers = weights_of(features, *widths, seed=seed)
    layers[0] = layers[0][0] / [[column.half] for column in table.columns], layers[0][1]
    circuit = network(table, layers)
    raw = run(circuit, scaled)
    within_bound(circuit, raw, {"outputs": exact(circuit, scaled)})
    found, twin = handed_over(circuit, raw).to_numpy(), network_clear(frame, layers)
    bound = (analyse(circuit).errors["outputs"] + float(circuit.release.grid)) * circuit.outputs[0].unit
    assert np.abs(found - twin).max() <= bound + 1e-6 * np.abs(twin).max()


def test_a_network_over_images_is_that_of_numpy(run: Run) -> None:
    """784 - 64 - 10, as over MNIST: four images to a ciphertext, the largest weights that any are."""
    table = Table(6, tuple(Column(f"pixel{index}", 0.0, 255.0) for index in range(784)))
    values = np.random.default_rng(5).uniform(-1, 1, (6, 784))
    circuit = network(table, weights_of(784, 64, 10, seed=5), classes=True)
    raw = run(circuit, values)
    within_bound(circuit, raw, {"outputs": exact(circuit, values)})
    assert handed_over(circuit, raw).shape == (6, 11)


def test_a_matrix_product_is_that_of_numpy(run: Run) -> None:
    table = Table(40, tuple(Column(f"x{index}", -1.0, 1.0) for index in range(128)))
    values = np.random.default_rng(6).uniform(-1, 1, (40, 128))
    matrix = np.random.default_rng(7).normal(size=(128, 128))
    circuit = network(table, [(matrix, np.zeros(128))])
    raw = run(circuit, values)
    within_bound(circuit, raw, {"outputs": exact(circuit, values)})
    assert handed_over(circuit, raw).to_numpy() == pytest.approx(values @ matrix, abs=1e-2)
