"""How far a result can be from the clear computation: bounds of magnitude and error, by primitives.

Errors that differ from row to row (noise) add up over rows as the square root, errors of encoded constants
are the same in each row (bias) and add up linearly.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from hexchange.circuit.descent_bounds import descent_bound
from hexchange.circuit.document import Circuit, Network, Sum, Trained
from hexchange.circuit.lowering import left_out
from hexchange.circuit.network_bounds import network_bound
from hexchange.circuit.noise import Noise, require_room
from hexchange.circuit.program import Kept, Op, Primitive, Program


@dataclass(frozen=True, slots=True)
class Bound:
    """Of one slot: largest magnitude, and largest error in two parts."""

    magnitude: float
    noise: float
    bias: float = 0.0

    @property
    def error(self) -> float:
        """Both parts together."""
        return self.noise + self.bias

    def over(self, count: int) -> Bound:
        """Of a sum of so many independent slots."""
        return Bound(self.magnitude * count, self.noise * sqrt(count), self.bias * count)


def error_bounds(circuit: Circuit, program: Program) -> dict[str, float]:
    """Largest error of each output's values (raw, in the circuit's own units, before rounding); counts have none.

    Raises CircuitTooLarge where a value can outgrow the modulus under it.
    """
    if circuit.profile.scheme == "bfv":
        return dict.fromkeys((output.name for output in circuit.outputs), 0.0)
    node = circuit.nodes[circuit.outputs[0].node]
    if isinstance(node, Trained):
        return {circuit.outputs[0].name: descent_bound(circuit, node, program)}
    if isinstance(node, Network):
        return {circuit.outputs[0].name: network_bound(node, program)}
    return _column_bounds(circuit, program)


def _column_bounds(circuit: Circuit, program: Program) -> dict[str, float]:
    noise = Noise(program.edition.parameters)
    used = min(program.rows, program.edition.rows_per_block)
    constants = left_out(circuit)
    parts = -(-used // program.edition.parameters.slots)
    nodes = {output.name: circuit.nodes[output.node] for output in circuit.outputs}
    kept: list[Bound] = []
    errors: dict[str, float] = {}
    for number, stage in enumerate(program.stages):
        registers = [
            kept[source.index] if isinstance(source, Kept) else Bound(1.0, noise.fresh(source.shape.scale))
            for source in stage.sources
        ]
        merged = list(registers)
        for primitive in stage.primitives:
            bound = _after(noise, primitive, [registers[arg] for arg in primitive.args])
            require_room(program.edition.parameters, primitive.shape, bound.magnitude)
            registers.append(bound)
            if not stage.per_block:  # beside it, what was there before relinearising and rescaling
                merged.append(merged[primitive.args[0]])
        for output in program.outputs:
            if output.stage == number and isinstance(nodes[output.name], Sum):
                rounding = noise.rescale_sum(output.shape.scale, parts) if stage.primitives else 0.0
                errors[output.name] = merged[output.register].over(used).error + rounding
            elif output.stage == number:
                reach = registers[output.register].magnitude + abs(constants.get(output.name, 0.0))
                require_room(program.edition.parameters, output.shape, reach)
                errors[output.name] = registers[output.register].error
        if stage.per_block:
            kept = [registers[register].over(program.blocks) for register in stage.keeps]
    return errors


def _after(noise: Noise, primitive: Primitive, of: list[Bound]) -> Bound:
    first, last = of[0], of[-1]
    scale = primitive.shape.scale
    match primitive.op:
        case Op.ADD | Op.SUB:
            return Bound(first.magnitude + last.magnitude, first.noise + last.noise, first.bias + last.bias)
        case Op.MULTIPLY | Op.SQUARE:
            m, n = first.magnitude + first.error, last.magnitude
            noisy, biased = m * last.noise + n * first.noise, m * last.bias + n * first.bias
            return Bound(first.magnitude * n, noisy, biased)
        case Op.MULTIPLY_SCALAR:
            by, rounding = abs(primitive.value), 0.5 / primitive.plain_scale
            return Bound(
                first.magnitude * by,
                first.noise * (by + rounding),
                first.bias * (by + rounding) + first.magnitude * rounding,
            )
        case Op.ADD_SCALAR:
            rounding = 0.5 / primitive.plain_scale
            return Bound(first.magnitude + abs(primitive.value), first.noise, first.bias + rounding)
        case Op.RESCALE:
            return Bound(first.magnitude, first.noise + noise.rescale(scale), first.bias)
        case Op.RELINEARIZE:
            added = noise.switch_key(primitive.shape.primes, scale)
            return Bound(first.magnitude, first.noise + added, first.bias)
        case Op.MOD_SWITCH | Op.NEGATE:
            return first
        case _:
            raise AssertionError(f"{primitive.op} does not occur with columns")
