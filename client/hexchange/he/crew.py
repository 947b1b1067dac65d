"""Sandboxed children that compute one run together: each its shares, with the bytes that one alone would give.

What they yield they write into scratch files without a name, results as well as the sums that others need, so
that little passes through the pipes and no child holds results in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Protocol, TypeVar

from pydantic import NonNegativeInt, TypeAdapter, ValidationError

from hexchange.circuit.program import Place, Position, Program
from hexchange.circuit.shares import Shares, split
from hexchange.errors import ChildCrashed
from hexchange.he import sandbox, worker
from hexchange.he.evaluator import TRANSPARENT, Evaluation
from hexchange.he.sandbox import Limits
from hexchange.he.trace import Trace
from hexchange.he.worker import Inputs

ANSWER_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What `worker.proceed` returns: offsets and lengths are in the scratch file of the child."""

    failed: Place | None
    outputs: list[tuple[str, int, NonNegativeInt]]
    handed: list[tuple[int, int, NonNegativeInt, NonNegativeInt]]
    samples: list[list[tuple[int, int, bytes]]]


_ANSWER = TypeAdapter(Answer)


class Crew:
    """Children whose loaded keys stay for the next run. For one thread."""

    def __init__(self, folder: Path, most: int, memory: int) -> None:
        """At most `most` children; `folder` is all that they may read, `memory` their address space (bytes)."""
        folder.mkdir(parents=True, exist_ok=True)
        self._files = ExitStack()
        files = (TemporaryFile(dir=folder) for _ in range(most))  # noqa: SIM115 (`close` closes them)
        self._scratch = [self._files.enter_context(file) for file in files]
        self._children = [
            sandbox.Worker(
                (worker.begin, worker.proceed, worker.check_job),
                limits=Limits(memory, cpu_seconds=600, wall_seconds=600.0, output_bytes=ANSWER_BYTES),
                readable=(folder,),
                scratch=[file.fileno() for file in self._scratch],
                recycle_bytes=memory // 2 // most,
            )
            for _ in range(most)
        ]
        self._threads = ThreadPoolExecutor(most, "crew")

    def check(
        self,
        program: Program,
        inputs: Inputs,
        relin: Path | None,
        rotations: Mapping[int, Path],
        *,
        limits: Limits,
    ) -> None:
        """Parse all that a run would, in one child; raises MalformedBlob."""
        self._children[0].call(worker.check_job, program, inputs, relin, rotations, limits=limits)

    def run(
        self,
        program: Program,
        inputs: Inputs,
        relin: Path | None,
        rotations: Mapping[int, Path],
        *,
        seeds: Sequence[bytes],
        most: int,
        limits: Limits,
    ) -> Evaluation:
        """Run `program` over files in at most `most` children, which share the memory of `limits`; its seconds
        are for each stage.

        Raises MalformedBlob, DiskFull, and what the sandbox raises where a child ends or breaks a limit. The
        children are then new ones, and the run may be repeated.
        """
        parts = split(program, most)
        limits = replace(limits, memory=limits.memory // len(parts), output_bytes=ANSWER_BYTES)
        traces = [Trace(program, seed) for seed in seeds]
        for file in self._scratch:
            file.truncate(0)
        scratch = [file.fileno() for file in self._scratch[: len(parts)]]
        rest = (inputs, relin, rotations, traces)
        self._all(
            worker.begin, [(program, *each, *rest) for each in zip(parts, scratch, strict=True)], limits
        )

        def ask(number: int, wanted: list[list[Any]]) -> list[Answer]:
            questions = [(number, others) for others in wanted]
            return [parsed(answer) for answer in self._all(worker.proceed, questions, limits)]

        return together(program, parts, traces, ask, lambda answers: _outputs(program, answers, scratch))

    def close(self) -> None:
        """End the children, whatever they do."""
        for child in self._children:
            child.close()
        self._threads.shutdown()
        self._files.close()

    def _all(
        self, function: Callable[..., Any], questions: Sequence[tuple[Any, ...]], limits: Limits
    ) -> list[Any]:
        """What the first children answer, each to its question; when one fails, all end, and its error is raised."""
        children = self._children[: len(questions)]
        calls = [
            self._threads.submit(child.call, function, *question, limits=limits)
            for child, question in zip(children, questions, strict=True)
        ]
        done, _ = wait(calls, return_when=FIRST_EXCEPTION)
        if failures := [call for call in done if call.exception()]:
            for child in children:
                child.close()
            wait(calls)
            failures[0].result()
        return [call.result() for call in calls]


class Yielded(Protocol):
    """What a process says after a stage: where it failed, what it hands to others, each part named by its first item,
    and samples so far for each trace: row block, primitive, hash."""

    @property
    def failed(self) -> Place | None: ...
    @property
    def handed(self) -> Sequence[Any]: ...
    @property
    def samples(self) -> Sequence[Sequence[tuple[int, int, bytes]]]: ...


Y = TypeVar("Y", bound=Yielded)


def together(
    program: Program,
    parts: Sequence[Shares],
    traces: Sequence[Trace],
    ask: Callable[[int, list[list[Any]]], list[Y]],
    outputs: Callable[[list[Y]], tuple[bytes, ...]],
) -> Evaluation:
    """A run by several processes, stage after stage; `ask` takes the stage and, for each process, what it needs of
    what the others handed of the stage before. `outputs` are read from what all said last."""
    answers: list[Y] = []
    for number in range(len(program.stages)):
        answers = ask(number, [_wanted(process, parts, answers, number) for process in range(len(parts))])
        for answer in answers:
            for trace, samples in zip(traces, answer.samples, strict=False):
                trace.hashes.update({Position(block, place): hashed for block, place, hashed in samples})
        if failed := [answer.failed for answer in answers if answer.failed]:
            return Evaluation((), tuple(trace.digest(min(failed)) for trace in traces), TRANSPARENT)
    return Evaluation(outputs(answers), tuple(trace.digest() for trace in traces))


def _wanted(process: int, parts: Sequence[Shares], answers: Sequence[Yielded], number: int) -> list[Any]:
    wants = parts[process][number - 1].wants
    others = (answer.handed for other, answer in enumerate(answers) if other != process)
    return [part for handed in others for part in handed if part[0] in wants]


def parsed(answer: Any) -> Answer:
    """What a child answered to `worker.proceed`; raises ChildCrashed for anything else."""
    try:
        return _ANSWER.validate_python(answer)
    except ValidationError:
        raise _nonsense() from None


def _outputs(program: Program, answers: Sequence[Answer], scratch: Sequence[int]) -> tuple[bytes, ...]:
    """The results, read from where the children say that they wrote them."""
    at = {
        (name, block): (file, offset)
        for answer, file in zip(answers, scratch, strict=True)
        for name, block, offset in answer.outputs
    }
    outputs = []
    for name, block, size in program.result_sizes():
        file, offset = at.get((name, block), (0, 0))
        if (name, block) not in at or len(output := os.pread(file, size, offset)) != size:
            raise _nonsense()
        outputs.append(output)
    return tuple(outputs)


def _nonsense() -> ChildCrashed:
    return ChildCrashed("a child answered with nonsense", hint="treat the content as malformed")
