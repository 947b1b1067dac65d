"""What each of several processes does of a program, so that together they do all of it, to the same bytes.

Row blocks are dealt out where there are enough of them, otherwise outputs, each with all that it needs. What
processes have summed over their own row blocks is added up by whoever reads it: such sums travel before they
are relinearised or rescaled, and modular addition has no order, so nobody can tell how a run was split.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hexchange.circuit.program import Kept, Program, ProgramOutput, Stage


@dataclass(frozen=True, slots=True)
class Share:
    """What one process does of one stage.

    `primitives` are numbers within the stage, ascending, done for each row block of `blocks`; beside each,
    `frees` has the registers that nothing reads after it. `outputs` are the results that it writes, `keeps`
    what it sums over its blocks, by index. Of these `wants` are what it reads in later stages itself, and
    `hands` what another process has to add to its own.
    """

    blocks: range
    primitives: tuple[int, ...]
    frees: tuple[tuple[int, ...], ...]
    outputs: tuple[ProgramOutput, ...]
    keeps: tuple[int, ...]
    wants: tuple[int, ...]
    hands: tuple[int, ...]


Shares = tuple[Share, ...]
"""What one process does, stage by stage."""


def split(program: Program, most: int) -> tuple[Shares, ...]:
    """The shares of each process; there are at most `most` (at least 1) of them."""
    names = [output.name for output in program.outputs]
    by_rows = program.blocks >= min(most, len(names))
    count = min(most, program.blocks if by_rows else len(names))
    named = [set(names[part.start : part.stop]) for part in _dealt(len(names), count)]
    wanted: list[set[Kept]] = [set() for _ in range(count)]
    stages: list[list[Share]] = []
    for number in reversed(range(len(program.stages))):  # what a stage keeps is what later ones read
        stages.insert(0, _stage(program, number, named, wanted, by_rows=by_rows))
    return tuple(zip(*stages, strict=True))


def _stage(
    program: Program, number: int, named: Sequence[set[str]], wanted: Sequence[set[Kept]], *, by_rows: bool
) -> list[Share]:
    """Each process's share of a stage; adds to `wanted` what the shares read of earlier stages."""
    stage, everyone = program.stages[number], range(len(named))
    blocks = range(program.blocks if stage.per_block else 1)
    wants = [tuple(sorted(kept.index for kept in each if kept.stage == number)) for each in wanted]
    outputs = [output for output in program.outputs if output.stage == number]
    if dealt := by_rows and stage.per_block:
        parts = _dealt(len(blocks), len(named))
        keeps = [tuple(sorted(set().union(*wants)))] * len(named)
        own = [outputs] * len(named)
    else:
        parts = [blocks] * len(named)
        keeps = wants
        own = [[output for output in outputs if output.name in names] for names in named]
    held = [
        {stage.keeps[index] for index in keeps[one]} | {output.register for output in own[one]}
        for one in everyone
    ]
    needed = [_needed(stage, registers) for registers in held]
    unneeded = set(range(len(stage.primitives))).difference(*needed)
    for one in everyone if dealt else everyone[:1]:  # a trace may ask for what no result needs
        needed[one] = _needed(stage, held[one] | {len(stage.sources) + each for each in unneeded})
    shares = []
    for one in everyone:
        read = {arg for each in needed[one] for arg in stage.primitives[each].args} | held[one]
        sources = [stage.sources[register] for register in read if register < len(stage.sources)]
        wanted[one].update(source for source in sources if isinstance(source, Kept))
        others = set().union(*(wants[other] for other in everyone if other != one)) if dealt else set()
        primitives = tuple(sorted(needed[one]))
        frees = _frees(stage, primitives, held[one])
        hands = tuple(sorted(others))
        shares.append(Share(parts[one], primitives, frees, tuple(own[one]), keeps[one], wants[one], hands))
    return shares


def _dealt(things: int, count: int) -> list[range]:
    """So many things in `count` runs, as equal as can be."""
    return [range(things * one // count, things * (one + 1) // count) for one in range(count)]


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


def _frees(stage: Stage, primitives: Sequence[int], held: set[int]) -> tuple[tuple[int, ...], ...]:
    """Beside each primitive the registers that neither a later one reads nor anybody `held` after the stage."""
    last: dict[int, int] = {}
    for place, number in enumerate(primitives):
        last |= dict.fromkeys((*stage.primitives[number].args, len(stage.sources) + number), place)
    dying: list[list[int]] = [[] for _ in primitives]
    for register, place in last.items():
        if register not in held:
            dying[place].append(register)
    return tuple(tuple(registers) for registers in dying)
