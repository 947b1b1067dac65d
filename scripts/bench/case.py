"""A circuit over a table that is encrypted in memory: what the works of the engine are measured on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from unittest.mock import patch

import numpy as np
import psutil
from numpy.typing import NDArray

from bench.timing import Seconds, timed
from hexchange.circuit.document import Circuit
from hexchange.circuit.lowering import lower
from hexchange.circuit.packing import Packed, pack
from hexchange.circuit.program import Program
from hexchange.circuit.results import reduce, unwhiten
from hexchange.circuit.shares import split
from hexchange.he import evaluator
from hexchange.he.canonical import from_seeded, to_canonical
from hexchange.he.crew import Crew
from hexchange.he.encryption import Encryption
from hexchange.he.evaluator import Run
from hexchange.he.keys import (
    Keys,
    SecretKey,
    load_relin_key,
    load_rotation_key,
    make_relin_key,
    make_rotation_key,
)
from hexchange.he.opening import open_outputs
from hexchange.he.sandbox import Limits
from hexchange.he.trace import Trace

ROUNDS = 5
SEED = bytes(32)
"""Of the trace that every provider's run has."""

Floats = NDArray[np.float64]


@dataclass
class Case:
    """A circuit over a table that is encrypted in memory, with its keys loaded."""

    circuit: Circuit
    program: Program
    packed: Packed
    secret: SecretKey
    blobs: dict[tuple[str, int], bytes]
    relin: bytes | None
    rotations: dict[int, bytes]

    @classmethod
    def of(cls, circuit: Circuit, values: Floats) -> Case:
        """Keys, and ciphertexts of `values` (rows x columns in [-1, 1])."""
        program = lower(circuit)
        secret = SecretKey.generate(program.edition.parameters)
        encryption = Encryption(secret)
        packed = pack(program.edition, circuit.table, values)
        blobs = {(name, block): encryption.encrypt(slots) for name, block, slots in packed.inputs}
        relin = make_relin_key(secret) if program.relinearizes else None
        rotations = {step: make_rotation_key(secret, step) for step in program.steps}
        return cls(circuit, program, packed, secret, blobs, relin, rotations)

    @property
    def stored_bytes(self) -> int:
        """Of the ciphertexts as they are uploaded."""
        return sum(map(len, self.blobs.values()))

    @property
    def key_bytes(self) -> int:
        return len(self.relin or b"") + sum(map(len, self.rotations.values()))

    @cached_property
    def keys(self) -> Keys:
        return self._load_keys()

    def load_keys(self) -> Seconds:
        """Parse and expand the public keys, as a provider does once per dataset."""
        began = perf_counter()
        self._load_keys()
        return {"keys": perf_counter() - began}

    def run(self) -> Seconds:
        """One run: parsing the inputs, computing, and writing outputs and trace as canonical bytes."""
        load: list[float] = []
        write: list[float] = []
        keys = self.keys
        with (
            patch.object(evaluator, "from_seeded", timed(from_seeded, load)),
            patch.object(evaluator, "to_canonical", timed(to_canonical, write)),
        ):
            began = perf_counter()
            self.evaluate(keys)
            whole = perf_counter() - began
        parts = {"load": sum(load), "write": sum(write)}
        return {"whole": whole, "compute": whole - sum(parts.values()), **parts}

    def evaluate(self, keys: Keys) -> evaluator.Evaluation:
        return evaluator.evaluate(self.program, self.blob, keys, [SEED])

    def stages(self) -> Seconds:
        """One run, each stage for itself, with what it parses and writes."""
        (shares,) = split(self.program, 1)
        traces = [Trace(self.program, SEED)]
        run = Run(self.program, shares, self.blob, self.keys, traces, lambda *_: None)
        spent: Seconds = {}
        for number in range(len(self.program.stages)):
            began = perf_counter()
            run.stage(number)
            spent[f"stage {number}"] = perf_counter() - began
        return spent

    def blob(self, name: str, block: int) -> bytes:
        return self.blobs[name, block]

    @contextmanager
    def crew(self, most: int) -> Iterator[Callable[[int], None]]:
        """Runs by so many sandboxed children at a time, from files into files."""
        limits = Limits(memory=8 << 30, cpu_seconds=600, wall_seconds=600.0, output_bytes=1 << 20)
        with TemporaryDirectory() as name:
            folder = Path(name)
            inputs = {place: folder / f"{place[0]} {place[1]}" for place in self.blobs}
            rotations = {step: folder / f"step {step}" for step in self.rotations}
            relin = folder / "relin" if self.relin else None
            for place, path in inputs.items():
                path.write_bytes(self.blobs[place])
            for step, path in rotations.items():
                path.write_bytes(self.rotations[step])
            if relin:
                relin.write_bytes(self.relin or b"")
            crew = Crew(folder, most, limits.memory)

            def run(processes: int) -> None:
                files = inputs, relin, rotations
                crew.run(self.program, *files, seeds=[SEED], most=processes, limits=limits)

            try:
                yield run
            finally:
                crew.close()

    def child_memory(self) -> int:
        """Most bytes that a child had resident while it ran the case."""
        others = set(psutil.Process().children())
        with self.crew(1) as run:
            run(1)
            (child,) = set(psutil.Process().children()) - others
            status = Path(f"/proc/{child.pid}/status").read_text(encoding="utf-8")
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    def values(self) -> dict[str, Floats]:
        """What a release would give without rounding or noise, still in the circuit's own units."""
        outputs = self.evaluate(self.keys).outputs
        values = reduce(self.circuit, open_outputs(self.secret, self.program, outputs))
        return unwhiten(self.circuit, values, self.packed.private) if self.packed.private else values

    def _load_keys(self) -> Keys:
        engine = self.secret.engine
        relin = load_relin_key(engine, self.relin) if self.relin else None
        return Keys(
            relin, {step: load_rotation_key(engine, step, key) for step, key in self.rotations.items()}
        )
