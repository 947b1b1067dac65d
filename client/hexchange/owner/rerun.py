"""The owner's own runs, one after the other in a thread beside the loop."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path
from time import monotonic

from hexchange.evaluation import MEMORY, Evaluated, Evaluator, fetch, plan, seeds_of
from hexchange.market.state import Job
from hexchange.storage.store import ContentStore

REPEAT_SECONDS = 15.0
"""Pause before a run that could not be made, such as for lack of a blob, is tried again."""

FETCH_SECONDS = 60.0
"""For one attempt to fetch what is missing; the next one goes on where it stopped."""

Name = tuple[int, tuple[bytes, ...]]


class Reruns:
    """Runs of jobs from public data. Asked by one thread, and asking never waits."""

    def __init__(self, store: ContentStore, cache: Path, memory: int = MEMORY) -> None:
        """`cache` holds fetched inputs by CID; no run gets more than `memory` bytes."""
        self._store, self._cache = store, cache
        self._evaluator = Evaluator(cache, memory)
        self._pool = ThreadPoolExecutor(1, "rerun")
        self._runs: dict[Name, Future[Evaluated]] = {}
        self._failed: dict[Name, float] = {}
        self._closed = False

    def ask(self, job: Job) -> Evaluated | None:
        """The run of `job` under the seeds it has now, given once; None while it waits or goes on.

        Raises what stopped it; asked again a while later, it is tried again.
        """
        name = (job.id, seeds_of(job))
        if name not in self._runs:
            if monotonic() - self._failed.get(name, -REPEAT_SECONDS) >= REPEAT_SECONDS:
                self._runs[name] = self._pool.submit(self._run, job)
            return None
        if not self._runs[name].done():
            return None
        run = self._runs.pop(name)
        if run.exception() is not None:
            self._failed[name] = monotonic()
        return run.result()

    def close(self) -> None:
        """End the child; what it did not finish is done again after a restart."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._evaluator.close()
        self._pool.shutdown()

    def _run(self, job: Job) -> Evaluated:
        needed = plan(self._store, job.manifest, job.circuit)
        inputs = fetch(self._store, needed, self._cache, deadline=FETCH_SECONDS)
        if self._closed:
            raise CancelledError
        return self._evaluator.evaluate(inputs, job.id, seeds_of(job))
