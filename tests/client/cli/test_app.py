"""The command as a process: global options anywhere, documented exit codes, JSON, and never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hexchange import errors
from hexchange.cli.app import GROUPS, globals_first

HEXCHANGE = str(Path(sys.executable).with_name("hexchange"))


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HEXCHANGE, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60
    )


def test_global_options_may_stand_anywhere() -> None:
    words = ["wallet", "send", "--json", "5", "--account=me", "--store", "folder:x", "--", "--yes"]
    assert globals_first(words) == [
        "--json",
        "--account=me",
        "--store",
        "folder:x",
        "wallet",
        "send",
        "5",
        "--",
        "--yes",
    ]


def test_settings_are_shown_with_their_origin_as_json(tmp_path: Path) -> None:
    found = run("config", "show", "--json", "--home", str(tmp_path), "--account", "me")
    assert found.returncode == 0, found.stderr
    document = json.loads(found.stdout)
    assert document["schema_version"] == 1
    assert document["settings"]["account"] == "me"
    assert document["origin"]["account"] == "flag"


def test_an_error_is_one_sentence_and_the_next_step(tmp_path: Path) -> None:
    found = run("buy", "search", "--home", str(tmp_path))
    assert found.returncode == 2
    assert found.stdout == ""
    assert "deployment.json" in found.stderr
    assert "next: " in found.stderr
    assert "Traceback" not in found.stderr


def test_an_error_is_json_where_json_was_asked_for(tmp_path: Path) -> None:
    found = run("buy", "search", "--home", str(tmp_path), "--json")
    problem = json.loads(found.stdout)["error"]
    assert problem["code"] == "broken-deployment"
    assert problem["exit"] == found.returncode == 2
    assert problem["hint"]


def test_an_unknown_verb_is_a_usage_error() -> None:
    found = run("buy", "everything")
    assert found.returncode == 2
    assert "No such command" in found.stderr


@pytest.mark.parametrize("name", GROUPS)
def test_every_first_word_stands_in_the_help_and_has_help_of_its_own(name: str) -> None:
    assert f" {name} " in run("--help").stdout
    found = run(name, "--help")
    assert found.returncode == 0, found.stderr
    assert f"hexchange {name}" in found.stdout


IMPORTED = """
import sys
from hexchange.cli.app import main
try:
    main(sys.argv[1:])
finally:
    print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("words", "unneeded"),
    [
        ("--help", {"web3", "eth_account", "numpy", "pandas"}),
        ("config show", {"web3", "eth_account", "numpy", "pandas"}),
        ("wallet list", {"web3", "numpy", "pandas"}),
        ("provider run --help", {"pandas", "sklearn", "skops"}),
        ("owner watch --help", {"pandas", "sklearn", "skops"}),
    ],
)
def test_a_command_starts_without_the_slow_libraries_of_others(
    words: str, unneeded: set[str], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", IMPORTED, *words.split(), "--home", str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    assert not unneeded & set(found.stderr.split())


def test_no_prompt_waits_where_nobody_can_answer(tmp_path: Path) -> None:
    found = run("wallet", "new", "me", "--home", str(tmp_path))
    assert found.returncode == 2
    assert "--password-file" in found.stderr


@pytest.mark.parametrize(
    ("category", "code"),
    [
        (errors.UsageError, 2), (errors.Declined, 3), (errors.NotFound, 4), (errors.Reverted, 5),
        (errors.TimedOut, 6), (errors.InsufficientFunds, 7), (errors.VerificationFailed, 8), (errors.Refused, 9),
    ],
)  # fmt: skip
def test_each_category_has_its_documented_exit_code(category: type[errors.HexchangeError], code: int) -> None:
    assert category.exit_code == code


def test_every_error_belongs_to_a_category_and_says_what_it_is() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.HexchangeError)
    ]
    for kind in kinds:
        assert kind.__doc__, kind
        assert kind.exit_code in range(1, 10), kind
