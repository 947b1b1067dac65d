"""What a command shows: one JSON document for machines, or tables, progress and the next step for people.

Every command builds one document of plain values and hands it over with what people should read instead.
Results go to standard output; progress, questions and errors to standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from hexchange.errors import Declined, HexchangeError

SCHEMA_VERSION = 1

Advance = Callable[[int], None]


@dataclass(slots=True)
class Output:
    """Where a command's words go. `json` gives one document on standard output and nothing else there."""

    json: bool = False
    yes: bool = False
    verbose: bool = False
    out: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False, soft_wrap=True))

    def show(self, document: Mapping[str, Any], *people: RenderableType, next_step: str = "") -> None:
        """Print `document` as JSON, or `people` followed by the next command."""
        if self.json:
            print(json.dumps({"schema_version": SCHEMA_VERSION, **document}, indent=2))
            return
        for part in people:
            self.out.print(part)
        if next_step:
            self.out.print(f"\nNext: [bold]{next_step}[/bold]")

    def follow(self, document: Mapping[str, Any], line: RenderableType) -> None:
        """One event of a command that keeps running: a line of JSON, or a line for people."""
        if self.json:
            print(json.dumps({"schema_version": SCHEMA_VERSION, **document}), flush=True)
        else:
            self.out.print(line)

    def note(self, text: str) -> None:
        """Something worth knowing that is not the result."""
        self.err.print(text, style="dim")

    def error(self, error: HexchangeError) -> None:
        """The message and the next step; as JSON with its stable code where JSON was asked for."""
        if self.json:
            body = {"code": error.code, "message": error.message, "hint": error.hint, "exit": error.exit_code}
            print(json.dumps({"schema_version": SCHEMA_VERSION, "error": body}, indent=2))
            return
        self.err.print("[bold red]error[/bold red] ", end="")
        self.err.print(error.message, markup=False)
        if error.hint:
            self.err.print(f"  next: {error.hint}", markup=False)
        if self.verbose:
            cause = error.__cause__
            while cause is not None:
                self.err.print(f"  because: {type(cause).__name__}: {cause}", style="dim", markup=False)
                cause = cause.__cause__

    def confirm(self, title: str, facts: Mapping[str, str]) -> None:
        """Show what is about to be signed and ask. Raises Declined, also when nobody can answer."""
        if self.yes:
            return
        self.err.print(f"\n[bold]{title}[/bold]")
        self.err.print(pairs(facts))
        if not sys.stdin.isatty():
            raise Declined("nobody is there to confirm this", hint="add --yes to sign without a question")
        self.err.print("Sign and send? \\[y/N] ", end="")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Declined("nothing was signed", hint="run the command again when you are ready")

    @contextmanager
    def progress(self, text: str, total: int | None, *, bytes_: bool = False) -> Iterator[Advance]:
        """A bar on standard error for work that may take longer than two seconds."""
        if self.json or not self.err.is_terminal:
            if not self.json:
                self.note(f"{text} ...")
            yield lambda _steps: None
            return
        counter = DownloadColumn() if bytes_ else MofNCompleteColumn()
        columns = (TextColumn("{task.description}"), BarColumn(), counter, TimeElapsedColumn())
        with Progress(*columns, console=self.err, transient=True) as bar:
            task = bar.add_task(text, total=total)
            yield lambda steps: bar.advance(task, steps)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> Table:
    """An aligned table; columns whose name starts with '>' are right-aligned."""
    result = Table(box=box.SIMPLE, title=title or None, title_justify="left", title_style="bold")
    for name in columns:
        result.add_column(
            name.lstrip(">"), justify="right" if name.startswith(">") else "left", overflow="fold"
        )
    for row in rows:
        result.add_row(*(str(value) for value in row))
    return result


def pairs(facts: Mapping[str, object]) -> Table:
    """Name and value, one a line."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for name, value in facts.items():
        grid.add_row(name, str(value))
    return grid
