"""What a run costs: seconds, memory and bytes, counted from the program and a measured table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import log2
from typing import Annotated

from pydantic import ConfigDict, Field

from hexchange.circuit.editions import ParameterSet
from hexchange.circuit.program import SAMPLES, Op, Primitive, Program, Shape

_WORD = 8

Rate = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class CostTable:
    """Seconds per unit of work on one core; the defaults were measured on a 2-core x86-64 machine.

    Units: residues touched (degree * primes * polynomials) for sums, products (`times_exact` is BFV's), `load` and
    `store`; residues times log2(degree) for rescaling and for encoding a vector; times log2(degree) * (primes + 3) for
    switching keys; bytes of a seeded key for loading it; seconds for each ciphertext that is loaded, beside its
    residues (`parse`), and for a call that does nothing.
    """

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")

    add: Rate = 0.9e-9
    times_plain: Rate = 2.4e-9
    times: Rate = 3.4e-9
    times_exact: Rate = 155e-9
    rescale: Rate = 0.65e-9
    switch_key: Rate = 0.95e-9
    parse: Rate = 90e-6
    load: Rate = 41e-9
    store: Rate = 36e-9
    load_key: Rate = 9e-9
    encode: Rate = 5.5e-9
    call: Rate = 12e-6


COSTS = CostTable()

#: Resident memory of a worker that has loaded nothing, with room for parsing one blob (bytes).
_WORKER_BYTES = 50_000_000
#: SEAL's tables: bytes per coefficient and prime of every level.
_TABLE_BYTES = 80
#: Most that an evaluator keeps of encoded constants.
_CONSTANT_BYTES = 256 << 20
#: A compressed seeded ciphertext or key against the bare bits of its residues, measured 1.11 to 1.24.
_SEEDED_OVERHEAD = 1.18


def runs(program: Program) -> Iterator[tuple[Primitive, int]]:
    """Every primitive with how often it runs."""
    for stage in program.stages:
        for primitive in stage.primitives:
            yield primitive, program.blocks if stage.per_block else 1


def operations(program: Program) -> dict[str, int]:
    """How often each kind of primitive runs, merging sums over blocks included as `add`."""
    counted: Counter[str] = Counter()
    for primitive, times in runs(program):
        counted[primitive.op.value] += times
    counted["add"] += sum(len(s.keeps) * (program.blocks - 1) for s in program.stages if s.per_block)
    return {name: counted[name] for name in sorted(counted) if counted[name]}


def compute_seconds(program: Program, table: CostTable = COSTS) -> float:
    """Seconds of primitives alone, keys and inputs loaded."""
    parameters = program.edition.parameters
    merged = sum(
        _linear(table.add, stage.shape(register), parameters.degree) * (program.blocks - 1)
        for stage in program.stages
        if stage.per_block
        for register in stage.keeps
    )
    return merged + sum(_seconds(primitive, parameters, table) * times for primitive, times in runs(program))


def seconds(program: Program, table: CostTable = COSTS) -> float:
    """Seconds of a whole run on one core: loading inputs and keys, encoding vectors, primitives, writing results and
    the samples of one trace."""
    degree = program.edition.parameters.degree
    loading = sum(
        (table.parse + table.load * degree * source.shape.primes) * (program.blocks if stage.per_block else 1)
        for stage in program.stages
        for source in stage.table_inputs()
    )
    storing = (sum(size for _, _, size in program.result_sizes()) + _sampled(program)) / _WORD * table.store
    loading += table.load_key * key_bytes(program) + _encoding(program, table)
    return loading + compute_seconds(program, table) + storing


def input_bytes(program: Program) -> int:
    """Bytes of the ciphertexts that a run reads, as uploaded (seeded, compressed)."""
    one = seeded_bytes(program.edition.parameters.data_primes, program.edition.parameters.degree)
    return sum(one * (program.blocks if source.per_block else 1) for source in program.inputs)


def key_bytes(program: Program) -> int:
    """Bytes of the evaluation keys that a run needs, as uploaded."""
    return keys_bytes(program.edition.parameters, _keys(program))


def result_bytes(program: Program) -> int:
    """Bytes of all result ciphertexts in canonical form."""
    return sum(size for _, _, size in program.result_sizes())


def memory(program: Program) -> int:
    """Most resident bytes of a worker: SEAL's tables, expanded keys, constants, ciphertexts alive, results."""
    parameters = program.edition.parameters
    digits, moduli = len(parameters.data_primes), len(parameters.primes)
    tables = _TABLE_BYTES * parameters.degree * moduli * (moduli + 1) // 2
    keys = _keys(program) * 2 * digits * moduli * parameters.degree * _WORD
    constants = sum(p.shape.primes for _, p in program.numbered() if p.plain_scale != 0)
    encoded = min(_CONSTANT_BYTES, constants * parameters.degree * _WORD)
    vectors = sum(vector.nbytes for vector in program.vectors.values())
    held = peak = 0
    for number, stage in enumerate(program.stages):
        kept = sum(_bytes(stage.shape(register), parameters) for register in stage.keeps)
        peak = max(peak, held + _most_alive(program, number) + kept)
        held += kept
    return _WORKER_BYTES + tables + keys + encoded + vectors + peak + result_bytes(program)


def _encoding(program: Program, table: CostTable) -> float:
    """Seconds of encoding each vector once; half a prime stands for its coefficients."""
    degree = program.edition.parameters.degree
    used = {(p.vector, p.shape.primes, p.plain_scale) for _, p in program.numbered() if p.vector}
    return sum(table.encode * degree * log2(degree) * (primes + 0.5) for _, primes, _ in used)


def _sampled(program: Program) -> float:
    """Bytes of what a trace samples, as many as expected."""
    sizes = [
        (_bytes(primitive.shape, program.edition.parameters), times) for primitive, times in runs(program)
    ]
    steps = sum(times for _, times in sizes)
    return min(1.0, SAMPLES / steps) * sum(size * times for size, times in sizes) if steps else 0.0


def _keys(program: Program) -> int:
    return len(program.steps) + program.relinearizes


def _most_alive(program: Program, number: int) -> int:
    """Most bytes of registers at one time in a stage, sources being loaded when first read."""
    stage = program.stages[number]
    outputs = (output.register for output in program.outputs if output.stage == number)
    frees = stage.frees(range(len(stage.primitives)), tuple(outputs))
    alive: dict[int, int] = {}
    held = most = 0
    for index, primitive in enumerate(stage.primitives):
        for register in (*primitive.args, len(stage.sources) + index):
            if register not in alive:
                alive[register] = _bytes(stage.shape(register), program.edition.parameters)
                held += alive[register]
        most = max(most, held)
        held -= sum(alive.pop(register) for register in frees[index])
    return most


def _bytes(shape: Shape, parameters: ParameterSet) -> int:
    return shape.size * shape.primes * parameters.degree * _WORD


def most_ciphertext_bytes(parameters: ParameterSet) -> int:
    """No listed ciphertext of these parameters is longer: its residues uncompressed, and room for headers."""
    return _WORD * len(parameters.data_primes) * parameters.degree * 9 // 8 + 4096


def most_key_bytes(parameters: ParameterSet) -> int:
    """No listed evaluation key of these parameters is longer: a polynomial over all primes for each data prime."""
    digits, chain = len(parameters.data_primes), len(parameters.primes)
    return _WORD * digits * chain * parameters.degree * 9 // 8 + 16 * parameters.degree + 4096


def keys_bytes(parameters: ParameterSet, count: int) -> int:
    """Bytes of so many evaluation keys, as uploaded."""
    return count * len(parameters.data_primes) * seeded_bytes(parameters.primes, parameters.degree)


def seeded_bytes(primes: tuple[int, ...], degree: int) -> int:
    """Bytes of a polynomial over these primes beside a seed, compressed."""
    return int(_SEEDED_OVERHEAD * sum(prime.bit_length() for prime in primes) * degree / 8)


def _linear(rate: float, shape: Shape, degree: int) -> float:
    return rate * degree * shape.primes * shape.size


def _seconds(primitive: Primitive, parameters: ParameterSet, table: CostTable) -> float:
    degree, exact = parameters.degree, parameters.scheme == "bfv"
    shape, levels = primitive.shape, log2(degree)
    match primitive.op:
        case Op.MULTIPLY | Op.SQUARE:
            work = _linear(table.times_exact if exact else table.times, shape, degree)
        case Op.MULTIPLY_SCALAR | Op.MULTIPLY_VECTOR:
            work = _linear(table.times_plain, shape, degree)
        case Op.RESCALE:
            work = table.rescale * degree * levels * (shape.primes + 1) * shape.size
        case Op.RELINEARIZE | Op.ROTATE:
            work = table.switch_key * degree * levels * shape.primes * (shape.primes + 3)
        case _:
            work = _linear(table.add, shape, degree)
    return work + table.call
