"""Small neural networks, and matrix products as their simplest case, in the layout of interleaved rows.

A slot is place * rows + row. A product takes diagonals: with c the lesser of the padded widths of a layer's input and
output, output j of a row is the sum over k < c of W[j, j + k] x[j + k], and where the input is wider, of the same with
j + c, j + 2c, … in place of j, which further rotations fold together. Input and output repeat along the row, so a
rotation needs no mask.

With k = babies * giant + baby, the input is rotated once for each baby step, and diagonals that share a giant step are
added before they are rotated together: about 2 sqrt(c) rotations (Halevi and Shoup, CRYPTO 2014). Baby steps follow
each other by one place and giant steps are nested, so that each layer turns by two steps and no others; the library
cannot share work between the rotations of one ciphertext, so this costs nothing. All sums precede rescaling.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.descent import ROWS
from hexchange.circuit.document import Circuit, Network
from hexchange.circuit.editions import Edition, Interleaved, padded
from hexchange.circuit.layer import Layer
from hexchange.circuit.program import Program, ProgramOutput, Shape, TableInput
from hexchange.circuit.tape import Ladder, Tape, Value
from hexchange.errors import CircuitTooDeep, CircuitTooLarge, EditionUnfit, TransparentCircuit

Floats = NDArray[np.float64]

#: A diagonal all of whose weights are smaller would vanish among the rounding of constants.
LEAST_WEIGHT = 2.0**-24


def network_levels(node: Network) -> int:
    """Levels that a network uses: one for each layer and one for each square between them."""
    return 2 * len(node.layers) - 1


def babies(count: int) -> int:
    """Baby steps for so many diagonals, a power of two; the others are giant steps."""
    return 1 << ceil(log2(count) / 2)


def places(inputs: int, layers: tuple[Layer, ...]) -> list[tuple[int, int]]:
    """Of each layer, after how many places its input repeats, and its output; all are powers of two."""
    widths = [padded(inputs), *(padded(len(layer.bias)) for layer in layers)]
    return list(pairwise(widths))


def lower_network(circuit: Circuit, chosen: Edition) -> Program:
    """The program of a circuit whose one node is a network; raises what `lower` does."""
    (node,) = circuit.nodes if len(circuit.nodes) == 1 else (None,)
    if not isinstance(node, Network):
        raise EditionUnfit(
            "A network stands alone in its circuit.", hint="Build it with hexchange.circuit.library.network."
        )
    if not isinstance(chosen.layout, Interleaved):
        raise EditionUnfit(f"The edition {chosen.name} holds no whole rows.", hint="Choose `mlp`.")
    needed, levels = network_levels(node), chosen.parameters.levels
    if needed > levels:
        raise CircuitTooDeep(
            f"{len(node.layers)} layers need {needed} levels, the edition {chosen.name} has {levels}.",
            hint=f"Use a network with at most {(levels + 1) // 2} layers.",
        )
    width = chosen.parameters.slots // chosen.layout.rows
    widest = max(len(layer.bias) for layer in node.layers)
    if widest > width:
        raise CircuitTooLarge(
            f"A layer has {widest} outputs, rows of this table are {width} places wide.",
            hint="Use narrower layers; a table with more columns has wider rows.",
        )
    return _Network(circuit, node, chosen, chosen.layout.rows).program()


class _Network:
    def __init__(self, circuit: Circuit, node: Network, chosen: Edition, rows: int) -> None:
        self.circuit, self.node, self.edition, self.rows = circuit, node, chosen, rows
        self.tape = Tape(Ladder(chosen.parameters, network_levels(node) + 1), per_block=True)
        self.vectors: dict[str, Floats] = {}

    def program(self) -> Program:
        """One block stage: each layer's product, bias and, but for the last one, square."""
        fresh = Shape(2, len(self.edition.parameters.data_primes), self.edition.parameters.scale)
        (value,) = self.tape.sources(TableInput(ROWS, fresh))
        value = self.tape.start(value)
        widths = places(self.node.inputs, self.node.layers)
        for number, (layer, (before, after)) in enumerate(zip(self.node.layers, widths, strict=True)):
            if number:
                value = self.tape.finish(self.tape.multiply(value, value))
            value = self._product(value, number, layer, before, after)
            if layer.bias.any():
                value = self.tape.displace(value, self._vector(f"{number}.bias", layer.bias, after))
        output = ProgramOutput(self.circuit.outputs[0].name, 0, value.register, True, value.shape)
        return Program(self.edition, self.circuit.table.rows, (self.tape.stage(),), (output,), self.vectors)

    def _product(self, value: Value, number: int, layer: Layer, before: int, after: int) -> Value:
        """The layer's matrix times the value, which repeats after `before` places, so that it does after `after`."""
        found = diagonals(layer.matrix, before, after)
        small = babies(len(found))
        turned = [value]
        for _ in range(small - 1):
            turned.append(self.tape.rotate(turned[-1], self.rows))
        total: Value | None = None
        for first in reversed(range(0, len(found), small)):
            if total is not None:
                total = self.tape.rotate(total, small * self.rows)
            for offset, diagonal in enumerate(found[first : first + small]):
                if not diagonal.any():
                    continue  # a product with zeros hides nothing, and the library refuses it
                name = self._vector(
                    f"{number}.{first + offset}", np.roll(diagonal, first), max(before, after)
                )
                part = self.tape.weigh(turned[offset], name)
                total = part if total is None else self.tape.add(total, part)
        if total is None:
            raise TransparentCircuit(
                f"Layer {number} does not depend on the table: all its weights are zero.",
                hint="Leave it out, or add the constant after release.",
            )
        step = len(found)
        while step < before:
            total = self.tape.add(total, self.tape.rotate(total, step * self.rows))
            step *= 2
        return self.tape.finish(total)

    def _vector(self, name: str, values: Floats, period: int) -> str:
        """Keep a vector of the program, whose places repeat after `period`; its name."""
        once = np.zeros(period)
        once[: len(values)] = values
        self.vectors[name] = np.tile(
            np.repeat(once, self.rows), self.edition.parameters.slots // period // self.rows
        )
        return name


def diagonals(matrix: Floats, before: int, after: int) -> list[Floats]:
    """Row k has W[j, j + k] at each place j, with rows and columns padded to `after` and `before` and repeating."""
    wide = np.zeros((after, before))
    wide[: matrix.shape[0], : matrix.shape[1]] = matrix
    place = np.arange(max(before, after))
    return [wide[place % after, (place + k) % before] for k in range(min(before, after))]


def run(layers: tuple[Layer, ...], rows: Floats) -> Floats:
    """The same network in the clear: outputs (rows x outputs) of scaled rows (rows x features)."""
    values = rows
    for number, layer in enumerate(layers):
        values = (values * values if number else values) @ layer.matrix.T + layer.bias
    return values


def told(layers: tuple[Layer, ...]) -> Floats:
    """For each feature, the largest share of what some combination of the outputs depends on that is this feature
    alone: at 1 it can be solved for.

    By squared coefficients of monomials. With more than two layers, of what the first two hand on.
    """
    first, *rest = layers
    linear, alone = first.matrix, np.zeros((len(first.bias), 1))
    squares = np.zeros((len(first.bias), len(first.bias)))
    if rest:
        outer, inner = rest[0].matrix, first.matrix
        linear = 2 * outer * first.bias @ inner
        alone = outer @ inner**2
        squares = outer @ (inner @ inner.T) ** 2 @ outer.T
    inverse = np.linalg.pinv(linear @ linear.T + squares, rcond=1e-9, hermitian=True)
    straight, curved, both = (
        np.sum(one * (inverse @ other), axis=0)
        for one, other in ((linear, linear), (alone, alone), (linear, alone))
    )
    share: Floats = (straight + curved) / 2 + np.hypot((straight - curved) / 2, both)
    return share
