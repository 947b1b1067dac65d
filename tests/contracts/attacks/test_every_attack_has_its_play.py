"""The index names every known attack once, each with a play that exists; no play is missing from it."""

from __future__ import annotations

import ast
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TABLES = {"Mistakes that others made": 35, "Holes of a simpler design": 30, "Further plays": 1}
NO_ATTACK = {"test_payoffs.py", Path(__file__).name}


def rows(title: str) -> list[list[str]]:
    section = (HERE / "README.md").read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def plays_in(path: Path) -> set[str]:
    functions = ast.walk(ast.parse(path.read_text()))
    return {f.name for f in functions if isinstance(f, ast.FunctionDef) and f.name.startswith("test_")}


def named() -> set[tuple[str, str]]:
    """File and function of every play in the index."""
    return {
        (file, "test_" + play.strip().replace(" ", "_"))
        for title in TABLES
        for _, _, plays, file in rows(title)
        for play in plays.split(";")
    }


def test_every_attack_is_in_the_index_once():
    for title, count in TABLES.items():
        assert [int(row[0]) for row in rows(title)] == list(range(1, count + 1))
        holes = [row[1] for row in rows(title)]
        assert len(set(holes)) == count
        assert all(" " in hole for hole in holes)


def test_every_play_of_the_index_exists():
    for file, function in named():
        path = ROOT / file if "/" in file else HERE / file
        assert function in plays_in(path), f"{file} has no {function}"


def test_no_play_is_missing_from_the_index():
    written = {
        (path.name, function)
        for path in HERE.glob("test_*.py")
        if path.name not in NO_ATTACK
        for function in plays_in(path)
    }
    assert written == {each for each in named() if "/" not in each[0]}
