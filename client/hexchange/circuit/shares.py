"""What each of several processes does of a program, so that together they do all of it, to the same bytes.

Row blocks are dealt out equally; blocks that are left over, which are all of them where there are few, are dealt
out by outputs, each with all that it needs. What processes have summed over different blocks is added up by
whoever reads it: such sums travel before they are relinearised or rescaled, and modular addition has no order,
so nobody can tell how a run was split.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from hexchange.circuit.program import Kept, Program, ProgramOutput, Stage


@dataclass(frozen=True, slots=True)
class Part:
    """Work that is the same for each row block of `blocks`.

    `primitives` are numbers within the stage, ascending; beside each of them `frees` has the registers that
    nothing reads after it. `outputs` are written; `keeps` are summed over the blocks, by index.
    """

    blocks: range
    primitives: tuple[int, ...]
    frees: tuple[tuple[int, ...], ...]
    outputs: tuple[ProgramOutput, ...]
    keeps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """What one process does of one stage, in ascending order of blocks.

    Of what the stage keeps, by index, `wants` is what this process reads in later stages, and `hands` what
    another one has to add to its own.
    """

    parts: tuple[Part, ...]
    wants: tuple[int, ...]
    hands: tuple[int, ...]


Shares = tuple[Share, ...]
"""What one process does, stage by stage."""


def split(program: Program, most: int) -> tuple[Shares, ...]:
    """The shares of each process; there are at most `most` (at least 1) of them."""
    names = [output.name for output in program.outputs]
    count = min(most, max(program.blocks, len(names)))
    named = [set(names[one::count]) for one in range(count)]  # neighbours take equally long
    wanted: list[set[Kept]] = [set() for _ in range(count)]
    stages: list[list[Share]] = []
    for number in reversed(range(len(program.stages))):  # what a stage keeps is what later ones read
        stages.insert(0, _stage(program, number, named, wanted))
    return tuple(zip(*stages, strict=True))


def _stage(
    program: Program, number: int, named: Sequence[set[str]], wanted: Sequence[set[Kept]]
) -> list[Share]:
    """Each process's share of a stage; adds to `wanted` what the shares read of earlier stages."""
    stage = program.stages[number]
    wants = [{kept.index for kept in each if kept.stage == number} for each in wanted]
    equal = program.blocks // len(named) if stage.per_block else 0
    whole, rest = _parts(program, number, named, wants, equal)
    shares = []
    for one, own in enumerate(wants):
        parts = [*whole[one : one + 1], *rest[one : one + 1]]
        read = set().union(*(_read(stage, part) for part in parts))
        sources = [stage.sources[register] for register in read if register < len(stage.sources)]
        wanted[one].update(source for source in sources if isinstance(source, Kept))
        others = set().union(*(each for other, each in enumerate(wants) if other != one))
        made = {index for part in parts for index in part.keeps} if stage.per_block else set()
        shares.append(Share(tuple(parts), tuple(sorted(own)), tuple(sorted(made & others))))
    return shares


def _parts(
    program: Program, number: int, named: Sequence[set[str]], wants: Sequence[set[int]], equal: int
) -> tuple[list[Part], list[Part]]:
    """For each process its part over `equal` row blocks, and its part over those that are left.

    A sum over blocks is made once. What a stage that runs once keeps is made by all that want it.
    """
    stage, count = program.stages[number], len(named)
    outputs = [output for output in program.outputs if output.stage == number]
    everything = set().union(*wants)
    runs = [range(equal * one, equal * (one + 1)) for one in range(count)] if equal else []
    whole = [_part(stage, run, range(len(stage.primitives)), outputs, everything) for run in runs]
    left = range(equal * count, program.blocks) if stage.per_block else range(1)
    if not left:
        return whole, []
    own = [[output for output in outputs if output.name in names] for names in named]
    keeps = [set(each) for each in wants]
    if stage.per_block:
        keeps = [each.difference(*wants[:one]) for one, each in enumerate(wants)]
    needed = [_needed(stage, _held(stage, *each)) for each in zip(own, keeps, strict=True)]
    unneeded = set(range(len(stage.primitives))).difference(*needed)  # but a trace may ask for it
    needed[0] |= _needed(stage, [len(stage.sources) + each for each in unneeded])
    return whole, [_part(stage, left, *each) for each in zip(needed, own, keeps, strict=True)]


def _part(
    stage: Stage, blocks: range, primitives: Iterable[int], outputs: Sequence[ProgramOutput], keeps: set[int]
) -> Part:
    ordered = tuple(sorted(primitives))
    frees = stage.frees(ordered, [output.register for output in outputs])
    return Part(blocks, ordered, frees, tuple(outputs), tuple(sorted(keeps)))


def _held(stage: Stage, outputs: Iterable[ProgramOutput], keeps: Collection[int]) -> set[int]:
    """Registers of results."""
    return {output.register for output in outputs} | {stage.keeps[index] for index in keeps}


def _read(stage: Stage, part: Part) -> set[int]:
    """Registers that a part reads or hands on."""
    args = {arg for each in part.primitives for arg in stage.primitives[each].args}
    return args | _held(stage, part.outputs, part.keeps)


def _needed(stage: Stage, registers: Iterable[int]) -> set[int]:
    """The primitives (by their number in the stage) that these registers come from."""
    first = len(stage.sources)
    found: set[int] = set()
    waiting = list(registers)
    while waiting:
        number = waiting.pop() - first
        if number >= 0 and number not in found:
            found.add(number)
            waiting.extend(stage.primitives[number].args)
    return found
