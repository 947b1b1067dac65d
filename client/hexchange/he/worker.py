"""What a child process runs for a provider, a checker or a gate: strangers' bytes in, checked bytes out, no
key.

Inputs and keys are files named by their content, verified before the child may read them. A child lives
for many jobs: contexts and expanded keys stay in it, by the name of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from hexchange.circuit.editions import ParameterSet
from hexchange.circuit.program import Program
from hexchange.he.canonical import from_outputs, from_seeded
from hexchange.he.engine import engine
from hexchange.he.evaluator import evaluate
from hexchange.he.keys import Keys, load_relin_key, load_rotation_key
from hexchange.he.library import malformed

Inputs = Mapping[tuple[str, int], Path]
Evaluated = tuple[str, str, tuple[bytes, ...], tuple[bytes, ...]]

# An expanded key of the largest edition takes 29 MB, and a job over it needs ten.
_CACHED_KEYS = 24
_LARGEST_BLOB = 64 << 20


def evaluate_job(
    program: Program,
    inputs: Inputs,
    relin: Path | None,
    rotations: Mapping[int, Path],
    seeds: Sequence[bytes],
) -> Evaluated:
    """Run a program over files: status ("ok" or "failed"), code ("" unless failed), outputs, traces.

    `inputs` are by name and row block, `rotations` by step. Raises MalformedBlob for a file that is not of
    the program's shape.
    """
    keys = _keys(program, relin, rotations)
    result = evaluate(program, lambda name, block: _read(inputs[name, block]), keys, seeds)
    return result.status, result.code or "", result.outputs, result.traces


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
