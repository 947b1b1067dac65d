"""What a child runs: whole jobs from files, and strict parsing of everything in them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from hexchange.circuit.editions import LINEAR, STATS
from hexchange.errors import ForeignEngine, MalformedBlob
from hexchange.he import sandbox, selftest, worker
from hexchange.he.encryption import Encryption
from hexchange.he.evaluator import evaluate
from hexchange.he.keys import Keys, SecretKey, load_relin_key, make_relin_key
from hexchange.he.sandbox import Limits

SEEDS = (b"\x07" * 32,)


@pytest.fixture
def inputs(stats: SecretKey, tmp_path: Path) -> dict[tuple[str, int], Path]:
    encryption, random = Encryption(stats), np.random.default_rng(2)
    places = {(name, block): tmp_path / f"{name}{block}" for name in "ab" for block in (0, 1)}
    for path in places.values():
        path.write_bytes(encryption.encrypt(random.uniform(-1, 1, 4096)))
    return places


@pytest.fixture
def relin(stats: SecretKey, tmp_path: Path) -> Path:
    path = tmp_path / "relin"
    path.write_bytes(make_relin_key(stats))
    return path


def test_a_job_over_files_gives_what_the_evaluator_gives(
    stats: SecretKey, inputs: dict[tuple[str, int], Path], relin: Path
) -> None:
    program = selftest.every_primitive(STATS)
    keys = Keys(load_relin_key(stats.engine, relin.read_bytes()), {})
    expected = evaluate(program, lambda name, block: inputs[name, block].read_bytes(), keys, SEEDS)
    assert worker.evaluate_job(program, inputs, relin, {}, SEEDS) == (
        "ok",
        "",
        expected.outputs,
        expected.traces,
    )
    worker.check_job(program, inputs, relin, {})
    worker.check_result(program, expected.outputs)


def test_a_job_in_a_sandbox_gives_the_same_bytes(inputs: dict[tuple[str, int], Path], relin: Path) -> None:
    program = selftest.every_primitive(STATS)
    limits = Limits(memory=1 << 30, cpu_seconds=60, wall_seconds=60.0, output_bytes=1 << 22)
    found = sandbox.run(
        worker.evaluate_job, program, inputs, relin, {}, SEEDS, limits=limits, readable=(relin.parent,)
    )
    status, code, outputs, traces = worker.evaluate_job(program, inputs, relin, {}, SEEDS)
    assert found == [status, code, list(outputs), list(traces)]
    with pytest.raises(MalformedBlob):
        sandbox.run(worker.check_job, program, inputs, None, {}, limits=limits, readable=(relin.parent,))


def test_a_broken_input_key_or_result_is_refused(
    stats: SecretKey,
    inputs: dict[tuple[str, int], Path],
    relin: Path,
) -> None:
    program = selftest.every_primitive(STATS)
    with pytest.raises(MalformedBlob):
        worker.check_job(program, inputs | {("b", 1): relin}, relin, {})
    with pytest.raises(MalformedBlob):
        worker.check_job(program, inputs, inputs["a", 0], {})
    with pytest.raises(MalformedBlob):
        worker.check_job(program, inputs, None, {})
    outputs = worker.evaluate_job(program, inputs, relin, {}, SEEDS)[2]
    for wrong in (outputs[:-1], (*outputs, outputs[0]), (outputs[0][:-8], *outputs[1:])):
        with pytest.raises(MalformedBlob):
            worker.check_result(program, wrong)


def test_a_file_without_end_is_not_read_to_its_end(inputs: dict[tuple[str, int], Path], relin: Path) -> None:
    os.truncate(relin, 1 << 40)
    with pytest.raises(MalformedBlob):
        worker.check_job(selftest.every_primitive(STATS), inputs, relin, {})


def test_keys_stay_loaded_between_jobs(inputs: dict[tuple[str, int], Path], relin: Path) -> None:
    program = selftest.every_primitive(STATS)
    worker.check_job(program, inputs, relin, {})
    relin.unlink()
    assert worker.evaluate_job(program, inputs, relin, {}, SEEDS)[0] == "ok"


def test_this_machine_computes_the_golden_digests() -> None:
    selftest.run()


def test_a_machine_with_another_digest_may_not_sit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(selftest.GOLDEN, LINEAR.name, "0" * 64)
    with pytest.raises(ForeignEngine, match="linear") as refusal:
        selftest.run()
    assert "no seat" in refusal.value.hint
