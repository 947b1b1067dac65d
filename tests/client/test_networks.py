"""Networks that people have, as circuits: which are read, how columns and classes are found, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import check_estimators_dtypes, check_no_attributes_set_in_init

from hexchange.circuit.document import Circuit, Column, Network, Table
from hexchange.circuit.kinds import Asked
from hexchange.circuit.library import CIRCUITS
from hexchange.circuit.library.network import network_clear, scoring_network
from hexchange.circuit.network import run
from hexchange.circuits import read_model
from hexchange.errors import ActivationUnfit, ModelMissing, ModelUnreadable
from hexchange.square_classifier import SquareClassifier

IRIS = load_iris(as_frame=True)
COLUMNS = tuple(Column(name, 0.0, 8.0) for name in IRIS.data)
TABLE = Table(150, (*COLUMNS, Column("kind", 0.0, 2.0)), label="kind")


def outputs(circuit: Circuit, frame: pd.DataFrame = IRIS.data) -> np.ndarray:
    """What the circuit computes of rows in their own units, in the clear."""
    (node,) = circuit.nodes
    assert isinstance(node, Network)
    scaled = np.column_stack([(frame[c.name] - c.middle) / c.half for c in circuit.table.features])
    return run(node.layers, scaled) * circuit.outputs[0].unit


def test_a_square_network_reads_digits_as_well_as_others() -> None:
    images, digits = load_digits(return_X_y=True)
    fitted = SquareClassifier(hidden=32).fit(images[:1300], digits[:1300])
    assert fitted.score(images[1300:], digits[1300:]) > 0.92
    again = SquareClassifier(hidden=32).fit(images[:1300], digits[:1300])
    assert np.array_equal(again.coefs_[0], fitted.coefs_[0])
    with pytest.raises(ValueError, match="one class"):
        SquareClassifier().fit(images[:5], np.zeros(5, int))


@pytest.mark.parametrize("check", [check_estimators_dtypes, check_no_attributes_set_in_init])
def test_a_square_network_is_an_estimator(check: Callable[[str, Any], None]) -> None:
    check("SquareClassifier", SquareClassifier(epochs=1))


def test_scores_are_those_of_the_model_whatever_the_order_of_its_columns(tmp_path: Path) -> None:
    names = list(IRIS.data)
    for order in (names, names[::-1], names[1:3]):
        fitted = SquareClassifier(hidden=8, epochs=30).fit(IRIS.data[order], IRIS.target_names[IRIS.target])
        skops.io.dump(fitted, tmp_path / "model.skops")
        circuit = scoring_network(TABLE, read_model(tmp_path / "model.skops"))
        assert circuit.result == "classes"
        assert circuit.nodes[0].names == ("setosa", "versicolor", "virginica")  # type: ignore[union-attr]
        assert outputs(circuit) == pytest.approx(fitted.decision_function(IRIS.data[order]), abs=1e-4)


def test_linear_networks_of_scikit_learn_are_read(tmp_path: Path) -> None:
    regressor = MLPRegressor(
        hidden_layer_sizes=(5, 3),
        activation="identity",
        solver="lbfgs",
        max_iter=50,
        tol=1e-2,
        random_state=0,
    )
    regressor.fit(IRIS.data, IRIS.target)
    circuit = scoring_network(TABLE, regressor)
    assert circuit.result == "outputs"
    assert outputs(circuit)[:, 0] == pytest.approx(regressor.predict(IRIS.data), abs=1e-4)
    classifier = MLPClassifier((4,), "identity", max_iter=3, random_state=0, tol=10.0, n_iter_no_change=1)
    classifier.fit(IRIS.data.to_numpy(), IRIS.target)
    skops.io.dump(classifier, tmp_path / "model.skops")
    circuit = scoring_network(TABLE, read_model(tmp_path / "model.skops"))
    scores = outputs(circuit)
    assert np.array_equal(scores.argmax(axis=1), classifier.predict(IRIS.data.to_numpy()))
    classifier.fit(IRIS.data.to_numpy(), IRIS.target == 2)
    no, yes = outputs(scoring_network(TABLE, classifier)).T
    likely = classifier.predict_proba(IRIS.data.to_numpy())[:, 1]
    assert 1 / (1 + np.exp(no - yes)) == pytest.approx(likely, abs=1e-5)


def test_plain_arrays_are_a_network_with_squares(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    layers = [
        (random.normal(size=(4, 6)), random.normal(size=6)),
        (random.normal(size=(6, 2)), random.normal(size=2)),
    ]
    skops.io.dump(layers, tmp_path / "model.skops")
    circuit = CIRCUITS["network"].build(TABLE, Asked("mlp", model=read_model(tmp_path / "model.skops")))
    assert circuit == CIRCUITS["predict"].build(TABLE, Asked("mlp", model=layers))
    clear = network_clear(IRIS.data, layers)
    assert outputs(circuit) == pytest.approx(clear, abs=1e-5 * np.abs(clear).max())


def fitted(*, activation: str = "relu", labels: Any = IRIS.target, columns: Any = IRIS.data) -> MLPClassifier:
    model = MLPClassifier(
        (3,), activation, max_iter=1, tol=10.0, n_iter_no_change=1, random_state=0, solver="lbfgs"
    )
    model.coefs_, model.intercepts_ = (
        [np.ones((columns.shape[1], 3)), np.ones((3, 3))],
        [np.ones(3), np.ones(3)],
    )
    model.classes_, model.out_activation_ = np.unique(labels), "softmax"
    model.feature_names_in_ = np.array(list(columns), dtype=object)
    return model


def test_networks_that_cannot_be_computed_say_what_to_do() -> None:
    for activation in ("relu", "tanh", "logistic"):
        with pytest.raises(ActivationUnfit, match=activation) as refused:
            scoring_network(TABLE, fitted(activation=activation))
        assert "SquareClassifier" in (refused.value.hint or "")
    several = fitted(activation="identity")
    several.out_activation_ = "logistic"
    with pytest.raises(ModelUnreadable, match="several labels"):
        scoring_network(TABLE, several)
    with pytest.raises(ModelUnreadable, match="no column 'height'"):
        scoring_network(
            TABLE,
            fitted(activation="identity", columns=IRIS.data.set_axis([*"abc", "height"], axis=1)[["height"]]),
        )
    nameless = fitted(activation="identity", columns=IRIS.data.iloc[:, :3])
    del nameless.feature_names_in_
    with pytest.raises(ModelUnreadable, match="takes 3 values, the table has 4"):
        scoring_network(TABLE, nameless)
    for broken in ([1.0], [(np.ones((4, 2)),)], [("a", "b")]):
        with pytest.raises(ModelUnreadable, match="list of"):
            scoring_network(TABLE, broken)
    with pytest.raises(ModelMissing, match="a network needs"):
        CIRCUITS["network"].build(TABLE, Asked("mlp"))
    with pytest.raises(ModelUnreadable, match="linear model"):
        CIRCUITS["network"].build(TABLE, Asked("mlp", model=LinearRegression().fit(IRIS.data, IRIS.target)))


def test_an_unfitted_network_is_no_model(tmp_path: Path) -> None:
    for model in (MLPClassifier(), SquareClassifier()):
        skops.io.dump(model, tmp_path / "model.skops")
        with pytest.raises(ModelUnreadable, match="no fitted"):
            read_model(tmp_path / "model.skops")
