"""The import arrows of ARCHITECTURE.md, and that what it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CLIENT = ROOT / "client" / "hexchange"
BACKEND = ROOT / "backend" / "hexchange_backend"

FOUNDATION = {"errors", "config"}
MAY_IMPORT = {
    "errors": set(),
    "config": {"errors"},
    "circuit": {"errors"},
    "he": {"errors", "circuit"},
    "storage": {"errors"},
    "chain": {"errors"},
    "market": {"errors", "circuit", "chain.events"},
    "follower": {"errors", "chain", "market"},
    "sealing": {"errors"},
    "voice": {"errors"},
    "circuits": {"errors", "circuit", "storage", "market", "square_classifier"},
    "square_classifier": set(),
    "jobs": {"errors", "chain", "market"},
    "evaluation": {"errors", "circuit", "he", "storage", "market", "chain.events"},
    "owner": {
        "errors", "circuit", "he", "storage", "chain", "market", "follower", "evaluation", "sealing", "voice",
    },
    "rehearsal": {"errors", "circuit", "he", "owner"},
    "buyer": {"errors", "circuit", "storage", "chain", "market", "sealing"},
    "provider": {"errors", "circuit", "he", "storage", "chain", "market", "follower", "evaluation", "voice"},
    "cli": {
        *FOUNDATION, "circuit", "he", "storage", "chain", "market", "follower", "evaluation",
        "circuits", "jobs", "owner", "buyer", "provider",
    },
    "backend": {"errors", "circuit", "storage", "chain", "market", "follower"},
}  # fmt: skip
"""Which parts of the package a part may import, itself apart."""

ONLY_IN = {
    "tenseal": {"he"},
    "ipfshttpclient": {"storage"},
    "web3": {"chain"},
    "eth_account": {"chain"},
    "brownie": set[str](),
    "opendp": {"he"},
    "distributed": {"he"},
}
"""Which part alone may import a library."""

SOURCES = [*sorted(CLIENT.rglob("*.py")), *sorted(BACKEND.rglob("*.py"))]


def part(path: Path) -> str:
    if BACKEND in path.parents:
        return "backend"
    return path.relative_to(CLIENT).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_part_imports_only_what_its_arrows_allow(path: Path) -> None:
    own = part(path)
    if own == "__init__":
        return
    for name in imports(path):
        if not name.startswith("hexchange."):
            continue
        target = name.removeprefix("hexchange.")
        allowed = MAY_IMPORT[own] | {own}
        assert any(target == arrow or target.startswith(f"{arrow}.") for arrow in allowed), f"{path}: {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_library_has_one_importer(path: Path) -> None:
    for name in imports(path):
        library = name.split(".")[0]
        assert part(path) in ONLY_IN.get(library, {part(path)}), f"{path}: {name}"


def test_only_the_command_prints() -> None:
    for path in SOURCES:
        calls = [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
        ]
        prints = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
        assert not prints or part(path) == "cli", path


def test_the_pure_parts_read_no_clock_and_no_file() -> None:
    for path in SOURCES:
        if part(path) in ("circuit", "market"):
            libraries = {name.split(".")[0] for name in imports(path)}
            assert not libraries & {"time", "os", "pathlib", "socket", "subprocess", "sqlite3", "random"}, (
                path
            )


def test_every_function_that_the_architecture_names_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    names = re.findall(r"`([a-z_]+(?:/[a-z_]+)*\.py):([A-Za-z_.]+)`", text)
    assert names
    for file, name in names:
        path = next((base / file for base in (CLIENT, BACKEND, ROOT) if (base / file).exists()), None)
        assert path, f"ARCHITECTURE.md names {file}, which does not exist"
        tree: ast.AST = ast.parse(path.read_text(encoding="utf-8"))
        for step in name.split("."):
            found = [
                node for node in ast.iter_child_nodes(tree)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == step
            ]  # fmt: skip
            assert found, f"ARCHITECTURE.md names {file}:{name}, which does not exist"
            tree = found[0]


def test_what_the_page_of_rules_names_exists() -> None:
    text = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    names = re.findall(r"`(\w+(?:\.t)?\.sol):(\w+)`", text)
    assert names
    for file, name in names:
        paths = [path for folder in ("contracts", "tests/forge") for path in (ROOT / folder).rglob(file)]
        assert len(paths) == 1, f"docs/rules.md names {file}"
        source = paths[0].read_text(encoding="utf-8")
        assert re.search(rf"\b(function|contract) {name}\b", source), f"docs/rules.md names {file}:{name}"
