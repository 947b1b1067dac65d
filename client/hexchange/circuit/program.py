"""What lowering makes and the evaluator runs: primitive operations on ciphertexts, in stages.

A program is a list of stages. A *block stage* runs its primitives once per row block and merges its
accumulators over the blocks by plain addition; a *once stage* runs after it, on the merged values. A stage
reads table ciphertexts and what earlier stages left, never a block's intermediate values, so memory does
not grow with the number of rows. Accumulators are merged before any relinearisation or rescaling, and
modular addition has no order: the bytes cannot depend on how blocks are split over workers.

Within a stage, registers 0 .. len(sources) - 1 are the sources and each primitive writes the next register.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.editions import Edition

#: Bytes of the canonical ciphertext header: tag, parameter id, NTT flag, size, primes, degree, scale.
CANONICAL_HEADER = 52


class Op(Enum):
    """The closed set of primitives; the comment gives the operands beside the registers."""

    ADD = "add"
    SUB = "sub"
    NEGATE = "negate"
    MULTIPLY = "multiply"  # size 2 x size 2 -> size 3, scales multiply
    SQUARE = "square"
    RELINEARIZE = "relinearize"  # size 3 -> 2
    RESCALE = "rescale"  # drops the last prime; the scale is then *set* to shape.scale
    MOD_SWITCH = "mod_switch"  # down to shape.primes primes, scale kept
    ROTATE = "rotate"  # left by step: slot i takes the value of slot i + step
    ADD_SCALAR = "add_scalar"  # value, plain_scale
    MULTIPLY_SCALAR = "multiply_scalar"  # value, plain_scale
    ADD_VECTOR = "add_vector"  # vector (a name in Program.vectors), plain_scale
    MULTIPLY_VECTOR = "multiply_vector"  # the same


@dataclass(frozen=True, slots=True)
class Shape:
    """What a ciphertext must look like, to the bit: polynomials, data primes left, scale. NTT form always."""

    size: int
    primes: int
    scale: float

    def canonical_bytes(self, degree: int) -> int:
        """Length of the canonical form of a ciphertext of this shape."""
        return CANONICAL_HEADER + 8 * self.size * self.primes * degree


@dataclass(frozen=True, slots=True)
class Primitive:
    """One operation; `args` are registers of its stage, `shape` is that of the output.

    `plain_scale` is the scale at which the scalar or vector is encoded, at the level of the ciphertext.
    """

    op: Op
    args: tuple[int, ...]
    shape: Shape
    value: float = 0.0
    plain_scale: float = 0.0
    step: int = 0
    vector: str = ""


@dataclass(frozen=True, slots=True)
class TableInput:
    """A ciphertext of the table: one for each row block, or a single one (stored as block 0)."""

    name: str
    shape: Shape
    per_block: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    """What an earlier stage left: `Program.stages[stage].keeps[index]`."""

    stage: int
    index: int
    shape: Shape


@dataclass(frozen=True, slots=True)
class Stage:
    """Primitives that run per row block (`per_block`) or once.

    `keeps` are the registers handed to later stages: in a block stage each is summed over all row blocks.
    """

    per_block: bool
    sources: tuple[TableInput | Kept, ...]
    primitives: tuple[Primitive, ...]
    keeps: tuple[int, ...]

    def shape(self, register: int) -> Shape:
        """Shape of a register."""
        held = len(self.sources)
        return self.sources[register].shape if register < held else self.primitives[register - held].shape

    def frees(self, primitives: Sequence[int], written: Collection[int]) -> tuple[tuple[int, ...], ...]:
        """Beside each of `primitives` (their numbers) the registers that are of no use after it.

        What is kept is added up as soon as it is made. Only sources that are kept, and registers that are
        `written` as results, stay to the end.
        """
        held = {*written, *(register for register in self.keeps if register < len(self.sources))}
        last: dict[int, int] = {}
        for place, number in enumerate(primitives):
            last |= dict.fromkeys((*self.primitives[number].args, len(self.sources) + number), place)
        dying: list[list[int]] = [[] for _ in primitives]
        for register, place in last.items():
            if register not in held:
                dying[place].append(register)
        return tuple(tuple(registers) for registers in dying)

    def table_inputs(self) -> tuple[TableInput, ...]:
        """The sources that are ciphertexts of the table."""
        return tuple(source for source in self.sources if isinstance(source, TableInput))


@dataclass(frozen=True, slots=True)
class ProgramOutput:
    """A result ciphertext: a register of a stage, one for each row block if the stage runs per block."""

    name: str
    stage: int
    register: int
    per_block: bool
    shape: Shape


SAMPLES = 16
"""Positions that a trace samples, where there are so many."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a primitive's output stands: row block (0 in once stages) and number of the primitive.

    Primitives are numbered through all stages in order, from 0.
    """

    block: int
    primitive: int


Place = tuple[int, int, int]
"""Stage, row block and number of a primitive: in this order one process would compute."""


@dataclass(frozen=True, slots=True)
class Program:
    """Everything a provider needs to run a circuit, and everything a gate needs to check its result."""

    edition: Edition
    rows: int
    stages: tuple[Stage, ...]
    outputs: tuple[ProgramOutput, ...]
    vectors: dict[str, NDArray[np.float64]]

    @property
    def blocks(self) -> int:
        """Row blocks of the table."""
        return self.edition.blocks(self.rows)

    @property
    def relinearizes(self) -> bool:
        """Whether the relinearisation key is needed."""
        return any(primitive.op is Op.RELINEARIZE for _, primitive in self.numbered())

    @property
    def steps(self) -> tuple[int, ...]:
        """The rotation steps that are used, each with a key of its own, ascending."""
        return tuple(sorted({p.step for _, p in self.numbered() if p.op is Op.ROTATE}))

    @property
    def inputs(self) -> tuple[TableInput, ...]:
        """Each table ciphertext that is read, once, in order of first use."""
        named = [source for stage in self.stages for source in stage.table_inputs()]
        return tuple({source.name: source for source in named}.values())

    def numbered(self) -> Iterator[tuple[int, Primitive]]:
        """All primitives with the number that a Position uses."""
        return enumerate(primitive for stage in self.stages for primitive in stage.primitives)

    def first_primitive(self, stage: int) -> int:
        """Number of the first primitive of a stage."""
        return sum(len(earlier.primitives) for earlier in self.stages[:stage])

    def place(self, position: Position) -> Place:
        """Where a position stands in the order in which one process would compute."""
        ends = accumulate(len(stage.primitives) for stage in self.stages)
        stage = next(number for number, end in enumerate(ends) if position.primitive < end)
        return stage, position.block, position.primitive

    def positions(self) -> Iterator[Position]:
        """Every position whose output a trace may ask for, ordered by (block, primitive) within a stage."""
        for index, stage in enumerate(self.stages):
            first = self.first_primitive(index)
            for block in range(self.blocks if stage.per_block else 1):
                for offset in range(len(stage.primitives)):
                    yield Position(block, first + offset)

    def result_sizes(self) -> tuple[tuple[str, int, int], ...]:
        """(output name, block, canonical bytes) of every result ciphertext, in the order of the manifest."""
        return tuple(
            (output.name, block, output.shape.canonical_bytes(self.edition.parameters.degree))
            for output in self.outputs
            for block in range(self.blocks if output.per_block else 1)
        )
