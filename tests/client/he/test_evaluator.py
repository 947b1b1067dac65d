"""A program gives the right numbers, and the same bytes whoever runs it."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from hexchange.circuit.editions import LINEAR, STATS, TRAIN
from hexchange.circuit.program import Kept, Op, Primitive, Program, ProgramOutput, Shape, Stage, TableInput
from hexchange.errors import MalformedBlob
from hexchange.he import selftest
from hexchange.he.encryption import Encryption
from hexchange.he.engine import engine
from hexchange.he.evaluator import Evaluation, evaluate
from hexchange.he.keys import (
    Keys,
    SecretKey,
)
from hexchange.he.opening import open_outputs

SEEDS = (b"\x01" * 32, b"\x02" * 32)
NO_KEYS = Keys(None, {})


class Table:
    """Columns a and b in two row blocks, in the clear and encrypted."""

    def __init__(self, secret: SecretKey) -> None:
        random = np.random.default_rng(5)
        self.clear = {
            (name, block): random.uniform(-1, 1, secret.engine.parameters.slots)
            for name in "ab"
            for block in (0, 1)
        }
        encryption = Encryption(secret)
        self.blobs = {place: encryption.encrypt(values) for place, values in self.clear.items()}

    def blob(self, name: str, block: int) -> bytes:
        return self.blobs[name, block]


@pytest.fixture(scope="module")
def table(linear: SecretKey) -> Table:
    return Table(linear)


def _run(program: Program, table: Table, keys: Keys = NO_KEYS) -> Evaluation:
    return evaluate(program, table.blob, keys, SEEDS)


def test_every_primitive_computes_what_it_says_on_rows() -> None:
    secret = SecretKey.generate(STATS.parameters)
    table, program = Table(secret), selftest.every_primitive(STATS)
    keys = Keys.made(secret, [], relinearize=True)
    opened = open_outputs(secret, program, _run(program, table, keys).outputs)
    a, b = ([table.clear[name, block] for block in (0, 1)] for name in "ab")
    for block in (0, 1):
        assert np.max(np.abs(opened["score"][block] - (0.75 * a[block] + 0.5 * b[block] + 0.25))) < 1e-7
    total = sum(a[block] * b[block] + a[block] ** 2 for block in (0, 1))
    assert np.max(np.abs(opened["total"][0] + total)) < 1e-7


def test_rotations_masks_and_switches_compute_what_they_say() -> None:
    secret = SecretKey.generate(TRAIN.parameters)
    table, program = Table(secret), selftest.every_primitive(TRAIN)
    keys = Keys.made(secret, [1], relinearize=True)
    opened = open_outputs(secret, program, _run(program, table, keys).outputs)
    total = sum(
        table.clear["a", block] * table.clear["b", block] + table.clear["a", block] ** 2 for block in (0, 1)
    )
    expected = -np.roll(total, -1) * program.vectors["mask"]
    assert np.max(np.abs(opened["total"][0] - expected)) < 1e-6


def test_a_second_run_gives_the_same_bytes(table: Table) -> None:
    program = selftest.every_primitive(LINEAR)
    first = _run(program, table)
    assert first.status == "ok"
    assert first == _run(program, table)


def test_runs_in_threads_give_the_same_bytes(table: Table) -> None:
    program = selftest.every_primitive(LINEAR)
    with ThreadPoolExecutor(4) as pool:
        runs = set(pool.map(lambda _: _run(program, table), range(4)))
    assert runs == {_run(program, table)}


@pytest.mark.parametrize("threads", ["1", "4"])
def test_other_processes_compute_the_golden_digests(threads: str) -> None:
    subprocess.run(
        [sys.executable, "-c", "from hexchange.he import selftest; selftest.run()"],
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": threads, "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA"},
    )


def _trace(program: Program, seed: bytes, outputs: dict[tuple[int, int], bytes]) -> bytes:
    """The rule of traces once more, written from its text, over the outputs of every position."""
    ranked = sorted(
        outputs,
        key=lambda place: (
            sha256(seed + struct.pack(">I", place[0]) + struct.pack(">I", place[1])).digest(),
            place,
        ),
    )
    hashes = [sha256(seed + struct.pack(">II", *place) + outputs[place]).digest() for place in ranked[:16]]
    return sha256(seed + b"".join(hashes)).digest()


def _every_output(program: Program, table: Table) -> dict[tuple[int, int], bytes]:
    """Canonical bytes at every position, each taken as a result of a program that says so."""
    found = {}
    for number, (stage, offset) in enumerate(
        (stage, offset) for stage, held in enumerate(program.stages) for offset in range(len(held.primitives))
    ):
        held = program.stages[stage]
        register = len(held.sources) + offset
        wanted = ProgramOutput("one", stage, register, held.per_block, held.shape(register))
        outputs = _run(replace(program, outputs=(wanted,)), table).outputs
        found |= {(block, number): data for block, data in enumerate(outputs)}
    return found


def test_traces_follow_the_rule_for_each_seed_in_one_run(table: Table) -> None:
    program = selftest.every_primitive(LINEAR)
    longer = replace(program, rows=program.rows, stages=(_lengthened(program.stages[0]), program.stages[1]))
    outputs = _every_output(longer, table)
    assert len(outputs) > 16
    assert _run(longer, table).traces == tuple(_trace(longer, seed, outputs) for seed in SEEDS)


def _lengthened(stage: Stage) -> Stage:
    """The stage with four more primitives at its end, so that not every position is sampled."""
    shape, last = stage.primitives[-1].shape, len(stage.sources) + len(stage.primitives) - 1
    more = tuple(Primitive(Op.NEGATE, (last + index,), shape) for index in range(4))
    return replace(stage, primitives=stage.primitives + more)


def test_a_trace_depends_on_the_seed_and_on_every_sampled_output(table: Table, linear: SecretKey) -> None:
    program = selftest.every_primitive(LINEAR)
    first, second = _run(program, table).traces
    assert first != second
    other = _run(program, Table(linear)).traces
    assert first != other[0]


def _difference(second: str) -> Program:
    fresh = Shape(2, 2, LINEAR.parameters.scale)
    stage = Stage(
        per_block=True,
        sources=(TableInput("a", fresh), TableInput(second, fresh)),
        primitives=(Primitive(Op.NEGATE, (0,), fresh), Primitive(Op.SUB, (0, 1), fresh)),
        keeps=(),
    )
    return Program(LINEAR, 10, (stage,), (ProgramOutput("d", 0, 3, True, fresh),), {})


def test_a_result_that_hides_nothing_ends_the_run_with_a_code_and_the_trace_up_to_it(table: Table) -> None:
    program = _difference("same")
    table.blobs["same", 0] = table.blobs["a", 0]
    failed = _run(program, table)
    assert (failed.status, failed.code, failed.outputs) == ("failed", "transparent", ())
    negated = replace(program, outputs=(ProgramOutput("n", 0, 2, True, program.outputs[0].shape),))
    before = {(0, 0): _run(replace(negated, stages=(_without_last(program.stages[0]),)), table).outputs[0]}
    assert failed.traces == tuple(_trace(program, seed, before) for seed in SEEDS)
    assert failed == _run(program, table)


def _without_last(stage: Stage) -> Stage:
    return replace(stage, primitives=stage.primitives[:-1])


def test_progress_counts_every_primitive_of_every_block(table: Table) -> None:
    calls: list[tuple[int, int]] = []
    program = selftest.every_primitive(LINEAR)
    evaluate(program, table.blob, NO_KEYS, (), lambda done, all_: calls.append((done, all_)))
    assert calls == [(done, 12) for done in range(1, 13)]


def test_an_input_of_another_shape_stops_the_run(table: Table) -> None:
    stats = Encryption(SecretKey.generate(STATS.parameters)).encrypt(np.ones(4))
    with pytest.raises(MalformedBlob):
        evaluate(selftest.every_primitive(LINEAR), lambda name, block: stats, NO_KEYS, ())


def test_kept_values_are_summed_over_blocks_and_a_source_may_be_kept(table: Table, linear: SecretKey) -> None:
    fresh = Shape(2, 2, LINEAR.parameters.scale)
    stages = (
        Stage(
            True,
            (TableInput("a", fresh), TableInput("b", fresh)),
            (Primitive(Op.NEGATE, (0,), fresh),),
            (1, 2),
        ),
        Stage(False, (Kept(0, 0, fresh), Kept(0, 1, fresh)), (Primitive(Op.SUB, (0, 1), fresh),), ()),
    )
    program = Program(
        LINEAR, 2 * LINEAR.rows_per_block, stages, (ProgramOutput("k", 1, 2, False, fresh),), {}
    )
    opened = open_outputs(linear, program, _run(program, table).outputs)["k"][0]
    real, imaginary = np.split(opened, 2)
    assert np.max(np.abs(real - sum(table.clear.values()))) < 1e-5
    assert np.max(np.abs(imaginary)) < 1e-5


def test_one_register_may_be_kept_twice_and_read_on(table: Table, linear: SecretKey) -> None:
    """Sums are made in place, but never in an object that something else still reads."""
    fresh = Shape(2, 2, LINEAR.parameters.scale)
    blocks = Stage(
        per_block=True,
        sources=(TableInput("a", fresh),),
        primitives=(Primitive(Op.NEGATE, (0,), fresh), Primitive(Op.NEGATE, (1,), fresh)),
        keeps=(1, 1, 0, 0),
    )
    kept = tuple(Kept(0, index, fresh) for index in range(4))
    once = Stage(per_block=False, sources=kept, primitives=(), keeps=())
    outputs = (
        *(ProgramOutput(f"k{index}", 1, index, False, fresh) for index in range(4)),
        ProgramOutput("same", 0, 2, True, fresh),
    )
    program = Program(LINEAR, 3 * LINEAR.rows_per_block, (blocks, once), outputs, {})
    three = {("a", block): table.blobs["a", block % 2] for block in range(3)}
    result = evaluate(program, lambda name, block: three[name, block], NO_KEYS, ())
    opened = open_outputs(linear, program, result.outputs)
    clear = [table.clear["a", block % 2] for block in range(3)]
    for name, sign in (("k0", -1), ("k1", -1), ("k2", 1), ("k3", 1)):
        assert np.max(np.abs(opened[name][0][: len(clear[0])] - sign * sum(clear))) < 1e-5
    for block in range(3):
        assert np.max(np.abs(opened["same"][block][: len(clear[0])] - clear[block])) < 1e-5


def test_a_result_with_another_number_of_ciphertexts_is_refused(table: Table, linear: SecretKey) -> None:
    program = selftest.every_primitive(LINEAR)
    with pytest.raises(MalformedBlob):
        open_outputs(linear, program, _run(program, table).outputs[:-1])


def test_the_engine_of_an_edition_is_built_once() -> None:
    assert engine(LINEAR.parameters) is engine(LINEAR.parameters)
