"""What a child process runs for a provider, a checker or a gate: strangers' bytes in, checked bytes out, no
key.

Inputs and keys are files named by their content, verified before the child may read them; results go into a
file that it was given open. A child lives for many jobs: contexts and expanded keys stay in it, by the name of
the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from hexchange.circuit.editions import ParameterSet
from hexchange.circuit.program import Place, Program
from hexchange.circuit.shares import Shares
from hexchange.errors import ChildCrashed, DiskFull
from hexchange.he.canonical import from_outputs, from_saved, from_seeded
from hexchange.he.engine import engine
from hexchange.he.evaluator import Run, Transparent
from hexchange.he.keys import Keys, load_relin_key, load_rotation_key
from hexchange.he.library import malformed, save
from hexchange.he.trace import Trace

Inputs = Mapping[tuple[str, int], Path]
Handed = tuple[int, int, int, int]
"""Part of a sum: number of the kept value, scratch file, offset and length in it."""

# An expanded key of the largest edition takes 29 MB, and a job over it needs ten.
_CACHED_KEYS = 24
_LARGEST_BLOB = 64 << 20


class _Begun:
    """This process's part of a run; what it yields goes to the end of the scratch file, a descriptor."""

    def __init__(
        self,
        program: Program,
        shares: Shares,
        inputs: Inputs,
        keys: Keys,
        traces: Sequence[Trace],
        scratch: int,
    ) -> None:
        self.program, self.traces = program, traces
        self.scratch, self.length = scratch, 0
        self.outputs: list[tuple[str, int, int]] = []
        read = lambda name, block: _read(inputs[name, block])  # noqa: E731
        self.run = Run(program, shares, read, keys, self.traces, self.write)

    def write(self, name: str, block: int, canonical: bytes) -> None:
        self.outputs.append((name, block, self.append(canonical)))

    def append(self, data: bytes) -> int:
        """Write to the scratch file; where."""
        at, end = self.length, self.length + len(data)
        try:
            while self.length < end:
                self.length += os.pwrite(self.scratch, data[self.length - at :], self.length)
        except OSError as error:
            raise DiskFull(f"a result cannot be written: {error.strerror}", hint="free some space") from None
        return at

    def received(self, number: int, others: Sequence[Handed]) -> Iterator[tuple[int, Any]]:
        """What other processes summed of what stage `number` keeps, loaded one by one."""
        stage, chosen = self.program.stages[number], engine(self.program.edition.parameters)
        for index, file, offset, length in others:
            saved = os.pread(file, length, offset)
            yield index, from_saved(chosen, saved, stage.shape(stage.keeps[index]))

    def handed(self, number: int) -> list[Handed]:
        """Write what other processes need of this one's sums."""
        saved = ((index, save(value)) for index, value in self.run.handed(number))
        return [(index, self.scratch, self.append(data), len(data)) for index, data in saved]

    def samples(self) -> list[list[tuple[int, int, bytes]]]:
        return [
            [(position.block, position.primitive, hashed) for position, hashed in trace.hashes.items()]
            for trace in self.traces
        ]


_begun: _Begun | None = None


def begin(
    program: Program,
    shares: Shares,
    scratch: int,
    inputs: Inputs,
    relin: Path | None,
    rotations: Mapping[int, Path],
    traces: Sequence[Trace],
) -> None:
    """Make ready for this process's shares of a run over files; `proceed` then does stage after stage.

    `inputs` are by name and row block, `rotations` by step; `scratch` is the descriptor of an empty file, and
    `traces` have no samples yet. Raises MalformedBlob for a key that is none.
    """
    global _begun
    _begun = None
    _begun = _Begun(program, shares, inputs, _keys(program, relin, rotations), traces, scratch)


def proceed(number: int, others: Sequence[Handed]) -> dict[str, Any]:
    """Do the share of stage `number`, after adding what others have handed of the stage before.

    Returned are the place where the run `failed`, or None; `outputs` so far: name, row block, offset in the
    scratch file; what this process `handed`; and hashes of `samples` so far, for each seed: row block, primitive, hash.
    Raises MalformedBlob for a file that is not of the program's shape, DiskFull, and ChildCrashed in a process
    that has begun no run.
    """
    global _begun
    if _begun is None:
        raise ChildCrashed("a child was to go on with a run that it has not begun", hint="run it again")
    begun = _begun
    failed: Place | None = None
    handed: list[Handed] = []
    try:
        begun.run.stage(number, begun.received(number - 1, others))
        handed = begun.handed(number)
    except Transparent as failure:
        failed = failure.place
    if failed or number + 1 == len(begun.program.stages):
        _begun = None
    return {"failed": failed, "outputs": begun.outputs, "handed": handed, "samples": begun.samples()}


def check_job(program: Program, inputs: Inputs, relin: Path | None, rotations: Mapping[int, Path]) -> None:
    """Parse all that a run would, as strictly, and leave the keys loaded; raises MalformedBlob."""
    _keys(program, relin, rotations)
    chosen = engine(program.edition.parameters)
    for source in program.inputs:
        for block in range(program.blocks if source.per_block else 1):
            from_seeded(chosen, _read(inputs[source.name, block]), source.shape)


def check_result(program: Program, outputs: Sequence[bytes]) -> None:
    """Parse a result as strictly as it can be without its key; raises MalformedBlob."""
    for _ in from_outputs(engine(program.edition.parameters), program, outputs):
        pass


def _keys(program: Program, relin: Path | None, rotations: Mapping[int, Path]) -> Keys:
    parameters = program.edition.parameters
    loaded = {step: _rotation_key(parameters, step, rotations[step]) for step in program.steps}
    if not program.relinearizes:
        return Keys(None, loaded)
    if relin is None:
        raise malformed("The dataset lists no relinearisation key.")
    return Keys(_relin_key(parameters, relin), loaded)


def _read(path: Path) -> bytes:
    """A file, cut where no honest one would end; the strict parse then refuses it."""
    with path.open("rb") as file:
        return file.read(_LARGEST_BLOB)


@lru_cache(maxsize=2)
def _relin_key(parameters: ParameterSet, path: Path) -> Any:
    return load_relin_key(engine(parameters), _read(path))


@lru_cache(maxsize=_CACHED_KEYS)
def _rotation_key(parameters: ParameterSet, step: int, path: Path) -> Any:
    return load_rotation_key(engine(parameters), step, _read(path))
