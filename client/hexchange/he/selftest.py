"""Does this machine compute the same bytes as everybody else's? Run before a provider sits.

Evaluation never decrypts, so its inputs need no secret: ciphertexts and keys are made up from a hash, and
a program with every primitive that an edition allows runs over them. Only digests of what must come out
are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256, shake_256
from typing import Any

import numpy as np

from hexchange.circuit.editions import EDITIONS, Edition, Interleaved
from hexchange.circuit.program import Kept, Op, Primitive, Program, ProgramOutput, Shape, Stage, TableInput
from hexchange.errors import ForeignEngine
from hexchange.he import forms
from hexchange.he.engine import Engine, engine
from hexchange.he.evaluator import Evaluation, evaluate
from hexchange.he.keys import Keys, load_relin_key, load_rotation_key
from hexchange.he.library import header

GOLDEN = {
    "bounded": "38d1082d9532fb531c4460b2322d0f74fd24d9c17479b1fc8c9ac02b49712fab",
    "count": "b57a25028008e0b1010e2a4ef8cdb4a11f5a96d78ef7f553c50e46ecb8725a3a",
    "linear": "d3ebfe1847f3f91df01026b8681d55ec03a2c3b3e92aa33c6acc44daa9e2209e",
    "mlp": "ae406dda11c999617dccbc4a5aa5ce1df94f463a9c076ecb5f38f5122e02c6e5",
    "poly3": "d3a829d71c098f7f71c9676fc2602b0f8bc20969f556770eefa03a84b8fbb8a0",
    "stats": "aea93fce14af51f6871026e9b2464b29303c8a0d2405d4ea7420210a24b2ebef",
    "sum": "cb3507bb5a9dcc0355ab5da05d8ae4c4e7c9ef1e0b51446775dc9fa08ececf8b",
    "train": "38d1082d9532fb531c4460b2322d0f74fd24d9c17479b1fc8c9ac02b49712fab",
}


def run() -> None:
    """Compute every golden digest once, in about a second; raises ForeignEngine when one differs.

    Of editions that compute alike, as those of the same primes do, one is asked.
    """
    alike = {(edition.parameters.primes, edition.steps): edition for edition in EDITIONS.values()}
    for edition in alike.values():
        if digest(every_primitive(edition)) != GOLDEN[edition.name]:
            raise ForeignEngine(
                f"This machine computes other bytes than everybody else in edition {edition.name}.",
                hint="Install the pinned TenSEAL of this package's lock file; until then take no seat.",
            )


def digest(program: Program) -> str:
    """Digest (hex) of outputs and trace of a program over made-up inputs and keys."""
    result = evaluated(program)
    return sha256(b"".join(sha256(part).digest() for part in (*result.outputs, *result.traces))).hexdigest()


def evaluated(program: Program) -> Evaluation:
    """A run of a program over made-up inputs and keys."""
    chosen = engine(program.edition.parameters)
    inputs = {source.name: source.shape for source in program.inputs}
    rotations = {step: load_rotation_key(chosen, step, rotation_key(chosen, step)) for step in program.steps}
    relin = None
    if program.relinearizes:
        relin = load_relin_key(chosen, made_up(chosen, forms.relin_key(chosen), "relin"))
    return evaluate(
        program,
        lambda name, block: ciphertext(chosen, inputs[name], f"{name} {block}"),
        Keys(relin, rotations),
        [bytes(32)],
    )


def ciphertext(engine: Engine, shape: Shape, label: str) -> bytes:
    """A seeded ciphertext of this shape that encrypts nothing in particular; the same for the same label."""
    return made_up(engine, forms.seeded(engine, shape.primes, shape.scale), label)


def rotation_key(engine: Engine, step: int) -> bytes:
    """A rotation key under no secret at all."""
    element = pow(3, step, 2 * engine.parameters.degree)
    return made_up(engine, forms.galois_key(engine, element), f"step {step}")


def made_up(engine: Engine, form: forms.Form, label: str) -> bytes:
    """A SEAL file of this form, residues and seeds drawn from SHAKE-256 of the label."""
    row = 8 * engine.parameters.degree
    body = b""
    for index, part in enumerate(form):
        if isinstance(part, bytes):
            body += part
        elif part < row:
            body += shake_256(f"{label} {index}".encode()).digest(part)
        else:
            primes = np.array(engine.parameters.primes[: part // row], dtype=np.uint64)
            drawn = np.frombuffer(shake_256(f"{label} {index}".encode()).digest(part), dtype="<u8")
            body += (drawn.reshape(len(primes), -1) % primes[:, None]).astype("<u8").tobytes()
    return header(len(body)) + body


def every_primitive(edition: Edition) -> Program:
    """Two row blocks and every primitive that the edition's depth and keys allow."""
    parameters = edition.parameters
    if parameters.scheme == "bfv":
        return _every_exact_primitive(edition)
    fresh = Shape(2, len(parameters.data_primes), parameters.scale)
    blocks = _Tape(edition, [TableInput("a", fresh), TableInput("b", fresh)])
    if parameters.levels:
        weighted = [
            blocks.scaled(Op.MULTIPLY_SCALAR, side, value=value) for side, value in ((0, 0.75), (1, -0.5))
        ]
        kept = blocks.put(Op.SUB, *weighted)
        score = blocks.put(Op.ADD_SCALAR, blocks.rescale(kept), value=0.25)
    else:
        kept = score = blocks.put(Op.ADD, 0, blocks.put(Op.SUB, 0, 1))
    if edition.relinearize:
        kept = blocks.put(Op.ADD, blocks.product(Op.MULTIPLY, 0, 1), blocks.product(Op.SQUARE, 0))
    once = _Tape(edition, [Kept(0, 0, blocks.shape(kept))])
    total = once.put(Op.RELINEARIZE, 0, size=2) if edition.relinearize else 0
    if parameters.levels:
        total = once.rescale(total)
    if edition.steps:
        total = once.put(Op.ROTATE, total, step=edition.steps[0])
        total = once.rescale(once.scaled(Op.MULTIPLY_VECTOR, total, vector="mask"))
        if isinstance(edition.layout, Interleaved):
            total = once.put(Op.ADD_VECTOR, total, vector="mask")
        total = once.put(Op.MOD_SWITCH, total, primes=max(1, once.shape(total).primes - 2))
    total = once.put(Op.NEGATE, total)
    outputs = (
        ProgramOutput("score", 0, score, True, blocks.shape(score)),
        ProgramOutput("total", 1, total, False, once.shape(total)),
    )
    stages = (blocks.stage(per_block=True, keeps=(kept,)), once.stage(per_block=False, keeps=()))
    vectors = {"mask": np.linspace(-1.0, 1.0, parameters.slots)}
    return Program(edition, edition.rows_per_block + 1, stages, outputs, vectors)


def _every_exact_primitive(edition: Edition) -> Program:
    fresh = Shape(2, len(edition.parameters.data_primes), edition.parameters.scale)
    blocks = _Tape(edition, [TableInput("a", fresh), TableInput("b", fresh)])
    kept = blocks.put(Op.SUB, blocks.product(Op.MULTIPLY, 0, 1), blocks.product(Op.SQUARE, 0))
    once = _Tape(edition, [Kept(0, 0, blocks.shape(kept))])
    total = once.put(Op.NEGATE, once.put(Op.RELINEARIZE, 0, size=2))
    total = once.put(Op.MOD_SWITCH, total, primes=1)
    outputs = (ProgramOutput("total", 1, total, False, once.shape(total)),)
    stages = (blocks.stage(per_block=True, keeps=(kept,)), once.stage(per_block=False, keeps=()))
    return Program(edition, edition.rows_per_block + 1, stages, outputs, {})


@dataclass(slots=True)
class _Tape:
    """Writes primitives down, each with the shape that its operands give it."""

    edition: Edition
    sources: list[TableInput | Kept]
    primitives: list[Primitive] = field(default_factory=list)

    def shape(self, register: int) -> Shape:
        return self.stage(per_block=False, keeps=()).shape(register)

    def put(self, op: Op, *args: int, size: int = 0, primes: int = 0, scale: float = 0.0, **more: Any) -> int:
        first = self.shape(args[0])
        shape = Shape(size or first.size, primes or first.primes, scale or first.scale)
        more.setdefault("plain_scale", first.scale)
        self.primitives.append(Primitive(op, args, shape, **more))
        return len(self.sources) + len(self.primitives) - 1

    def scaled(self, op: Op, register: int, **more: Any) -> int:
        plain = self.edition.parameters.scale
        return self.put(op, register, scale=self.shape(register).scale * plain, plain_scale=plain, **more)

    def product(self, op: Op, *registers: int) -> int:
        scale = self.shape(registers[0]).scale * self.shape(registers[-1]).scale
        return self.put(op, *registers, size=3, scale=scale)

    def rescale(self, register: int) -> int:
        shape = self.shape(register)
        dropped = self.edition.parameters.primes[shape.primes - 1]
        return self.put(Op.RESCALE, register, primes=shape.primes - 1, scale=shape.scale / dropped)

    def stage(self, *, per_block: bool, keeps: tuple[int, ...]) -> Stage:
        return Stage(per_block, tuple(self.sources), tuple(self.primitives), keeps)
