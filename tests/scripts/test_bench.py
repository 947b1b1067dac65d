"""The arithmetic and the form of the benchmarks' report; what a figure is depends on the machine."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from io import StringIO
from pathlib import Path
from subprocess import PIPE

import numpy as np
import psutil
import pytest
from rich.console import Console

from bench import machine, market, moments, networks, prediction, report, scores, storage, timing, whole
from bench.report import Peer, Prediction, Result
from hexchange.circuit.costs import COSTS
from hexchange.circuit.document import Column, Table
from hexchange.circuit.library.mean import mean

SCORE = Result(
    "score20_rows", "score", 0.05, 42_000_000, Peer("TenSEAL", 1000.0, 33 * 10**9), goal_seconds=0.2
)


def test_the_ratio_is_the_peers_time_in_ours_and_absent_without_a_peer():
    assert SCORE.ratio == 20_000
    assert Result("demo", "demo", 1.0).ratio is None


def test_a_goal_is_met_when_every_limit_is_kept():
    assert Result("a", "a", 5.0, goal_seconds=5).met is True
    assert Result("a", "a", 5.1, goal_seconds=5).met is False
    assert Result("a", "a", 1.0, 9, goal_seconds=5, goal_bytes=8).met is False
    assert Result("a", "a", 1.0).met is None


def test_a_ratio_of_bytes_is_the_peers_bytes_in_ours_and_a_goal_like_others():
    stored = Result("keys", "keys", 1.0, 100, Peer("TenSEAL", 0.5, 260), goal_ratio=2.5, compares="bytes")
    assert stored.ratio == 2.6
    assert stored.met is True
    assert Result("a", "a", 1.0, peer=Peer("b", 1.7), goal_ratio=1.8).met is False
    assert Result("keys", "keys", 1.0, 100, Peer("TenSEAL", 0.5), compares="bytes").ratio is None


def test_the_page_has_the_same_table_and_says_where_and_when():
    page = report.markdown(machine.machine(), {"python": "3.11"}, [SCORE], "2026-01-02")
    assert "2026-01-02" in page
    assert "python 3.11" in page
    header, _, line = (line for line in page.splitlines() if line.startswith("|"))
    assert header.count("|") == line.count("|")
    assert "| 20,000x |" in line
    assert "* score: the peer is TenSEAL." in page


def test_stored_tables_are_smaller_than_the_peers():
    for result in storage.tables(100, 2):
        assert result.ratio
        assert result.ratio > 1


def test_the_file_holds_machine_versions_and_the_fields_of_every_work(tmp_path: Path):
    path = tmp_path / "bench" / "results.json"
    report.write(path, machine.machine(), machine.versions(), [SCORE, Result("keys", "keys", 1.0)])
    document = json.loads(path.read_text())
    assert set(document) == {"machine", "versions", "results", "predictions"}
    assert {"cpu", "cores", "memory_bytes", "kernel"} <= set(document["machine"])
    assert {"python", "tenseal", "SEAL", "anvil"} <= set(document["versions"])
    score, keys = document["results"]
    expected = {
        "work": "score20_rows", "ours_seconds": 0.05, "peer_seconds": 1000.0, "peer": "TenSEAL",
        "ratio": 20_000.0, "ours_bytes": 42_000_000, "peer_bytes": 33 * 10**9,
    }  # fmt: skip
    assert {name: score[name] for name in expected} == expected
    assert [keys[name] for name in ("peer_seconds", "peer", "ratio", "ours_bytes")] == [None] * 4


def test_the_table_says_whether_each_goal_is_met():
    out = StringIO()
    missed = Result("demo", "demo", 301.0, 10**9, goal_seconds=300, goal_bytes=8 * 10**9)
    report.show(Console(file=out, width=130), [SCORE, missed])
    text = out.getvalue()
    assert "not met" in next(line for line in text.splitlines() if "301 s" in line)
    assert " met" in next(line for line in text.splitlines() if "20,000x" in line)
    assert "300 s, 8 GB" in text


def test_a_prediction_is_off_by_a_factor_either_way_and_memory_by_less_than_seconds():
    assert Prediction("a", "seconds", 1.0, 2.0).factor == Prediction("a", "seconds", 2.0, 1.0).factor == 2.0
    assert Prediction("a", "seconds", 1.0, 1.9).met
    assert not Prediction("a", "memory", 1.0, 1.3).met


def test_a_case_is_predicted_and_measured_in_every_figure():
    table = Table(60, (Column("a", -1.0, 1.0), Column("b", -1.0, 1.0)))
    values = np.random.default_rng(1).uniform(-1, 1, (60, 2))
    found = prediction.compare("mean", mean(table), values, COSTS)
    assert [each.figure for each in found] == ["seconds", "memory", "bytes"]
    assert all(each.predicted > 0 and each.measured > 0 for each in found)


def test_predictions_stand_in_a_table_of_their_own(tmp_path: Path):
    made = [Prediction("mean", "seconds", 0.5, 0.4), Prediction("mean", "bytes", 9.5e6, 7e6)]
    page = report.markdown(machine.machine(), {"python": "3.11"}, [SCORE], "2026-01-02", made)
    assert "| mean | seconds | 0.5 s | 0.4 s | 1.25x | 2x | met |" in page
    assert "| mean | bytes | 9.5 MB | 7 MB | 1.36x | 1.2x | not met |" in page
    out = StringIO()
    report.show(Console(file=out, width=130), [SCORE], made)
    assert "1.36x" in out.getvalue()
    report.write(tmp_path / "results.json", machine.machine(), {}, [SCORE], made)
    first, _ = json.loads((tmp_path / "results.json").read_text())["predictions"]
    assert first == {
        "work": "mean",
        "figure": "seconds",
        "predicted": 0.5,
        "measured": 0.4,
        "goal_factor": 2.0,
        "met": True,
    }


def test_rounds_alternate_and_the_first_one_does_not_count():
    calls: list[str] = []
    values = {"ours": iter([99.0, 1.0, 5.0, 3.0]), "theirs": iter([99.0, 4.0, 8.0, 6.0])}

    def measure(name: str) -> dict[str, float]:
        calls.append(name)
        return {name: next(values[name])}

    found = timing.medians(3, lambda: measure("ours"), lambda: measure("theirs"))
    assert found == {"ours": 3.0, "theirs": 6.0}
    assert calls == ["ours", "theirs"] * 4


def test_a_stopwatch_notes_each_call_and_keeps_the_answer():
    spent: list[float] = []
    assert timing.timed(max, spent)(1, 2) == 2
    assert len(spent) == 1


def test_a_turn_with_nothing_to_do_is_waiting_and_what_exceeds_it_is_work():
    meter = market.Meter(ticks=[("", 1.0), ("", 1.0), ("", 1.5), ("draw", 4.0), ("settle", 0.5)])
    meter.steps["open"] = 2.0
    assert meter.poll == 1.0
    assert meter.work() == {"open": 2.0, "follow the chain": 0.5, "draw": 3.0, "settle": 0.0}


def test_a_turn_belongs_to_the_first_step_that_was_told_in_it():
    meter = market.Meter()
    meter.tick(lambda: meter.tell("take seat", 1, ""))
    meter.tick(lambda: meter.tell("refused", 1, ""))
    meter.tick(lambda: [meter.tell(word, 1, "") for word in ("commit", "settle")])
    assert Counter(step for step, _ in meter.ticks) == {"seat": 1, "": 1, "commit": 1}


def test_memory_of_a_tree_includes_the_children():
    own = psutil.Process()
    alone = own.memory_full_info().pss
    with psutil.Popen([sys.executable, "-c", "x = bytearray(200 << 20); input()"], stdin=PIPE) as child:
        deadline = time.monotonic() + 30
        while child.memory_info().rss < 200 << 20 and time.monotonic() < deadline:
            time.sleep(0.05)
        together = whole.tree_bytes(own)
        child.kill()
    assert together > alone + (150 << 20)


@pytest.mark.parametrize(
    "measure",
    [
        lambda: scores.score(100, peer_rows=2),
        lambda: moments.described(60, 2),
        lambda: moments.gram(90, 2, peer_pairs=1),
        lambda: moments.large(100, 2),
        lambda: networks.images(8, 4, 2, rows=3),
    ],
)
def test_what_is_measured_is_the_right_answer(measure):
    results = measure()
    errors = [
        value
        for result in results
        for name, value in result.details.items()
        if name.startswith("largest error")
    ]
    assert errors
    assert max(errors) < 1e-3
    assert all(result.seconds > 0 for result in results)
