"""From a circuit to its program: one pure function, the same everywhere. Any change of its primitives, or of
their order, changes digests and therefore needs another `Profile.lowering`."""

from __future__ import annotations

from functools import lru_cache

from hexchange.circuit.counting import lower_counts
from hexchange.circuit.descent import lower_descent
from hexchange.circuit.document import Binary, Circuit, Indicator, Network, Node, Read, Sum, Trained, Unary
from hexchange.circuit.editions import Categories, Columns, Edition, edition
from hexchange.circuit.network import lower_network
from hexchange.circuit.points import lower_points
from hexchange.circuit.program import Kept, Program, ProgramOutput, Shape, Stage, TableInput
from hexchange.circuit.sensitivity import polynomials
from hexchange.circuit.tape import Ladder, Tape, Value
from hexchange.errors import CircuitTooDeep, EditionUnfit, TableTooLarge


@lru_cache(maxsize=16)
def lower(circuit: Circuit) -> Program:
    """The program of a circuit under the edition that it names.

    Raises EditionNotFound, CircuitTooDeep, CircuitTooLarge, EditionUnfit, TableTooLarge and TransparentCircuit, each
    saying what to change.
    """
    chosen = edition(circuit.profile.edition).over(len(circuit.table.features))
    if chosen.blocks(circuit.table.rows) > chosen.most_blocks:
        raise TableTooLarge(
            f"The table has {circuit.table.rows} rows, the edition {chosen.name} holds {chosen.most_rows}.",
            hint="List the table in parts.",
        )
    if circuit.profile.scheme != chosen.parameters.scheme:
        raise EditionUnfit(
            f"The edition {chosen.name} is of the scheme {chosen.parameters.scheme}, the circuit says otherwise.",
            hint="Build the circuit for this edition.",
        )
    if isinstance(chosen.layout, Categories):
        counts = any(isinstance(node, Sum) for node in circuit.nodes)
        return lower_counts(circuit, chosen) if counts else lower_points(circuit, chosen)
    if any(isinstance(node, Indicator) for node in circuit.nodes):
        raise EditionUnfit(
            f"The edition {chosen.name} cannot tell whether a column has a value.", hint="Choose `count`."
        )
    if any(isinstance(node, Trained) for node in circuit.nodes):
        return lower_descent(circuit, chosen)
    if any(isinstance(node, Network) for node in circuit.nodes):
        return lower_network(circuit, chosen)
    if not isinstance(chosen.layout, Columns):
        raise EditionUnfit(
            f"The edition {chosen.name} holds no single columns.", hint="Choose `linear` or `stats`."
        )
    program = _Columns(circuit, chosen).program()
    if program.relinearizes and not chosen.relinearize:
        raise EditionUnfit(
            f"Products of columns need a key that the edition {chosen.name} does not have.",
            hint="Choose `stats`, or multiply by constants only.",
        )
    return program


def depth(circuit: Circuit) -> int:
    """Levels that row-by-row nodes use: the longest chain of products."""
    depths: list[int] = []
    for node in circuit.nodes:
        below = max((depths[of] for of in node.of), default=0)
        depths.append(below + (node.op in ("multiply", "scale")))
    return max(depths)


def left_out(circuit: Circuit) -> dict[str, float]:
    """The constants that lowering leaves to whoever opens the result, by output: rows that share a slot could not
    both get them."""
    rows = polynomials(circuit) if edition(circuit.profile.edition).rows_per_slot > 1 else None
    return {output.name: rows[output.node].get((), 0.0) for output in circuit.outputs} if rows else {}


class _Columns:
    """Lowering in the layout of columns: rows in a block stage, sums finished in a once stage.

    Sums over rows stay in the slots; whoever holds the key adds them up, and to rows that share a slot their
    constants. Where a chain allows sums alone, whatever is read and whatever is released changes its sign: a sum of
    uploaded ciphertexts would otherwise have no step in it that a trace could ask a provider for.
    """

    def __init__(self, circuit: Circuit, chosen: Edition) -> None:
        needed, levels = depth(circuit), chosen.parameters.levels
        if needed > levels:
            raise CircuitTooDeep(
                f"The circuit needs {needed} levels, the edition {chosen.name} has {levels}.",
                hint="Release the factors and multiply afterwards, or choose an edition with more levels.",
            )
        self.circuit = circuit
        self.edition = chosen
        self.ladder = Ladder(chosen.parameters, needed + 1)
        self.tape = Tape(self.ladder, per_block=True)
        self.values: list[Value] = []
        self.kept: list[Value] = []

    def program(self) -> Program:
        """Both stages and the outputs."""
        names = dict.fromkeys(node.column for node in self.circuit.nodes if isinstance(node, Read))
        fresh = Shape(2, len(self.edition.parameters.data_primes), self.edition.parameters.scale)
        sources = self.tape.sources(*(TableInput(name, fresh) for name in names))
        columns = dict(zip(names, sources, strict=True))
        for node in self.circuit.nodes:
            self.values.append(self._value(node, columns))
        outputs = [self._row_output(name, node) for name, node in self._outputs(of_sums=False)]
        sums = self._outputs(of_sums=True)
        stages = [self.tape.stage(*(self.values[node] for _, node in sums))]
        if sums:
            stage, finished = self._sums(tuple(name for name, _ in sums), stages[0])
            stages.append(stage)
            outputs.extend(finished)
        order = [output.name for output in self.circuit.outputs]
        outputs.sort(key=lambda output: order.index(output.name))
        return Program(self.edition, self.circuit.table.rows, tuple(stages), tuple(outputs), {})

    def _value(self, node: Node, columns: dict[str, Value]) -> Value:
        of = [self.values[index] for index in node.of]
        match node:
            case Read():
                return self._turned(self.tape, self.tape.start(columns[node.column]))
            case Binary(op="add"):
                return self.tape.add(*of)
            case Binary(op="subtract"):
                return self.tape.subtract(*of)
            case Binary():
                return self.tape.multiply(*of)
            case Unary(op="scale"):
                return self.tape.scale(of[0], node.by)
            case Unary():
                return of[0] if self.edition.rows_per_slot > 1 else self.tape.shift(of[0], node.by)
            case _:
                return of[0]

    def _turned(self, tape: Tape, value: Value) -> Value:
        return value if self.edition.parameters.levels else tape.negate(value)

    def _outputs(self, *, of_sums: bool) -> list[tuple[str, int]]:
        return [
            (output.name, output.node)
            for output in self.circuit.outputs
            if isinstance(self.circuit.nodes[output.node], Sum) == of_sums
        ]

    def _row_output(self, name: str, node: int) -> ProgramOutput:
        value = self._turned(self.tape, self.tape.switch(self.tape.finish(self.values[node]), 1))
        return ProgramOutput(name, 0, value.register, True, value.shape)

    def _sums(self, names: tuple[str, ...], blocks: Stage) -> tuple[Stage, list[ProgramOutput]]:
        tape = Tape(self.ladder, per_block=False)
        kept = (Kept(0, index, blocks.shape(register)) for index, register in enumerate(blocks.keeps))
        values = [self._turned(tape, tape.switch(tape.finish(value), 1)) for value in tape.sources(*kept)]
        outputs = [
            ProgramOutput(name, 1, value.register, False, value.shape)
            for name, value in zip(names, values, strict=True)
        ]
        return tape.stage(), outputs
