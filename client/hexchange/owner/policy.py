"""What an owner lets run on its data: asked before an offer is signed, and again before anything is opened.

Deny by default: every circuit is signed one by one, and only what passes here can be signed.
"""

from __future__ import annotations

from dataclasses import dataclass

from hexchange.chain.amounts import format_amount
from hexchange.circuit.analysis import Analysis, check, describe_text
from hexchange.circuit.document import Circuit
from hexchange.circuit.editions import Grid
from hexchange.circuit.lowering import lower
from hexchange.errors import PolicyRefused
from hexchange.market.manifests import Manifest
from hexchange.market.tables import circuit_table
from hexchange.owner.prints import copies

MINIMUM_ROWS = 20
"""Statistics over fewer rows say too much about each of them."""


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
    if epsilon:
        _require_noise(circuit, analysis, manifest)
        privacy = f"ε = {format_amount(epsilon, 6)}, δ = {manifest.delta:g} for one changed row"
    else:
        if circuit.release.mechanism != "exact":
            raise _refused(
                "the circuit adds noise, and an offer with ε = 0 adds none", "offer it with --epsilon"
            )
        privacy = "no differential privacy: exact values, rounded; uses one of the dataset's exact releases"
    return Review(describe_text(circuit), analysis, privacy)


def _require_table(circuit: Circuit, manifest: Manifest) -> None:
    listed = circuit_table(manifest.columns, manifest.rows, manifest.row_norm)
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
    if isinstance(program.edition.layout, Grid) and (seen.columns, seen.label) != whole:
        raise _refused(
            f"the edition {program.edition.name} packs every column, the circuit reads only some",
            "build it from the dataset's manifest, with all columns in order",
        )
    raw = [output.name for output in program.outputs if output.per_block and output.name in copies(program)]
    if raw:
        raise _refused(
            f"output {raw[0]!r} hands out a column row by row", "release a statistic or a score of it"
        )


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
