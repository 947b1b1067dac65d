"""However a program is split, everything in it is done, and every result and sum is made where it is needed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from hexchange.circuit.document import Circuit, Column, Table
from hexchange.circuit.library.covariance import covariance
from hexchange.circuit.library.describe import describe
from hexchange.circuit.library.logistic import logistic
from hexchange.circuit.library.network import network
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
    "rows of a network": network(of(100), [(np.ones((4, 3)), np.ones(3)), (np.ones((3, 2)), np.ones(2))]),
}


def done(program: Program, shares: tuple[Share, ...]) -> set[Position]:
    return {
        Position(block, program.first_primitive(number) + offset)
        for number, share in enumerate(shares)
        for part in share.parts
        for block in part.blocks
        for offset in part.primitives
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
        for part in share.parts
        for output in part.outputs
        for block in part.blocks
    )
    assert written == Counter((name, block) for name, block, _ in program.result_sizes())


@pytest.mark.parametrize("processes", [2, 3, 5])
@pytest.mark.parametrize("name", CIRCUITS)
def test_what_a_process_reads_is_summed_over_each_block_once_and_handed_by_who_has_it(
    name: str, processes: int
) -> None:
    program = lower(CIRCUITS[name])
    parts = split(program, processes)
    for me, shares in enumerate(parts):
        for number, share in enumerate(shares):
            stage = program.stages[number]
            done = {offset for part in share.parts for offset in part.primitives}
            read = {arg for offset in done for arg in stage.primitives[offset].args}
            kept = [source for register, source in enumerate(stage.sources) if register in read]
            for source in (source for source in kept if isinstance(source, Kept)):
                made = [each[source.stage] for each in parts]
                assert source.index in made[me].wants
                summed = Counter(
                    block
                    for other, theirs in enumerate(made)
                    for part in theirs.parts
                    for block in part.blocks
                    if source.index in part.keeps and (other == me or source.index in theirs.hands)
                )
                per_block = program.stages[source.stage].per_block
                assert summed == Counter(range(program.blocks if per_block else 1))


def test_row_blocks_are_dealt_out_equally_and_the_rest_by_outputs() -> None:
    program = lower(CIRCUITS["some blocks of many outputs"])
    assert program.blocks == 5
    (first, last), (second, rest) = (shares[0].parts for shares in split(program, 2))
    assert (first.blocks, second.blocks, last.blocks, rest.blocks) == (
        range(2),
        range(2, 4),
        range(4, 5),
        range(4, 5),
    )
    assert not set(last.keeps) & set(rest.keeps)
    assert len(last.keeps) == len(rest.keeps)


def test_outputs_are_dealt_out_where_there_are_few_blocks_and_share_no_product() -> None:
    program = lower(CIRCUITS["one block of many outputs"])
    first, second = ([share.parts for share in shares] for shares in split(program, 2))
    assert len(first[1][0].outputs) == len(second[1][0].outputs) == len(program.outputs) // 2
    assert not set(first[0][0].primitives) & set(second[0][0].primitives)


def test_what_no_result_needs_is_done_once_because_a_trace_may_ask_for_it() -> None:
    program = lower(CIRCUITS["one block of many outputs"])
    last = program.stages[-1]
    register = len(last.sources) + len(last.primitives) - 1
    idle = Primitive(Op.NEGATE, (register,), last.shape(register))
    longer = replace(program, stages=(program.stages[0], replace(last, primitives=(*last.primitives, idle))))
    doing = [
        part
        for shares in split(longer, 3)
        for part in shares[-1].parts
        if len(last.primitives) in part.primitives
    ]
    assert len(doing) == 1
