"""Digits read under encryption: from the model's file and the owner's table to the labels that a buyer holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from doses import agreed, dataset_of, job_of, run
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from test_gram_release import released

from hexchange import evaluation
from hexchange.buyer.result import save, useful
from hexchange.circuit.library.network import network
from hexchange.circuit.lowering import lower
from hexchange.circuits import editions_for, find_circuit
from hexchange.errors import PolicyRefused
from hexchange.market.manifests import Column
from hexchange.market.tables import circuit_table
from hexchange.owner import policy
from hexchange.owner.encrypt import Card, Encrypted, encrypt_table
from hexchange.owner.offers import OfferTerms, draft_offer
from hexchange.owner.release import Desk
from hexchange.owner.schema import Schema
from hexchange.owner.workspace import Workspace
from hexchange.square_classifier import SquareClassifier
from hexchange.storage.folder import FolderStore

ROWS = 40
PIXELS = [f"pixel{index}" for index in range(64)]


@pytest.fixture(scope="module")
def digits() -> tuple[pd.DataFrame, pd.DataFrame]:
    """A buyer's own images, and an owner's; what they show is in `digit`."""
    images, shown = load_digits(return_X_y=True)
    frame = pd.DataFrame(images, columns=PIXELS).assign(digit=shown)
    return frame[ROWS:], frame[:ROWS].reset_index(drop=True)


@pytest.fixture(scope="module")
def listed(house: Path, store: FolderStore, digits: tuple[pd.DataFrame, pd.DataFrame]) -> Encrypted:
    columns = (
        Column("digit", "integer", "label", "", 0.0, 9.0),
        *(Column(name, "number", "feature", "", 0.0, 16.0) for name in PIXELS),
    )
    schema = Schema(columns, "declared", 2.0, True)
    workspace = Workspace(house, "digits")
    editions = list(editions_for("network", columns, ROWS, 2.0))
    return encrypt_table(digits[1], schema, editions, Card("Digits"), workspace, store)


def test_labels_under_encryption_are_those_in_the_clear(
    house: Path, store: FolderStore, listed: Encrypted, desk: Desk, runner: evaluation.Evaluator,
    digits: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path,
) -> None:  # fmt: skip
    own, images = digits
    model = SquareClassifier(hidden=32, epochs=15).fit(own[PIXELS], own["digit"])
    skops.io.dump(model, tmp_path / "model.skops")
    circuit = find_circuit("network", listed.manifest, store, model=tmp_path / "model.skops")
    assert circuit == find_circuit("predict", listed.manifest, store, model=tmp_path / "model.skops")
    draft = draft_offer(
        listed.workspace, dataset_of(listed), circuit, OfferTerms(price=1, max_reward=1, expiry=2**40 - 1)
    )
    assert "A network 64 - 32 - 10, squares between its layers" in draft.review.text
    assert "no differential privacy" in draft.review.privacy
    ran = run(circuit, 7, listed, store, runner, house / "cache")
    job = job_of(ran, listed, epsilon=0)
    with agreed(ran, job, listed, desk) as case:
        result = released(desk, case, listed)
    found = useful(circuit, result)
    assert found["label"].tolist() == [str(label) for label in model.predict(images[PIXELS])]
    scores = model.decision_function(images[PIXELS])
    bound = result.outputs[0].error * circuit.outputs[0].unit
    assert np.abs(found[[str(digit) for digit in range(10)]].to_numpy() - scores).max() <= bound
    assert (found["label"].astype(int) == images["digit"]).mean() > 0.9
    assert [path.name for path in save(found, result, tmp_path)] == ["result.csv", "result.json"]


def test_outputs_from_which_a_column_can_be_solved_are_refused(listed: Encrypted) -> None:
    manifest = listed.manifest
    table = circuit_table(manifest.columns, manifest.rows, manifest.row_norm)
    random = np.random.default_rng(1)
    with pytest.raises(PolicyRefused, match="row by row"):
        policy.review(network(table, [(np.eye(64), np.zeros(64))]), manifest, 0)
    hidden = random.normal(size=(64, 4))
    hidden[:, 0] = np.eye(64)[5]
    with pytest.raises(PolicyRefused, match="'pixel5' row by row"):
        policy.review(network(table, [(hidden, np.ones(4)), (np.eye(4), np.zeros(4))]), manifest, 0)
    assert policy.review(network(table, [(hidden, np.ones(4)), (np.ones((4, 1)), np.zeros(1))]), manifest, 0)


def test_a_linear_network_of_scikit_learn_is_one_product(
    listed: Encrypted, store: FolderStore, digits: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    own, _ = digits
    fitted = MLPClassifier((16,), "identity", solver="lbfgs", max_iter=200, random_state=0, tol=1e-2)
    fitted.fit(own[PIXELS] / 16, own["digit"] > 4)
    skops.io.dump(fitted, tmp_path / "model.skops")
    circuit = find_circuit("network", listed.manifest, store, model=tmp_path / "model.skops")
    assert lower(circuit).outputs[0].shape.primes == 1
    assert [len(node.layers) for node in circuit.nodes] == [1]  # type: ignore[union-attr]
    assert circuit.nodes[0].names == ("False", "True")  # type: ignore[union-attr]
