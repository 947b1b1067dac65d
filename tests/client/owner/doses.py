"""A small table of doses, circuits run over it, and the jobs that ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from nacl.public import PrivateKey

from hexchange import evaluation
from hexchange.chain.events import ZERO_ADDRESS, Offer
from hexchange.circuit.document import Circuit, circuit_digest, encode_circuit
from hexchange.circuit.lowering import lower
from hexchange.evaluation import Evaluated
from hexchange.market.manifests import Column
from hexchange.market.state import Dataset, Job, JobState
from hexchange.owner.blobs import BlobIndex
from hexchange.owner.encrypt import Encrypted
from hexchange.owner.gate import Case
from hexchange.owner.release import Desk
from hexchange.owner.schema import Schema
from hexchange.storage.folder import FolderStore

ME, BUYER = "0x" + "a" * 40, "0x" + "b" * 40
ROWS = 40
SEED = b"seed of round one".rjust(32)
BUYER_KEY = PrivateKey(bytes(range(32)))


def frame(rows: int = ROWS) -> pd.DataFrame:
    generator = np.random.default_rng(3)
    table = pd.DataFrame({"age": generator.uniform(20, 80, rows), "dose": generator.uniform(0, 5, rows)})
    table["ill"] = (table["age"] + generator.normal(0, 20, rows) > 50).astype(int)
    return table


def schema(*, clip: bool = False, row_norm: float | None = 1.3) -> Schema:
    columns = (
        Column("age", "number", "feature", "years", 0.0, 100.0),
        Column("dose", "number", "feature", "mg", 0.0, 5.0),
        Column("ill", "boolean", "label", "", 0.0, 1.0),
    )
    return Schema(columns, "declared", row_norm, clip)


@dataclass(frozen=True)
class Ran:
    """A circuit over the table, with the owner's own run of it as job `job`."""

    circuit: Circuit
    run: Evaluated


def run(
    circuit: Circuit,
    job: int,
    encrypted: Encrypted,
    store: FolderStore,
    runner: evaluation.Evaluator,
    cache: Path,
) -> Ran:
    digest = store.put_block(encode_circuit(circuit))
    inputs = evaluation.fetch(store, evaluation.plan(store, encrypted.digest, digest), cache)
    return Ran(circuit, runner.evaluate(inputs, job, [SEED]))


def job_of(ran: Ran, encrypted: Encrypted, *, epsilon: int = 1_000_000, number: int = 7) -> Job:
    return Job(
        id=number, dataset=1, buyer=BUYER, owner=ME, payee=ME, offer=b"o" * 32, manifest=encrypted.digest,
        circuit=circuit_digest(ran.circuit), price=10, guarantee=0, epsilon=epsilon, seats=1, floor=1, reward=1,
        fill=60, compute=600, release=86400, result_key=bytes(BUYER_KEY.public_key), opened_at=1, rounds=(),
        state=JobState.PROPOSED, trace_seed=SEED, proposed=ran.run.digest, proposed_at=50,
    )  # fmt: skip


def offer_of(job: Job) -> Offer:
    return Offer(
        job.dataset, 0, job.manifest, job.circuit, ZERO_ADDRESS, ZERO_ADDRESS, job.price, job.guarantee,
        job.epsilon, 1, 1, 1, 1, 1, 2**40 - 1, 1, bytes(32),
    )  # fmt: skip


def dataset_of(encrypted: Encrypted, epsilon: int = 5_000_000, exact: int = 3) -> Dataset:
    return Dataset(1, ME, encrypted.digest, epsilon, exact, 1)


@contextmanager
def agreed(ran: Ran, job: Job, encrypted: Encrypted, desk: Desk) -> Iterator[Case]:
    """What the gate decides on after honest seats agreed on the owner's own run."""
    index = BlobIndex(encrypted.workspace.folder / "blobs.sqlite")
    yield Case(
        me=ME, now=60, job=job, offer=offer_of(job), manifest=encrypted.manifest, circuit=ran.circuit,
        program=lower(ran.circuit), digest=ran.run.digest, result=ran.run.manifest, outputs=ran.run.outputs,
        input_repeats=index.repeats, computed=desk.journal.source,
    )  # fmt: skip
    index.close()
