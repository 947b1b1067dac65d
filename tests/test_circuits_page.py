"""The examples of docs/circuits.md give what stands there, and there is one of every circuit."""

from __future__ import annotations

import doctest
from pathlib import Path

from hexchange.circuit.library import CIRCUITS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "circuits.md"


def test_every_example_gives_what_the_page_shows() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert tried > len(CIRCUITS)
    assert failed == 0


def test_every_circuit_has_an_example() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [
        name for name in CIRCUITS if f"`{name}`" not in text or f"library.{name} import" not in text
    ] == []
