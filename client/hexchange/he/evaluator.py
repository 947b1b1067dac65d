"""Runs a program over ciphertexts: the same bytes on every machine, in every process, for every split.

Only calls of SEAL that add no randomness and use no floating point beyond scales are made; all that
decides bytes (order, levels, scales, rotations) stands in the program. Row blocks stream through, so
memory does not grow with the number of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hexchange.circuit.program import Kept, Op, Position, Primitive, Program, Shape, Stage, TableInput
from hexchange.he.canonical import from_seeded, to_canonical
from hexchange.he.encoder import encode_scalar, encode_vector
from hexchange.he.engine import engine
from hexchange.he.keys import Keys
from hexchange.he.library import sealapi
from hexchange.he.trace import Trace

#: Code of the only failure that a checked program can meet, whoever runs it: a result that hides nothing,
#: as the difference of two equal ciphertexts.
TRANSPARENT = "transparent"

_CACHED_CONSTANTS = 64 << 20

Blobs = Callable[[str, int], bytes]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A run's result: canonical outputs in the order of `Program.result_sizes`, one trace per seed.

    A failed run has a `code`, no outputs, and traces over what was computed before the failure; it is as
    reproducible as any other.
    """

    outputs: tuple[bytes, ...]
    traces: tuple[bytes, ...]
    code: str | None = None

    @property
    def status(self) -> str:
        """What a result manifest says: ok or failed."""
        return "failed" if self.code else "ok"


def evaluate(
    program: Program, blobs: Blobs, keys: Keys, seeds: Sequence[bytes], progress: Progress | None = None
) -> Evaluation:
    """Run `program` over the blobs of its table inputs (by name and row block).

    `progress` is called with the primitives done and all of them. Raises MalformedBlob for an input that is
    not of the program's shape.
    """
    run = _Run(program, blobs, keys, [Trace(program, seed) for seed in seeds], progress)
    try:
        for index in range(len(program.stages)):
            run.stage(index)
    except _Transparent:
        return Evaluation((), run.traced(), TRANSPARENT)
    outputs = tuple(run.outputs[name, block] for name, block, _ in program.result_sizes())
    return Evaluation(outputs, run.traced())


class _Transparent(Exception):
    pass


class _Run:
    def __init__(
        self, program: Program, blobs: Blobs, keys: Keys, traces: list[Trace], progress: Progress | None
    ) -> None:
        self._program = program
        self._blobs = blobs
        self._keys = keys
        self._engine = engine(program.edition.parameters)
        self._kept: list[list[Any]] = []
        self._frees = [program.frees(index) for index in range(len(program.stages))]
        self._traces = traces
        self._sampled = {position for trace in traces for position in trace.positions}
        self._progress = progress
        self._done, self._all = 0, sum(1 for _ in program.positions())
        fits = _CACHED_CONSTANTS // (8 * self._engine.top * program.edition.parameters.degree)
        self._scalar = lru_cache(maxsize=fits)(self._encode_scalar)
        self._vector = lru_cache(maxsize=fits)(self._encode_vector)
        self.outputs: dict[tuple[str, int], bytes] = {}

    def traced(self) -> tuple[bytes, ...]:
        return tuple(trace.digest() for trace in self._traces)

    def stage(self, index: int) -> None:
        stage = self._program.stages[index]
        merged: list[Any] = []
        for block in range(self._program.blocks if stage.per_block else 1):
            kept = self._block(index, stage, block)
            merged = [self._sum(a, b) for a, b in zip(merged, kept, strict=True)] if block else kept
        self._kept.append(merged)

    def _block(self, index: int, stage: Stage, block: int) -> list[Any]:
        registers: dict[int, Any] = {}

        def at(register: int) -> Any:
            if register not in registers:
                registers[register] = self._load(stage.sources[register], block)
            return registers[register]

        first = self._program.first_primitive(index)
        for offset, (primitive, dying) in enumerate(zip(stage.primitives, self._frees[index], strict=True)):
            result = self._apply(primitive, [at(register) for register in primitive.args])
            registers[len(stage.sources) + offset] = result
            self._sample(Position(block, first + offset), result, primitive.shape)
            for register in dying:
                del registers[register]
        for output in self._program.outputs:
            if output.stage == index:
                canonical = to_canonical(self._engine, at(output.register), output.shape)
                self.outputs[output.name, block] = canonical
        return [at(register) for register in stage.keeps]

    def _load(self, source: TableInput | Kept, block: int) -> Any:
        if isinstance(source, Kept):
            return self._kept[source.stage][source.index]
        return from_seeded(self._engine, self._blobs(source.name, block), source.shape)

    def _sample(self, position: Position, result: Any, shape: Shape) -> None:
        self._done += 1
        if self._progress:
            self._progress(self._done, self._all)
        if position in self._sampled:
            canonical = to_canonical(self._engine, result, shape)
            for trace in self._traces:
                if position in trace.positions:
                    trace.add(position, canonical)

    def _sum(self, one: Any, other: Any) -> Any:
        result = sealapi.Ciphertext()
        self._call(self._engine.evaluator.add, one, other, result)
        return result

    def _apply(self, primitive: Primitive, arguments: list[Any]) -> Any:
        result = sealapi.Ciphertext()
        call, more = self._operation(primitive)
        self._call(call, *arguments, *more, result)
        if primitive.op is Op.RESCALE:
            result.scale = primitive.shape.scale
        return result

    def _operation(self, primitive: Primitive) -> tuple[Callable[..., None], tuple[Any, ...]]:
        """SEAL's call of a primitive, and what it takes between the ciphertexts and the result."""
        evaluator = self._engine.evaluator
        primes, scale = primitive.shape.primes, primitive.plain_scale
        match primitive.op:
            case Op.ADD:
                return evaluator.add, ()
            case Op.SUB:
                return evaluator.sub, ()
            case Op.NEGATE:
                return evaluator.negate, ()
            case Op.MULTIPLY:
                return evaluator.multiply, ()
            case Op.SQUARE:
                return evaluator.square, ()
            case Op.RELINEARIZE:
                return evaluator.relinearize, (self._keys.relin,)
            case Op.RESCALE:
                return evaluator.rescale_to_next, ()
            case Op.MOD_SWITCH:
                return evaluator.mod_switch_to, (self._engine.words(primes),)
            case Op.ROTATE:
                return evaluator.rotate_vector, (primitive.step, self._keys.rotations[primitive.step])
            case Op.ADD_SCALAR:
                return evaluator.add_plain, (self._scalar(primitive.value, primes, scale),)
            case Op.MULTIPLY_SCALAR:
                return evaluator.multiply_plain, (self._scalar(primitive.value, primes, scale),)
            case Op.MULTIPLY_VECTOR:
                return evaluator.multiply_plain, (self._vector(primitive.vector, primes, scale),)

    def _call(self, call: Callable[..., None], *arguments: Any) -> None:
        try:
            call(*arguments)
        except (ValueError, RuntimeError) as error:
            if "transparent" in str(error):
                raise _Transparent from None
            raise

    def _encode_scalar(self, value: float, primes: int, scale: float) -> Any:
        return encode_scalar(self._engine, value, primes, scale)

    def _encode_vector(self, name: str, primes: int, scale: float) -> Any:
        return encode_vector(self._engine, self._program.vectors[name], primes, scale)
