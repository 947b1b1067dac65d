"""The README shows commands that exist, with options that they take."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
HEXCHANGE = str(Path(sys.executable).with_name("hexchange"))
GLOBAL = {"--account", "--json", "--password-file", "--help"}


def shown() -> dict[tuple[str, ...], list[str]]:
    """Every verb of the README with the options it is shown with."""
    found: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for line in re.findall(r"^hexchange (.+)$", TEXT, re.MULTILINE):
        words = re.sub(r"--account \w+ ", "", line).split("#")[0].split()
        found[tuple(words[:2])] |= {word for word in words if word.startswith("--")} - GLOBAL
    for group, verbs in re.findall(r"^\|[^|]+\| `hexchange (\w+)` ([^|]+) \|$", TEXT, re.MULTILINE):
        for verb in verbs.split(", "):
            found[group, verb.strip()] |= set()
    return {words: sorted(options) for words, options in found.items()}


@pytest.mark.parametrize(("words", "options"), shown().items(), ids=lambda value: " ".join(value))
def test_a_shown_command_exists_and_takes_the_shown_options(
    words: tuple[str, ...], options: list[str]
) -> None:
    done = subprocess.run(
        [HEXCHANGE, *words, "--help"], capture_output=True, text=True, env={"COLUMNS": "200", "HOME": "/nowhere"}
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [option for option in options if option not in done.stdout] == []


def test_the_documented_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make (\w[\w-]*)", TEXT):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_ci_runs_the_documented_test_command() -> None:
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").rstrip().endswith("exec make test")
