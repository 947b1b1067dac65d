"""A Gram matrix from the offer to what its buyer holds: the gate, the debit, the noise, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skops.io
from doses import BUYER_KEY, agreed, dataset_of, frame, job_of, run

from hexchange import evaluation
from hexchange.buyer.result import save, useful
from hexchange.circuit.analysis import check
from hexchange.circuit.document import Table
from hexchange.circuit.library.predict import scoring
from hexchange.circuit.privacy import expected_noise
from hexchange.circuits import find_circuit, read_model
from hexchange.errors import ResultUnfit
from hexchange.market import documents
from hexchange.market.results import ReleasedResult, SealedResult
from hexchange.market.tables import circuit_table
from hexchange.owner import policy
from hexchange.owner.encrypt import Encrypted
from hexchange.owner.gate import Case, decide
from hexchange.owner.offers import OfferTerms, draft_offer
from hexchange.owner.release import Desk, make_release
from hexchange.sealing import SealedBytes, open_result
from hexchange.storage.cid import Cid
from hexchange.storage.folder import FolderStore


def released(desk: Desk, case: Case, encrypted: Encrypted) -> ReleasedResult:
    """What the buyer reads of a case that passes the gate."""
    decide(case, lambda: None)
    made = make_release(desk, case, dataset_of(encrypted), encrypted.workspace)
    where = documents.parse(SealedResult, desk.store.get_block(made.result))
    sealed = SealedBytes(desk.store.get(Cid.parse(where.cid), where.size), made.sealed_key)
    return documents.parse(ReleasedResult, open_result(sealed, BUYER_KEY))


@pytest.fixture(params=[0, 2_000_000], ids=["exact", "noise"])
def case(
    request: pytest.FixtureRequest, house: Path, store: FolderStore, encrypted: Encrypted, desk: Desk,
    runner: evaluation.Evaluator,
) -> Iterator[Case]:  # fmt: skip
    """An agreed, honest result of the circuit that an owner offers by the name `covariance`."""
    circuit = find_circuit("covariance", encrypted.manifest, store, noise=request.param > 0)
    terms = OfferTerms(price=1, max_reward=1, expiry=2**40 - 1, epsilon=request.param)
    draft = draft_offer(encrypted.workspace, dataset_of(encrypted), circuit, terms)
    assert "Covariances of all pairs of age, dose, ill" in draft.review.text
    ran = run(circuit, 7, encrypted, store, runner, house / "cache")
    job = job_of(ran, encrypted, epsilon=request.param)
    with agreed(ran, job, encrypted, desk) as found:
        yield found


def clear() -> np.ndarray:
    """The table as it was encrypted: scaled, and long rows shortened."""
    scaled = np.column_stack([frame()["age"] / 50 - 1, frame()["dose"] / 2.5 - 1, frame()["ill"] * 2 - 1])
    return scaled * np.minimum(1, 1.3 / np.linalg.norm(scaled, axis=1, keepdims=True))


def test_a_buyer_gets_covariances_with_their_error_and_their_noise(
    case: Case, desk: Desk, encrypted: Encrypted, tmp_path: Path
) -> None:
    result = released(desk, case, encrypted)
    found = useful(case.circuit, result)
    scale = np.outer([50, 2.5, 0.5], [50, 2.5, 0.5])
    error = np.abs(found.to_numpy() / scale - np.cov(clear(), rowvar=False))
    if case.job.epsilon:
        noise = result.outputs[0].noise
        assert case.manifest.delta is not None
        assert noise == pytest.approx(expected_noise(check(case.circuit), 2.0, case.manifest.delta), rel=0.01)
        assert 1e-3 < error.max() < 12 * noise / 39
    else:
        assert error.max() < 1e-6
    assert [path.name for path in save(found, result, tmp_path)] == ["result.csv", "result.json"]


KINDS = ["correlation", "linear", "ridge", "discriminant", "pca", "ttest", "describe", "numbers"]


def test_one_release_is_made_into_everything_that_its_numbers_hold(
    case: Case, desk: Desk, encrypted: Encrypted, tmp_path: Path
) -> None:
    result = released(desk, case, encrypted)
    for kind in KINDS:
        found = useful(case.circuit, result, kind)
        target = save(found, result, tmp_path / kind)[0]
        if kind in ("linear", "ridge", "discriminant"):
            model = skops.io.load(target, trusted=[])
            assert model.predict(frame()[["age", "dose"]]).shape == (40,)
            # Noise may leave one column in a model, whose scores would be that column, or none.
            if not case.job.epsilon:
                scores = scoring(_table(encrypted), read_model(target))
                assert policy.review(scores, encrypted.manifest, 0)
        elif kind == "pca":
            assert skops.io.load(target, trusted=[]).transform(frame()[["age", "dose"]]).shape == (40, 2)
        else:
            assert target.name == "result.csv"
    for kind in ("score of one", "classifier", "score"):
        with pytest.raises(ResultUnfit):
            useful(case.circuit, result, kind)


@pytest.mark.parametrize("name", ["correlation", "linear", "ridge", "discriminant", "pca", "ttest"])
def test_each_circuit_is_offered_by_its_name(encrypted: Encrypted, store: FolderStore, name: str) -> None:
    for epsilon in (0, 500_000):
        circuit = find_circuit(name, encrypted.manifest, store, noise=epsilon > 0)
        assert policy.review(circuit, encrypted.manifest, epsilon).analysis.levels == 1


def _table(encrypted: Encrypted) -> Table:
    manifest = encrypted.manifest
    return circuit_table(manifest.columns, manifest.rows, manifest.row_norm)
