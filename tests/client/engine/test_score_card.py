"""A score card gives the points that it says, exactly, and says what it lacks."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin import Floats, Run, handed_over

from hexchange.circuit.analysis import check, describe_text
from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Circuit, Column, Table
from hexchange.circuit.kinds import Asked
from hexchange.circuit.library import CIRCUITS
from hexchange.circuit.library.score_card import Bin, Card, score_card, score_card_clear
from hexchange.circuit.lowering import lower
from hexchange.circuits import LARGEST_CARD, read_model
from hexchange.errors import (
    CardUnfit,
    CircuitTooLarge,
    EditionUnfit,
    MalformedCircuit,
    ModelMissing,
    ModelUnreadable,
    SensitivityUnknown,
)

COLUMNS = (Column("age", 18.0, 70.0), Column("rents", 0.0, 1.0), Column("children", 0.0, 6.0))


def drawn(rows: int, seed: int) -> tuple[Table, pd.DataFrame, Floats]:
    random = np.random.default_rng(seed)
    own = {c.name: random.integers(int(c.low), int(c.high) + 1, rows) for c in COLUMNS}
    scaled = np.column_stack([(own[c.name] - c.middle) / c.half for c in COLUMNS])
    return Table(rows, COLUMNS), pd.DataFrame(own), scaled


TABLE = drawn(100, 0)[0]
CARD = Card((Bin("age", 18, 25, -20), Bin("age", 40, 70, 15), Bin("rents", 0, 0, 35)), base=500)


@settings(max_examples=5, deadline=None, derandomize=True)
@given(
    st.integers(1, 9000), st.integers(-900, 900), st.lists(st.integers(-5000, 5000), min_size=4, max_size=4),
    st.integers(19, 69), st.integers(0, 99),
)  # fmt: skip
def test_scores_are_those_of_the_card_in_the_clear(
    run: Run, rows: int, base: int, points: list[int], cut: int, seed: int
) -> None:
    bins = (
        Bin("age", 18, cut, points[0]), Bin("age", cut + 1, 70, points[1]), Bin("rents", 1, 1, 1 + abs(points[2])),
        Bin("children", 2, 5, points[3]),
    )  # fmt: skip
    card = Card(bins, base)
    table, frame, scaled = drawn(rows, seed)
    circuit = score_card(table, card)
    assert check(circuit).levels == 0
    pd.testing.assert_frame_equal(handed_over(circuit, run(circuit, scaled)), score_card_clear(frame, card))


def test_the_card_of_the_readme_scores_as_it_says(run: Run, tmp_path: Path) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    (text,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "card.toml").write_text(text)
    card = read_model(tmp_path / "card.toml")
    assert card == Card.of(tomllib.loads(text))
    table, frame, scaled = drawn(50, 3)
    circuit = CIRCUITS["score_card"].build(table, Asked("count", model=card))
    scores = handed_over(circuit, run(circuit, scaled))["score"]
    for age, rents, score in zip(frame["age"], frame["rents"], scores, strict=True):
        assert score == 500 - 20 * (age <= 25) + 35 * (rents == 0)


def test_an_owner_reads_every_bin() -> None:
    text = describe_text(score_card(TABLE, CARD))
    assert (
        "A score per row: 480 and the points of age 18 to 25: +0; age 26 to 39: +20; age 40 to 70: +35; "
        in text
    )
    assert "rents 0: +35; rents 1: +0" in text
    assert "error at most 0" in text


@pytest.mark.parametrize(
    ("bins", "said", "hint"),
    [
        ((Bin("income", 0, 9, 5),), "does not count a column 'income'", "age, rents, children"),
        ((Bin("age", 10, 20, 5),), "beyond", "18 to 70"),
        ((Bin("age", 30, 20, 5),), "empty", "18 to 70"),
        ((Bin("age", 20, 30, 5), Bin("age", 30, 40, 5)), "overlaps", "18 to 70"),
        ((Bin("rents", 0, 1, 5),), "every row the same", "more points"),
    ],
)
def test_a_card_that_the_table_does_not_serve_is_refused(bins: tuple[Bin, ...], said: str, hint: str) -> None:
    with pytest.raises(CardUnfit, match=said) as refusal:
        score_card(TABLE, Card(bins))
    assert hint in refusal.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("base = 1", "bin"),
        ("bin = 5", "bin"),
        ('[[bin]]\ncolumn = "age"\nlow = 1\nhigh = 2\npoints = 1.5', "points"),
        ('[[bin]]\ncolumn = "age"\nlow = 1\nhigh = 2\npoints = 1\ngrade = "A"', "grade"),
        ('[[bin]]\ncolumn = "age"\nlow = 1\nhigh = 99999999\npoints = 1', "high"),
        ("base = ", "no score card"),
        ("\x00\x01", "no score card"),
        ("#" * (LARGEST_CARD + 1), "too long"),
    ],
)
def test_a_file_that_is_no_card_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "card.toml"
    path.write_text(text)
    with pytest.raises(ModelUnreadable, match=said):
        read_model(path)
    with pytest.raises(ModelUnreadable):
        read_model(tmp_path / "none.toml")


def test_a_card_has_to_be_given() -> None:
    with pytest.raises(ModelMissing, match="card"):
        CIRCUITS["score_card"].build(TABLE, Asked("count"))


def per_row(draft: Draft, term: str) -> Circuit:
    a, b = draft.indicator("rents", 1), draft.indicator("children", 2)
    return draft.circuit("count", {"score": eval(term, {"a": a, "b": b})}, "exact", grid="1", result="points")


@pytest.mark.parametrize("term", ["a * 1.5 + b", "a - b", "a * b", "a + b + 1.0"])
def test_other_values_per_row_are_refused_on_indicators(term: str) -> None:
    with pytest.raises(EditionUnfit, match="points") as refusal:
        lower(per_row(Draft(TABLE), term))
    assert "score_card" in refusal.value.hint


def test_points_beyond_what_is_carried_are_refused() -> None:
    check(per_row(Draft(TABLE), "a * 57000.0 + b * 343.0"))
    with pytest.raises(CircuitTooLarge, match="57344 points"):
        check(per_row(Draft(TABLE), "a * 57000.0 + b * 344.0"))


def test_points_are_released_alone_exact_and_in_their_own_unit() -> None:
    circuit = score_card(TABLE, CARD)
    with pytest.raises(SensitivityUnknown):
        check(replace(circuit, release=replace(circuit.release, mechanism="noise")))
    with pytest.raises(MalformedCircuit, match="points"):
        check(replace(circuit, outputs=(replace(circuit.outputs[0], unit=2.0),)))
    draft = Draft(TABLE)
    two = {"a": draft.indicator("rents", 1), "b": draft.indicator("rents", 0)}
    with pytest.raises(EditionUnfit, match="alone"):
        lower(draft.circuit("count", two, "exact", grid="1"))
    with pytest.raises(MalformedCircuit, match="cannot have"):
        lower(draft.circuit("count", {"a": draft.indicator("rents", 2)}, "exact", grid="1", result="points"))
