"""The other side of the sandbox: the process that works on strangers' bytes.

It imports what it will need, gives up all else, and answers calls until its pipe is closed.
"""

from __future__ import annotations

import importlib
import os
import pickle
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from hexchange.errors import HexchangeError
from hexchange.he.channel import Call, Setup, send
from hexchange.he.lockdown import die_with_parent, leave_namespaces, lock_down

#: The clock that RLIMIT_CPU is counted by: linux/posix-timers.h, CPUCLOCK_PROF of this process. It counts by ticks and
#: runs ahead of all others, in a child that lives for long by more than a whole limit.
_LIMIT_CLOCK = ~0 << 3


def main() -> None:
    """Serve until the parent closes the pipe."""
    namespaces = leave_namespaces()
    calls, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "r+b", buffering=0) as nothing:
        for descriptor in (0, 1, 2):  # what a library prints must not reach the pipes
            os.dup2(nothing.fileno(), descriptor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    try:
        setup: Setup = pickle.load(calls)  # noqa: S301 (our parent wrote it)
        die_with_parent(setup.parent)
        sys.path[:] = setup.search
        functions = [_import(*name) for name in setup.functions]
        floor = _address_space()
        on = {**lock_down(setup.readable, floor + setup.memory, setup.written), "namespaces": namespaces}
    except Exception as error:  # noqa: BLE001 (whatever it is, the parent is told)
        send(answers, _failure(error))
        return
    send(answers, {"value": on})
    while True:
        try:
            call: Call = pickle.load(calls)  # noqa: S301
        except EOFError:
            return
        if not _answer(answers, functions[call.function], call, floor):
            return


def _answer(answers: BinaryIO, function: Callable[..., Any], call: Call, floor: int) -> bool:
    """Make one call and send its answer; whether this process may be used again."""
    try:
        _limit(call, floor)
        send(answers, {"value": function(*call.arguments)})
    except HexchangeError as error:
        send(answers, {"error": [type(error).__name__, error.message, error.hint]})
    except Exception as error:  # noqa: BLE001 (whatever it is, the parent is told)
        send(answers, _failure(error))
        return False
    return True


def _failure(error: Exception) -> dict[str, Any]:
    if isinstance(error, MemoryError):
        return {"error": ["ChildOutOfMemory", "the work needs more memory than its limit", ""]}
    return {"error": ["ChildCrashed", f"the work failed with {type(error).__name__}: {str(error)[:500]}", ""]}


def _limit(call: Call, floor: int) -> None:
    """Limits of this call: memory beyond what the imports took, seconds beyond what earlier calls used."""
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (min(floor + call.memory, most), most))
    seconds = int(time.clock_gettime(_LIMIT_CLOCK)) + 1 + call.cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _import(module: str, name: str) -> Callable[..., Any]:
    for part in ("numpy.fft", "numpy.linalg", "numpy.random"):  # numpy would load these late
        importlib.import_module(part)
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function
