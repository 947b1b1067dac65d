"""The result of a job: found by the chain's digest, opened with the buyer's key, checked, and made useful."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from nacl.public import PrivateKey

from hexchange.chain.deployment import Deployment
from hexchange.chain.events import JobSettled, ResultProposed
from hexchange.circuit.analysis import analyse
from hexchange.circuit.document import Circuit, parse_circuit
from hexchange.circuit.results import present, released_errors, shapes
from hexchange.errors import ForeignResult, NotReleased, SealedForAnother
from hexchange.market import documents
from hexchange.market.results import ReleasedResult, SealedResult
from hexchange.market.state import Job
from hexchange.sealing import OVERHEAD_BYTES, SealedBytes, open_result
from hexchange.storage.cid import Cid
from hexchange.storage.store import ContentStore


def read_result(job: Job, store: ContentStore, key: PrivateKey, deployment: Deployment) -> ReleasedResult:
    """Fetch, verify, unseal and check the released result of `job`.

    Raises NotReleased before the release, SealedForAnother for another buyer's result, ForeignResult where what is
    inside is not of this job, and the store's errors.
    """
    if not job.released or job.result is None:
        raise NotReleased(
            f"job {job.id} is {job.state}; its result has not been released",
            hint=f"`hexchange buy watch {job.id}` waits for it",
        )
    if job.result_key != bytes(key.public_key):
        raise SealedForAnother(
            f"job {job.id} was bought with another result key",
            hint="use the home folder that bought the job; its key lies in buyer/result.key",
        )
    sealed = documents.parse(SealedResult, store.get_block(job.result, SealedResult.CAP))
    ciphertext = store.get(Cid.parse(sealed.cid), min(sealed.size, ReleasedResult.CAP + OVERHEAD_BYTES))
    result = documents.parse(ReleasedResult, open_result(SealedBytes(ciphertext, job.sealed_key), key))
    _require_own(job, sealed, result, deployment)
    return result


def circuit_of(job: Job, store: ContentStore) -> Circuit:
    """The circuit that the job ran."""
    return parse_circuit(store.get_block(job.circuit))


def useful(circuit: Circuit, result: ReleasedResult, kind: str | None = None) -> Any:
    """A DataFrame, or a fitted scikit-learn estimator; of another kind than the circuit's own if one is named.

    Raises ForeignResult where the result holds other outputs than the circuit, and ResultUnfit for a kind that
    is unknown or needs other outputs.
    """
    expected = {name: (shape, circuit.release.grid) for name, shape in shapes(circuit).items()}
    if {output.name: (output.shape, output.grid) for output in result.outputs} != expected:
        raise _foreign(result.provenance.job, "holds other outputs than its circuit")
    return present(
        circuit,
        {output.name: np.array(output.values()).reshape(output.shape) for output in result.outputs},
        errors=released_errors(circuit, analyse(circuit).errors),
        noise=max(output.noise or 0.0 for output in result.outputs),
        result=kind,
    )


def save(found: Any, result: ReleasedResult, folder: Path) -> list[Path]:
    """Write the result as CSV or skops (never pickle) and its provenance as JSON; the files written."""
    import pandas as pd  # slow to import, as is skops, and needed here alone
    import skops.io

    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(found, pd.DataFrame):
        target = folder / "result.csv"
        found.to_csv(target)
    else:
        target = folder / "model.skops"
        skops.io.dump(found, target)
    about = folder / "result.json"
    document = json.loads(documents.encode(result))
    about.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return [target, about]


def _require_own(job: Job, sealed: SealedResult, result: ReleasedResult, deployment: Deployment) -> None:
    """What the owner wrote into the result has to be what the chain says about the job."""
    found = result.provenance
    told = (sealed.job, found.job, found.chain, found.market, found.dataset, found.manifest, found.circuit)
    place = (deployment.chain, deployment.market, job.dataset, job.manifest, job.circuit)
    if told != (job.id, job.id, *place) or found.digest not in _digests(job):
        raise _foreign(job.id, "says that it belongs to another job")
    if result.epsilon != job.epsilon:
        raise _foreign(job.id, f"was made with ε of {result.epsilon} millionths, not {job.epsilon}")


def _digests(job: Job) -> set[bytes]:
    """The digests that were agreed on at some time: a release in Proposed may be disputed later."""
    agreed = (event.digest for event in job.timeline if isinstance(event, ResultProposed | JobSettled))
    return {*agreed, *([job.settled] if job.settled else [])}


def _foreign(job: int, reason: str) -> ForeignResult:
    return ForeignResult(
        f"what was released for job {job} {reason}",
        hint="keep it as evidence and ask the owner; the price is already paid",
    )
