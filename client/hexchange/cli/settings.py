"""`hexchange config`: the settings in force and where each comes from."""

from __future__ import annotations

import typer

from hexchange.cli.context import Context
from hexchange.cli.output import table
from hexchange.config import DEFAULTS

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def group() -> None:
    """Settings come from flags, the environment, config.toml in the home folder, and defaults, in that order."""


@app.command()
def show(call: typer.Context) -> None:
    """Print every setting with its origin."""
    context: Context = call.obj
    settings = context.settings
    values = {name: str(getattr(settings, name)) for name in DEFAULTS}
    rows = [(name, value or "-", settings.origin[name]) for name, value in values.items()]
    document = {"home": str(settings.home), "settings": values, "origin": dict(settings.origin)}
    context.output.show(document, f"home  {settings.home}", table(("setting", "value", "from"), rows))
