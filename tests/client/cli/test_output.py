"""What strangers wrote is shown as it is: never read as markup, never obeyed by the terminal."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO

import pytest

from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Column, Table, encode_circuit
from hexchange.cli.output import Output, pairs, strong, table
from hexchange.errors import Declined, MalformedCircuit

HOSTILE = ["[/x]", "[conceal]b", "dose [kg]", ":bomb:", "[link=file:///x]y[/link]"]


def output() -> tuple[Output, StringIO]:
    """An output whose consoles are those of a colour terminal."""
    shown = StringIO()
    made = Output()
    for console in (made.out, made.err):
        console.file = shown
        console._force_terminal = True
        console._color_system = None
        console.width = 200
    return made, shown


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_of_a_stranger_is_read_as_markup(name: str) -> None:
    made, shown = output()
    made.follow({}, name)
    made.tell("stuck", 7, name)
    made.note(name)
    made.show(
        {}, table((name,), [(name,)], title=name), pairs({name: name}), name, strong(name), next_step=name
    )
    made.error(Declined(name, hint=name))
    with pytest.raises(Declined):
        made.confirm(name, {name: name})
    assert shown.getvalue().count(name) == 16
    assert "\x1b[8m" not in shown.getvalue()


@pytest.mark.parametrize("character", ["\x1b", "\x9b", "\u202e", "\u2066", "\u200b", "\u2028", "\r", "\x08"])
def test_what_a_terminal_would_obey_is_shown_as_an_escape(character: str) -> None:
    made, shown = output()
    made.follow({}, f"a{character}b")
    made.show({}, pairs({"column": f"a{character}b"}))
    assert f"a{character}b" not in shown.getvalue()
    escape = character.encode("unicode_escape").decode()
    assert shown.getvalue().count(f"a{escape}b") == 2
    made_table = Table(40, (Column(f"a{character}b", 0.0, 1.0),))
    draft = Draft(made_table)
    with pytest.raises(MalformedCircuit):
        encode_circuit(draft.circuit("stats", {"x": draft[f"a{character}b"].sum()}, "exact"))


def test_a_service_outlives_the_reader_of_its_words() -> None:
    told = """
import os, sys
from hexchange.cli.output import Output
reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, 1)
output = Output()
output.tell("seat", 1, "taken")
output.tell("seat", 2, "taken")
os.write(2, b"alive")
os._exit(0)
"""
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, check=True).stderr == b"alive"
