"""A NumPy interpreter of programs: what lowering means, with every level and scale checked."""

from __future__ import annotations

from collections.abc import Iterable
from math import isclose

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.packing import in_rows
from hexchange.circuit.program import Kept, Op, Primitive, Program, Shape

Floats = NDArray[np.float64]
Slots = dict[str, list[Floats]]


def interpret(program: Program, packed: Iterable[tuple[str, int, Floats]]) -> Slots:
    """Run a program on packed slots in the clear; the slots of each output per row block."""
    slots = program.edition.parameters.slots
    inputs = {(name, block): np.pad(values, (0, slots - len(values))) for name, block, values in packed}
    kept: list[list[Floats]] = []
    results: Slots = {output.name: [] for output in program.outputs}
    for number, stage in enumerate(program.stages):
        merged: list[Floats] = []
        for block in range(program.blocks if stage.per_block else 1):
            registers = [
                kept[source.stage][source.index] if isinstance(source, Kept) else inputs[source.name, block]
                for source in stage.sources
            ]
            for primitive in stage.primitives:
                _check(program, primitive, [stage.shape(register) for register in primitive.args])
                registers.append(_value(program, primitive, [registers[arg] for arg in primitive.args]))
            for output in program.outputs:
                if output.stage == number:
                    assert output.shape == stage.shape(output.register)
                    assert output.per_block == stage.per_block
                    results[output.name].append(in_rows(program.edition, registers[output.register]))
            here = [registers[register] for register in stage.keeps]
            merged = [one + other for one, other in zip(merged, here, strict=True)] if block else here
        kept.append(merged)
    return results


def _value(program: Program, primitive: Primitive, of: list[Floats]) -> Floats:
    match primitive.op:
        case Op.ADD:
            return of[0] + of[1]
        case Op.SUB:
            return of[0] - of[1]
        case Op.NEGATE:
            return -of[0]
        case Op.MULTIPLY:
            return of[0] * of[1]
        case Op.SQUARE:
            return of[0] * of[0]
        case Op.ROTATE:
            return np.roll(of[0], -primitive.step)
        case Op.ADD_SCALAR:
            return of[0] + primitive.value
        case Op.MULTIPLY_SCALAR:
            return of[0] * primitive.value
        case Op.ADD_VECTOR:
            return of[0] + program.vectors[primitive.vector]
        case Op.MULTIPLY_VECTOR:
            return of[0] * program.vectors[primitive.vector]
        case Op.RELINEARIZE | Op.RESCALE | Op.MOD_SWITCH:
            return of[0]


def _check(program: Program, primitive: Primitive, of: list[Shape]) -> None:
    """Assert that SEAL would accept the primitive and yield its declared shape, scales to the last bit."""
    first, shape = of[0], primitive.shape
    primes = program.edition.parameters.data_primes
    match primitive.op:
        case Op.ADD | Op.SUB:
            assert {(one.primes, one.scale) for one in of} == {(shape.primes, shape.scale)}
            assert shape.size == max(one.size for one in of)
        case Op.MULTIPLY | Op.SQUARE:
            assert all(one.size == 2 and one.primes == shape.primes for one in of)
            assert shape == Shape(3, first.primes, first.scale * of[-1].scale)
        case Op.RELINEARIZE:
            assert program.edition.relinearize
            assert (first.size, shape) == (3, Shape(2, first.primes, first.scale))
        case Op.RESCALE:
            assert (shape.size, shape.primes) == (first.size, first.primes - 1)
            assert isclose(shape.scale, first.scale / float(primes[shape.primes]), rel_tol=2**-51)
        case Op.MOD_SWITCH:
            assert (shape.size, shape.scale) == (first.size, first.scale)
            assert 1 <= shape.primes < first.primes
        case Op.ROTATE:
            assert primitive.step in program.edition.steps
            assert first.size == 2
            assert shape == first
        case Op.NEGATE | Op.ADD_SCALAR | Op.ADD_VECTOR:
            assert shape == first
            assert primitive.op is Op.NEGATE or primitive.plain_scale == first.scale
        case Op.MULTIPLY_SCALAR | Op.MULTIPLY_VECTOR:
            assert shape == Shape(first.size, first.primes, first.scale * primitive.plain_scale)
    room = 1.0
    for prime in primes[: shape.primes]:
        room *= prime
    assert shape.scale < room / 2
