"""Where a provider's work happens beside its loop: fetching in threads, computing in sandboxed children."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hexchange import evaluation
from hexchange.circuit.costs import CostTable
from hexchange.errors import RunTooLarge
from hexchange.evaluation import Evaluated, Evaluator, JobInputs, Plan, seeds_of
from hexchange.he.cluster import Cluster
from hexchange.market.state import Job
from hexchange.provider.config import ProviderConfig
from hexchange.provider.tasks import Tasks
from hexchange.storage.store import ContentStore


class Workshop:
    """Plans, inputs, runs and publications of jobs. Asked by one thread, and asking never waits."""

    def __init__(
        self,
        store: ContentStore,
        cache: Path,
        config: ProviderConfig,
        costs: CostTable,
        cluster: Cluster | None = None,
    ) -> None:
        """`cache` holds fetched inputs by CID, `costs` are those of this machine; long runs go to the `cluster`, which
        is closed with the workshop."""
        self._cluster, self._costs = cluster, costs
        self._store, self._cache, self._config = store, cache, config
        self._local = threading.local()
        self._evaluators: list[Evaluator] = []
        self._fetchers = ThreadPoolExecutor(2, "fetch")
        self._benches = ThreadPoolExecutor(config.parallel, "bench")
        self._tasks = Tasks()

    def plan(self, job: Job) -> Plan | None:
        """What the job's documents say; None while they are read. Raises what makes the job impossible."""
        name = ("plan", job.manifest, job.circuit)
        return self._tasks.ask(
            name,
            self._fetchers,
            lambda: evaluation.plan(self._store, job.manifest, job.circuit, self._costs),
        )

    def inputs(self, plan: Plan, deadline: float) -> JobInputs | None:
        """Every input, fetched within `deadline` seconds, verified and parsed; None while that goes on.

        Raises what makes it impossible.
        """
        digests = (plan.manifest_digest, plan.circuit_digest)
        fetched = self._tasks.ask(("fetch", *digests), self._fetchers, lambda: self._fetch(plan, deadline))
        if fetched is None:
            return None
        return self._tasks.ask(("check", *digests), self._benches, lambda: self._check(fetched))

    def run(self, plan: Plan, job: Job) -> Evaluated | None:
        """The evaluation under the job's seeds; None while it waits or runs. First asked for, first run."""
        seeds = seeds_of(job)
        return self._tasks.ask(("run", job.id, seeds), self._benches, lambda: self._run(plan, job, seeds))

    def publish(self, job: int, evaluated: Evaluated) -> bool:
        """Whether the result's bytes are in the store by now."""
        return self._tasks.ask(("publish", job), self._fetchers, lambda: self._publish(evaluated)) is True

    @property
    def running(self) -> int:
        """Runs that wait or are at work."""
        return self._tasks.under_way("run")

    def forget(self, job: int) -> None:
        """Drop what is held for a job that is over."""
        self._tasks.forget("run", job)
        self._tasks.forget("publish", job)

    def close(self) -> None:
        """End all children; what they did not finish is done again after a restart."""
        for pool in (self._fetchers, self._benches):
            pool.shutdown(wait=False, cancel_futures=True)
        for evaluator in self._evaluators:
            evaluator.close()
        if self._cluster:
            self._cluster.close()

    def _fetch(self, plan: Plan, deadline: float) -> JobInputs:
        make_room(self._cache, plan, self._config.disk_bytes)
        return evaluation.fetch(self._store, plan, self._cache, deadline=deadline)

    def _check(self, inputs: JobInputs) -> JobInputs:
        self._evaluator.check(inputs)
        return inputs

    def _run(self, plan: Plan, job: Job, seeds: tuple[bytes, ...]) -> Evaluated:
        """Verify the inputs once more, since others may have needed their room, and compute."""
        return self._evaluator.evaluate(self._fetch(plan, job.compute), job.id, seeds)

    def _publish(self, evaluated: Evaluated) -> bool:
        evaluation.publish(self._store, evaluated)
        return True

    @property
    def _evaluator(self) -> Evaluator:
        """This thread's children: the cores are shared out among the runs that go on at a time."""
        if not hasattr(self._local, "evaluator"):
            processes = max(1, evaluation.cores() // self._config.parallel)
            self._local.evaluator = Evaluator(
                self._cache, self._config.memory_bytes, processes, self._cluster
            )
            self._evaluators.append(self._local.evaluator)
        return self._local.evaluator  # type: ignore[no-any-return]


def make_room(cache: Path, plan: Plan, limit: int) -> None:
    """Remove what was used longest ago until the inputs of `plan` fit into `limit` bytes. Raises RunTooLarge.

    A file that another job still needs is fetched again.
    """
    if plan.size > limit:
        raise RunTooLarge(
            f"the inputs take {plan.size >> 20} MiB, {limit >> 20} MiB are allowed",
            hint="set a larger `disk`, or leave this job to others",
        )
    cache.mkdir(parents=True, exist_ok=True)
    wanted = {blob.cid for blob in plan.blobs}
    others = [entry for entry in os.scandir(cache) if entry.name not in wanted]
    excess = plan.size + sum(entry.stat().st_size for entry in others) - limit
    for entry in sorted(others, key=lambda entry: entry.stat().st_mtime):
        if excess <= 0:
            return
        excess -= entry.stat().st_size
        os.unlink(entry.path)
