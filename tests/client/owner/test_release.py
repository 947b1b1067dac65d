"""A release is debited before a key is loaded, drawn once, and the same bytes whenever it is repeated."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from doses import BUYER_KEY, Ran, dataset_of, frame, job_of
from nacl.public import PrivateKey

from hexchange.circuit.results import present
from hexchange.errors import BrokenSecretKey, BudgetShort, OtherHistory, SealedForAnother
from hexchange.market import documents
from hexchange.market.results import ReleasedResult, SealedResult, sealed_size
from hexchange.owner.budget import Spent
from hexchange.owner.encrypt import Encrypted
from hexchange.owner.gate import Case
from hexchange.owner.release import Desk, make_release
from hexchange.owner.workspace import Workspace
from hexchange.sealing import SealedBytes, open_result, seal_result
from hexchange.storage.cid import Cid


def read(desk: Desk, result: bytes, sealed_key: bytes, key: PrivateKey = BUYER_KEY) -> ReleasedResult:
    """What the buyer does."""
    where = documents.parse(SealedResult, desk.store.get_block(result))
    sealed = SealedBytes(desk.store.get(Cid.parse(where.cid), where.size), sealed_key)
    return documents.parse(ReleasedResult, open_result(sealed, key))


def test_the_buyer_and_nobody_else_reads_noised_values_with_their_provenance(
    case: Case, desk: Desk, encrypted: Encrypted
) -> None:
    made = make_release(desk, case, dataset_of(encrypted), encrypted.workspace)
    document = read(desk, made.result, made.sealed_key)
    assert (document.epsilon, document.delta) == (1_000_000, encrypted.manifest.delta)
    assert document.provenance.job == case.job.id
    assert document.provenance.digest == case.job.proposed
    assert all(output.noise and output.noise > 1 for output in document.outputs)
    sums = {output.name: output.values()[0] for output in document.outputs}
    scaled = frame()["age"] / 50 - 1
    assert abs(sums["age.sum"] - scaled.sum()) < 12 * (document.outputs[0].noise or 0)
    assert sums["age.sum"] != pytest.approx(scaled.sum(), abs=1e-6)
    with pytest.raises(SealedForAnother):
        read(desk, made.result, made.sealed_key, PrivateKey.generate())


def test_an_exact_release_is_rounded_and_right(case: Case, desk: Desk, encrypted: Encrypted) -> None:
    release = replace(case.circuit.release, mechanism="exact")
    circuit = replace(case.circuit, release=release)
    exact = replace(case, circuit=circuit, job=replace(case.job, epsilon=0))
    made = make_release(desk, exact, dataset_of(encrypted), encrypted.workspace)
    document = read(desk, made.result, made.sealed_key)
    assert document.delta is None
    assert all(output.noise is None for output in document.outputs)
    described = present(circuit, {output.name: np.array(output.values()) for output in document.outputs})
    norms = np.linalg.norm(
        np.column_stack([frame()["age"] / 50 - 1, frame()["dose"] / 2.5 - 1, frame()["ill"] * 2 - 1]), axis=1
    )
    shortened = (frame()["age"] / 50 - 1) * np.minimum(1, 1.3 / norms)
    assert described.loc["age", "mean"] == pytest.approx(50 + 50 * shortened.mean(), abs=1e-4)
    assert desk.ledger.spent(1) == Spent(0, 1)


@pytest.mark.parametrize("count", [3, -3, -(2**50)])
def test_the_length_of_a_sealed_result_tells_no_value(
    case: Case, desk: Desk, encrypted: Encrypted, count: int
) -> None:
    made = make_release(desk, case, dataset_of(encrypted), encrypted.workspace)
    document = read(desk, made.result, made.sealed_key)
    outputs = tuple(replace(each, counts=(count,) * len(each.counts)) for each in document.outputs)
    other = replace(document, outputs=outputs)
    sealed = seal_result(documents.encode(other), sealed_size(other), bytes(BUYER_KEY.public_key))
    assert len(sealed.ciphertext) == made.size
    assert documents.parse(ReleasedResult, open_result(sealed, BUYER_KEY)) == other


def test_a_repeated_release_gives_the_same_bytes_and_is_debited_once(
    case: Case, desk: Desk, encrypted: Encrypted
) -> None:
    first = make_release(desk, case, dataset_of(encrypted), encrypted.workspace)
    assert make_release(desk, case, dataset_of(encrypted), encrypted.workspace) == first
    assert desk.ledger.spent(1) == Spent(1_000_000, 0)


@pytest.mark.parametrize("change", ["result_key", "circuit", "offer"])
def test_another_job_of_the_same_number_gets_no_former_release(
    case: Case, desk: Desk, encrypted: Encrypted, change: str
) -> None:
    first = make_release(desk, case, dataset_of(encrypted), encrypted.workspace)
    other = replace(case, job=replace(case.job, **{change: b"e" * 32}))
    with pytest.raises(OtherHistory):
        make_release(desk, other, dataset_of(encrypted), encrypted.workspace)
    assert make_release(desk, case, dataset_of(encrypted), encrypted.workspace) == first


def test_without_budget_nothing_is_opened(case: Case, desk: Desk, encrypted: Encrypted) -> None:
    with pytest.raises(BudgetShort):
        make_release(desk, case, dataset_of(encrypted, epsilon=999_999), encrypted.workspace)
    assert desk.journal.sealed(case.job.id) is None
    assert not desk.ledger.holds(case.job.id)


def test_the_debit_stands_when_the_key_cannot_be_loaded(
    case: Case, desk: Desk, encrypted: Encrypted, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path, "t")
    workspace.create()
    workspace.key("stats").write_bytes(b"no key")
    workspace.private_path("stats").write_text("{}")
    with pytest.raises(BrokenSecretKey):
        make_release(desk, case, dataset_of(encrypted), workspace)
    assert desk.ledger.spent(1) == Spent(1_000_000, 0)
    make_release(desk, case, dataset_of(encrypted), encrypted.workspace)
    assert desk.ledger.spent(1) == Spent(1_000_000, 0)


def test_another_noise_is_drawn_for_another_job(
    case: Case, desk: Desk, encrypted: Encrypted, described: Ran
) -> None:
    other = replace(case, job=replace(job_of(described, encrypted), id=8))
    values = [
        read(desk, made.result, made.sealed_key).outputs[0].counts
        for made in (
            make_release(desk, each, dataset_of(encrypted), encrypted.workspace) for each in (case, other)
        )
    ]
    assert values[0] != values[1]


KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from hexchange.market.state import Dataset
from hexchange.owner import release
from hexchange.owner.budget import Ledger
from hexchange.owner.gate import Case
from hexchange.owner.journal import Journal
from hexchange.owner.workspace import Workspace
from hexchange.storage.folder import FolderStore
folder, point = Path(sys.argv[1]), sys.argv[2]
parts, dataset, home, store, deployment = pickle.loads((folder / "case.pickle").read_bytes())

def deadly(effect):
    def act(*arguments, **options):
        if point.startswith("before"):
            os.kill(os.getpid(), signal.SIGKILL)
        result = effect(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)
        return result
    return act

place = {"debit": (Ledger, "debit"), "open": (release, "open_in_child"), "keep": (Journal, "keep_sealed"),
         "publish": (FolderStore, "put_block")}[point.split(":")[1]]
setattr(*place, deadly(getattr(*place)))
journal = Journal(folder / "journal.sqlite")
desk = release.Desk(Ledger(folder / "ledger.sqlite"), journal, FolderStore(store), deployment)
case = Case(**parts, input_repeats=lambda prints: False, computed=journal.source)
release.make_release(desk, case, dataset, Workspace(home, "doses"))
"""


def test_killed_at_any_point_it_is_debited_once_and_what_was_sealed_stays(
    case: Case, desk: Desk, encrypted: Encrypted, house: Path, tmp_path: Path
) -> None:
    names = ("me", "now", "job", "offer", "manifest", "circuit", "program", "digest", "result", "outputs")
    parts = {name: getattr(case, name) for name in names}
    bundle = (parts, dataset_of(encrypted), house, house / "store", desk.deployment)
    (tmp_path / "case.pickle").write_bytes(pickle.dumps(bundle))
    sealed = None
    for step in ("debit", "open", "keep", "publish"):
        for when in ("before", "after"):
            call = [sys.executable, "-c", KILLED, str(tmp_path), f"{when}:{step}"]
            assert subprocess.run(call, check=False).returncode == -signal.SIGKILL, (when, step)
            assert desk.ledger.spent(1).epsilon == (0 if (when, step) == ("before", "debit") else 1_000_000)
            assert sealed in (None, desk.journal.sealed(7))
            sealed = desk.journal.sealed(7)
    assert sealed is not None
    made = make_release(desk, case, dataset_of(encrypted), encrypted.workspace)
    assert made.sealed_key == sealed[1]
    assert read(desk, made.result, made.sealed_key).epsilon == 1_000_000
    assert desk.ledger.spent(1) == Spent(1_000_000, 0)
