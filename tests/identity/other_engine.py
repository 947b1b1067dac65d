"""SEAL 4.4 through another binding: every primitive of a program, beside the engine that this market computes with.

Its files differ in the version of their headers alone, so objects pass between the two engines by changing it.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import seal

from hexchange.circuit.editions import ParameterSet
from hexchange.circuit.program import Kept, Op, Primitive, Program, Shape, Stage
from hexchange.he import forms, selftest
from hexchange.he.encoder import encode_vector
from hexchange.he.engine import engine
from hexchange.he.library import MAGIC, VERSION, header, inflate, save

OTHER = (4, 4)

#: Bytes of a plaintext before its residues: parameter id, count, scale, header and count again.
_PLAINTEXT = 72


def _header(version: tuple[int, int]) -> bytes:
    return struct.pack("<HBBB", MAGIC, 16, *version)


def to_other(file: bytes) -> bytes:
    """A file of ours for the other engine."""
    return file.replace(_header(VERSION), _header(OTHER))


def from_other(file: bytes) -> bytes:
    """A file of the other engine for ours."""
    return file.replace(_header(OTHER), _header(VERSION))


class OtherEngine:
    """Runs a program over the self-test's made-up inputs and keys."""

    def __init__(self, program: Program, folder: Path) -> None:
        parameters = program.edition.parameters
        self.program, self.folder = program, folder
        self.ours = engine(parameters)
        self.context = _context(parameters)
        self.evaluator: Any = seal.Evaluator(self.context)
        self.encoder: Any = None if parameters.plain_modulus else seal.CKKSEncoder(self.context)
        self.relin = None
        if program.relinearizes:
            made_up = selftest.made_up(self.ours, forms.relin_key(self.ours), "relin")
            self.relin = self._load(seal.RelinKeys(), made_up)
        self.rotations = {
            step: self._load(seal.GaloisKeys(), selftest.rotation_key(self.ours, step))
            for step in program.steps
        }

    def outputs(self) -> dict[tuple[str, int], bytes]:
        """Residues of every result, by name and row block."""
        found: dict[tuple[str, int], bytes] = {}
        kept: list[list[Any]] = []
        for number, stage in enumerate(self.program.stages):
            merged: list[Any] = []
            for block in range(self.program.blocks if stage.per_block else 1):
                registers = self._block(stage, block, kept)
                for output in self.program.outputs:
                    if output.stage == number:
                        found[output.name, block] = self._residues(registers[output.register], output.shape)
                own = [registers[register] for register in stage.keeps]
                merged = (
                    [self.evaluator.add(*both) for both in zip(merged, own, strict=True)] if block else own
                )
            kept.append(merged)
        return found

    def _block(self, stage: Stage, block: int, kept: list[list[Any]]) -> list[Any]:
        registers: list[Any] = []
        for source in stage.sources:
            if isinstance(source, Kept):
                registers.append(kept[source.stage][source.index])
            else:
                data = selftest.ciphertext(
                    self.ours, source.shape, f"{source.name} {block if source.per_block else 0}"
                )
                registers.append(self._load(seal.Ciphertext(), data))
        for primitive in stage.primitives:
            registers.append(self._apply(primitive, [registers[register] for register in primitive.args]))
        return registers

    def _apply(self, primitive: Primitive, of: list[Any]) -> Any:
        evaluator, primes, scale = self.evaluator, primitive.shape.primes, primitive.plain_scale
        match primitive.op:
            case Op.ADD:
                return evaluator.add(*of)
            case Op.SUB:
                return evaluator.sub(*of)
            case Op.NEGATE:
                return evaluator.negate(*of)
            case Op.MULTIPLY:
                return evaluator.multiply(*of)
            case Op.SQUARE:
                return evaluator.square(*of)
            case Op.RELINEARIZE:
                return evaluator.relinearize(of[0], self.relin)
            case Op.RESCALE:
                result = evaluator.rescale_to_next(of[0])
                result.scale(primitive.shape.scale)
                return result
            case Op.MOD_SWITCH:
                while of[0].coeff_modulus_size() > primes:
                    of = [evaluator.mod_switch_to_next(of[0])]
                return of[0]
            case Op.ROTATE:
                return evaluator.rotate_vector(of[0], primitive.step, self.rotations[primitive.step])
            case Op.ADD_SCALAR:
                return evaluator.add_plain(of[0], self._scalar(primitive.value, scale, of[0]))
            case Op.MULTIPLY_SCALAR:
                return evaluator.multiply_plain(of[0], self._scalar(primitive.value, scale, of[0]))
            case Op.ADD_VECTOR:
                return evaluator.add_plain(of[0], self._vector(primitive.vector, primes, scale))
            case Op.MULTIPLY_VECTOR:
                return evaluator.multiply_plain(of[0], self._vector(primitive.vector, primes, scale))

    def _vector(self, name: str, primes: int, scale: float) -> Any:
        vector = encode_vector(self.ours, self.program.vectors[name], primes, scale)
        body = inflate(save(vector), _PLAINTEXT + 8 * primes * self.ours.parameters.degree)
        return self._load(seal.Plaintext(), header(len(body)) + body)

    def _scalar(self, value: float, scale: float, beside: Any) -> Any:
        return self.evaluator.mod_switch_to(self.encoder.encode(float(value), scale), beside.parms_id())

    def _load(self, empty: Any, file: bytes) -> Any:
        path = self.folder / "object"
        path.write_bytes(to_other(file))
        empty.load(self.context, str(path))
        return empty

    def _residues(self, ciphertext: Any, shape: Shape) -> bytes:
        path = self.folder / "result"
        ciphertext.save(str(path))
        prefix = forms.prefix(self.ours, shape)
        length = len(prefix) + 8 * shape.size * shape.primes * self.ours.parameters.degree
        # The header of the whole file first: what is compressed has its own inside.
        file = path.read_bytes()
        body = from_other(inflate(_header(VERSION) + file[5:], length))
        assert body[: len(prefix)] == prefix
        return body[len(prefix) :]


def _context(parameters: ParameterSet) -> Any:
    scheme: Any = seal.scheme_type
    made: Any = seal.EncryptionParameters(scheme.bfv if parameters.plain_modulus else scheme.ckks)
    made.set_poly_modulus_degree(parameters.degree)
    made.set_coeff_modulus([seal.Modulus(prime) for prime in parameters.primes])
    if parameters.plain_modulus:
        made.set_plain_modulus(parameters.plain_modulus)
    return seal.SEALContext(made)
