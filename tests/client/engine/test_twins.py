"""Circuits over real ciphertexts against their twins in the clear, and against the bounds that are declared."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from twin import Floats, Run, drawn, handed_over, within_bound

from hexchange.circuit import results
from hexchange.circuit.builder import Draft, Term
from hexchange.circuit.descent import descend, nesterov
from hexchange.circuit.document import Column, Table
from hexchange.circuit.editions import TRAIN
from hexchange.circuit.library.describe import describe
from hexchange.circuit.library.logistic import bounded_logistic, bounded_logistic_clear, logistic
from hexchange.circuit.library.predict import predict
from hexchange.circuit.packing import pack, signed_values
from hexchange.circuit.whitening import whiten


def table_of(rows: int, columns: int, label: bool = False) -> Table:
    names = tuple(Column(f"c{index}", -1.0, 1.0) for index in range(columns))
    return Table(rows, (*names, Column("label", 0.0, 1.0)), label="label") if label else Table(rows, names)


@pytest.mark.parametrize("rows", [30, 569, 9000])
def test_sums_and_squares_err_less_than_declared(run: Run, rows: int) -> None:
    table = table_of(rows, 4)
    values = np.random.default_rng(rows).uniform(-1, 1, (rows, 4))
    circuit = describe(table)
    sums = {f"c{i}.sum": float(values[:, i].sum()) for i in range(4)}
    squares = {f"c{i}.squares": float((values[:, i] ** 2).sum()) for i in range(4)}
    within_bound(circuit, run(circuit, values), sums | squares)


@pytest.mark.parametrize(("rows", "columns"), [(40, 1), (3000, 20)])
def test_scores_err_less_than_declared(run: Run, rows: int, columns: int) -> None:
    random = np.random.default_rng(columns)
    values, weights = random.uniform(-1, 1, (rows, columns)), random.normal(0, 2, columns)
    circuit = predict(table_of(rows, columns), {f"c{i}": float(w) for i, w in enumerate(weights)}, 0.0)
    within_bound(circuit, run(circuit, values), {"score": values @ weights / circuit.outputs[0].unit})


def test_mixed_circuits_err_less_than_declared(run: Run) -> None:
    """Levels meet in one sum, constants and differences take part, rows and sums are released together."""
    values = np.random.default_rng(8).uniform(-1, 1, (5000, 3))
    a, b, c = values.T
    draft = Draft(table_of(5000, 3))
    x, y, z = (draft[f"c{index}"] for index in range(3))
    mixed: dict[str, Term] = {
        "row": x * y - z + 0.25 * x + 1.0,
        "sum": (x * y - 3.0 * z).sum(),
        "plain": (x - z).sum(),
        "square": (x - y).square().sum(),
    }
    circuit = draft.circuit("stats", mixed, "exact")
    exact: dict[str, Floats | float] = {
        "row": a * b - c + 0.25 * a + 1.0,
        "sum": float((a * b - 3 * c).sum()),
        "plain": float((a - c).sum()),
        "square": float(((a - b) ** 2).sum()),
    }
    within_bound(circuit, run(circuit, values), exact)


@pytest.mark.parametrize("rows", [100, 5000])
def test_rows_that_share_a_slot_err_less_than_declared(run: Run, rows: int) -> None:
    values = np.random.default_rng(rows).uniform(-1, 1, (rows, 2))
    draft = Draft(table_of(rows, 2))
    x, y = draft["c0"], draft["c1"]
    outputs = {"row": 0.5 * x - 2.0 * y + 1.0, "sum": (x * 3.0 + y).sum(), "plain": (x - y).sum()}
    a, b = values.T
    exact: dict[str, Floats | float] = {
        "row": 0.5 * a - 2 * b + 1,
        "sum": float((3 * a + b).sum()),
        "plain": float((a - b).sum()),
    }
    circuit = draft.circuit("linear", outputs, "exact")
    within_bound(circuit, run(circuit, values), exact)


@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_trained_weights_err_less_than_declared(run: Run, iterations: int) -> None:
    features, target = make_classification(1000, 20, n_informative=8, flip_y=0.05, random_state=3)
    scaled = features / np.abs(features).max(axis=0)
    table, values = table_of(1000, 20, label=True), np.column_stack([scaled, 2.0 * target - 1])
    circuit = logistic(table, iterations)
    rows, _ = whiten(*signed_values(table, values))
    within_bound(circuit, run(circuit, values), {"weights": descend(rows, nesterov(iterations)).weights})


@pytest.mark.parametrize("epsilon", [0.0, 3.0])
def test_bounded_weights_err_less_than_declared_and_rank_rows_also_with_noise(
    run: Run, epsilon: float
) -> None:
    table, frame, values = drawn(3000, 6, label=True, norm=1.5)
    circuit = bounded_logistic(table, noise=epsilon > 0)
    raw = run(circuit, values)
    exact = bounded_logistic_clear(table, values)
    within_bound(circuit, raw, {"weights": exact / circuit.outputs[0].unit})
    model = handed_over(circuit, raw, epsilon=epsilon)
    clear = values[:, :-1] @ exact[:-1] + exact[-1]
    ours, best = (
        roc_auc_score(frame["ill"], scores)
        for scores in (model.predict_proba(frame[model.feature_names_in_])[:, 1], clear)
    )
    assert ours >= best - (0.05 if epsilon else 1e-4)
    assert best > 0.8


def test_a_model_trained_on_ciphertexts_is_as_good_as_that_of_scikit_learn(run: Run) -> None:
    data = load_breast_cancer(as_frame=True)
    train, held, y, y_held = train_test_split(data.data, data.target, test_size=114, random_state=7)
    low, high = train.min(), train.max()
    columns = tuple(Column(name, float(low[name]), float(high[name])) for name in train)
    table = Table(len(train), (*columns, Column("benign", 0.0, 1.0)), label="benign")
    values = np.clip(np.column_stack([(train - low) / (high - low) * 2 - 1, 2.0 * y - 1]), -1, 1)
    assert values.shape == (455, 31)
    circuit = logistic(table)
    grid = float(circuit.release.grid)
    rounded = np.round(run(circuit, values)["weights"] / grid) * grid
    private = pack(TRAIN, table, values).private
    weights = results.unwhiten(circuit, {"weights": rounded}, private)["weights"]
    model = results.present(circuit, {"weights": np.round(weights / grid) * grid})
    twin = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)).fit(train, y)
    ours, theirs = (roc_auc_score(y_held, m.predict_proba(held)[:, 1]) for m in (model, twin))
    assert abs(ours - theirs) <= 0.01
