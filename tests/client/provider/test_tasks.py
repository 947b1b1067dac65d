"""Background work is done once, never waited for, and tried again after a pause."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from hexchange.errors import HexchangeError, NotFound, WorkFailed
from hexchange.provider import tasks
from hexchange.provider.tasks import Tasks


class ByHand(Executor):
    """Runs what it was given when told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, work: Callable[..., Any], /, *_: Any, **__: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((future, work))
        return future

    def go(self) -> None:
        for future, work in self.waiting:
            try:
                future.set_result(work())
            except (HexchangeError, LookupError) as error:
                future.set_exception(error)
        self.waiting.clear()


def test_work_is_done_once_however_often_one_asks() -> None:
    hand, asked = ByHand(), Tasks()
    calls: list[int] = []

    def work() -> int:
        calls.append(1)
        return 42

    assert asked.ask(("run", 1), hand, work) is None
    assert asked.ask(("run", 1), hand, work) is None
    assert asked.under_way("run") == 1
    hand.go()
    assert asked.ask(("run", 1), hand, work) == 42
    assert asked.ask(("run", 1), hand, work) == 42
    assert len(calls) == 1
    assert asked.under_way("run") == 0


def test_a_failure_stands_until_its_pause_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(tasks, "monotonic", lambda: now + 1.0)
    hand, asked = ByHand(), Tasks()

    def fail() -> int:
        raise NotFound("no")

    def ask() -> int | None:
        return asked.ask(("fetch", 1), hand, fail)

    ask()
    hand.go()
    for _ in range(2):
        with pytest.raises(NotFound, match="no"):
            ask()
    now += tasks.FIRST_PAUSE
    assert ask() is None
    assert len(hand.waiting) == 1
    hand.go()
    with pytest.raises(NotFound, match="no"):
        ask()
    now += tasks.FIRST_PAUSE
    with pytest.raises(NotFound, match="no"):  # the second pause is twice as long
        ask()


def test_what_is_forgotten_is_done_anew() -> None:
    hand, asked = ByHand(), Tasks()
    for job in (1, 2):
        asked.ask(("run", job, b"seed"), hand, lambda: 1)
    hand.go()
    asked.forget("run", 1)
    assert asked.ask(("run", 1, b"seed"), hand, lambda: 1) is None
    assert asked.ask(("run", 2, b"seed"), hand, lambda: 1) == 1


def test_an_exception_that_nobody_foresaw_becomes_one_of_ours() -> None:
    hand, asked = ByHand(), Tasks()

    def surprise() -> int:
        return [][1]

    asked.ask(("plan", 1), hand, surprise)
    hand.go()
    with pytest.raises(WorkFailed, match="plan ended in an unexpected IndexError"):
        asked.ask(("plan", 1), hand, surprise)
