"""Programs over made-up ciphertexts and keys, in files as children read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hexchange.circuit.program import Program
from hexchange.he import forms, selftest
from hexchange.he.crew import Crew
from hexchange.he.engine import engine
from hexchange.he.evaluator import Evaluation
from hexchange.he.sandbox import Limits

SEEDS = (b"\x07" * 32, b"\x08" * 32)
LIMITS = Limits(memory=6 << 30, cpu_seconds=60, wall_seconds=90.0, output_bytes=1 << 20)


@dataclass
class Job:
    """A program and files of made-up ciphertexts and keys for it."""

    program: Program
    inputs: dict[tuple[str, int], Path]
    relin: Path
    rotations: dict[int, Path]

    @classmethod
    def of(cls, folder: Path, program: Program) -> Job:
        chosen = engine(program.edition.parameters)

        def write(label: str, content: bytes) -> Path:
            path = folder / f"{program.edition.name} {label}"
            path.write_bytes(content)
            return path

        inputs = {
            (source.name, block): write(
                f"{source.name}{block}", selftest.ciphertext(chosen, source.shape, f"{source.name}{block}")
            )
            for source in program.inputs
            for block in range(program.blocks if source.per_block else 1)
        }
        relin = write("relin", selftest.made_up(chosen, forms.relin_key(chosen), "relin"))
        steps = {step: write(f"step {step}", selftest.rotation_key(chosen, step)) for step in program.steps}
        return cls(program, inputs, relin, steps)

    def run(self, crew: Crew, processes: int, limits: Limits = LIMITS) -> Evaluation:
        return crew.run(
            self.program, self.inputs, self.relin, self.rotations, seeds=SEEDS, most=processes, limits=limits
        )
