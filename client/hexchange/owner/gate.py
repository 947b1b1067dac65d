"""The owner's gate: what must hold before anything is decrypted, in this order.

    1 chain    the digest stands in a finalized block, of the right chain and contracts
    2 offer    the job rests on an offer signed here, and can still be released
    3 circuit  the owner's policy passes again, from the circuit's own bytes
    4 bytes    size, canonical form, digest; no repeat of an input or of another circuit's result
    5 rerun    the owner's own run gives the same digest
    6 parse    every ciphertext is, byte for byte, of the shape that the circuit's lowering says

Only then (7) the budget is debited and (8) a key is loaded, see `release`. All of it decides on public
bytes: no line here knows whether a key exists. A refusal is a typed error; DigestNotFinal alone means "ask
again later".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

from nacl.exceptions import CryptoError
from nacl.public import PublicKey, SealedBox

from hexchange.chain.events import Offer
from hexchange.circuit.document import Circuit
from hexchange.circuit.program import Program
from hexchange.errors import (
    AlreadyReleased,
    DigestNotFinal,
    MalformedDocument,
    NothingToRelease,
    OfferNotOurs,
    RerunDiffers,
    ResultKeyInvalid,
    ResultRefused,
    TooLateToRelease,
)
from hexchange.he import sandbox, worker
from hexchange.market import documents
from hexchange.market.manifests import Manifest
from hexchange.market.results import ResultManifest
from hexchange.market.state import Job, JobState
from hexchange.owner import policy
from hexchange.owner.prints import copies, result_prints, sources
from hexchange.storage.tree import identify

PARSE = sandbox.Limits(memory=2 << 30, cpu_seconds=120, wall_seconds=240.0, output_bytes=1 << 20)

MARGIN = 30 * 60
"""Seconds before its deadline in which no release is sent, or a tenth of its window if that is less."""


@dataclass(frozen=True, slots=True)
class Case:
    """All that the gate decides on. `job` is as of the finalized block, `now` is block time.

    `offer` is what was signed here under the job's offer digest, `digest` that of the owner's own run,
    `result` and `outputs` the bytes that would be opened. `input_repeats` says whether any of some prints is
    that of an input, `computed` what a print was computed as in an earlier result.
    """

    me: str
    now: int
    job: Job
    offer: Offer | None
    manifest: Manifest
    circuit: Circuit
    program: Program
    digest: bytes
    result: bytes
    outputs: tuple[bytes, ...]
    input_repeats: Callable[[list[bytes]], bool]
    computed: Callable[[bytes], bytes | None]


def decide(case: Case, check_contracts: Callable[[], None]) -> None:
    """Pass, or raise what refuses. `check_contracts` raises WrongChain or WrongContracts."""
    check_contracts()
    agreed = check_final(case.job, case.digest)
    check_offer(case.me, case.job, case.offer)
    check_time(case.job, case.now)
    policy.review(case.circuit, case.manifest, case.job.epsilon)
    check_bytes(case, agreed)
    check_rerun(case, agreed)
    sandbox.run(worker.check_result, case.program, case.outputs, limits=PARSE)


def check_final(job: Job, own: bytes) -> bytes:
    """Line 1: the digest that finalized blocks agree on; `own` is that of the own run. Raises DigestNotFinal.

    A proposed digest that the own run does not give may be disputed in blocks that are still to be final, so
    nothing is held against the job before it is settled.
    """
    agreed = job.settled or job.proposed
    if job.state not in (JobState.PROPOSED, JobState.SETTLED) or agreed is None:
        raise DigestNotFinal(
            f"job {job.id} is {job.state} in the finalized block", hint="wait for it to be final"
        )
    if job.state is JobState.PROPOSED and agreed != own:
        raise DigestNotFinal(
            f"job {job.id} is proposed with another digest in the finalized block",
            hint="wait for its dispute",
        )
    return agreed


def check_offer(me: str, job: Job, offer: Offer | None) -> None:
    """Line 2; also asked when a job opens. Raises OfferNotOurs, AlreadyReleased, ResultKeyInvalid."""
    if offer is None or job.owner != me or job.own:
        reason = f"job {job.id} does not rest on an offer that was signed here"
        raise OfferNotOurs(reason, hint="it is declined")
    signed = (offer.dataset, offer.manifest, offer.circuit, offer.price, offer.guarantee, offer.epsilon)
    if signed != (job.dataset, job.manifest, job.circuit, job.price, job.guarantee, job.epsilon):
        reason = f"job {job.id} has other terms than the offer that was signed here"
        raise OfferNotOurs(reason, hint="it is declined")
    if job.released:
        raise AlreadyReleased(f"job {job.id} is released", hint="nothing is left to do")
    if not sealable(job.result_key):
        reason = f"job {job.id}: nothing can be sealed to the buyer's result key"
        raise ResultKeyInvalid(reason, hint="it is declined")


def check_time(job: Job, now: int) -> None:
    """The rest of line 2: a release that lands after its deadline gives the result away unpaid.

    Raises TooLateToRelease.
    """
    if job.state is JobState.SETTLED and now >= job.release_by - min(MARGIN, job.release // 10):
        reason = f"job {job.id}: the release deadline is too near"
        raise TooLateToRelease(reason, hint="it is declined, or lapses")


def sealable(result_key: bytes) -> bool:
    """Whether an X25519 key is a point that a secret can be shared with."""
    try:
        SealedBox(PublicKey(result_key)).encrypt(b"")
    except (CryptoError, ValueError, TypeError):
        return False
    return True


def check_bytes(case: Case, agreed: bytes) -> None:
    """Line 4. Raises ResultRefused, and NothingToRelease for an agreed failure."""
    if len(case.result) > ResultManifest.CAP or sha256(case.result).digest() != agreed:
        raise _refused(case, "the result's bytes have another digest than the agreed one")
    try:
        result = documents.parse(ResultManifest, case.result)
    except MalformedDocument:
        raise _refused(case, "the result manifest is malformed") from None
    if result.job != case.job.id:
        raise _refused(case, "the result is that of another job")
    if result.status != "ok":
        raise NothingToRelease(
            f"job {case.job.id}: the agreed run failed with {result.code}", hint="it is declined"
        )
    sizes = [size for _, _, size in case.program.result_sizes()]
    if not len(sizes) == len(result.outputs) == len(case.outputs):
        raise _refused(case, "the result has another number of ciphertexts than the circuit")
    for size, blob, output in zip(sizes, result.outputs, case.outputs, strict=True):
        if not size == blob.size == len(output) or str(identify(BytesIO(output))) != blob.cid:
            raise _refused(case, "a ciphertext is not the one that the result manifest names")
    _check_repeats(case)


def _check_repeats(case: Case) -> None:
    own = copies(case.program)
    for name, _, found in result_prints(case.program, case.outputs):
        if name not in own and case.input_repeats(found):
            raise _refused(case, "a ciphertext repeats an input, or part of one")
    for print_, computed in sources(case.job.manifest, case.circuit, case.program, case.outputs).items():
        if case.computed(print_) not in (None, computed):
            raise _refused(case, "a ciphertext repeats the result of another circuit")


def check_rerun(case: Case, agreed: bytes) -> None:
    """Line 5: byte equality with a run that neither buyer nor provider controls. Raises RerunDiffers."""
    if case.digest != agreed:
        raise RerunDiffers(
            f"job {case.job.id}: the owner's own run gives another digest", hint="it is not opened"
        )


def _refused(case: Case, reason: str) -> ResultRefused:
    return ResultRefused(f"job {case.job.id}: {reason}", hint="it is not opened")
