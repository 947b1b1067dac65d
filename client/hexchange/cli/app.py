"""The `hexchange` command: global options, the groups of verbs, and one place where errors become exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from hexchange import config
from hexchange.cli.context import Context
from hexchange.cli.output import Output
from hexchange.errors import HexchangeError

GROUPS = {
    "wallet": ("wallet", "Keys, balances and transfers."),
    "owner": ("owner", "Encrypt, list and release a table of your own."),
    "buy": ("buy", "Find a dataset, buy a circuit over it, read the result."),
    "provider": ("provider", "Stake, take seats and compute for rewards."),
    "job": ("job", "Look at any job, verify it, move it on."),
    "config": ("settings", "Settings in force and where they come from."),
    "doctor": ("doctor", "What is missing for a role, and how to get it."),
}
"""First words, each with the module whose `app` follows it and its line of help."""


class Groups(TyperGroup):
    """Imports what a first word names when it is given, since some of it takes seconds to import."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None:
            command = get_command(import_module(f"hexchange.cli.{GROUPS[name][0]}").app)
        return name, command, rest


app = typer.Typer(
    cls=Groups,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Compute on data that nobody but its owner can read. Global options may stand anywhere on the line.",
)
for _name, (_, _line) in GROUPS.items():
    app.add_typer(typer.Typer(), name=_name, help=_line)  # what help shows in its place

VALUE_OPTIONS = ("--home", "--rpc-url", "--deployment", "--store", "--account", "--password-file")
INTERRUPTED = 130
FLAG_OPTIONS = ("--json", "--yes", "--verbose", "-v")


@app.callback()
def options(
    call: typer.Context,
    home: Annotated[str | None, typer.Option(help="Folder of keys and state (HEXCHANGE_HOME).")] = None,
    rpc_url: Annotated[str | None, typer.Option(help="The chain's JSON-RPC address (ETH_RPC_URL).")] = None,
    deployment: Annotated[str | None, typer.Option(help="Deployment file of the market.")] = None,
    store: Annotated[str | None, typer.Option(help="folder:PATH or kubo:MULTIADDR.")] = None,
    account: Annotated[str | None, typer.Option(help="Name or address of the account to act as.")] = None,
    password_file: Annotated[str | None, typer.Option(help="File with that account's password.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what caused an error.")] = False,
) -> None:
    flags = {
        "home": home, "rpc_url": rpc_url, "deployment": deployment, "store": store,
        "account": account, "password_file": password_file,
    }  # fmt: skip
    call.obj = Context(settings=config.load(flags), output=Output(json=json, yes=yes, verbose=verbose))


def globals_first(arguments: Sequence[str]) -> list[str]:
    """Move global options in front of the verb, so that they may stand anywhere on the line."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in FLAG_OPTIONS or word.startswith(tuple(f"{name}=" for name in VALUE_OPTIONS)):
            front.append(word)
        elif word in VALUE_OPTIONS:
            front += [word, *([value] if (value := next(words, None)) is not None else [])]
        else:
            rest.append(word)
    return front + rest


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with the documented code; no traceback reaches a user."""
    words = globals_first(sys.argv[1:] if arguments is None else arguments)
    output = Output(json="--json" in words, verbose="--verbose" in words or "-v" in words)
    try:
        app(args=words, prog_name="hexchange")
    except HexchangeError as error:
        output.error(error)
        sys.exit(error.exit_code)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:  # Ctrl-C, which typer turns into an exit
            interrupted = HexchangeError(
                "interrupted", hint="run the same command again; it resumes where it stopped"
            )
            interrupted.exit_code = INTERRUPTED
            output.error(interrupted)
        raise
    except OSError as error:
        output.error(HexchangeError(f"{error.strerror or error}: {error.filename or 'the system'}"))
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last resort: people read one line, never a traceback
        output.error(
            HexchangeError(f"unexpected {type(error).__name__}", hint="add -v, and report what you did")
        )
        if output.verbose:
            output.note(str(error))
        sys.exit(1)
