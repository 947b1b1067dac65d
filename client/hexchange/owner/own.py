"""The result of a job that an owner bought from itself: nothing is released, so no budget and no seal."""

from __future__ import annotations

from pathlib import Path

from hexchange.chain.deployment import Deployment
from hexchange.errors import DigestNotFinal, EncryptionNotFound, NothingToRelease, RerunDiffers
from hexchange.evaluation import MEMORY, Progress, verify_job
from hexchange.he import sandbox, worker
from hexchange.market.results import ReleasedResult
from hexchange.market.state import Job
from hexchange.owner.gate import PARSE
from hexchange.owner.opening import open_in_child
from hexchange.owner.release import released_result
from hexchange.owner.workspace import Workspace, workspaces
from hexchange.storage.store import ContentStore


def open_own_result(
    job: Job | None,
    home: Path,
    store: ContentStore,
    deployment: Deployment,
    *,
    memory: int = MEMORY,
    progress: Progress | None = None,
) -> ReleasedResult:
    """Decrypt a settled job of one's own, rounded to its circuit's grid. `job` is as of the finalized block.

    What holds before a release holds here too: the digest is final, the own run gives the same bytes, every
    ciphertext is parsed in a child, and the key is loaded in another one. Raises DigestNotFinal,
    EncryptionNotFound where this home folder has no key, RerunDiffers, NothingToRelease, and what runs raise.
    """
    if job is None or job.settled is None:
        raise DigestNotFinal(
            "the job is not settled in a finalized block", hint="wait for it: hexchange buy watch JOB"
        )
    table = _table(job, home)
    verified = verify_job(store, job, home / "cache", memory=memory, progress=progress)
    if not verified.agrees:
        raise RerunDiffers(
            f"job {job.id}: the own run gives another digest than the providers agreed on",
            hint="it is not opened; buy it again, with more seats",
        )
    run, plan = verified.evaluated, verified.plan
    if run.result.status != "ok":
        raise NothingToRelease(f"job {job.id} failed with {run.result.code}", hint="change the circuit")
    sandbox.run(worker.check_result, plan.program, run.outputs, limits=PARSE)
    edition = plan.circuit.profile.edition
    opened = open_in_child(plan.circuit, run.outputs, table.key(edition), table.private(edition), 0, None)
    return released_result(job, plan.circuit, plan.manifest, opened, deployment)


def _table(job: Job, home: Path) -> Workspace:
    """The encrypted table that the job ran over."""
    for table in workspaces(home):
        if table.manifest_digest == job.manifest:
            return table
    raise EncryptionNotFound(
        f"the table of job {job.id} was not encrypted in {home}",
        hint="use the home folder that has its keys",
    )
