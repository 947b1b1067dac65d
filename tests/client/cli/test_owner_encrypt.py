"""Ranges that were read off the data are published only when somebody said so."""

from __future__ import annotations

from pathlib import Path

from test_app import run

ROWS = "income,ill\n" + "".join(f"{31000 + 1000 * row},{row % 2}\n" for row in range(30)) + "1234567,1\n"


def test_inferred_ranges_are_shown_and_nothing_is_published_without_consent(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(ROWS)
    store = tmp_path / "store"
    words = ("owner", "encrypt", str(tmp_path / "t.csv"), "--title", "Incomes", "--name", "t")
    found = run(*words, "--home", str(tmp_path / "home"), "--store", f"folder:{store}")
    assert found.returncode == 3, found.stderr
    assert "31000.0 to 1234567.0" in found.stderr
    assert "Editions to be made and stored: stats about 0.58 MB" in found.stderr
    assert not any(path.is_file() for path in store.rglob("*"))
    found = run(*words, "--home", str(tmp_path / "home"), "--store", f"folder:{store}", "--yes")
    assert found.returncode == 0, found.stderr
    assert any(path.is_file() for path in store.rglob("*"))
