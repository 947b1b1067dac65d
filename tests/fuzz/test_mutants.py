"""Mutants of everything that strangers send: each is refused with a typed error, or means exactly what it says.

They are read in a real sandboxed child, in batches. FUZZ_MUTANTS is their number, FUZZ_SEED what they are drawn
from; a failure names both, and the fewest steps that show it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, islice

import pytest
from honest import KINDS
from judge import ACCEPTED, WEAKNESSES, judge, passed, read_honest, warm_up
from mutants import kind_of, mutant

from hexchange.errors import ChildOutOfTime, HexchangeError
from hexchange.he.sandbox import Limits, Worker

COUNT = int(os.environ.get("FUZZ_MUTANTS", "20000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
BATCH = 25

CAP = 512 << 20
#: A whole batch is ended after two seconds of processor time, and so is each mutant in it.
LIMITS = Limits(memory=CAP, cpu_seconds=1, wall_seconds=60.0, output_bytes=1 << 20)
START = Limits(memory=CAP, cpu_seconds=60, wall_seconds=120.0, output_bytes=1 << 10)

Outcome = tuple[int, str, str]


class Hunt:
    """One child, started anew only after something that must not happen."""

    def __init__(self, seed: int, weakness: str = "") -> None:
        self.seed, self.weakness, self.held_up = seed, weakness, 0
        self.child = Worker((warm_up, read_honest, judge), limits=LIMITS, recycle_bytes=CAP)

    def outcomes(self, numbers: Sequence[int]) -> Iterator[Outcome]:
        """Number, kind and outcome of these mutants; where the child broke, one by one.

        A batch that ran out of time while none of its mutants does was held up by the machine.
        """
        try:
            judged = self._judge(numbers)
        except HexchangeError as error:
            harmless = True
            for number in numbers:
                text = self._one(number)
                harmless = harmless and passed(text)
                yield number, kind_of(self.seed, number), text
            if harmless and isinstance(error, ChildOutOfTime):
                self.held_up += 1
            elif harmless:
                yield numbers[0], "a batch", f"{type(error).__name__}: {error.message}"
        else:
            for number, (kind, text) in zip(numbers, judged, strict=True):
                yield number, kind, text

    def alone(self, number: int, keep: Sequence[int] | None = None) -> str:
        """The outcome of one mutant in a child that saw no other, with all its steps or some."""
        self.child.close()
        return self._one(number, keep)

    def shortest(self, number: int) -> str:
        """What to say of a finding: the fewest steps that show it."""
        steps = range(len(mutant(self.seed, number).steps))
        for count in range(len(steps)):
            for keep in combinations(steps, count):
                if not passed(text := self.alone(number, keep)):
                    return self._said(number, keep, text)
        return self._said(number, tuple(steps), self.alone(number))

    def _said(self, number: int, keep: Sequence[int], text: str) -> str:
        made = mutant(self.seed, number, keep)
        return f"FUZZ_SEED={self.seed}, mutant {number}, {made.kind}: {'; '.join(made.steps)}: {text}"

    def _one(self, number: int, keep: Sequence[int] | None = None) -> str:
        try:
            return self._judge([number], keep)[0][1]
        except HexchangeError as error:
            return f"{type(error).__name__}: {error.message}"

    def _judge(self, numbers: Sequence[int], keep: Sequence[int] | None = None) -> list[list[str]]:
        self.child.call(warm_up, limits=START)
        judged: list[list[str]] = self.child.call(judge, self.seed, numbers, keep, self.weakness)
        return judged


def batches(numbers: Iterable[int]) -> Iterator[list[int]]:
    remaining = iter(numbers)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def test_every_mutant_is_refused_by_name_or_means_what_it_says() -> None:
    hunt, counted, findings = Hunt(SEED), Counter[tuple[str, str]](), list[int]()
    with hunt.child as child:
        process = child.call(warm_up, limits=START)
        for numbers in batches(range(COUNT)):
            for number, kind, text in hunt.outcomes(numbers):
                counted[kind, text] += 1
                if not passed(text):
                    findings.append(number)
        alive = child.call(read_honest, limits=START) == process or hunt.held_up
        report = "\n".join(hunt.shortest(number) for number in findings[:10])
    for (kind, text), times in sorted(counted.items()):
        print(f"{times:>8} {kind}: {text}")
    print(f"{hunt.held_up} batches were held up by the machine, and judged one by one")
    assert not findings, f"{len(findings)} of {COUNT} mutants, such as\n{report}"
    assert alive, "the child did not live through it"
    if COUNT >= 20_000:
        for name in KINDS:
            taken = {text == ACCEPTED for kind, text in counted if kind == name}
            assert taken == {True, False}, f"mutants of {name} are all alike"


@pytest.mark.parametrize("weakness", WEAKNESSES)
def test_the_mutants_find_a_planted_weakness(weakness: str) -> None:
    hunt = Hunt(SEED, weakness)
    mutants = (
        number for number in range(20_000) if kind_of(SEED, number).startswith(WEAKNESSES[weakness][0])
    )
    with hunt.child:
        found = (
            each for numbers in batches(mutants) for each in hunt.outcomes(numbers) if not passed(each[2])
        )
        number, _, text = next(found, (0, "", ""))
    assert text, "nothing found"
    print(f"{weakness}: mutant {number}: {text}")


def test_a_mutant_comes_out_of_its_seed_and_number_alone() -> None:
    for number in range(200):
        made = mutant(SEED, number)
        assert mutant(SEED, number) == made
        assert mutant(SEED, number, range(len(made.steps))).payload == made.payload or "nan" in str(
            made.payload
        )
    assert [mutant(SEED, n).steps for n in range(20)] != [mutant(SEED + 1, n).steps for n in range(20)]


def test_a_finding_is_told_by_the_fewest_steps_that_show_it() -> None:
    hunt = Hunt(SEED, "fixed fields are believed")
    with hunt.child:
        long = (
            n
            for n in range(20_000)
            if kind_of(SEED, n) == "upload linear" and len(mutant(SEED, n).steps) == 3
        )
        found = (n for numbers in batches(long) for n, _, text in hunt.outcomes(numbers) if not passed(text))
        number = next(found)
        said = hunt.shortest(number)
    assert said.startswith(f"FUZZ_SEED={SEED}, mutant {number}, upload linear: ")
    assert said.count(";") < 2, said
