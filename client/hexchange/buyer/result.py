"""The result of a job: found by the chain's digest, opened with the buyer's key, checked, and made useful."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import skops.io
from nacl.public import PrivateKey

from hexchange.buyer.catalogue import CIRCUIT_BYTES
from hexchange.chain.deployment import Deployment
from hexchange.circuit.document import Circuit, parse_circuit
from hexchange.circuit.results import present
from hexchange.errors import ForeignResult, NotReleased
from hexchange.market import documents
from hexchange.market.results import ReleasedResult, SealedResult
from hexchange.market.state import Job
from hexchange.sealing import SealedBytes, open_result
from hexchange.storage.cid import Cid
from hexchange.storage.store import ContentStore

RESULT_BYTES = ReleasedResult.CAP


def read_result(job: Job, store: ContentStore, key: PrivateKey, deployment: Deployment) -> ReleasedResult:
    """Fetch, verify, unseal and check the released result of `job`.

    Raises NotReleased before the release, SealedForAnother for another buyer's result, ForeignResult where the
    provenance inside is not this job, and the store's errors.
    """
    if not job.released or job.result is None:
        raise NotReleased(
            f"job {job.id} is {job.state}; its result has not been released",
            hint=f"`hexchange buy watch {job.id}` waits for it",
        )
    sealed = documents.parse(SealedResult, store.get_block(job.result))
    ciphertext = store.get(Cid.parse(sealed.cid), min(sealed.size, RESULT_BYTES))
    document = open_result(SealedBytes(ciphertext, job.sealed_key), key)
    result = documents.parse(ReleasedResult, document)
    found = result.provenance
    expected = (deployment.chain, deployment.market, job.id, job.dataset, job.manifest, job.circuit)
    told = (found.chain, found.market, found.job, found.dataset, found.manifest, found.circuit)
    if told != expected or result.epsilon != job.epsilon:
        raise ForeignResult(
            f"what was released for job {job.id} says that it belongs to another job",
            hint="keep it as evidence and ask the owner; the price is already paid",
        )
    return result


def circuit_of(job: Job, store: ContentStore) -> Circuit:
    """The circuit that the job ran."""
    return parse_circuit(store.get_block(job.circuit, CIRCUIT_BYTES))


def to_useful(circuit: Circuit, result: ReleasedResult) -> Any:
    """A DataFrame, or a fitted scikit-learn estimator where the circuit trains one."""
    return present(circuit, {output.name: np.array(output.values()) for output in result.outputs})


def save(useful: Any, result: ReleasedResult, folder: Path) -> list[Path]:
    """Write the result as CSV or skops (never pickle) and its provenance as JSON; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(useful, pd.DataFrame):
        target = folder / "result.csv"
        useful.to_csv(target)
    else:
        target = folder / "model.skops"
        skops.io.dump(useful, target)
    about = folder / "result.json"
    document = json.loads(documents.encode(result))
    about.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return [target, about]
