"""A machine is measured without a secret of anybody's, and every figure is one."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from hexchange.circuit.costs import COSTS
from hexchange.he import calibration


def test_every_figure_is_measured_but_that_of_an_empty_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_SECONDS", 0.01)
    costs = calibration.measure()
    measured = {name for name, value in asdict(costs).items() if value != getattr(COSTS, name)}
    assert measured == set(asdict(COSTS)) - {"call"}
    assert all(0 < value < 1 for value in asdict(costs).values())


def test_what_a_call_costs_anyway_is_taken_off_and_nothing_becomes_negative(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = iter([0.0, 0.2, 1.0, 1.0 + 1e-3, 2.0, 2.5])
    monkeypatch.setattr(calibration, "thread_time", lambda: next(ticks))
    assert calibration._seconds(lambda: None) == pytest.approx(1e-3 - COSTS.call)
    still = iter([0.0, 0.0, 1.0, 1.5])
    monkeypatch.setattr(calibration, "thread_time", lambda: next(still))
    assert calibration._seconds(lambda: None) == calibration._LEAST
