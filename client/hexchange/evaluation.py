"""Run a job from public data alone: what a provider, the owner's own check, a challenger and an auditor all
do.

Four steps: `plan` reads the two small documents, checks and lowers the circuit; `fetch` gets every blob,
verified against its CID; `Evaluator.check` and `Evaluator.evaluate` work in sandboxed children, because
ciphertexts and keys are strangers' bytes. In this process nothing but JSON is parsed.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path
from time import monotonic
from types import TracebackType

from hexchange.circuit.analysis import Analysis, check
from hexchange.circuit.costs import COSTS, CostTable, most_ciphertext_bytes, most_key_bytes
from hexchange.circuit.document import Circuit, parse_circuit
from hexchange.circuit.lowering import lower
from hexchange.circuit.program import Program
from hexchange.errors import InputMismatch, NotDrawn, RunTooLarge
from hexchange.he.cluster import Cluster
from hexchange.he.crew import Crew
from hexchange.he.engine import parameter_id
from hexchange.he.evaluator import Evaluation
from hexchange.he.sandbox import Limits
from hexchange.market import documents
from hexchange.market.digests import NO_SALT
from hexchange.market.manifests import Blob, Edition, Manifest
from hexchange.market.results import ResultManifest
from hexchange.market.state import Job
from hexchange.storage.cid import Cid
from hexchange.storage.store import ContentStore
from hexchange.storage.tree import identify

Progress = Callable[[int, int], None]

MEMORY = 4 << 30
"""Memory of a run where nobody says otherwise (bytes)."""

LEAST_MEMORY = 1 << 30
"""Address space of a child before it holds any ciphertext (bytes): interpreter, libraries, parsing."""

DOCUMENT_SECONDS = 60.0
"""How long the store may take for one small document."""

WORTH_SPLITTING = 1.0
"""Declared seconds that another child has to take off a run before one is used."""

SLOWEST = 20.0
"""A run may take this many times its declared seconds, plus a minute, before its child is ended."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A job as its two documents describe it; nothing big was fetched yet."""

    manifest_digest: bytes
    circuit_digest: bytes
    manifest: Manifest
    circuit: Circuit
    edition: Edition
    program: Program
    analysis: Analysis

    @property
    def inputs(self) -> dict[tuple[str, int], Blob]:
        """Every ciphertext that the program reads, by input name and row block."""
        blobs = self.edition.inputs
        return {
            (source.name, block): blobs[source.name][block]
            for source in self.program.inputs
            for block in range(self.program.blocks if source.per_block else 1)
        }

    @property
    def relin(self) -> Blob | None:
        """The relinearisation key, if the program needs it."""
        return self.edition.relin if self.program.relinearizes else None

    @property
    def rotations(self) -> dict[int, Blob]:
        """The keys of the rotation steps that the program uses."""
        return {step: self.edition.rotations[str(step)] for step in self.program.steps}

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """Everything that has to be fetched, once each."""
        needed = [*self.inputs.values(), *self.rotations.values(), *([self.relin] if self.relin else [])]
        return tuple(dict.fromkeys(needed))

    @property
    def size(self) -> int:
        """Bytes to fetch."""
        return sum(blob.size for blob in self.blobs)

    @property
    def memory(self) -> int:
        """Address space that a run is given (bytes): half as much again as declared."""
        return LEAST_MEMORY + self.analysis.memory * 3 // 2

    @property
    def seconds(self) -> float:
        """Declared computing time."""
        return self.analysis.seconds


@dataclass(frozen=True, slots=True)
class JobInputs:
    """A plan with its blobs on disk: each file is named by its CID and holds exactly its bytes."""

    plan: Plan
    folder: Path

    def path(self, blob: Blob) -> Path:
        return self.folder / blob.cid


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a run yields: `manifest` is the canonical result manifest, `digest` its sha-256.

    `salted` is the trace under the seed of round two, 32 zero bytes without one; `outputs` are canonical
    ciphertexts in the order of the program, none for a failed run.
    """

    digest: bytes
    salted: bytes
    manifest: bytes
    outputs: tuple[bytes, ...]

    @property
    def result(self) -> ResultManifest:
        return documents.parse(ResultManifest, self.manifest)


@dataclass(frozen=True, slots=True)
class Verification:
    """A job run again; `expected` is the digest on chain, settled or proposed, None while nobody named one."""

    job: int
    plan: Plan
    evaluated: Evaluated
    expected: bytes | None
    seconds: float

    @property
    def agrees(self) -> bool:
        return self.evaluated.digest == self.expected


def plan(
    store: ContentStore, manifest_digest: bytes, circuit_digest: bytes, costs: CostTable = COSTS
) -> Plan:
    """Read, check and lower what a job names; `costs` are those of the machine that is to run it.

    Raises ContentMissing and its kin for documents that the store does not give, MalformedDocument and
    MalformedCircuit for wrong ones, EditionNotFound and InputMismatch where the dataset does not hold what
    the circuit reads, and what the circuit's own analysis refuses.
    """
    manifest = documents.parse(
        Manifest, store.get_block(manifest_digest, Manifest.CAP, deadline=DOCUMENT_SECONDS)
    )
    circuit = parse_circuit(store.get_block(circuit_digest, deadline=DOCUMENT_SECONDS))
    analysis = check(circuit, costs)
    program = lower(circuit)
    edition = manifest.edition(program.edition.name)
    _require_columns(manifest, circuit)
    _require_blobs(edition, program)
    return Plan(manifest_digest, circuit_digest, manifest, circuit, edition, program, analysis)


def _require_columns(manifest: Manifest, circuit: Circuit) -> None:
    """The circuit's errors and sensitivities hold only for the table that it was written for."""
    if circuit.table.rows != manifest.rows:
        raise _mismatch(f"the circuit is for {circuit.table.rows} rows, the dataset has {manifest.rows}")
    if circuit.table.norm is not None and circuit.table.norm != manifest.row_norm:
        raise _mismatch("the circuit and the dataset declare different row norms")
    ranges = {column.name: (column.low, column.high) for column in manifest.columns}
    for column in circuit.table.columns:
        if ranges.get(column.name) != (column.low, column.high):
            raise _mismatch(
                f"the dataset has no column {column.name!r} with the range that the circuit declares"
            )


def _require_blobs(edition: Edition, program: Program) -> None:
    parameters = program.edition.parameters
    if edition.parameters != parameter_id(parameters, len(parameters.primes)):
        raise _mismatch(f"edition {edition.name} is declared with other parameters than those of that name")
    for source in program.inputs:
        blocks = program.blocks if source.per_block else 1
        if len(edition.inputs.get(source.name, ())) != blocks:
            raise _mismatch(f"edition {edition.name} does not hold {blocks} blocks of input {source.name!r}")
    if program.relinearizes and edition.relin is None:
        raise _mismatch(f"edition {edition.name} has no relinearisation key")
    missing = [step for step in program.steps if str(step) not in edition.rotations]
    if missing:
        raise _mismatch(f"edition {edition.name} has no key for rotations by {missing[0]}")
    keys = [edition.relin] if edition.relin else []
    keys += edition.rotations.values()
    caps = (most_ciphertext_bytes(parameters), most_key_bytes(parameters))
    for cap, blobs in zip(caps, (chain.from_iterable(edition.inputs.values()), keys), strict=True):
        if any(blob.size > cap for blob in blobs):
            raise _mismatch(
                f"edition {edition.name} declares a blob above {cap} bytes, longer than any can be"
            )


def _mismatch(reason: str) -> InputMismatch:
    return InputMismatch(
        reason, hint="this job cannot be run by anybody; ask the owner for a circuit that fits"
    )


def fetch(
    store: ContentStore,
    plan: Plan,
    folder: Path,
    *,
    progress: Progress | None = None,
    deadline: float = math.inf,
) -> JobInputs:
    """Get every blob of `plan` into `folder`, a cache that jobs share; files that are there are verified
    and kept.

    `deadline` is in seconds for all of it; `progress` hears the bytes done and the bytes in all.
    Raises ContentMissing, ContentMismatch and their kin, and InputMismatch for a blob of another size than
    declared.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done, until = 0, monotonic() + deadline
    for blob in plan.blobs:
        path = folder / blob.cid
        store.fetch(Cid.parse(blob.cid), blob.size, path, deadline=until - monotonic())
        if path.stat().st_size != blob.size:
            raise _mismatch(
                f"blob {blob.cid} has {path.stat().st_size} bytes, the dataset declares {blob.size}"
            )
        done += blob.size
        if progress:
            progress(done, plan.size)
    return JobInputs(plan, folder)


def _arguments(
    inputs: JobInputs,
) -> tuple[Program, dict[tuple[str, int], Path], Path | None, dict[int, Path]]:
    """What a child needs to know: the program, and where each ciphertext and key lies."""
    plan = inputs.plan
    ciphertexts = {place: inputs.path(blob) for place, blob in plan.inputs.items()}
    rotations = {step: inputs.path(blob) for step, blob in plan.rotations.items()}
    return plan.program, ciphertexts, inputs.path(plan.relin) if plan.relin else None, rotations


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


class Evaluator:
    """Sandboxed children that parse and compute; their loaded keys stay for the next job. For one thread."""

    def __init__(
        self, folder: Path, memory: int = MEMORY, processes: int = 0, cluster: Cluster | None = None
    ) -> None:
        """`folder` is all that the children may read, `memory` the most address space of a run (bytes).

        A run is split over at most so many `processes`, or over all cores, or over the workers of a cluster; its bytes
        do not depend on it.
        """
        self._cluster = cluster
        self._memory, self._most = memory, processes or cores()
        self._crew = Crew(folder, self._most, memory)

    def check(self, inputs: JobInputs) -> None:
        """Parse every key and ciphertext as strictly as a run would; raises MalformedBlob for a wrong one."""
        self._crew.check(*_arguments(inputs), limits=self._limits(inputs.plan))

    def evaluate(self, inputs: JobInputs, job: int, seeds: Sequence[bytes]) -> Evaluated:
        """Run the program; `seeds` are those of the rounds drawn so far, the first one always that of round
        one.

        Raises RunTooLarge before, and ChildOutOfMemory, ChildOutOfTime or ChildCrashed where there is no
        result.
        """
        plan, limits = inputs.plan, self._limits(inputs.plan)
        if self._cluster and plan.seconds >= WORTH_SPLITTING:
            return _evaluated(job, self._cluster.run(*_arguments(inputs), seeds=seeds, limits=limits))
        most = min(self._most, math.ceil(plan.seconds / WORTH_SPLITTING), self._memory // plan.memory)
        return _evaluated(job, self._crew.run(*_arguments(inputs), seeds=seeds, most=most, limits=limits))

    def _limits(self, plan: Plan) -> Limits:
        if plan.memory > self._memory:
            raise RunTooLarge(
                f"the run may need {plan.memory >> 20} MiB of memory, {self._memory >> 20} MiB are allowed",
                hint="allow more memory, or leave this job to others",
            )
        seconds = 60 + SLOWEST * plan.seconds
        return Limits(
            memory=self._memory, cpu_seconds=int(seconds), wall_seconds=2 * seconds, output_bytes=1 << 20
        )

    def close(self) -> None:
        self._crew.close()

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _evaluated(job: int, ran: Evaluation) -> Evaluated:
    blobs = tuple(Blob(str(identify(BytesIO(output))), len(output)) for output in ran.outputs)
    result = ResultManifest(job=job, status=ran.status, code=ran.code, outputs=blobs, trace=ran.traces[0])
    manifest = documents.encode(result)
    salted = ran.traces[1] if len(ran.traces) > 1 else NO_SALT
    return Evaluated(hashlib.sha256(manifest).digest(), salted, manifest, ran.outputs)


def seeds_of(job: Job) -> tuple[bytes, ...]:
    """The seeds that a run of `job` needs now: none before the draw, two once round two is drawn.

    Round one counts with its first seed, also after a redraw.
    """
    if job.trace_seed is None:
        return ()
    second = job.rounds[1].seed if len(job.rounds) > 1 else None
    return (job.trace_seed, second) if second else (job.trace_seed,)


def publish(store: ContentStore, evaluated: Evaluated) -> None:
    """Put outputs and result manifest where anybody can read them."""
    for output in evaluated.outputs:
        store.put(output)
    store.put_block(evaluated.manifest)


def verify_job(
    store: ContentStore, job: Job, folder: Path, *, memory: int = MEMORY, progress: Progress | None = None
) -> Verification:
    """Run a job again from public data and compare its digest with the chain's. Raises NotDrawn."""
    seeds = seeds_of(job)
    if not seeds:
        raise NotDrawn(
            f"job {job.id} has no seed yet", hint="a digest holds a trace under it; wait for the draw"
        )
    inputs = fetch(store, plan(store, job.manifest, job.circuit), folder, progress=progress)
    with Evaluator(folder, memory) as evaluator:
        started = monotonic()
        evaluated = evaluator.evaluate(inputs, job.id, seeds)
    return Verification(job.id, inputs.plan, evaluated, job.settled or job.proposed, monotonic() - started)
