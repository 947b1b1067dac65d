"""Writing the primitives of one stage, with scales that are tracked and never forced.

Every ciphertext with p primes that is not an unrescaled product has the one scale `scales[p]`, where
scales[p - 1] = scales[p]² / (p-th prime): the scale to which a product of two such ciphertexts rescales by
itself. A constant is encoded at the scale of the ciphertext it meets, so products with constants and
products of ciphertexts have one scale too, can be added before rescaling, and additions always match to
the last bit. A ciphertext is taken to a lower level by a product with 1.0 whose scale is chosen so that the
rescaled product lands on the wanted scale.
"""

from __future__ import annotations

from dataclasses import dataclass

from hexchange.circuit.editions import ParameterSet
from hexchange.circuit.program import Kept, Op, Primitive, Shape, Stage, TableInput


@dataclass(frozen=True, slots=True)
class Value:
    """A register and its shape."""

    register: int
    shape: Shape


class Ladder:
    """The scale at each level when a circuit starts with `start` primes at the edition's scale."""

    def __init__(self, parameters: ParameterSet, start: int) -> None:
        self.parameters = parameters
        self.start = start
        self._scales = {start: parameters.scale}
        for primes in range(start, 1, -1):
            scale = self._scales[primes]
            self._scales[primes - 1] = scale * scale / float(parameters.data_primes[primes - 1])

    def scale(self, primes: int) -> float:
        """Scale of a ciphertext with that many primes."""
        return self._scales[primes]

    def product(self, primes: int) -> float:
        """Scale of an unrescaled product."""
        return self._scales[primes] * self._scales[primes]


class Tape:
    """The primitives of one stage, in the order they were asked for; none is written twice."""

    def __init__(self, ladder: Ladder, *, per_block: bool) -> None:
        self.ladder = ladder
        self.per_block = per_block
        self._sources: list[TableInput | Kept] = []
        self._primitives: list[Primitive] = []
        self._written: dict[Primitive, Value] = {}

    def sources(self, *sources: TableInput | Kept) -> tuple[Value, ...]:
        """Declare what the stage reads, before its first primitive."""
        self._sources = list(sources)
        return tuple(Value(register, source.shape) for register, source in enumerate(sources))

    def stage(self, *keeps: Value) -> Stage:
        """The finished stage."""
        registers = tuple(value.register for value in keeps)
        return Stage(self.per_block, tuple(self._sources), tuple(self._primitives), registers)

    # --- Row by row ---------------------------------------------------------------------------------

    def add(self, left: Value, right: Value) -> Value:
        """Sum; products are added before they are rescaled."""
        return self._combine(Op.ADD, left, right)

    def subtract(self, left: Value, right: Value) -> Value:
        """Difference."""
        return self._combine(Op.SUB, left, right)

    def multiply(self, left: Value, right: Value) -> Value:
        """Product, neither relinearised nor rescaled."""
        if left == right:
            factor = self.finish(left)
            return self._emit(Op.SQUARE, (factor,), self._product_shape(factor, size=3))
        left, right = self.finish(left), self.finish(right)
        primes = min(left.shape.primes, right.shape.primes)
        left, right = self.lower(left, primes), self.lower(right, primes)
        return self._emit(Op.MULTIPLY, (left, right), self._product_shape(left, size=3))

    def negate(self, value: Value) -> Value:
        """The value with the other sign."""
        return self._emit(Op.NEGATE, (value,), value.shape)

    def scale(self, value: Value, by: float) -> Value:
        """Product with a constant, not rescaled."""
        value = self.finish(value)
        return self._scalar(Op.MULTIPLY_SCALAR, value, by, value.shape.scale)

    def shift(self, value: Value, by: float) -> Value:
        """Sum with a constant."""
        return self._emit(Op.ADD_SCALAR, (value,), value.shape, value=by, plain_scale=value.shape.scale)

    def weigh(self, value: Value, vector: str) -> Value:
        """Product with a vector of the program, not rescaled."""
        value = self.finish(value)
        shape = self._product_shape(value, size=2)
        return self._emit(Op.MULTIPLY_VECTOR, (value,), shape, vector=vector, plain_scale=value.shape.scale)

    def displace(self, value: Value, vector: str) -> Value:
        """Sum with a vector of the program."""
        return self._emit(Op.ADD_VECTOR, (value,), value.shape, vector=vector, plain_scale=value.shape.scale)

    def rotate(self, value: Value, step: int) -> Value:
        """Slots moved left by one declared step."""
        return self._emit(Op.ROTATE, (value,), value.shape, step=step)

    # --- Levels ---------------------------------------------------------------------------------------

    def start(self, value: Value) -> Value:
        """A fresh table ciphertext at the first level of the circuit."""
        return self.switch(value, self.ladder.start)

    def finish(self, value: Value) -> Value:
        """Relinearised and rescaled, where it is neither."""
        if value.shape.size == 3:
            value = self._emit(Op.RELINEARIZE, (value,), Shape(2, value.shape.primes, value.shape.scale))
        return self._rescale(value) if self._is_product(value) else value

    def lower(self, value: Value, primes: int, by: float = 1.0) -> Value:
        """The value (times a constant), finished, at a level with fewer primes."""
        value = self.finish(value)
        if value.shape.primes == primes and by == 1.0:
            return value
        value = self.switch(value, primes + 1)
        dropped = float(self.ladder.parameters.data_primes[primes])
        plain_scale = self.ladder.scale(primes) * dropped / value.shape.scale
        return self._rescale(self._scalar(Op.MULTIPLY_SCALAR, value, by, plain_scale))

    def switch(self, value: Value, primes: int) -> Value:
        """The same value and scale with fewer primes."""
        if value.shape.primes == primes:
            return value
        return self._emit(Op.MOD_SWITCH, (value,), Shape(value.shape.size, primes, value.shape.scale))

    # --- Private --------------------------------------------------------------------------------------

    def _combine(self, op: Op, left: Value, right: Value) -> Value:
        if left.shape.primes != right.shape.primes:
            left, right = self.finish(left), self.finish(right)
            primes = min(left.shape.primes, right.shape.primes)
            left, right = self.lower(left, primes), self.lower(right, primes)
        elif self._is_product(left) != self._is_product(right):
            left = left if self._is_product(left) else self.scale(left, 1.0)
            right = right if self._is_product(right) else self.scale(right, 1.0)
        size = max(left.shape.size, right.shape.size)
        return self._emit(op, (left, right), Shape(size, left.shape.primes, left.shape.scale))

    def _is_product(self, value: Value) -> bool:
        return value.shape.scale == self.ladder.product(value.shape.primes)

    def _product_shape(self, value: Value, size: int) -> Shape:
        return Shape(size, value.shape.primes, value.shape.scale * value.shape.scale)

    def _rescale(self, value: Value) -> Value:
        primes = value.shape.primes - 1
        return self._emit(Op.RESCALE, (value,), Shape(value.shape.size, primes, self.ladder.scale(primes)))

    def _scalar(self, op: Op, value: Value, by: float, plain_scale: float) -> Value:
        shape = Shape(value.shape.size, value.shape.primes, value.shape.scale * plain_scale)
        return self._emit(op, (value,), shape, value=by, plain_scale=plain_scale)

    def _emit(
        self,
        op: Op,
        args: tuple[Value, ...],
        shape: Shape,
        *,
        value: float = 0.0,
        plain_scale: float = 0.0,
        step: int = 0,
        vector: str = "",
    ) -> Value:
        registers = tuple(arg.register for arg in args)
        primitive = Primitive(op, registers, shape, value, plain_scale, step, vector)
        if primitive not in self._written:
            self._primitives.append(primitive)
            register = len(self._sources) + len(self._primitives) - 1
            self._written[primitive] = Value(register, shape)
        return self._written[primitive]
