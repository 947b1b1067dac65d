"""Counts from the table to what a buyer holds: which columns are counted, the gate, and the noise for an ε."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doses import agreed, dataset_of, job_of, run
from test_gram_release import released

from hexchange import evaluation
from hexchange.buyer.result import save, useful
from hexchange.circuits import find_circuit
from hexchange.errors import NothingToCount
from hexchange.market.manifests import Column
from hexchange.owner.encrypt import Card, Encrypted, encrypt_table
from hexchange.owner.offers import OfferTerms, draft_offer
from hexchange.owner.release import Desk
from hexchange.owner.schema import Schema
from hexchange.owner.workspace import Workspace
from hexchange.storage.folder import FolderStore

COLUMNS = (
    Column("age", "number", "feature", "years", 0.0, 100.0),
    Column("grade", "category", "feature", "", 1.0, 4.0),
    Column("smokes", "boolean", "feature", "", 0.0, 1.0),
    Column("ill", "boolean", "label", "", 0.0, 1.0),
)


def patients() -> pd.DataFrame:
    random = np.random.default_rng(5)
    return pd.DataFrame({
        "age": random.uniform(20, 80, 200), "grade": random.integers(1, 5, 200),
        "smokes": random.random(200) < 0.4, "ill": random.integers(0, 2, 200),
    })  # fmt: skip


@pytest.fixture(scope="module")
def counted(house: Path, store: FolderStore) -> Encrypted:
    """Rows are longer than the norm that is declared: counts do not ask, and lose nothing by it."""
    schema = Schema(COLUMNS, "declared", 0.5, clip=True)
    return encrypt_table(patients(), schema, ["count"], Card("Patients"), Workspace(house, "patients"), store)


def test_an_edition_for_counting_holds_the_columns_of_few_values(counted: Encrypted) -> None:
    assert list(counted.manifest.edition("count").inputs) == [
        "grade = 1", "grade = 2", "grade = 3", "grade = 4", "ill = 0", "ill = 1", "smokes = 0", "smokes = 1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "epsilon"),
    [("histogram", 0), ("histogram", 2_000_000), ("contingency", 0), ("contingency", 2_000_000), ("chi2", 0)],
)
def test_a_buyer_gets_counts(
    name: str, epsilon: int, counted: Encrypted, desk: Desk, store: FolderStore, runner: evaluation.Evaluator,
    house: Path, tmp_path: Path,
) -> None:  # fmt: skip
    circuit = find_circuit(name, counted.manifest, store, noise=epsilon > 0)
    terms = OfferTerms(price=1, max_reward=1, expiry=2**40 - 1, epsilon=epsilon)
    draft_offer(counted.workspace, dataset_of(counted), circuit, terms)
    ran = run(circuit, 7, counted, store, runner, house / "cache")
    job = job_of(ran, counted, epsilon=epsilon)
    with agreed(ran, job, counted, desk) as case:
        result = released(desk, case, counted)
    found, table = useful(circuit, result), patients()
    assert save(found, result, tmp_path)[0].name == "result.csv"
    if name == "chi2":
        assert list(found.index) == ["grade", "smokes"]
        return
    twin = (
        pd.crosstab(table["grade"], table["ill"]) if name == "contingency" else table["grade"].value_counts()
    )
    off = np.abs(found.loc["grade"].to_numpy().ravel() - twin.sort_index().to_numpy().ravel())
    assert off.max() == 0 if not epsilon else 0 < off.max() < 60


def test_a_table_of_numbers_has_nothing_to_count(house: Path, store: FolderStore) -> None:
    schema = Schema(COLUMNS[:1], "declared")
    with pytest.raises(NothingToCount, match="category, integer or boolean"):
        encrypt_table(patients(), schema, ["count"], Card("Ages"), Workspace(house, "ages"), store)
