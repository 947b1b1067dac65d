"""However a program is split, everything in it is done, and every result and sum is made where it is needed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from hexchange.circuit.document import Circuit, Column, Table
from hexchange.circuit.library.covariance import covariance
from hexchange.circuit.library.describe import describe
from hexchange.circuit.library.logistic import logistic
from hexchange.circuit.library.predict import predict
from hexchange.circuit.lowering import lower
from hexchange.circuit.program import Kept, Op, Position, Primitive, Program
from hexchange.circuit.shares import Share, split

COLUMNS = tuple(Column(name, 0.0, 1.0) for name in "abcd")


def of(rows: int) -> Table:
    return Table(rows, (*COLUMNS, Column("y", 0.0, 1.0)), label="y")


CIRCUITS: dict[str, Circuit] = {
    "one block of many outputs": describe(of(100)),
    "some blocks of many outputs": covariance(of(20_000)),
    "rows of scores": predict(of(30_000), {"a": 1.0, "b": -2.0}, 0.5),
    "training in stages": logistic(of(1200)),
}


def done(program: Program, shares: tuple[Share, ...]) -> set[Position]:
    return {
        Position(block, program.first_primitive(number) + offset)
        for number, share in enumerate(shares)
        for block in share.blocks
        for offset in share.primitives
    }


@pytest.mark.parametrize("processes", [1, 2, 3, 5, 64])
@pytest.mark.parametrize("name", CIRCUITS)
def test_together_they_do_every_primitive_and_write_every_result_once(name: str, processes: int) -> None:
    program = lower(CIRCUITS[name])
    parts = split(program, processes)
    assert 1 <= len(parts) <= processes
    assert set().union(*(done(program, shares) for shares in parts)) == set(program.positions())
    written = Counter(
        (output.name, block)
        for shares in parts
        for share in shares
        for output in share.outputs
        for block in (share.blocks if output.per_block else [0])
    )
    assert written == Counter((name, block) for name, block, _ in program.result_sizes())


@pytest.mark.parametrize("processes", [2, 3, 5])
@pytest.mark.parametrize("name", CIRCUITS)
def test_what_a_process_reads_it_has_made_or_is_handed(name: str, processes: int) -> None:
    program = lower(CIRCUITS[name])
    parts = split(program, processes)
    for me, shares in enumerate(parts):
        for number, share in enumerate(shares):
            stage = program.stages[number]
            read = {arg for offset in share.primitives for arg in stage.primitives[offset].args}
            kept = [source for register, source in enumerate(stage.sources) if register in read]
            for source in (source for source in kept if isinstance(source, Kept)):
                made = [each[source.stage] for each in parts]
                assert source.index in made[me].wants
                assert set(made[me].wants) <= set(made[me].keeps)
                for other, theirs in enumerate(made):
                    whole = theirs.blocks == made[me].blocks
                    assert whole or other == me or source.index in theirs.hands


def test_row_blocks_are_dealt_out_as_equally_as_can_be() -> None:
    parts = split(lower(CIRCUITS["rows of scores"]), 4)
    assert [len(shares[0].blocks) for shares in parts] in ([3, 4, 4, 4], [2, 2, 2, 2], [1, 2, 2, 2])


def test_outputs_are_dealt_out_where_there_are_few_blocks_and_share_no_product() -> None:
    program = lower(CIRCUITS["one block of many outputs"])
    first, second = split(program, 2)
    assert len(first[1].outputs) == len(second[1].outputs) == len(program.outputs) // 2
    assert not set(first[0].primitives) & set(second[0].primitives)


def test_what_no_result_needs_is_done_once_because_a_trace_may_ask_for_it() -> None:
    program = lower(CIRCUITS["one block of many outputs"])
    last = program.stages[-1]
    register = len(last.sources) + len(last.primitives) - 1
    idle = Primitive(Op.NEGATE, (register,), last.shape(register))
    longer = replace(program, stages=(program.stages[0], replace(last, primitives=(*last.primitives, idle))))
    doing = [shares for shares in split(longer, 3) if len(last.primitives) in shares[-1].primitives]
    assert len(doing) == 1
