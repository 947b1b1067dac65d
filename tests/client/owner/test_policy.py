"""What may be signed: circuits over this table, with a promise that can be kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from doses import dataset_of

from hexchange.chain.events import ZERO_ADDRESS
from hexchange.circuit.analysis import check
from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Circuit, Table, circuit_digest, encode_circuit
from hexchange.circuit.library.describe import describe
from hexchange.circuit.library.logistic import logistic
from hexchange.circuit.library.predict import predict
from hexchange.circuits import find_circuit
from hexchange.errors import (
    BudgetNeedsRanges,
    BudgetShort,
    CircuitNotFound,
    EditionNotFound,
    GridTooFine,
    MalformedCircuit,
    PolicyRefused,
)
from hexchange.market import documents
from hexchange.market.results import (
    COUNT_BYTES,
    OUTPUT_BYTES,
    WIDEST_COUNT,
    Provenance,
    ReleasedOutput,
    ReleasedResult,
)
from hexchange.market.tables import circuit_table
from hexchange.owner import policy
from hexchange.owner.encrypt import Encrypted
from hexchange.owner.listing import require_ranges
from hexchange.owner.offers import OfferTerms, draft_offer
from hexchange.storage.folder import FolderStore


@pytest.fixture(scope="module")
def table(encrypted: Encrypted) -> Table:
    manifest = encrypted.manifest
    return circuit_table(manifest.columns, manifest.rows, manifest.row_norm)


def test_an_owner_reads_what_it_signs(encrypted: Encrypted, table: Table) -> None:
    noisy = policy.review(describe(table, noise=True), encrypted.manifest, 1_500_000)
    assert "One row, present or zeroed, moves the result by at most" in noisy.text
    assert noisy.privacy.startswith("ε = 1.5, δ = 0.001 for one row present or zeroed")
    assert "a row replaced by another counts as two" in noisy.privacy
    exact = policy.review(describe(table), encrypted.manifest, 0)
    assert "no differential privacy" in exact.privacy
    assert "value per row" not in exact.privacy
    scores = policy.review(predict(table, {"age": 0.1, "dose": 0.5}, 0.0), encrypted.manifest, 0)
    assert "a value per row may tell all columns that take few values" in scores.privacy


@pytest.mark.parametrize(
    ("listed", "epsilon", "edition", "steps"),
    [
        (("train", "bounded"), 1_000_000, "bounded", "3 gradient steps"),
        (("train", "bounded"), 0, "train", "3 Nesterov steps"),
        (("bounded",), 0, "bounded", "3 gradient steps"),
    ],
)
def test_training_is_offered_in_the_form_that_the_offer_needs(
    encrypted: Encrypted, store: FolderStore, listed: tuple[str, ...], epsilon: int, edition: str, steps: str
) -> None:
    (some, *_) = encrypted.manifest.editions
    manifest = replace(encrypted.manifest, editions=tuple(replace(some, name=name) for name in listed))
    circuit = find_circuit("logistic", manifest, store, noise=epsilon > 0)
    assert circuit.profile.edition == edition
    review = policy.review(circuit, manifest, epsilon)
    assert steps in review.text
    assert (review.analysis.sensitivity is not None) == (edition == "bounded")


def test_training_for_an_epsilon_needs_rows_that_were_bounded(
    encrypted: Encrypted, store: FolderStore
) -> None:
    (some, *_) = encrypted.manifest.editions
    manifest = replace(encrypted.manifest, editions=(replace(some, name="train"),))
    with pytest.raises(EditionNotFound, match="bounded"):
        policy.review(find_circuit("logistic", manifest, store, noise=True), manifest, 1_000_000)
    unbounded = replace(manifest, row_norm=None, ranges="inferred", delta=None)
    with pytest.raises(MalformedCircuit, match="norm"):
        find_circuit("logistic", unbounded, store, noise=True)


def test_a_score_card_that_tells_one_column_is_refused(
    encrypted: Encrypted, store: FolderStore, tmp_path: Path
) -> None:
    (some, *_), (age, dose, ill) = encrypted.manifest.editions, encrypted.manifest.columns
    counted = (replace(age, type="integer", high=30.0), dose, ill)
    manifest = replace(encrypted.manifest, columns=counted, editions=(replace(some, name="count"),))
    card, bin_ = tmp_path / "card.toml", '[[bin]]\ncolumn = "{}"\nlow = {}\nhigh = {}\npoints = {}\n'
    card.write_text(
        bin_.format("age", 0, 9, 20) + bin_.format("age", 10, 19, 30) + bin_.format("ill", 1, 1, 5)
    )
    circuit = find_circuit("score_card", manifest, store, model=card)
    assert "age 10 to 19: +30" in policy.review(circuit, manifest, 0).text
    card.write_text(bin_.format("age", 0, 9, 20) + bin_.format("age", 10, 19, 30))
    with pytest.raises(PolicyRefused, match="'age' row by row"):
        policy.review(find_circuit("score_card", manifest, store, model=card), manifest, 0)


def test_no_epsilon_is_promised_where_no_sensitivity_is_proven(encrypted: Encrypted, table: Table) -> None:
    scores = predict(table, {"age": 0.1, "dose": 0.5}, 0.0)
    with pytest.raises(PolicyRefused, match="exact values"):
        policy.review(scores, encrypted.manifest, 1)
    policy.review(scores, encrypted.manifest, 0)


def test_noise_and_epsilon_belong_together(encrypted: Encrypted, table: Table) -> None:
    with pytest.raises(PolicyRefused, match="adds noise"):
        policy.review(describe(table, noise=True), encrypted.manifest, 0)


@pytest.mark.parametrize("change", [{"ranges": "inferred"}, {"row_norm": None}])
def test_a_budget_needs_declared_ranges_and_norm(encrypted: Encrypted, change: dict[str, object]) -> None:
    manifest = replace(encrypted.manifest, **change)  # type: ignore[arg-type]
    with pytest.raises(BudgetNeedsRanges):
        require_ranges(manifest, 1)
    require_ranges(manifest, 0)
    unbounded = circuit_table(manifest.columns, manifest.rows, manifest.row_norm)
    with pytest.raises(PolicyRefused, match="read off the data"):
        policy.review(describe(unbounded, noise=True), manifest, 1)


@pytest.mark.parametrize(
    "change",
    [{"rows": 41}, {"norm": 1.2}, {"label": None, "columns": ()}],
    ids=["rows", "norm", "columns"],
)
def test_a_circuit_for_another_table_is_refused(
    encrypted: Encrypted, table: Table, change: dict[str, object]
) -> None:
    if "columns" in change:
        change = {"columns": (replace(table.columns[0], high=99.0), *table.columns[1:])}
    with pytest.raises(PolicyRefused):
        policy.review(describe(replace(table, **change)), encrypted.manifest, 0)  # type: ignore[arg-type]


def test_a_circuit_on_an_edition_that_is_not_listed_is_refused(encrypted: Encrypted, table: Table) -> None:
    with pytest.raises(EditionNotFound):
        policy.review(logistic(table), encrypted.manifest, 0)


@pytest.mark.parametrize(
    "disguise",
    ["x", "x * 1.0", "x * -0.5", "x + 0.5", "x * 0.5 + 0.25", "x + y * 0.5 - y * 0.5", "x + y * 0.001",
     "x * x"],
)  # fmt: skip
def test_a_column_handed_out_row_by_row_is_refused_in_any_disguise(
    encrypted: Encrypted, table: Table, disguise: str
) -> None:
    draft = Draft(table)
    copied = eval(disguise, {"x": draft["age"], "y": draft["dose"]})
    with pytest.raises(PolicyRefused, match="'age' row by row"):
        policy.review(draft.circuit("stats", {"age": copied}, "exact", grid="0.001"), encrypted.manifest, 0)


def test_a_model_of_one_coefficient_is_a_copy(encrypted: Encrypted, table: Table) -> None:
    with pytest.raises(PolicyRefused, match="'age' row by row"):
        policy.review(predict(table, {"age": 0.1}, 3.0), encrypted.manifest, 0)


def test_several_values_per_row_are_refused(encrypted: Encrypted, table: Table) -> None:
    draft = Draft(table)
    outputs = {"plus": draft["age"] + draft["dose"], "minus": draft["age"] - draft["dose"]}
    with pytest.raises(PolicyRefused, match="can be solved"):
        policy.review(draft.circuit("stats", outputs, "exact", grid="0.001"), encrypted.manifest, 0)


def test_every_output_and_every_column_that_is_signed_is_shown(encrypted: Encrypted, table: Table) -> None:
    draft = Draft(table)
    sums = {f"harmless {index}": (draft["age"] * (1 + index / 300)).sum() for index in range(30)}
    outputs = {**sums, "last": draft["ill"] * 0.5 + draft["dose"]}
    text = policy.review(draft.circuit("stats", outputs, "exact", grid="0.01"), encrypted.manifest, 0).text
    assert all(f"{name}: " in text for name in outputs)
    assert all(column.name in text for column in table.columns)
    assert text.startswith("last: a value per row")


def test_a_result_that_no_document_holds_is_refused_before_it_is_bought(
    encrypted: Encrypted, table: Table
) -> None:
    rows, linear = 1_048_576, encrypted.manifest.edition("linear")
    large = replace(encrypted.manifest, rows=rows, delta=1e-8, editions=(linear,))
    scores = predict(replace(table, rows=rows), {"age": 0.1, "dose": 0.5}, 0.0)
    policy.review(scores, large, 0)
    monstrous = replace(check(scores), released=12 * rows)
    with pytest.raises(PolicyRefused, match="too large to be opened"):
        policy._require_size(scores, monstrous)


def test_the_largest_result_that_passes_fits_its_document(encrypted: Encrypted, table: Table) -> None:
    counts, name = (WIDEST_COUNT,) * 1000, "\N{GRINNING FACE}" * 220
    grid = "0." + "0" * 28 + "1"
    output = ReleasedOutput(name, (1000,), grid, counts, 1.2345678901234567e-300, 1.2345678901234567e-300)
    place = Provenance(2**53 - 1, ZERO_ADDRESS, 2**53 - 1, 2**53 - 1, *[bytes(32)] * 3, "e" * 64)
    document = ReleasedResult(place, 2**53 - 1, 1.2345678901234567e-300, (output,))
    assert len(documents.encode(document)) <= 1000 * COUNT_BYTES + 2 * OUTPUT_BYTES


def test_what_nobody_would_read_is_refused(encrypted: Encrypted, table: Table) -> None:
    draft = Draft(table)
    sums = {f"{index} {'long ' * 40}": (draft["age"] * (1 + index / 300)).sum() for index in range(300)}
    with pytest.raises(PolicyRefused, match="must be read"):
        policy.review(draft.circuit("stats", sums, "exact", grid="0.1"), encrypted.manifest, 0)


def test_statistics_over_few_rows_are_refused(encrypted: Encrypted, table: Table) -> None:
    few = replace(encrypted.manifest, rows=19, delta=None)
    with pytest.raises(PolicyRefused, match="19 rows"):
        policy.review(describe(replace(table, rows=19)), few, 0)


def test_a_grid_that_would_show_the_error_is_refused(encrypted: Encrypted, table: Table) -> None:
    circuit = describe(table)
    fine: Circuit = replace(circuit, release=replace(circuit.release, grid="0.00000000001"))
    with pytest.raises(GridTooFine):
        policy.review(fine, encrypted.manifest, 0)


def test_an_offer_beyond_what_is_left_is_not_signed(encrypted: Encrypted, table: Table) -> None:
    terms = OfferTerms(price=1, max_reward=1, expiry=2**40 - 1)
    with pytest.raises(BudgetShort):
        draft_offer(encrypted.workspace, dataset_of(encrypted, exact=0), describe(table), terms)
    noisy = replace(terms, epsilon=6_000_000)
    with pytest.raises(BudgetShort):
        draft_offer(encrypted.workspace, dataset_of(encrypted), describe(table, noise=True), noisy)


def test_a_circuit_is_found_by_name_file_or_digest(
    encrypted: Encrypted, table: Table, store: FolderStore, tmp_path: Path
) -> None:
    scores = predict(table, {"age": 0.1, "dose": 0.5}, 0.0)
    digest = store.put_block(encode_circuit(scores))
    file = tmp_path / "c.json"
    file.write_bytes(encode_circuit(scores))
    manifest = encrypted.manifest
    assert find_circuit("describe", manifest, store, noise=True) == describe(table, noise=True)
    assert find_circuit(str(file), manifest, store, noise=False) == scores
    assert find_circuit("0x" + digest.hex(), manifest, store, noise=False) == scores
    assert digest == circuit_digest(scores)
    with pytest.raises(CircuitNotFound):
        find_circuit("divine", manifest, store, noise=False)
