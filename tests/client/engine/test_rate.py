"""What a model expects of all rows together is near the sum of scikit-learn's probabilities, also with noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, LogisticRegression
from twin import Run, drawn, handed_over

from hexchange.circuit.analysis import analyse, check, describe_text
from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Table
from hexchange.circuit.kinds import Asked
from hexchange.circuit.library import CIRCUITS
from hexchange.circuit.library.rate import EDITION, cubic, rate, rate_clear
from hexchange.errors import MalformedCircuit, ModelMissing, ModelUnreadable


@pytest.mark.parametrize(("reach", "off"), [(3.0, 0.02), (5.0, 0.062), (8.0, 0.12)])
def test_the_cubic_is_off_as_stated(reach: float, off: float) -> None:
    slope, bend = cubic(reach)
    scores = np.linspace(-reach, reach, 10_001)
    logistic = 1 / (1 + np.exp(-scores))
    assert off / 1.5 < np.abs(0.5 + slope * scores + bend * scores**3 - logistic).max() < off


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(20, 9000), st.integers(1, 6), st.floats(-3, 3), st.floats(2, 9), st.integers(0, 99))
def test_expected_positives_are_those_of_the_cubic_within_the_declared_error(
    run: Run, rows: int, columns: int, intercept: float, reach: float, seed: int
) -> None:
    table, frame, scaled = drawn(rows, columns, seed=seed)
    random = np.random.default_rng(seed)
    weights = {c.name: float(random.normal() / c.half) for c in table.columns}
    intercept -= sum(weights[column.name] * column.middle for column in table.columns)
    circuit = rate(table, weights, intercept, reach=reach)
    clear = float(rate_clear(frame, weights, intercept, reach=reach)["expected"].iloc[0])
    raw, bound = run(circuit, scaled), analyse(circuit).errors["expected"]
    (output,) = circuit.outputs
    assert abs(raw["expected"][0] + output.offset - clear) <= bound
    found = handed_over(circuit, raw)
    assert abs(found["expected"].iloc[0] - clear) <= bound + float(circuit.release.grid) / 2
    assert found["rate"].iloc[0] == pytest.approx(clear / rows, abs=1e-3)


@pytest.mark.parametrize("epsilon", [0.0, 1.0])
def test_the_rate_is_near_that_of_the_probabilities_of_scikit_learn(run: Run, epsilon: float) -> None:
    table, frame, scaled = drawn(3000, 6, label=True, seed=2, norm=1.5)
    features = frame.drop(columns="ill")
    model = LogisticRegression(C=0.02, max_iter=5000)
    model.fit(scaled[:, :-1], frame["ill"])
    halves = np.array([column.half for column in table.features])
    middles = np.array([column.middle for column in table.features])
    model.feature_names_in_ = np.array(features.columns, dtype=object)
    model.coef_ = model.coef_ / halves
    model.intercept_ = model.intercept_ - model.coef_ @ middles
    circuit = CIRCUITS["rate"].build(table, Asked(EDITION, epsilon > 0, model))
    check(circuit)
    found = handed_over(circuit, run(circuit, scaled), epsilon=epsilon)
    assert abs(found["rate"].iloc[0] - model.predict_proba(features)[:, 1].mean()) < 0.02


def test_a_model_that_gives_no_probabilities_or_uses_no_column_is_refused() -> None:
    table, frame, _ = drawn(100, 2)
    with pytest.raises(ModelMissing):
        CIRCUITS["rate"].build(table, Asked(EDITION))
    model = LinearRegression().fit(frame, np.arange(100))
    with pytest.raises(ModelUnreadable, match="probabilities"):
        CIRCUITS["rate"].build(table, Asked(EDITION, model=model))
    with pytest.raises(MalformedCircuit, match="all zero"):
        rate(table, {"c0": 0.0}, 1.0)


def test_a_rate_says_what_it_reads_and_is_no_other_sum() -> None:
    table, _, _ = drawn(400, 3)
    text = describe_text(rate(table, {"c0": 1e-3, "c2": 2e-3}, 0.1))
    assert "How many rows a model expects to be positive, by a cubic of c0, c2, over all 400 rows" in text
    assert "3 multiplications deep on the edition poly3" in text
    assert "Releases 1 number" in text
    with pytest.raises(MalformedCircuit, match="not those of a result called 'rate'"):
        _squares(table)


def _squares(table: Table) -> None:
    draft = Draft(table)
    draft.circuit(EDITION, {"expected": draft["c0"].square().sum()}, "exact", result="rate")
