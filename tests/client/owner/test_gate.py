"""Every line of the gate refuses by name, in order, and none of them knows whether a key exists."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from doses import BUYER, ME, Ran, job_of, offer_of, run

from hexchange import evaluation
from hexchange.circuit.builder import Draft
from hexchange.circuit.library.describe import describe
from hexchange.circuit.lowering import lower
from hexchange.circuit.program import CANONICAL_HEADER, Shape
from hexchange.errors import (
    AlreadyReleased,
    DigestNotFinal,
    HexchangeError,
    MalformedBlob,
    NothingToRelease,
    OfferNotOurs,
    PolicyRefused,
    Refused,
    RerunDiffers,
    ResultKeyInvalid,
    ResultRefused,
    TooLateToRelease,
    WrongContracts,
)
from hexchange.he.canonical import from_seeded, to_canonical
from hexchange.he.engine import engine
from hexchange.market import documents
from hexchange.market.manifests import Blob
from hexchange.market.results import ResultManifest
from hexchange.market.state import JobState
from hexchange.market.tables import circuit_table
from hexchange.owner import gate
from hexchange.owner.encrypt import Encrypted
from hexchange.owner.gate import Case
from hexchange.owner.prints import expression, sources
from hexchange.owner.release import Desk
from hexchange.storage.cid import Cid
from hexchange.storage.folder import FolderStore
from hexchange.storage.tree import identify


def contracts_are_right() -> None:
    """The check of chain and code, passed."""


def decide(case: Case) -> None:
    gate.decide(case, contracts_are_right)


def offered(case: Case, outputs: tuple[bytes, ...], **changes: Any) -> Case:
    """A case in which everybody agrees on these outputs, the owner's own run included."""
    blobs = tuple(Blob(str(identify(BytesIO(output))), len(output)) for output in outputs)
    result = ResultManifest(job=case.job.id, status="ok", code=None, outputs=blobs, trace=bytes(32))
    return agreed(case, documents.encode(replace(result, **changes)), outputs)


def agreed(case: Case, result: bytes, outputs: tuple[bytes, ...]) -> Case:
    digest = sha256(result).digest()
    job = replace(case.job, proposed=digest)
    return replace(case, job=job, digest=digest, result=result, outputs=outputs)


def settled(case: Case) -> Case:
    """The case after its challenge window, with the same digest."""
    job = replace(case.job, state=JobState.SETTLED, settled=case.job.proposed, release_by=2**40)
    return replace(case, job=job)


def test_an_agreed_result_of_an_honest_run_passes(case: Case) -> None:
    decide(case)


# --- 1 chain --------------------------------------------------------------------------------------


def test_line_1_refuses_other_contracts(case: Case) -> None:
    def refuse() -> None:
        raise WrongContracts("other code")

    with pytest.raises(WrongContracts):
        gate.decide(case, refuse)


@pytest.mark.parametrize("state", [JobState.OPEN, JobState.ESCALATED, JobState.REFUNDED])
def test_line_1_waits_for_a_digest_in_a_finalized_block(case: Case, state: JobState) -> None:
    with pytest.raises(DigestNotFinal):
        decide(replace(case, job=replace(case.job, state=state)))


def test_line_1_waits_where_the_finalized_block_is_before_the_dispute_of_a_wrong_digest(case: Case) -> None:
    wrong = ResultManifest(job=7, status="failed", code="wrong", outputs=(), trace=bytes(32))
    behind = replace(case, job=replace(case.job, proposed=documents.digest(wrong)))
    with pytest.raises(DigestNotFinal):
        decide(behind)
    with pytest.raises(Refused) as refusal:
        decide(settled(behind))
    assert not isinstance(refusal.value, DigestNotFinal)
    decide(settled(case))


# --- 2 offer --------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["offer", "owner", "buyer", "price", "epsilon", "circuit", "manifest"])
def test_line_2_refuses_a_job_that_rests_on_no_offer_signed_here(case: Case, change: str) -> None:
    changed = {
        "offer": replace(case, offer=None),
        "owner": replace(case, job=replace(case.job, owner=BUYER)),
        "buyer": replace(case, job=replace(case.job, buyer=ME)),
        "price": replace(case, job=replace(case.job, price=9)),
        "epsilon": replace(case, job=replace(case.job, epsilon=2_000_000)),
        "circuit": replace(case, job=replace(case.job, circuit=bytes(32))),
        "manifest": replace(case, job=replace(case.job, manifest=bytes(32))),
    }[change]
    with pytest.raises(OfferNotOurs):
        decide(changed)


def test_line_2_refuses_a_second_release(case: Case) -> None:
    with pytest.raises(AlreadyReleased):
        decide(replace(case, job=replace(case.job, released=True)))


@pytest.mark.parametrize("key", [bytes(32), b"\1" + bytes(31), b"short"])
def test_line_2_refuses_a_result_key_that_nothing_can_be_sealed_to(case: Case, key: bytes) -> None:
    with pytest.raises(ResultKeyInvalid):
        decide(replace(case, job=replace(case.job, result_key=key)))


@pytest.mark.parametrize(("window", "margin"), [(86400, 1800), (3600, 360)])
def test_line_2_refuses_a_release_close_to_its_deadline(case: Case, window: int, margin: int) -> None:
    settled = {"state": JobState.SETTLED, "settled": case.job.proposed, "release_by": 1000 + window}
    job = replace(case.job, release=window, **settled)
    decide(replace(case, job=job, now=1000 + window - margin - 1))
    with pytest.raises(TooLateToRelease):
        decide(replace(case, job=job, now=1000 + window - margin))


# --- 3 circuit ------------------------------------------------------------------------------------


def test_line_3_refuses_a_circuit_that_the_policy_no_longer_passes(case: Case) -> None:
    with pytest.raises(PolicyRefused, match="ranges read off the data"):
        decide(replace(case, manifest=replace(case.manifest, ranges="inferred")))


# --- 4 bytes --------------------------------------------------------------------------------------


def test_line_4_refuses_bytes_with_another_digest(case: Case) -> None:
    with pytest.raises(ResultRefused, match="another digest"):
        decide(replace(case, result=case.result + b" "))


def test_line_4_refuses_a_result_manifest_that_is_not_canonical(case: Case) -> None:
    with pytest.raises(ResultRefused, match="malformed"):
        decide(agreed(case, case.result.replace(b",", b", ", 1), case.outputs))


def test_line_4_refuses_the_result_of_another_job(case: Case) -> None:
    with pytest.raises(ResultRefused, match="another job"):
        decide(offered(case, case.outputs, job=8))


def test_line_4_has_nothing_to_open_in_an_agreed_failure(case: Case) -> None:
    failed = ResultManifest(job=case.job.id, status="failed", code="scale", outputs=(), trace=bytes(32))
    with pytest.raises(NothingToRelease):
        decide(agreed(case, documents.encode(failed), ()))


def test_line_4_refuses_a_ciphertext_that_the_manifest_does_not_name(case: Case) -> None:
    swapped = (case.outputs[1], case.outputs[0], *case.outputs[2:])
    with pytest.raises(ResultRefused, match="not the one"):
        decide(replace(case, outputs=swapped))


@pytest.mark.parametrize("change", ["fewer", "longer"])
def test_line_4_refuses_another_number_or_size_of_ciphertexts(case: Case, change: str) -> None:
    outputs = case.outputs[1:] if change == "fewer" else (case.outputs[0] + bytes(8), *case.outputs[1:])
    with pytest.raises(ResultRefused):
        decide(offered(case, outputs))


def an_input(case: Case, encrypted: Encrypted, store: FolderStore) -> tuple[bytes, Shape]:
    """An uploaded ciphertext in canonical bytes, with as few primes as a result has."""
    parameters = case.program.edition.parameters
    fresh = Shape(2, len(parameters.data_primes), parameters.scale)
    blob = encrypted.manifest.edition("stats").inputs["age"][0]
    seal = engine(parameters)
    data = to_canonical(seal, from_seeded(seal, store.get(Cid.parse(blob.cid), blob.size), fresh), fresh)
    return data, fresh


def row(data: bytes, polynomial: int, primes: int, degree: int) -> bytes:
    start = CANONICAL_HEADER + polynomial * primes * 8 * degree
    return data[start : start + 8 * degree]


@pytest.mark.parametrize("disguise", ["first primes", "second polynomial", "polynomials swapped"])
def test_line_4_refuses_what_repeats_an_input(
    case: Case, encrypted: Encrypted, store: FolderStore, disguise: str
) -> None:
    target = next(
        i for i, (name, _, _) in enumerate(case.program.result_sizes()) if name.endswith(".squares")
    )
    degree = case.program.edition.parameters.degree
    data, fresh = an_input(case, encrypted, store)
    first, second = (row(data, polynomial, fresh.primes, degree) for polynomial in (0, 1))
    honest = case.outputs[target]
    head, mine = honest[:CANONICAL_HEADER], [row(honest, polynomial, 1, degree) for polynomial in (0, 1)]
    forged = {
        "first primes": head + first + second,
        "second polynomial": head + mine[0] + second,
        "polynomials swapped": head + second + first,
    }[disguise]
    outputs = (*case.outputs[:target], forged, *case.outputs[target + 1 :])
    with pytest.raises(ResultRefused, match="repeats an input"):
        decide(offered(case, outputs))


def test_line_4_lets_a_circuit_hand_a_single_block_to_the_key_holder_to_add_up(case: Case) -> None:
    sums = [name for name, _, _ in case.program.result_sizes() if name.endswith(".sum")]
    assert sums
    decide(case)


def test_line_4_refuses_the_result_of_another_circuit_but_not_a_shared_output(
    case: Case,
    encrypted: Encrypted,
    described: Ran,
    store: FolderStore,
    runner: evaluation.Evaluator,
    desk: Desk,
    house: Path,
) -> None:
    table = circuit_table(case.manifest.columns, case.manifest.rows, case.manifest.row_norm)
    alone = run(describe(table, ["age"], noise=True), 9, encrypted, store, runner, house / "cache")
    desk.journal.keep_prints(
        sources(encrypted.digest, alone.circuit, lower(alone.circuit), alone.run.outputs)
    )
    decide(case)  # its `age` outputs are the very bytes of the other circuit's
    moved = (case.outputs[2], case.outputs[3], case.outputs[0], case.outputs[1])
    with pytest.raises(ResultRefused, match="another circuit"):
        decide(offered(case, moved))


def test_what_differs_by_a_constant_has_one_name_where_constants_stay_out_of_the_ciphertext(
    case: Case,
) -> None:
    for edition, same in (("linear", True), ("stats", False)):
        draft = Draft(case.circuit.table)
        score = draft["age"] * 0.5
        outputs = {"plain": score, "moved": score + 1.0, "other": draft["age"] * 0.25 + 1.0}
        circuit = draft.circuit(edition, outputs, "exact")
        plain, moved, other = (expression(circuit, output.node) for output in circuit.outputs)
        assert (plain == moved) is same
        assert other not in (plain, moved)


def test_line_4_knows_a_result_again_whose_circuit_names_its_operands_the_other_way_round(
    case: Case,
    encrypted: Encrypted,
    store: FolderStore,
    runner: evaluation.Evaluator,
    desk: Desk,
    house: Path,
) -> None:
    draft = Draft(circuit_table(case.manifest.columns, case.manifest.rows, case.manifest.row_norm))
    age, dose = draft["age"], draft["dose"]
    for number, product in enumerate((age * dose + age, age + dose * age), 11):
        circuit = draft.circuit("stats", {"product": product.sum()}, "noise")
        made = run(circuit, number, encrypted, store, runner, house / "cache")
        job = replace(job_of(made, encrypted), id=number)
        parts = {
            "circuit": circuit,
            "program": lower(circuit),
            "digest": made.run.digest,
            "offer": offer_of(job),
        }
        decide(replace(case, job=job, result=made.run.manifest, outputs=made.run.outputs, **parts))
        desk.journal.keep_prints(sources(encrypted.digest, circuit, lower(circuit), made.run.outputs))


# --- 5 rerun --------------------------------------------------------------------------------------


def test_line_5_refuses_what_the_owners_own_run_does_not_give(case: Case) -> None:
    with pytest.raises(RerunDiffers):
        decide(replace(settled(case), digest=bytes(32)))


# --- 6 parse --------------------------------------------------------------------------------------


def first_output(case: Case, change: Callable[[bytearray], None]) -> Case:
    data = bytearray(case.outputs[1])
    change(data)
    return offered(case, (case.outputs[0], bytes(data), *case.outputs[2:]))


def put(at: int, data: bytes) -> Callable[[bytearray], None]:
    def change(target: bytearray) -> None:
        target[at : at + len(data)] = data

    return change


@pytest.mark.parametrize(
    "change",
    [
        put(0, b"XXXX"), put(4, bytes(32)), put(36, b"\0"), put(37, b"\3"), put(38, b"\2\0"), put(40, b"\0\0\1\0"),
        put(44, bytes(8)), put(CANONICAL_HEADER, b"\xff" * 8), put(CANONICAL_HEADER + 8 * 8192, bytes(8 * 8192)),
    ],
    ids=["tag", "parameters", "form", "size", "level", "degree", "scale", "residue", "transparent"],
)  # fmt: skip
def test_line_6_refuses_a_ciphertext_of_another_form(case: Case, change: Callable[[bytearray], None]) -> None:
    with pytest.raises(MalformedBlob):
        decide(first_output(case, change))


# --- order and key --------------------------------------------------------------------------------

WRONG: dict[str, Callable[[Case], Case]] = {
    "chain": lambda case: replace(case, job=replace(case.job, state=JobState.OPEN)),
    "offer": lambda case: replace(case, offer=None),
    "circuit": lambda case: replace(case, manifest=replace(case.manifest, ranges="inferred")),
    "bytes": lambda case: replace(case, result=case.result + b" "),
    "rerun": lambda case: replace(case, digest=bytes(32)),
}
EXPECTED: dict[str, type[HexchangeError]] = {
    "chain": DigestNotFinal, "offer": OfferNotOurs, "circuit": PolicyRefused, "bytes": ResultRefused,
    "rerun": RerunDiffers,
}  # fmt: skip


@pytest.mark.parametrize("line", WRONG)
def test_the_first_line_that_is_wrong_decides(case: Case, line: str) -> None:
    names, case = list(WRONG), settled(case)
    for later in names[names.index(line) :]:
        case = WRONG[later](case)
    with pytest.raises(EXPECTED[line]):
        decide(case)


@contextmanager
def no_keys(encrypted: Encrypted) -> Iterator[None]:
    keys = list(encrypted.workspace.folder.glob("*.key"))
    away = encrypted.workspace.folder / "away"
    away.mkdir()
    for key in keys:
        shutil.move(key, away / key.name)
    try:
        yield
    finally:
        for key in keys:
            shutil.move(away / key.name, key)
        away.rmdir()


def outcome(case: Case) -> tuple[str, str]:
    try:
        decide(case)
    except HexchangeError as error:
        return type(error).__name__, error.message
    return "passed", ""


def test_the_gate_decides_alike_with_and_without_a_key_file(case: Case, encrypted: Encrypted) -> None:
    cases = [
        case,
        *(change(settled(case)) for change in WRONG.values()),
        first_output(case, put(44, bytes(8))),
    ]
    with_key = [outcome(each) for each in cases]
    with no_keys(encrypted):
        assert [outcome(each) for each in cases] == with_key
    assert [name for name, _ in with_key] == [
        "passed",
        *(e.__name__ for e in EXPECTED.values()),
        "MalformedBlob",
    ]
