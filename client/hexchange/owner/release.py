"""From a result that passed the gate to the two values that `release` puts on chain.

Debit, open, seal, keep, publish, read back: each step is on disk before the next, so a repeated call debits
once, draws noise once, and gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from hexchange.chain.deployment import Deployment
from hexchange.circuit.analysis import check
from hexchange.circuit.document import Circuit
from hexchange.circuit.results import released_errors
from hexchange.errors import ContentMismatch, OtherHistory
from hexchange.market import documents
from hexchange.market.manifests import Manifest
from hexchange.market.results import Provenance, ReleasedOutput, ReleasedResult, SealedResult, sealed_size
from hexchange.market.state import Dataset, Job
from hexchange.owner.budget import Debit, Ledger
from hexchange.owner.gate import Case
from hexchange.owner.journal import Journal
from hexchange.owner.opening import Opened, open_in_child
from hexchange.owner.prints import sources
from hexchange.owner.workspace import Workspace
from hexchange.sealing import seal_result
from hexchange.storage.store import ContentStore


@dataclass(frozen=True, slots=True)
class Released:
    """The arguments of `release`: the digest of the sealed result's document, and the sealed key."""

    result: bytes
    sealed_key: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Desk:
    """Where releases of one market are counted, kept and published."""

    ledger: Ledger
    journal: Journal
    store: ContentStore
    deployment: Deployment


def make_release(desk: Desk, case: Case, dataset: Dataset, workspace: Workspace) -> Released:
    """What follows the gate. Raises BudgetShort, KeyWornOut, GridTooFine, and OtherHistory where the books here
    have a release of another job under the same number."""
    job = case.job
    asked = b"".join((job.offer, job.manifest, job.circuit, job.result_key, case.digest))
    if not desk.journal.claim(job.id, sha256(asked).digest()):
        raise OtherHistory(
            f"job {job.id} is another one than the job {job.id} that was released from this home folder",
            hint="use another --home for a chain that was started anew: budgets and releases are kept there",
        )
    sealed = desk.journal.sealed(job.id)
    if sealed is None:
        debit(desk, case, dataset)
        opened = open_case(case, workspace)
        document = released_result(job, case.circuit, case.manifest, opened, desk.deployment)
        fresh = seal_result(documents.encode(document), sealed_size(document), job.result_key)
        desk.journal.keep_sealed(job.id, fresh.ciphertext, fresh.sealed_key)
        sealed = fresh.ciphertext, fresh.sealed_key
    ciphertext, sealed_key = sealed
    return Released(publish(desk.store, job.id, ciphertext), sealed_key, len(ciphertext))


def debit(desk: Desk, case: Case, dataset: Dataset) -> None:
    """Count the release, for good, before any key is loaded."""
    job = case.job
    key = f"{job.manifest.hex()}/{case.circuit.profile.edition}"
    entry = Debit(job.id, dataset.id, key, job.epsilon, case.now)
    desk.ledger.debit(entry, epsilon_budget=dataset.epsilon_budget, exact_releases=dataset.exact_releases)
    desk.journal.keep_prints(sources(job.manifest, case.circuit, case.program, case.outputs))


def open_case(case: Case, workspace: Workspace) -> Opened:
    """Decrypt in the key process."""
    edition = case.circuit.profile.edition
    delta = case.manifest.delta if case.job.epsilon else None
    private = workspace.private(edition)
    return open_in_child(case.circuit, case.outputs, workspace.key(edition), private, case.job.epsilon, delta)


def released_result(
    job: Job, circuit: Circuit, manifest: Manifest, opened: Opened, deployment: Deployment
) -> ReleasedResult:
    """The document that is sealed to the buyer."""
    digest = job.settled or job.proposed
    assert digest is not None
    errors = released_errors(circuit, check(circuit).errors)
    outputs = tuple(
        ReleasedOutput(name, shape, circuit.release.grid, counts, errors[name], opened.deviation or None)
        for name, (shape, counts) in opened.outputs.items()
    )
    provenance = Provenance(
        deployment.chain, deployment.market, job.id, job.dataset, job.manifest, job.circuit, digest,
        circuit.profile.edition,
    )  # fmt: skip
    return ReleasedResult(provenance, job.epsilon, manifest.delta if job.epsilon else None, outputs)


def publish(store: ContentStore, job: int, ciphertext: bytes) -> bytes:
    """Put a sealed result where its buyer finds it, and read it back; the digest of its document."""
    cid = store.put(ciphertext)
    if store.get(cid, len(ciphertext)) != ciphertext:
        raise ContentMismatch(
            f"the sealed result of job {job} does not come back as it was put", hint="check the store"
        )
    document = documents.encode(SealedResult(job, str(cid), len(ciphertext)))
    digest = store.put_block(document)
    if store.get_block(digest, len(document)) != document:
        raise ContentMismatch(
            f"the document of job {job} does not come back as it was put", hint="check the store"
        )
    return digest
