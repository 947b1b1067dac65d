"""Background work by name: each piece is done once, and asking never waits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

from hexchange.errors import HexchangeError, WorkFailed

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds before failed work is tried again: the pause doubles with each failure in a row."""

T = TypeVar("T")

Name = tuple[object, ...]
"""What is done, then to what: `("fetch", digest)`."""


@dataclass(slots=True)
class _Task:
    future: Future[Any]
    failures: int = 0
    again_at: float = 0.0


class Tasks:
    """Futures by name. Used by one thread; the work itself runs on the executor it is given."""

    def __init__(self) -> None:
        self._tasks: dict[Name, _Task] = {}

    def ask(self, name: Name, executor: Executor, work: Callable[[], T]) -> T | None:
        """What `work` returned, or None while it is under way; the first question starts it.

        Raises what it raised, or WorkFailed for an exception that is none of ours: strangers' bytes caused
        it. The failure stands until its pause is over, then the next question starts it again.
        """
        task = self._tasks.get(name)
        if task is None:
            self._tasks[name] = _Task(executor.submit(work))
            return None
        if not task.future.done():
            return None
        failure = task.future.exception()
        if failure is None:
            return task.future.result()  # type: ignore[no-any-return]
        if not task.again_at:
            task.again_at = monotonic() + min(FIRST_PAUSE * 2**task.failures, LONGEST_PAUSE)
        elif monotonic() >= task.again_at:
            self._tasks[name] = _Task(executor.submit(work), task.failures + 1)
            return None
        if isinstance(failure, HexchangeError):
            raise failure
        text = f"{name[0]} ended in an unexpected {type(failure).__name__}: {failure}"
        raise WorkFailed(text, hint="left alone; please report it") from failure

    def under_way(self, kind: str) -> int:
        """How many pieces of work whose name starts with `kind` are not done."""
        return sum(1 for name, task in self._tasks.items() if name[0] == kind and not task.future.done())

    def forget(self, *start: object) -> None:
        """Drop outcomes that nobody will ask for again: those whose name starts so."""
        for name in [name for name in self._tasks if name[: len(start)] == start]:
            del self._tasks[name]
