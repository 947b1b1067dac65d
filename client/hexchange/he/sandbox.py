"""Run functions on strangers' bytes in a process that has nothing to lose.

The child has no environment, no open file but two pipes and the scratch files it is given, no network, no file
to read but the named ones, and limits on memory, processor time, wall-clock time and bytes returned. What it
returns is read as data, never as code. Whatever happens to it becomes one typed error, and it never outlives us.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

import psutil

from hexchange import errors
from hexchange.errors import (
    ChildCrashed,
    ChildOutOfMemory,
    ChildOutOfTime,
    ChildOutputTooLarge,
    HexchangeError,
)
from hexchange.he.channel import Call, Setup, names, receive

_START_SECONDS = 60.0
_END_SECONDS = 5.0
_TEXT = 2000
_START_BYTES = 1 << 16
_COMMAND = (sys.executable, "-I", "-B", "-c", "from hexchange.he.child import main; main()")
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # ours, none of the caller's

# A child dies with the thread that started it, so all are started by one that lives as long as we do.
_starter = ThreadPoolExecutor(1, "sandbox")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a call may use: bytes of address space beyond what the imports take, seconds, bytes returned."""

    memory: int
    cpu_seconds: int
    wall_seconds: float
    output_bytes: int


def run(function: Callable[..., Any], *args: Any, limits: Limits, readable: Sequence[Path] = ()) -> Any:
    """Call a function of an importable module in a child of its own.

    It may return None, bool, int, float, str, bytes, and lists and dicts (with str keys) of these; tuples
    arrive as lists. An error of ours raised inside arrives as itself. Raises ChildOutOfMemory,
    ChildOutOfTime, ChildOutputTooLarge or ChildCrashed for everything else.
    """
    with Worker((function,), limits=limits, readable=readable, recycle_bytes=0) as worker:
        return worker.call(function, *args)


def protections() -> dict[str, bool]:
    """Which protections hold for children on this machine, by trying."""
    with _Child((), 1 << 30, (), ()) as child:
        return child.protections


def exposed() -> str:
    """What strangers' bytes could reach beside keys on this machine, in a sentence; empty where nothing."""
    if protections()["landlock"]:
        return ""
    return "without Landlock of the kernel, what parses strangers' bytes may read this user's files, keys included"


class Worker:
    """A child that takes several calls and keeps what its modules cache; for one thread at a time.

    It is started at the first call, and again after anything unexpected, or when it holds more than
    `recycle_bytes` of memory after a call. `limits` are those of a call that names none; no call gets more
    memory. `scratch` are open files without a name, in which the child has the same descriptors; each may
    become as long as a call's memory.
    """

    def __init__(
        self,
        functions: Sequence[Callable[..., Any]],
        *,
        limits: Limits,
        readable: Sequence[Path] = (),
        scratch: Sequence[int] = (),
        recycle_bytes: int,
    ) -> None:
        names(functions)
        self._functions = tuple(functions)
        self._limits = limits
        self._readable = tuple(readable)
        self._scratch = tuple(scratch)
        self._recycle_bytes = recycle_bytes
        self._child: _Child | None = None

    def call(self, function: Callable[..., Any], *args: Any, limits: Limits | None = None) -> Any:
        """Call one of the worker's functions; arguments, result and errors as of `run`."""
        limits = limits or self._limits
        child = self._child
        if child is None or not child.alive():
            self.close()
            child = self._child = _Child(self._functions, self._limits.memory, self._readable, self._scratch)
        call = Call(self._functions.index(function), args, limits.memory, limits.cpu_seconds)
        try:
            return child.ask(call, limits.wall_seconds, limits.output_bytes)
        finally:
            if child.memory() > self._recycle_bytes:
                self.close()

    def close(self) -> None:
        """End the child, whatever it does."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _start(scratch: Sequence[int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 (the command is constant)
        _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=_ENVIRONMENT, cwd="/", start_new_session=True, pass_fds=scratch,
    )  # fmt: skip


class _Child:
    """A running child process, locked down."""

    def __init__(
        self,
        functions: Sequence[Callable[..., Any]],
        memory: int,
        readable: Sequence[Path],
        scratch: Sequence[int],
    ) -> None:
        self._process = _starter.submit(_start, scratch).result()
        self._stdin = cast(BinaryIO, self._process.stdin)
        self._stdout = cast(BinaryIO, self._process.stdout)
        paths = [path.resolve() for path in readable]
        search, written = list(map(os.path.abspath, sys.path)), memory if scratch else 0
        setup = Setup(os.getpid(), search, names(functions), paths, memory, written)
        self.protections: dict[str, bool] = self.ask(setup, _START_SECONDS, _START_BYTES)

    def ask(self, question: Setup | Call, seconds: float, cap: int) -> Any:
        """Send a question and wait for its answer; after any error but one of ours the child is gone."""
        late = threading.Event()
        timer = threading.Timer(seconds, self._stop, (late,))
        timer.start()
        try:
            pickle.dump(question, self._stdin)
            self._stdin.flush()
            answer = receive(self._stdout, cap)
        except OverflowError:
            self.close()
            raise ChildOutputTooLarge(f"a child returned more than {cap:,} bytes", hint=_LIMITS) from None
        except (EOFError, OSError):
            raise self._ended(late, seconds) from None
        except (ValueError, LookupError, TypeError, RecursionError):
            self.close()
            raise ChildCrashed("a child answered with nonsense", hint=_CRASHED) from None
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
        if "value" in answer:
            return answer["value"]
        raise self._error(answer)

    def _stop(self, late: threading.Event) -> None:
        late.set()
        self._process.kill()

    def _ended(self, late: threading.Event, seconds: float) -> HexchangeError:
        """Why a child closed its pipe without an answer."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        number = -(self._process.poll() or 0)
        self.close()
        if late.is_set():
            return ChildOutOfTime(f"the work was stopped after {seconds:.0f} seconds", hint=_LIMITS)
        if number == signal.SIGXCPU:
            return ChildOutOfTime("the work was stopped: it used all its processor time", hint=_LIMITS)
        if number == signal.SIGKILL:
            return ChildOutOfMemory("the system ended the work, most likely for lack of memory", hint=_LIMITS)
        how = f"by {signal.Signals(number).name}" if number > 0 else "without an answer"
        return ChildCrashed(f"a child ended {how}", hint=_CRASHED)

    def alive(self) -> bool:
        return self._process.poll() is None

    def memory(self) -> int:
        """Bytes resident now; 0 when the child is gone."""
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._stdin, self._stdout):
            with suppress(OSError):
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()

    def _error(self, answer: dict[str, Any]) -> HexchangeError:
        """An error that the child reports, by its name in our own list."""
        match answer.get("error"):
            case [str(name), str(message), str(hint)]:
                kind = getattr(errors, name, None)
                if isinstance(kind, type) and issubclass(kind, HexchangeError):
                    if kind in (ChildCrashed, ChildOutOfMemory):
                        self.close()
                        hint = _CRASHED if kind is ChildCrashed else _LIMITS
                    return kind(message[:_TEXT], hint=hint[:_TEXT])
        self.close()
        return ChildCrashed("a child answered with nonsense", hint=_CRASHED)


_LIMITS = "the content asks for more than this machine allows: raise the limit, or leave it to others"
_CRASHED = "treat the content as malformed; nothing else was harmed"
