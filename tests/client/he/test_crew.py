"""Several children compute one run: the same bytes as one, and a child that dies costs no more than the run."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from made_up import LIMITS, Job

from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Column, Table
from hexchange.circuit.library.describe import describe
from hexchange.circuit.library.logistic import logistic
from hexchange.circuit.library.predict import predict
from hexchange.circuit.lowering import lower
from hexchange.errors import ChildCrashed, ChildOutOfMemory, MalformedBlob
from hexchange.he import sandbox
from hexchange.he.crew import Crew

COLUMNS = tuple(Column(name, 0.0, 1.0) for name in "abc")
PROCESSES = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crew")


@pytest.fixture(scope="module")
def crew(folder: Path) -> Iterator[Crew]:
    crew = Crew(folder, PROCESSES, LIMITS.memory)
    yield crew
    crew.close()


PROGRAMS = {
    "describe": lower(describe(Table(9000, COLUMNS))),
    "describe one block": lower(describe(Table(90, COLUMNS))),
    "predict": lower(predict(Table(20_000, COLUMNS), {"a": 1.0, "b": -2.0, "c": 0.5}, 0.5)),
    "logistic": lower(logistic(Table(600, (*COLUMNS, Column("y", 0.0, 1.0)), label="y"), iterations=2)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_results_and_traces_are_those_of_one_process_however_a_run_is_split(
    crew: Crew, folder: Path, name: str
) -> None:
    job = Job.of(folder, PROGRAMS[name])
    alone = job.run(crew, 1)
    assert alone.status == "ok"
    assert [job.run(crew, processes) for processes in (2, 3)] == [alone, alone]


def swapped(folder: Path, blocks: int) -> Job:
    """The sum of a - b over two blocks that cancel, because the second one has a and b exchanged, and over more."""
    table = Table(blocks * 2048, COLUMNS)
    draft = Draft(table)
    program = lower(draft.circuit("stats", {"k": (draft["a"] - draft["b"]).sum()}, "exact", grid="0.01"))
    job = Job.of(folder, replace(program, rows=blocks * program.edition.rows_per_block))
    job.inputs = {
        (name, block): job.inputs[("ba"[name == "a"] if block else "ba"[name == "b"]), 0]
        if block < 2
        else path
        for (name, block), path in job.inputs.items()
    }
    return job


def test_sums_of_blocks_may_cancel_on_the_way_wherever_the_split_is(crew: Crew, folder: Path) -> None:
    job = swapped(folder, 3)
    runs = [job.run(crew, processes) for processes in (1, 2, 3)]
    assert runs[0].status == "ok"
    assert runs == [runs[0]] * 3


def test_a_whole_sum_that_hides_nothing_fails_alike_wherever_the_split_is(crew: Crew, folder: Path) -> None:
    job = swapped(folder, 2)
    runs = [job.run(crew, processes) for processes in (1, 2)]
    assert runs[0].status == "failed"
    assert runs == [runs[0]] * 2


def test_a_failure_within_a_block_ends_every_split_with_the_trace_up_to_it(crew: Crew, folder: Path) -> None:
    draft = Draft(Table(12_288, COLUMNS))
    parts = {name: draft[name] * 2.0 for name in "abc"}
    outputs = {"k": (parts["a"] - parts["b"] + parts["c"]).sum(), "l": (parts["c"] - parts["a"]).sum()}
    job = Job.of(folder, lower(draft.circuit("stats", outputs, "exact", grid="0.01")))
    job.inputs["b", 1] = job.inputs["a", 1]
    runs = [job.run(crew, processes) for processes in (1, 2, 3)]
    assert (runs[0].status, runs[0].code) == ("failed", "transparent")
    assert runs == [runs[0]] * 3
    job.inputs["c", 0] = job.inputs["a", 0]  # an earlier failure, in another process's share
    earlier = [job.run(crew, processes) for processes in (1, 2, 3)]
    assert earlier == [earlier[0]] * 3
    assert earlier[0].traces != runs[0].traces


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGSEGV, ChildCrashed), (signal.SIGKILL, ChildOutOfMemory)]
)
def test_a_child_that_dies_is_a_typed_error_and_the_run_can_be_made_again(
    crew: Crew, folder: Path, number: signal.Signals, error: type[Exception]
) -> None:
    job = Job.of(folder, PROGRAMS["describe"])
    alone = job.run(crew, 1)
    waits = folder / f"waits {number}"
    os.mkfifo(waits)

    def kill() -> None:
        with waits.open("wb"):  # which waits until the child that has row block 2 is about to read it
            child = crew._children[2]._child
            assert child is not None
            os.kill(child._process.pid, number)
            child._process.wait()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(error):
        replace(job, inputs=job.inputs | {("b", 2): waits}).run(crew, 3)
    killer.join()
    assert job.run(crew, 3) == alone


def test_a_broken_input_of_one_child_is_the_error_of_the_run(crew: Crew, folder: Path) -> None:
    job = Job.of(folder, PROGRAMS["describe"])
    with pytest.raises(MalformedBlob):
        replace(job, inputs=job.inputs | {("b", 2): job.relin}).run(crew, 3)
    assert job.run(crew, 3).status == "ok"


SILENT: dict[str, object] = {"failed": None, "outputs": [], "handed": [], "samples": []}


@pytest.mark.parametrize("answer", [{}, {"failed": 1}, SILENT, SILENT | {"outputs": [["score", 0, 1 << 40]]}])
def test_a_child_that_says_nothing_of_its_results_is_not_believed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, answer: dict[str, object]
) -> None:
    job = Job.of(folder, PROGRAMS["predict"])
    monkeypatch.setattr(sandbox.Worker, "call", lambda *_, **__: answer)
    crew = Crew(folder, 1, LIMITS.memory)
    with pytest.raises(ChildCrashed, match="nonsense"):
        job.run(crew, 1)
    crew.close()
