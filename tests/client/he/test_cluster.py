"""A real Dask cluster gives the bytes of one machine, also where a worker is lost in the middle of a run."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_up import LIMITS, SEEDS, Job

from hexchange.circuit.document import Column, Table
from hexchange.circuit.editions import STATS, TRAIN
from hexchange.circuit.library.describe import describe
from hexchange.circuit.library.logistic import logistic
from hexchange.circuit.lowering import lower
from hexchange.circuit.program import Program
from hexchange.errors import ClusterLost, ClusterUnsupported, MalformedBlob
from hexchange.he.cluster import Cluster
from hexchange.he.crew import Crew
from hexchange.he.evaluator import Evaluation

LABELLED = (Column("age", 0.0, 100.0), Column("ill", 0.0, 1.0))
COLUMNS = (Column("age", 0.0, 100.0), Column("dose", 0.0, 5.0))
PROGRAMS: dict[str, Callable[[], Program]] = {
    "sums": lambda: lower(describe(Table(5 * STATS.rows_per_block, COLUMNS))),
    "training": lambda: lower(logistic(Table(3 * TRAIN.rows_per_block, LABELLED, label="ill"), iterations=2)),
}


def run(job: Job, cluster: Cluster) -> Evaluation:
    return cluster.run(job.program, job.inputs, job.relin, job.rotations, seeds=SEEDS, limits=LIMITS)


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    made = Crew(tmp_path, 1, LIMITS.memory)
    yield made
    made.close()


@pytest.fixture(scope="module")
def workers() -> Iterator[Any]:
    """Three processes, each with a nurse that starts it anew."""
    from distributed import LocalCluster

    make: Any = LocalCluster
    with make(
        n_workers=3, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    ) as found:
        yield found


@pytest.fixture
def cluster(workers: Any) -> Iterator[Cluster]:
    made = Cluster(workers.scheduler_address)
    yield made
    made.close()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_cluster_gives_the_bytes_of_one_machine(
    name: str, cluster: Cluster, crew: Crew, tmp_path: Path
) -> None:
    job = Job.of(tmp_path, PROGRAMS[name]())
    assert run(job, cluster) == job.run(crew, 1)


def test_a_worker_that_is_lost_is_replaced(
    cluster: Cluster, crew: Crew, workers: Any, tmp_path: Path
) -> None:
    """Killed while it computes the second stage of three: what it did in the first is done again elsewhere."""
    job = Job.of(tmp_path, PROGRAMS["training"]())
    killed = list[int]()

    def kill() -> None:
        client = cluster._client
        pids = client.run(os.getpid)
        stages = set[str]()
        while not killed:
            for address, keys in client.processing().items():
                stages |= {key for key in keys if "_proceed" in str(key)}
                if len(stages) > 3 and any("_proceed" in str(key) for key in keys) and address in pids:
                    os.kill(pids[address], signal.SIGKILL)
                    killed.append(pids[address])
                    return
            time.sleep(0.01)

    alone, killer = job.run(crew, 1), threading.Thread(target=kill, daemon=True)
    killer.start()
    assert run(job, cluster) == alone
    assert killed
    assert killed[0] not in cluster._client.run(os.getpid).values()


def test_a_malformed_input_is_refused_by_name_and_the_workers_go_on(
    cluster: Cluster, crew: Crew, tmp_path: Path
) -> None:
    job = Job.of(tmp_path, PROGRAMS["sums"]())
    alone = job.run(crew, 1)
    with pytest.raises(MalformedBlob):
        run(replace(job, inputs=job.inputs | {next(reversed(job.inputs)): job.relin}), cluster)
    assert [run(job, cluster), run(job, cluster)] == [
        alone,
        alone,
    ]  # the second by children that have done it before


def test_an_address_at_which_nobody_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hexchange.he.cluster._CONNECT_SECONDS", 1.0)
    with pytest.raises(ClusterLost, match="127"):
        Cluster("tcp://127.0.0.1:9")


def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterUnsupported, match="Dask") as caught:
        Cluster("tcp://127.0.0.1:9")
    assert "hexchange[cluster]" in caught.value.hint
