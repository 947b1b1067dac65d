"""A run on a Dask cluster: each worker does its shares in a sandboxed child, with the bytes that one machine gives.

Inputs go to workers as results of tasks, which the scheduler makes again where a worker is lost; evaluation keys go to
each worker once, also to those that come later. What a worker did can be done again by any other: it is told what the
others handed at each stage, and replays the stages before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Lock
from typing import Any
from uuid import uuid4

from hexchange.circuit.program import Place, Program
from hexchange.circuit.shares import Shares, split
from hexchange.errors import ClusterLost, ClusterUnsupported
from hexchange.he import sandbox, selftest, worker
from hexchange.he.crew import ANSWER_BYTES, parsed, together
from hexchange.he.evaluator import Evaluation
from hexchange.he.sandbox import Limits
from hexchange.he.trace import Trace
from hexchange.he.worker import Inputs

Files = dict[str, bytes]
"""Contents by the name of the file, which is that of the content."""

Piece = tuple[int, bytes]
"""Part of a sum: number of the kept value, and a ciphertext as it was saved."""

_CONNECT_SECONDS = 10.0
_GRACE_SECONDS = 120.0
_LARGEST_TASK = "8 GiB"


class Cluster:
    """The workers of one Dask scheduler. Whoever runs them could change results, so they are one's own machines."""

    def __init__(self, address: str) -> None:
        """`address` is that of the scheduler, like tcp://10.0.0.5:8786.

        Raises ClusterUnsupported without the library, ClusterLost where nobody answers.
        """
        try:
            import dask
            import distributed
        except ImportError:
            raise ClusterUnsupported(
                "work on a cluster needs Dask",
                hint="pip install 'hexchange[cluster]', here and on each worker",
            ) from None
        dask.config.set({"distributed.admin.large-graph-warning-threshold": _LARGEST_TASK})
        try:
            library: Any = distributed
            self._client = library.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterLost(
                f"no Dask scheduler answers at {address}: {error}",
                hint="check the address, or leave --cluster out",
            ) from None
        self._shipped: set[str] = set()

    def run(
        self,
        program: Program,
        inputs: Inputs,
        relin: Path | None,
        rotations: Mapping[int, Path],
        *,
        seeds: Sequence[bytes],
        limits: Limits,
    ) -> Evaluation:
        """Run `program` over files, in a child for each thread of the workers; `limits` are those of a stage of one.

        Raises MalformedBlob, what the sandbox raises where a child breaks a limit, ForeignEngine for a worker that
        computes other bytes, and ClusterLost. The run may be repeated.
        """
        parts = split(program, max(1, sum(self._client.nthreads().values())))
        keys = ([relin] if relin else []) + list(rotations.values())
        self._ship(keys)
        task = _Task(
            uuid4().hex, program, {place: path.name for place, path in inputs.items()},
            relin.name if relin else None, {step: path.name for step, path in rotations.items()},
            tuple(seeds), replace(limits, output_bytes=ANSWER_BYTES),
        )  # fmt: skip
        held = [self._hold(program, shares, inputs) for shares in parts]
        traces = [Trace(program, seed) for seed in seeds]
        told: list[list[list[Piece]]] = [[] for _ in parts]

        def ask(_number: int, wanted: list[list[Piece]]) -> list[_Stage]:
            for history, others in zip(told, wanted, strict=True):
                history.append(others)
            calls = [
                self._client.submit(_proceed, files, task, shares, history, pure=False)
                for files, shares, history in zip(held, parts, told, strict=True)
            ]
            return self._answers(calls, limits)

        def outputs(answers: list[_Stage]) -> tuple[bytes, ...]:
            found = {place: output for answer in answers for place, output in answer.outputs.items()}
            return tuple(found[name, block] for name, block, _ in program.result_sizes())

        return together(program, parts, traces, ask, outputs)

    def close(self) -> None:
        """Take the keys back from the workers, and leave them."""
        with suppress(OSError, ValueError):
            for name in self._shipped:
                self._client.unregister_worker_plugin(name)
        self._client.close()

    def _hold(self, program: Program, shares: Shares, inputs: Inputs) -> Any:
        """The files that a process reads, where some worker holds them."""
        read = {
            (source.name, block if source.per_block else 0)
            for stage, share in zip(program.stages, shares, strict=True)
            for part in share.parts
            for source in stage.table_inputs()
            for block in part.blocks
        }
        files = {inputs[place].name: inputs[place].read_bytes() for place in sorted(read)}
        return self._client.submit(_held, files, pure=False)

    def _ship(self, keys: Sequence[Path]) -> None:
        for path in keys:
            name = f"hexchange key {path.name}"
            if name not in self._shipped:
                self._client.register_plugin(_key_plugin({path.name: path.read_bytes()}), name=name)
                self._shipped.add(name)

    def _answers(self, calls: Sequence[Any], limits: Limits) -> list[_Stage]:
        import distributed

        library: Any = distributed
        try:
            with self._client.as_current():
                library.wait(calls, timeout=limits.wall_seconds + _GRACE_SECONDS)
            answers: list[_Stage] = self._client.gather(calls)
            return answers
        except (library.KilledWorker, TimeoutError, CancelledError, OSError) as error:
            self._client.cancel(calls)
            raise ClusterLost(
                f"the cluster did not finish: {type(error).__name__}",
                hint="see that its workers run, then try again",
            ) from None


@dataclass(frozen=True, slots=True)
class _Task:
    """What every process of a run is told; files are named."""

    run: str
    program: Program
    inputs: Mapping[tuple[str, int], str]
    relin: str | None
    rotations: Mapping[int, str]
    seeds: tuple[bytes, ...]
    limits: Limits


@dataclass(frozen=True, slots=True)
class _Stage:
    """What a process yields of a stage: results, by name and row block, after the last one alone."""

    failed: Place | None
    outputs: dict[tuple[str, int], bytes]
    handed: list[Piece]
    samples: list[list[tuple[int, int, bytes]]]


# --- In a worker of the cluster ---------------------------------------------------------------------


def _held(files: Files) -> Files:
    return files


def _key_plugin(files: Files) -> Any:
    from distributed import WorkerPlugin

    class Keys(WorkerPlugin):
        """Writes evaluation keys where the children of a worker find them."""

        def setup(self, worker: Any) -> None:
            _write(_keys(), files)

        def teardown(self, worker: Any) -> None:
            for name in files:
                (_keys() / name).unlink(missing_ok=True)

    return Keys()


@cache
def _temporary() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="hexchange-")


def _keys() -> Path:
    """Where this worker keeps evaluation keys; gone when it ends."""
    return Path(_temporary().name)


def _write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


@cache
def _checked() -> None:
    selftest.run()


class _Process:
    """A sandboxed child with its part of one run at a time; its loaded keys stay."""

    def __init__(self, limits: Limits) -> None:
        self._opened = ExitStack()
        self._folder = Path(self._opened.enter_context(TemporaryDirectory(prefix="hexchange-")))
        files = (TemporaryFile(dir=self._folder) for _ in range(2))  # noqa: SIM115 (`close` closes them)
        self._own, self._given = (self._opened.enter_context(file) for file in files)
        self._child = sandbox.Worker(
            (worker.begin, worker.proceed),
            limits=limits,
            readable=(self._folder, _keys()),
            scratch=(self._own.fileno(), self._given.fileno()),
            recycle_bytes=limits.memory // 2,
        )
        self.memory = limits.memory
        self.done = -1

    def begin(self, files: Files, task: _Task, shares: Shares) -> None:
        """Make ready for the first stage of a run."""
        for file in (self._own, self._given):
            file.truncate(0)
        for path in self._folder.iterdir():
            path.unlink()
        _write(self._folder, files)
        inputs = {place: self._folder / name for place, name in task.inputs.items()}
        relin = _keys() / task.relin if task.relin else None
        rotations = {step: _keys() / name for step, name in task.rotations.items()}
        traces = [Trace(task.program, seed) for seed in task.seeds]
        self._child.call(
            worker.begin, task.program, shares, self._own.fileno(), inputs, relin, rotations, traces,
            limits=task.limits,
        )  # fmt: skip
        self.done = 0

    def close(self) -> None:
        """End the child, whatever it does."""
        self._child.close()
        self._opened.close()

    def proceed(self, task: _Task, others: Sequence[Piece]) -> _Stage:
        """The next stage."""
        given = [(index, *self._give(saved)) for index, saved in others]
        answer = parsed(self._child.call(worker.proceed, self.done, given, limits=task.limits))
        self.done += 1
        sizes = {(name, block): size for name, block, size in task.program.result_sizes()}
        last = self.done == len(task.program.stages)
        outputs = {
            (name, block): os.pread(self._own.fileno(), sizes[name, block], at)
            for name, block, at in (answer.outputs if last else [])
        }
        handed = [(index, os.pread(self._own.fileno(), length, at)) for index, _, at, length in answer.handed]
        return _Stage(answer.failed, outputs, handed, answer.samples)

    def _give(self, saved: bytes) -> tuple[int, int, int]:
        at = self._given.seek(0, os.SEEK_END)
        self._given.write(saved)
        self._given.flush()
        return self._given.fileno(), at, len(saved)


@dataclass(slots=True)
class _Pool:
    """The processes of a worker: in the middle of a run, by run and shares, or idle."""

    lock: Lock = field(default_factory=Lock)
    waiting: dict[tuple[str, Shares], _Process] = field(default_factory=dict)
    idle: list[_Process] = field(default_factory=list)

    def take(self, run: str, shares: Shares, limits: Limits) -> _Process:
        """The process that is in the middle of it, or one that has not begun."""
        with self.lock:
            for known in [each for each in self.waiting if each[0] != run]:
                self.idle.append(self.waiting.pop(known))
            if found := self.waiting.pop((run, shares), None):
                return found
            while self.idle:
                idle = self.idle.pop()
                if idle.memory >= limits.memory:
                    idle.done = -1
                    return idle
                idle.close()
            return _Process(limits)

    def leave(self, run: str, shares: Shares, process: _Process, *, over: bool) -> None:
        with self.lock:
            if over:
                self.idle.append(process)
            else:
                self.waiting[run, shares] = process


_pool = _Pool()


def _proceed(files: Files, task: _Task, shares: Shares, told: Sequence[Sequence[Piece]]) -> _Stage:
    """The last stage that `told` leads to, after those before it where this worker has not done them."""
    _checked()
    process = _pool.take(task.run, shares, task.limits)
    answer = _Stage(None, {}, [], [])
    try:
        if process.done not in range(len(told)):
            process.begin(files, task, shares)
        for others in told[process.done :]:
            answer = process.proceed(task, others)
    except BaseException:
        process.close()
        raise
    _pool.leave(task.run, shares, process, over=process.done == len(task.program.stages))
    return answer
