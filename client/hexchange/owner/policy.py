"""What an owner lets run on its data: asked before an offer is signed, and again before anything is opened.

Deny by default: every circuit is signed one by one, and only what passes here can be signed.
"""

from __future__ import annotations

from dataclasses import dataclass

from hexchange.chain.amounts import format_amount
from hexchange.circuit.analysis import NEIGHBOURS, Analysis, check, describe_text
from hexchange.circuit.document import Circuit, Network, Output, Sum, Trained
from hexchange.circuit.editions import Grid, Interleaved, edition
from hexchange.circuit.lowering import lower
from hexchange.circuit.network import told
from hexchange.circuit.points import most_points, points_of
from hexchange.circuit.sensitivity import polynomials
from hexchange.errors import PolicyRefused
from hexchange.market.manifests import Manifest
from hexchange.market.results import COUNT_BYTES, OUTPUT_BYTES, ReleasedResult
from hexchange.market.tables import edition_table

MINIMUM_ROWS = 20
"""Statistics over fewer rows say too much about each of them."""

MOST_OPENED = 512 << 20
"""Bytes of ciphertexts that the children that parse and decrypt a result carry."""

LONGEST_TEXT = 1 << 16
"""Characters of a circuit in words; nobody reads more before signing."""

LEAST_MIXED = 0.01
"""A value per row has to move by this share with other columns than its main one, else it is a copy of that."""


@dataclass(frozen=True, slots=True)
class Review:
    """What an owner must have seen before it signs: the circuit in words, and what a release gives away."""

    text: str
    analysis: Analysis
    privacy: str
    """ε and δ of a release, or in words that there is no differential privacy."""


def review(circuit: Circuit, manifest: Manifest, epsilon: int) -> Review:
    """Pass a circuit on this table for `epsilon` millionths, 0 for an exact release.

    Raises PolicyRefused saying what to change, and what the circuit's own analysis refuses (depth, error,
    grid).
    """
    analysis = check(circuit)
    _require_table(circuit, manifest)
    _require_size(circuit, analysis)
    if epsilon:
        _require_noise(circuit, analysis, manifest)
        privacy = f"ε = {format_amount(epsilon, 6)}, δ = {manifest.delta:g} {NEIGHBOURS}"
    else:
        if circuit.release.mechanism != "exact":
            raise _refused(
                "the circuit adds noise, and an offer with ε = 0 adds none", "offer it with --epsilon"
            )
        shown = "; a value per row may tell all columns that take few values" if _per_row(circuit) else ""
        privacy = (
            f"no differential privacy: exact values, rounded{shown}; uses one of the dataset's exact releases"
        )
    text = describe_text(circuit)
    if len(text) > LONGEST_TEXT:
        raise _refused(
            f"the circuit takes {len(text)} characters to say, and what is signed must be read",
            "ask for fewer outputs",
        )
    return Review(text, analysis, privacy)


def _require_table(circuit: Circuit, manifest: Manifest) -> None:
    chosen = edition(circuit.profile.edition)
    listed = edition_table(chosen, manifest.columns, manifest.rows, manifest.row_norm)
    if circuit.table.rows != listed.rows or circuit.table.norm not in (None, listed.norm):
        raise _refused("the circuit is written for another table", "build it from the dataset's manifest")
    if circuit.table.label not in (None, listed.label) or not set(circuit.table.columns) <= set(
        listed.columns
    ):
        raise _refused(
            "the circuit reads columns or ranges that the table does not have", "build it from the manifest"
        )
    if manifest.rows < MINIMUM_ROWS:
        raise _refused(
            f"the table has {manifest.rows} rows, the policy asks for {MINIMUM_ROWS}", "list a larger table"
        )
    manifest.edition(circuit.profile.edition)
    program = lower(circuit)
    seen, whole = circuit.table, (listed.columns, listed.label)
    if isinstance(program.edition.layout, Grid | Interleaved) and (seen.columns, seen.label) != whole:
        raise _refused(
            f"the edition {program.edition.name} packs every column, the circuit reads only some",
            "build it from the dataset's manifest, with all columns in order",
        )
    _require_mixed(circuit)


def _require_size(circuit: Circuit, analysis: Analysis) -> None:
    """Refuse what could be run and debited, and then neither opened nor sealed."""
    document = analysis.released * COUNT_BYTES + (1 + len(circuit.outputs)) * OUTPUT_BYTES
    if document > ReleasedResult.CAP or analysis.result_bytes > MOST_OPENED:
        raise _refused(
            f"a result of {analysis.released:,} numbers is too large to be opened and sealed",
            "ask for fewer outputs",
        )


def _require_mixed(circuit: Circuit) -> None:
    """Refuse values per row that give a column back, alone or solved for among several."""
    single = _per_row(circuit)
    if len(single) > 1:
        raise _refused(
            f"{len(single)} outputs are values per row, from which columns can be solved",
            "release one score per row, or statistics",
        )
    for output in single:
        column = _copied(circuit, output)
        if column:
            raise _refused(
                f"output {output.name!r} hands out {column!r} row by row",
                "mix columns, or release a statistic",
            )


def _per_row(circuit: Circuit) -> list[Output]:
    return [output for output in circuit.outputs if not isinstance(circuit.nodes[output.node], Sum | Trained)]


def _copied(circuit: Circuit, output: Output) -> str | None:
    """The column that a value per row tells, whatever it is scaled, shifted or raised by; of a network's values also
    what can be solved for among them."""
    node = circuit.nodes[output.node]
    if isinstance(node, Network):
        shares = told(node.layers)
        return circuit.table.features[int(shares.argmax())].name if shares.max() > 1 - LEAST_MIXED else None
    rows = polynomials(circuit)
    assert rows is not None, "the analysis has followed each polynomial"
    polynomial = rows[output.node]
    if (
        circuit.profile.scheme == "bfv"
    ):  # a row has one value of a column, so what it gets at most stands for all of them
        most = most_points(points_of(circuit, polynomial))
        polynomial = {(column,): float(number) for column, number in most.items()}
    reach: dict[frozenset[str], float] = {}
    for monomial, factor in polynomial.items():
        if monomial:
            reach[frozenset(monomial)] = reach.get(frozenset(monomial), 0.0) + abs(factor)
    whole = sum(reach.values())
    alone = {column: value for (column, *others), value in reach.items() if not others}
    main = max(alone, key=lambda column: alone[column], default=None)
    return main if main is not None and whole - alone[main] < LEAST_MIXED * whole else None


def _require_noise(circuit: Circuit, analysis: Analysis, manifest: Manifest) -> None:
    if circuit.release.mechanism != "noise":
        raise _refused(
            "the circuit releases exact values, so no ε can be promised", "offer it with --epsilon 0"
        )
    if analysis.sensitivity is None:
        raise _refused(
            "nobody proved what one row can change in this circuit", "offer it with --epsilon 0, or another"
        )
    if manifest.ranges != "declared" or manifest.row_norm is None or manifest.delta is None:
        raise _refused(
            "ranges read off the data prove nothing about one row", "encrypt with declared ranges and norm"
        )


def _refused(reason: str, hint: str) -> PolicyRefused:
    return PolicyRefused(reason, hint=hint)
