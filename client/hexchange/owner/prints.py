"""Marks by which a ciphertext is known again, whatever it is wrapped in. Pure."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import sha256

import rfc8785

from hexchange.circuit.document import Circuit
from hexchange.circuit.editions import edition
from hexchange.circuit.program import CANONICAL_HEADER, Op, Program, Shape, TableInput


def prints(data: bytes, shape: Shape, degree: int) -> list[bytes]:
    """One print per polynomial of canonical bytes: sha-256 of its residues modulo the first prime.

    Dropping primes, reordering polynomials or cutting parts out of a ciphertext leaves these prints as they
    are, so bytes that repeat an input or an earlier result are found in any of these disguises.
    """
    row = 8 * degree
    starts = (CANONICAL_HEADER + index * shape.primes * row for index in range(shape.size))
    return [sha256(data[start : start + row]).digest() for start in starts]


def result_prints(program: Program, outputs: tuple[bytes, ...]) -> list[tuple[str, int, list[bytes]]]:
    """(output, row block, prints) of every ciphertext of a result."""
    shapes = {output.name: output.shape for output in program.outputs}
    degree = program.edition.parameters.degree
    places = zip(program.result_sizes(), outputs, strict=True)
    return [(name, block, prints(data, shapes[name], degree)) for (name, block, _), data in places]


def sources(
    manifest: bytes, circuit: Circuit, program: Program, outputs: tuple[bytes, ...]
) -> dict[bytes, bytes]:
    """Print of a result's ciphertext -> what it was computed as.

    The name of what was computed covers the table, the engine, the expression over its columns, and the row
    block: two circuits that share an output share its bytes, and nothing else does.
    """
    nodes = {output.name: output.node for output in circuit.outputs}
    head = manifest + rfc8785.dumps(asdict(circuit.profile))
    return {
        found[0]: sha256(head + expression(circuit, nodes[name]) + block.to_bytes(4, "big")).digest()
        for name, block, found in result_prints(program, outputs)
    }


def expression(circuit: Circuit, node: int) -> bytes:
    """Names what a node computes, wherever it stands in its circuit (32 bytes).

    Sums and products in another order of their operands are the same bytes, and have the same name; so has what
    differs by a constant where the layout leaves constants out.
    """
    without_constants = edition(circuit.profile.edition).rows_per_slot > 1
    names: list[bytes] = []
    for each in circuit.nodes[: node + 1]:
        of = [names[of].hex() for of in each.of]
        if each.op == "shift" and without_constants:
            names.append(names[each.of[0]])
            continue
        said = asdict(each) | {"of": sorted(of) if each.op in ("add", "multiply") else of}
        names.append(sha256(rfc8785.dumps(said)).digest())
    return names[node]


def copies(program: Program) -> set[str]:
    """Outputs that the circuit itself copies from an input, at most with primes dropped or a constant added.

    The sum of a column over a single row block is one: its slots are added up by whoever holds the key.
    """
    return {output.name for output in program.outputs if _copies(program, output.stage, output.register)}


def _copies(program: Program, stage: int, register: int) -> bool:
    here = program.stages[stage]
    while register >= len(here.sources):
        primitive = here.primitives[register - len(here.sources)]
        if primitive.op not in (Op.MOD_SWITCH, Op.ADD_SCALAR):
            return False
        register = primitive.args[0]
    source = here.sources[register]
    if isinstance(source, TableInput):
        return True
    earlier = program.stages[source.stage]
    alone = program.blocks == 1 or not earlier.per_block
    return alone and _copies(program, source.stage, earlier.keeps[source.index])
