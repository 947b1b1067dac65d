"""A score card: points for what each column of a row is, added up, as lenders score applicants. Exact to the point."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from operator import add
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from hexchange.circuit.builder import Draft, Term
from hexchange.circuit.counting import values_of
from hexchange.circuit.document import Circuit, Column, Indicator, Sum, Table
from hexchange.circuit.kinds import Asked, Kind, Recipe, Released
from hexchange.circuit.points import points_of
from hexchange.circuit.sensitivity import Polynomial, polynomials
from hexchange.errors import CardUnfit, ModelMissing, ModelUnreadable

if TYPE_CHECKING:
    import pandas as pd

EDITION = "count"
OUTPUT = "score"

_STRICT = ConfigDict(strict=True, extra="forbid")
Whole = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


@dataclass(frozen=True, slots=True)
class Bin:
    """`points` for the values low, low + 1, .., high of a column."""

    __pydantic_config__ = _STRICT

    column: Annotated[str, Field(min_length=1, max_length=220)]
    low: Whole
    high: Whole
    points: Whole


@dataclass(frozen=True, slots=True)
class Card:
    """What every row starts with, and the bins that give points; a value in no bin gives none."""

    __pydantic_config__ = _STRICT

    bin: Annotated[tuple[Bin, ...], Field(min_length=1, max_length=4096)]
    base: Whole = 0

    @classmethod
    def of(cls, document: dict[str, Any]) -> Card:
        """The card in a document: `base`, and a `bin` with column, low, high and points for each.

        Raises ModelUnreadable naming the field.
        """
        try:
            return TypeAdapter(cls).validate_json(json.dumps(document, default=str))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            hint = "write base = 500, and a [[bin]] with column, low, high and points for each"
            raise ModelUnreadable(f"the score card's {place}: {first['msg']}", hint=hint) from None

    def points(self, column: Column) -> dict[int, int]:
        """Points of each value of a column. Raises CardUnfit for values it cannot have, or in two bins."""
        found: dict[int, int] = {}
        for each in self.bin:
            bins = range(each.low, each.high + 1)
            if each.column != column.name:
                continue
            if not bins or not set(bins) <= set(values_of(column)) or found.keys() & set(bins):
                raise CardUnfit(
                    f"the bin {each.low} to {each.high} of {column.name!r} is empty, overlaps another, or goes beyond "
                    f"the values of the column",
                    hint=f"its values are the whole numbers {column.low:.0f} to {column.high:.0f}",
                )
            found |= dict.fromkeys(bins, each.points)
        return {value: found.get(value, 0) for value in values_of(column)}


def score_card(table: Table, card: Card) -> Circuit:
    """The card's points for every row, without a level, for exact release.

    Of each column the least points go to the offset, so what is added up is never negative. Raises CardUnfit where the
    table does not count a column of the card, or the card scores all rows alike.
    """
    offset, draft = card.base, Draft(table)
    alike: dict[int, list[Term]] = {}
    counted = {column.name: column for column in table.columns}
    for name in dict.fromkeys(each.column for each in card.bin):
        if name not in counted:
            raise CardUnfit(
                f"the table does not count a column {name!r}, so a card can give no points for it",
                hint=f"it counts {', '.join(counted)}; an owner declares others with type category or integer",
            )
        points = card.points(counted[name])
        least = min(points.values())
        offset += least
        for value, each in points.items():
            if each > least:
                alike.setdefault(each - least, []).append(draft.indicator(name, value))
    if not alike:
        raise CardUnfit(
            "the card gives every row the same score", hint="give some bins more points than others"
        )
    score = reduce(add, (reduce(add, terms) * float(number) for number, terms in alike.items()))
    outputs = {OUTPUT: score.measured(1.0, float(offset))}
    return draft.circuit(EDITION, outputs, "exact", result="points")


def score_card_clear(frame: pd.DataFrame, card: Card) -> pd.DataFrame:
    """The twin: the same scores from clear values."""
    import pandas as pd  # slow to import, and needed by the twin alone

    score = np.full(len(frame), float(card.base))
    for each in card.bin:
        score += each.points * frame[each.column].between(each.low, each.high).to_numpy()
    return pd.DataFrame({OUTPUT: score.astype(np.int64)})


def _build(table: Table, asked: Asked) -> Circuit:
    if not isinstance(asked.model, Card):
        raise ModelMissing("score_card needs a card of points", hint="add --model CARD.toml")
    return score_card(table, asked.model)


def _holds(circuit: Circuit, _rows: list[Polynomial]) -> bool:
    (output, *others) = circuit.outputs
    per_row = circuit.profile.edition == EDITION and not isinstance(circuit.nodes[output.node], Sum)
    return per_row and not others and output.unit == 1 and output.offset == int(output.offset)


def _says(circuit: Circuit) -> str:
    """Every bin with its points, equal neighbours taken together."""
    (output,) = circuit.outputs
    points = points_of(circuit, (polynomials(circuit) or [])[output.node])
    bins = []
    for name in dict.fromkeys(node.column for node in circuit.nodes if isinstance(node, Indicator)):
        values = values_of(circuit.table.column(name))
        for number, same in groupby(values, key=lambda value: points.get((name, value), 0)):
            alike = list(same)
            ends = dict.fromkeys((alike[0], alike[-1]))
            bins.append(f"{name} {' to '.join(map(str, ends))}: {number:+d}")
    return f"A score per row: {output.offset:.0f} and the points of {'; '.join(bins)}"


def _present(released: Released) -> pd.DataFrame:
    import pandas as pd  # slow to import, and needed by a buyer alone

    return pd.DataFrame({name: np.rint(value).astype(np.int64) for name, value in released.meant().items()})


CIRCUIT = Recipe("score_card", (EDITION,), _build)
KINDS = (Kind("points", "scores of rows in points", holds=_holds, says=_says, present=_present),)
