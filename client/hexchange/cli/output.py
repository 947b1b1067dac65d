"""What a command shows: one JSON document for machines, or tables, progress and the next step for people.

Every command builds one document of plain values and hands it over with what people should read instead.
Results go to standard output; progress, questions and errors to standard error. Nothing that is shown is read
as markup, and what could move a terminal's cursor or turn its text is escaped: names, titles and messages are
those of strangers.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import TextIOWrapper
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from hexchange.errors import Declined, HexchangeError

SCHEMA_VERSION = 1

Advance = Callable[[int], None]

Part = str | Text | Table
"""What people read: text, or what `table`, `pairs` and `strong` make."""

_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that command a terminal, change the order of what is read, or cannot be encoded."""


def _console(*, stderr: bool) -> Console:
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)


@dataclass(slots=True)
class Output:
    """Where a command's words go. `json` gives one document on standard output and nothing else there."""

    json: bool = False
    yes: bool = False
    verbose: bool = False
    out: Console = field(default_factory=lambda: _console(stderr=False))
    err: Console = field(default_factory=lambda: _console(stderr=True))

    def __post_init__(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(
                stream, TextIOWrapper
            ):  # a stranger's letter that is not of this terminal ends nothing
                stream.reconfigure(errors="backslashreplace")

    def show(self, document: Mapping[str, Any], *people: Part, next_step: str = "") -> None:
        """Print `document` as JSON, or `people` followed by the next command."""
        if self.json:
            print(json.dumps({"schema_version": SCHEMA_VERSION, **document}, indent=2))
            return
        for part in people:
            self.out.print(_shown(part))
        if next_step:
            self.out.print(following(next_step))

    def follow(self, document: Mapping[str, Any], line: Part) -> None:
        """One event of a command that keeps running: a line of JSON, or a line for people."""
        if self.json:
            print(json.dumps({"schema_version": SCHEMA_VERSION, **document}), flush=True)
        else:
            self.out.print(_shown(line))

    def tell(self, word: str, job: int, text: str) -> None:
        """`follow` for a service, which goes on where nobody can read it any more."""
        line = f"{word}{f'  job {job}' if job else ''}  {text}"
        with suppress(OSError, SystemExit):  # rich exits where the reader of a pipe is gone
            self.follow({"event": word, "job": job, "text": text}, line)

    def note(self, text: str) -> None:
        """Something worth knowing that is not the result."""
        self.err.print(plain(text), style="dim")

    def error(self, error: HexchangeError) -> None:
        """The message and the next step; as JSON with its stable code where JSON was asked for."""
        if self.json:
            body = {"code": error.code, "message": error.message, "hint": error.hint, "exit": error.exit_code}
            print(json.dumps({"schema_version": SCHEMA_VERSION, "error": body}, indent=2))
            return
        self.err.print(Text.assemble(("error", "bold red"), " ", plain(error.message)))
        if error.hint:
            self.err.print(plain(f"  next: {error.hint}"))
        if self.verbose:
            cause = error.__cause__
            while cause is not None:
                self.err.print(plain(f"  because: {type(cause).__name__}: {cause}"), style="dim")
                cause = cause.__cause__

    def confirm(self, title: str, facts: Mapping[str, str], question: str = "Sign and send?") -> None:
        """Show what is about to be signed or published and ask. Raises Declined, also when nobody can answer."""
        if self.yes:
            return
        self.err.print(Text.assemble("\n", strong(title)))
        self.err.print(pairs(facts))
        if not sys.stdin.isatty():
            raise Declined("nobody is there to confirm this", hint="add --yes to go on without a question")
        self.err.print(f"{question} [y/N] ", end="")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Declined("nothing was signed or published", hint="run the command again when you are ready")

    @contextmanager
    def progress(self, text: str, total: int | None, *, bytes_: bool = False) -> Iterator[Advance]:
        """A bar on standard error for work that may take longer than two seconds."""
        if self.json or not self.err.is_terminal:
            if not self.json:
                self.note(f"{text} ...")
            yield lambda _steps: None
            return
        counter = DownloadColumn() if bytes_ else MofNCompleteColumn()
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), counter, TimeElapsedColumn())
        with Progress(*columns, console=self.err, transient=True) as bar:
            task = bar.add_task(str(plain(text)), total=total)
            yield lambda steps: bar.advance(task, steps)


def plain(text: object) -> Text:
    """Anybody's text, character by character; those that a terminal would obey are written as escapes."""
    return Text("".join(_escaped(character) for character in str(text)))


def strong(text: object) -> Text:
    """`plain`, in bold."""
    return Text.assemble((plain(text).plain, "bold"))


def following(command: str) -> Text:
    """The line that names the next command."""
    return Text.assemble("\nNext: ", strong(command))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> Table:
    """An aligned table; columns whose name starts with '>' are right-aligned."""
    result = Table(
        box=box.SIMPLE, title=plain(title) if title else None, title_justify="left", title_style="bold"
    )
    for name in columns:
        result.add_column(
            plain(name.lstrip(">")), justify="right" if name.startswith(">") else "left", overflow="fold"
        )
    for row in rows:
        result.add_row(*(plain(value) for value in row))
    return result


def pairs(facts: Mapping[str, object]) -> Table:
    """Name and value, one a line."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for name, value in facts.items():
        grid.add_row(plain(name), plain(value))
    return grid


def _shown(part: Part) -> Text | Table:
    return plain(part) if isinstance(part, str) else part


def _escaped(character: str) -> str:
    if character == "\n" or unicodedata.category(character) not in _HARMFUL:
        return character
    return character.encode("unicode_escape").decode("ascii")
