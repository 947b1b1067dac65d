"""An owner lists the smallest editions that serve what it wants to allow, and knows their bytes before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexchange.circuit.choice import smallest
from hexchange.circuits import edition_sizes, editions_for
from hexchange.errors import CircuitNotFound, EditionNotFound, NothingToCount, TableTooLarge
from hexchange.market.manifests import Column


def columns(count: int) -> list[Column]:
    named = [Column(f"c{index}", "number", "feature", "", -1.0, 1.0) for index in range(count)]
    return [*named, Column("ill", "boolean", "label", "", 0.0, 1.0)]


names = st.sampled_from("abcde")
choices = st.lists(st.lists(names, min_size=1, max_size=3, unique=True), min_size=1, max_size=5)


@given(choices, st.fixed_dictionaries({name: st.integers(1, 50) for name in "abcde"}))
def test_what_is_chosen_serves_all_and_nothing_of_it_can_be_spared(
    wanted: list[list[str]], sizes: dict[str, int]
) -> None:
    chosen = smallest(wanted, sizes)
    assert all(set(chosen) & set(usable) for usable in wanted)
    for name in chosen:
        assert not all((set(chosen) - {name}) & set(usable) for usable in wanted)
    for name, size in sizes.items():
        if all(name in usable for usable in wanted):
            assert sum(sizes[each] for each in chosen) <= size


def test_of_equally_large_editions_the_best_is_chosen() -> None:
    assert smallest([["a", "b"]], {"a": 1, "b": 1}) == ["a"]
    assert smallest([["b", "a"]], {"a": 1, "b": 1}) == ["b"]


@pytest.mark.parametrize(
    ("words", "row_norm", "chosen"),
    [
        ("mean", None, ["sum"]),
        ("mean,predict", 1.0, ["linear"]),
        ("predict", None, ["linear"]),
        ("describe, predict", None, ["stats"]),  # serves both, so `linear` is not made beside it
        ("predict,ridge,describe", None, ["stats"]),
        ("predict,logistic", None, ["linear", "train"]),
        ("logistic,describe,logistic", None, ["train", "stats"]),
        ("logistic,describe", 1.5, ["bounded", "stats"]),
        ("logistic:exact,describe", 1.5, ["train", "stats"]),
        ("logistic:exact, logistic", 1.5, ["bounded"]),  # serves exact releases too
        ("histogram,predict", 1.5, ["count", "linear"]),
    ],
)
def test_the_smallest_editions_that_serve_all_are_chosen(
    words: str, row_norm: float | None, chosen: list[str]
) -> None:
    found = editions_for(words, columns(5), 1000, row_norm)
    assert list(found) == chosen
    assert found == edition_sizes(chosen, columns(5), 1000, row_norm)


def test_an_edition_that_cannot_hold_the_table_is_not_chosen() -> None:
    assert list(editions_for("predict", columns(5), 1_500_000, None)) == ["linear"]
    assert list(editions_for("mean", columns(5), 129_024, None)) == ["sum"]
    assert list(editions_for("mean", columns(5), 129_025, None)) == ["linear"]
    with pytest.raises(TableTooLarge, match="stats"):
        editions_for("predict,describe", columns(5), 1_500_000, None)
    with pytest.raises(TableTooLarge, match="40 features"):
        editions_for("logistic", columns(40), 100, None)
    with pytest.raises(NothingToCount):
        editions_for("histogram", columns(5)[:-1], 100, None)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(CircuitNotFound, match="divine"):
        editions_for("describe,divine", columns(5), 100, None)
    with pytest.raises(CircuitNotFound, match="describe:often"):
        editions_for("describe:often", columns(5), 100, None)
    with pytest.raises(EditionNotFound, match="fast"):
        edition_sizes(["fast"], columns(5), 100, None)
