"""What a child runs: whole jobs from files, and strict parsing of everything in them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from hexchange.circuit.editions import EDITIONS, LINEAR, STATS
from hexchange.circuit.program import Program
from hexchange.circuit.shares import split
from hexchange.errors import ChildCrashed, DiskFull, ForeignEngine, MalformedBlob
from hexchange.he import selftest, worker
from hexchange.he.encryption import Encryption
from hexchange.he.evaluator import evaluate
from hexchange.he.keys import Keys, SecretKey, load_relin_key, make_relin_key
from hexchange.he.trace import Trace

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


def run(
    program: Program, inputs: dict[tuple[str, int], Path], relin: Path, scratch: Path
) -> tuple[tuple[bytes, ...], list[bytes]]:
    """The whole of a job in this process: outputs, and the hashes of samples in their order."""
    (shares,) = split(program, 1)
    with scratch.open("w+b") as file:
        worker.begin(
            program, shares, file.fileno(), inputs, relin, {}, [Trace(program, seed) for seed in SEEDS]
        )
        answers = [worker.proceed(number, []) for number in range(len(program.stages))]
        at = {(name, block): offset for name, block, offset in answers[-1]["outputs"]}
        outputs = tuple(
            os.pread(file.fileno(), size, at[name, block]) for name, block, size in program.result_sizes()
        )
    return outputs, [hashed for _, _, hashed in sorted(answers[-1]["samples"][0])]


def test_a_job_over_files_gives_what_the_evaluator_gives(
    stats: SecretKey, inputs: dict[tuple[str, int], Path], relin: Path, tmp_path: Path
) -> None:
    program = selftest.every_primitive(STATS)
    keys = Keys(load_relin_key(stats.engine, relin.read_bytes()), {})
    expected = evaluate(program, lambda name, block: inputs[name, block].read_bytes(), keys, SEEDS)
    outputs, samples = run(program, inputs, relin, tmp_path / "scratch")
    assert outputs == expected.outputs
    assert len(samples) == 16
    worker.check_job(program, inputs, relin, {})
    worker.check_result(program, expected.outputs)


def test_a_stage_of_a_run_that_was_not_begun_here_is_refused(
    inputs: dict[tuple[str, int], Path], relin: Path, tmp_path: Path
) -> None:
    run(selftest.every_primitive(STATS), inputs, relin, tmp_path / "scratch")
    with pytest.raises(ChildCrashed, match="not begun"):
        worker.proceed(1, [])


def test_a_result_that_finds_no_room_is_an_error_that_says_so(
    inputs: dict[tuple[str, int], Path], relin: Path
) -> None:
    program = selftest.every_primitive(STATS)
    (shares,) = split(program, 1)
    with Path("/dev/full").open("wb") as full:
        worker.begin(program, shares, full.fileno(), inputs, relin, {}, [])
        with pytest.raises(DiskFull):
            worker.proceed(0, [])


def test_a_broken_input_key_or_result_is_refused(
    stats: SecretKey,
    inputs: dict[tuple[str, int], Path],
    relin: Path,
    tmp_path: Path,
) -> None:
    program = selftest.every_primitive(STATS)
    with pytest.raises(MalformedBlob):
        worker.check_job(program, inputs | {("b", 1): relin}, relin, {})
    with pytest.raises(MalformedBlob):
        worker.check_job(program, inputs, inputs["a", 0], {})
    with pytest.raises(MalformedBlob):
        worker.check_job(program, inputs, None, {})
    outputs, _ = run(program, inputs, relin, tmp_path / "scratch")
    for wrong in (outputs[:-1], (*outputs, outputs[0]), (outputs[0][:-8], *outputs[1:])):
        with pytest.raises(MalformedBlob):
            worker.check_result(program, wrong)


def test_a_file_without_end_is_not_read_to_its_end(inputs: dict[tuple[str, int], Path], relin: Path) -> None:
    os.truncate(relin, 1 << 40)
    with pytest.raises(MalformedBlob):
        worker.check_job(selftest.every_primitive(STATS), inputs, relin, {})


def test_keys_stay_loaded_between_jobs(
    inputs: dict[tuple[str, int], Path], relin: Path, tmp_path: Path
) -> None:
    program = selftest.every_primitive(STATS)
    worker.check_job(program, inputs, relin, {})
    relin.unlink()
    assert run(program, inputs, relin, tmp_path / "scratch")[0]


def test_this_machine_computes_the_golden_digests() -> None:
    selftest.run()


@pytest.mark.parametrize("name", EDITIONS)
def test_every_edition_has_its_golden_digest(name: str) -> None:
    assert selftest.digest(selftest.every_primitive(EDITIONS[name])) == selftest.GOLDEN[name]


def test_a_machine_with_another_digest_may_not_sit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(selftest.GOLDEN, LINEAR.name, "0" * 64)
    with pytest.raises(ForeignEngine, match="linear") as refusal:
        selftest.run()
    assert "no seat" in refusal.value.hint
