"""Runs a program over ciphertexts: the same bytes on every machine, in every process, for every split.

Only calls of SEAL that add no randomness and use no floating point beyond scales are made; all that
decides bytes (order, levels, scales, rotations) stands in the program. Row blocks stream through and results
are written as they come, so memory does not grow with the number of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from hexchange.circuit.program import Kept, Op, Place, Position, Primitive, Program, Shape, TableInput
from hexchange.circuit.shares import Part, Shares, split
from hexchange.he.canonical import from_seeded, to_canonical
from hexchange.he.encoder import encode_scalar, encode_vector
from hexchange.he.engine import engine
from hexchange.he.keys import Keys
from hexchange.he.library import sealapi
from hexchange.he.trace import Trace

#: Code of the only failure that a checked program can meet, whoever runs it: a result that hides nothing,
#: as the difference of two equal ciphertexts.
TRANSPARENT = "transparent"

#: Bytes; what one row block needs has to stay for the next one.
_CACHED_CONSTANTS = 256 << 20

Blobs = Callable[[str, int], bytes]
Write = Callable[[str, int, bytes], None]
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
    def status(self) -> Literal["ok", "failed"]:
        """What a result manifest says: ok or failed."""
        return "failed" if self.code else "ok"


def evaluate(
    program: Program, blobs: Blobs, keys: Keys, seeds: Sequence[bytes], progress: Progress | None = None
) -> Evaluation:
    """Run all of `program` in this process over the blobs of its table inputs (by name and row block).

    `progress` is called with the primitives done and all of them. Raises MalformedBlob for an input that is
    not of the program's shape.
    """
    outputs: dict[tuple[str, int], bytes] = {}

    def write(name: str, block: int, canonical: bytes) -> None:
        outputs[name, block] = canonical

    traces = [Trace(program, seed) for seed in seeds]
    (shares,) = split(program, 1)
    run = Run(program, shares, blobs, keys, traces, write, progress)
    try:
        for number in range(len(program.stages)):
            run.stage(number)
    except Transparent as failure:
        return Evaluation((), tuple(trace.digest(failure.place) for trace in traces), TRANSPARENT)
    ordered = tuple(outputs[name, block] for name, block, _ in program.result_sizes())
    return Evaluation(ordered, tuple(trace.digest() for trace in traces))


class Transparent(Exception):
    """What was computed at `place` hides nothing. The first such place of all processes ends the run."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.place = place


class Run:
    """One process's shares of a run. `traces` collect samples, `write` takes results: name, row block, bytes."""

    def __init__(
        self,
        program: Program,
        shares: Shares,
        blobs: Blobs,
        keys: Keys,
        traces: Sequence[Trace],
        write: Write,
        progress: Progress | None = None,
    ) -> None:
        self._program = program
        self._shares = shares
        self._blobs = blobs
        self._keys = keys
        self._engine = engine(program.edition.parameters)
        self._kept: dict[tuple[int, int], Any] = {}
        self._sums: set[tuple[int, int]] = set()
        self._traces = traces
        self._sampled = {position for trace in traces for position in trace.positions}
        self._write = write
        self._progress = progress
        self._done, self._all = (
            0,
            sum(len(part.blocks) * len(part.primitives) for share in shares for part in share.parts),
        )
        fits = _CACHED_CONSTANTS // (8 * self._engine.top * program.edition.parameters.degree)
        self._scalar = lru_cache(maxsize=fits)(self._encode_scalar)
        self._vector = lru_cache(maxsize=fits)(self._encode_vector)

    def stage(self, number: int, others: Iterable[tuple[int, Any]] = ()) -> None:
        """Do this process's share of the next stage.

        `others` is what other processes handed of the stage before: the number of the kept value, and a
        ciphertext to add to it. Raises Transparent, and MalformedBlob for an input of another shape.
        """
        if number:
            self._settle(number - 1, others)
        for part in self._shares[number].parts:
            for block in part.blocks:
                self._block(number, part, block)

    def handed(self, number: int) -> Iterator[tuple[int, Any]]:
        """What other processes need of a stage's sums over the row blocks of this one; shaped as kept."""
        for index in self._shares[number].hands:
            yield index, self._kept[number, index]

    def _settle(self, number: int, others: Iterable[tuple[int, Any]]) -> None:
        """Add up what was summed apart, and forget what only others read.

        Whether a sum hides nothing is asked once it is whole: on the way there it depends on the split.
        """
        for index, value in others:
            self._keep(number, index, value)
        wants = {(number, index) for index in self._shares[number].wants}
        self._kept = {
            place: value for place, value in self._kept.items() if place[0] < number or place in wants
        }
        if any(self._kept[place].is_transparent() for place in wants):
            raise Transparent((number, self._program.blocks, 0))

    def _keep(self, number: int, index: int, value: Any) -> None:
        """Add to a kept value, also where the sum hides nothing: SEAL says so only after it has computed it."""
        place = (number, index)
        if place not in self._kept:
            self._kept[place] = value
            return
        with suppress(_HidesNothing):
            if place in self._sums:
                self._call(self._engine.evaluator.add_inplace, self._kept[place], value)
            else:  # the first one may be a register, which others read
                first, self._kept[place] = self._kept[place], sealapi.Ciphertext()
                self._sums.add(place)
                self._call(self._engine.evaluator.add, first, value, self._kept[place])

    def _block(self, number: int, part: Part, block: int) -> None:
        stage = self._program.stages[number]
        registers: dict[int, Any] = {}

        def at(register: int) -> Any:
            if register not in registers:
                registers[register] = self._load(stage.sources[register], block)
            return registers[register]

        def keep(register: int) -> None:
            for index in kept.get(register, ()):
                self._keep(number, index, at(register))

        kept: dict[int, list[int]] = {}
        for index in part.keeps:
            kept.setdefault(stage.keeps[index], []).append(index)
        first = self._program.first_primitive(number)
        for offset, dying in zip(part.primitives, part.frees, strict=True):
            primitive = stage.primitives[offset]
            try:
                result = self._apply(primitive, [at(register) for register in primitive.args])
            except _HidesNothing:
                raise Transparent((number, block, first + offset)) from None
            registers[len(stage.sources) + offset] = result
            self._sample(Position(block, first + offset), result, primitive.shape)
            keep(len(stage.sources) + offset)  # while it is in the processor's cache
            for register in dying:
                del registers[register]
        for output in part.outputs:
            self._write(output.name, block, to_canonical(self._engine, at(output.register), output.shape))
        for register in range(len(stage.sources)):
            keep(register)

    def _load(self, source: TableInput | Kept, block: int) -> Any:
        if isinstance(source, Kept):
            return self._kept[source.stage, source.index]
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
            case Op.ADD_VECTOR:
                return evaluator.add_plain, (self._vector(primitive.vector, primes, scale),)
            case Op.MULTIPLY_VECTOR:
                return evaluator.multiply_plain, (self._vector(primitive.vector, primes, scale),)

    def _call(self, call: Callable[..., None], *arguments: Any) -> None:
        try:
            call(*arguments)
        except (ValueError, RuntimeError) as error:
            if "transparent" in str(error):
                raise _HidesNothing from None
            raise

    def _encode_scalar(self, value: float, primes: int, scale: float) -> Any:
        return encode_scalar(self._engine, value, primes, scale)

    def _encode_vector(self, name: str, primes: int, scale: float) -> Any:
        return encode_vector(self._engine, self._program.vectors[name], primes, scale)


class _HidesNothing(Exception):
    pass
