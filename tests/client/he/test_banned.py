"""Names that must not appear: what leaks a key, adds randomness to a run, or draws noise with float64."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import hexchange

PACKAGE = Path(hexchange.__file__).parent
EVALUATION = ("evaluator", "encoder", "canonical", "trace", "worker", "selftest")


def _names(path: Path) -> set[str]:
    """Every name, attribute and imported module of a file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                found.add(name)
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(module), names=names):
                found |= {module, *(alias.name for alias in names)}
    return found


def test_nothing_asks_for_the_noise_budget_of_a_ciphertext() -> None:
    files = list(PACKAGE.rglob("*.py"))
    assert len(files) > 50
    assert not [path for path in files if "invariant_noise_budget" in _names(path)]


@pytest.mark.parametrize("module", EVALUATION)
def test_a_run_never_encrypts_makes_keys_or_draws(module: str) -> None:
    names = _names(PACKAGE / "he" / f"{module}.py")
    assert not names & {
        "encrypt",
        "encrypt_symmetric",
        "encrypt_zero",
        "encrypt_zero_symmetric",
        "Encryptor",
        "KeyGenerator",
        "SecretKey",
        "Decryptor",
        "random",
        "secrets",
    }


def test_noise_comes_from_the_discrete_samplers_alone() -> None:
    for path in (PACKAGE / "he").glob("*.py"):
        assert not _names(path) & {"random", "default_rng", "normal", "laplace", "secrets", "urandom"}


def test_only_one_file_imports_the_library_and_never_its_high_level() -> None:
    importers = {
        path.name for path in PACKAGE.rglob("*.py") if any("tenseal" in name for name in _names(path))
    }
    assert importers == {"library.py"}
    tree = ast.parse((PACKAGE / "he" / "library.py").read_text())
    imports = [
        ast.unparse(node) for node in ast.walk(tree) if "tenseal" in ast.dump(node) and _is_import(node)
    ]
    assert imports == ["from tenseal import sealapi"]


def _is_import(node: ast.AST) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)
