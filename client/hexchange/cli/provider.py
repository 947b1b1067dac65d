"""`hexchange provider`: stake, take seats and compute for rewards."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from hexchange.chain.amounts import format_amount, parse_amount
from hexchange.chain.lock import ProcessLock
from hexchange.circuit.costs import COSTS
from hexchange.cli.context import Context
from hexchange.cli.output import pairs, table
from hexchange.errors import AlreadyRunning, NotRunning
from hexchange.he.calibration import measure
from hexchange.provider import config
from hexchange.provider import status as state
from hexchange.provider.service import LOCK, open_worker
from hexchange.provider.stake import collect as collect_stake
from hexchange.provider.stake import stake as add_stake
from hexchange.provider.stake import unstake as remove_stake

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def group() -> None:
    """Stake, take seats and compute for rewards."""


@app.command()
def init(call: typer.Context) -> None:
    """Write the annotated settings of a provider into the home folder, and measure how fast this machine computes.

    Settings that are there already stay as they are; the measurement is made anew.
    """
    context: Context = call.obj
    folder = context.settings.home / "provider"
    path = folder / "provider.toml"
    written = config.write_template(path)
    config.load(path)
    context.output.note(
        "Measuring this machine, which takes a few seconds; it should have nothing else to do."
    )
    costs = measure()
    config.write_costs(folder / config.COSTS_FILE, costs)
    measured, usual = asdict(costs), asdict(COSTS)
    rows = [
        (
            name.replace("_", " "),
            f"{1e9 * value:.3g}",
            f"{1e9 * usual[name]:.3g}",
            f"{usual[name] / value:.2g}x",
        )
        for name, value in measured.items()
    ]
    context.output.show(
        {"path": str(path), "written": written, "costs": measured},
        f"{path} is {'written; read it' if written else 'there already, and valid'}",
        table(
            ("a unit of", ">ns here", ">ns elsewhere", ">speed"),
            rows,
            title="From this, seconds of runs are predicted",
        ),
        next_step="hexchange provider stake AMOUNT",
    )


@app.command()
def stake(call: typer.Context, amount: Annotated[str, typer.Argument(help="Tokens to stake.")]) -> None:
    """Stake tokens: each full unit is one ticket in every draw of jobs opened from now on."""
    context: Context = call.obj
    contracts, wallet = context.contracts, context.wallet
    units = parse_amount(amount, contracts.token.decimals)
    unit, delay = contracts.views.unit(), contracts.views.exit_delay()
    facts = {
        "amount": _words(context, units), "tickets": str(units // unit), "account": wallet.address,
        "back": f"{delay} s after unstake, then collect", "note": "open jobs cannot be sat in",
    }  # fmt: skip
    context.output.confirm("Stake", facts)
    with context.sender() as sender:
        add_stake(contracts, sender, wallet, units)
    _show_stake(context, wallet.address, "hexchange provider run")


@app.command()
def unstake(
    call: typer.Context, amount: Annotated[str, typer.Argument(help="Tokens to take out of the stake.")]
) -> None:
    """Start to take tokens out of the stake; what is bonded to seats stays."""
    context: Context = call.obj
    contracts, wallet = context.contracts, context.wallet
    units = parse_amount(amount, contracts.token.decimals)
    delay = contracts.views.exit_delay()
    context.output.confirm("Unstake", {"amount": _words(context, units), "free": f"in {delay} s, by collect"})
    with context.sender() as sender:
        remove_stake(contracts, sender, units)
    _show_stake(context, wallet.address, f"hexchange provider collect (in {delay} s)")


@app.command()
def collect(call: typer.Context) -> None:
    """Make unstaked tokens free, once their delay is over."""
    context: Context = call.obj
    with context.sender() as sender:
        collect_stake(context.contracts, sender)
    _show_stake(context, context.wallet.address, "hexchange wallet withdraw AMOUNT")


@app.command()
def run(
    call: typer.Context,
    cluster: Annotated[
        str | None, typer.Option(help="Dask scheduler whose workers do long runs, like tcp://10.0.0.5:8786.")
    ] = None,
) -> None:
    """Take seats, compute and commit until stopped; SIGTERM or Ctrl-C finishes what is held first."""
    context: Context = call.obj
    stop = threading.Event()

    def drain(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        stop.set()
        context.output.note(
            "taking no more seats; once more to stop at once, at the risk of the fines of held seats"
        )

    home = context.settings.home
    with open_worker(
        home, context.contracts, context.sender, context.store, context.output.tell, cluster=cluster
    ) as worker:
        signal.signal(signal.SIGTERM, drain)
        signal.signal(signal.SIGINT, drain)
        worker.run(stop)


@app.command()
def status(call: typer.Context) -> None:
    """Whether this provider can earn now, what it holds and what it owes."""
    context: Context = call.obj
    folder = context.settings.home / "provider"
    settings = config.load(folder / "provider.toml")
    address = context.keystores.find(context.settings.account).address
    found = [_process(folder), *state.checks(
        context.follower, context.contracts, context.store, settings, folder, address
    )]  # fmt: skip
    seats = state.held_seats(context.follower, address)
    severity = state.worst(found)
    document = {
        "account": address, "severity": severity, "checks": [asdict(check) for check in found],
        "seats": [{**asdict(seat), "bond": str(seat.bond)} for seat in seats],
        "queue": sum(1 for seat in seats if not seat.sealed),
    }  # fmt: skip
    rows = [(check.name, check.severity, check.text) for check in found]
    held = [
        (seat.job, seat.round, seat.seat, _words(context, seat.bond), "yes" if seat.sealed else "no")
        for seat in seats
    ]
    context.output.show(
        document,
        table(("check", "state", "detail"), rows, title=f"{address}: {severity}"),
        table((">job", ">round", ">seat", ">bond", "committed"), held, title="Seats held")
        if held
        else "no seat held",
    )


@app.command()
def drain(call: typer.Context) -> None:
    """Tell the running provider to finish what it holds and to stop."""
    context: Context = call.obj
    process = _holder(context.settings.home / "provider")
    if process is None:
        raise NotRunning(
            "no provider runs in this home folder", hint="start one with `hexchange provider run`"
        )
    os.kill(process, signal.SIGTERM)
    context.output.show(
        {"process": process},
        f"process {process} takes no more seats and stops when those it holds are committed",
        next_step="hexchange provider status",
    )


def _holder(folder: Path) -> int | None:
    """The process that runs the provider of `folder`."""
    try:
        with ProcessLock(folder / LOCK, "the provider"):
            return None
    except AlreadyRunning:
        return int((folder / LOCK).read_text().strip())


def _process(folder: Path) -> state.Check:
    process = _holder(folder)
    if process is None:
        return state.Check("process", "degraded", "not running; start it with `hexchange provider run`")
    return state.Check("process", "ok", f"running as process {process}")


def _show_stake(context: Context, address: str, next_step: str) -> None:
    balance = context.contracts.views.balance_of(address)
    amounts = {name: getattr(balance, name) for name in ("staked", "locked", "leaving", "free", "wallet")}
    document = {
        "account": address, **{name: str(amount) for name, amount in amounts.items()},
        "available_at": balance.available_at, "decimals": context.contracts.token.decimals,
    }  # fmt: skip
    context.output.show(
        document,
        pairs({name: _words(context, amount) for name, amount in amounts.items()}),
        next_step=next_step,
    )


def _words(context: Context, amount: int) -> str:
    token = context.contracts.token
    return format_amount(amount, token.decimals, token.symbol)
