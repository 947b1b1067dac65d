"""`hexchange wallet`: accounts of this machine, what they have, and money in, out and across."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hexchange.chain.amounts import format_amount, parse_address, parse_amount
from hexchange.chain.wallet import Account, foreign_accounts
from hexchange.cli.context import Context
from hexchange.cli.output import pairs, table
from hexchange.errors import AccountNotFound, PermitUnsupported

if TYPE_CHECKING:
    from hexchange.chain.calls import Call
    from hexchange.chain.contracts import Contracts
    from hexchange.chain.sender import Receipt, Sender

PERMIT_SECONDS = 3600

app = typer.Typer(no_args_is_help=True, add_completion=False)

AmountText = Annotated[str, typer.Argument(metavar="AMOUNT", help="In tokens, such as 12.5.")]


@app.callback()
def group() -> None:
    """Keys stay in keystore files; passwords come by question or --password-file, nowhere else."""


@app.command()
def new(call: typer.Context, name: str) -> None:
    """Make a key and keep it as NAME."""
    context: Context = call.obj
    account = context.keystores.new(name, lambda: context.password(twice=True))
    context.output.show(
        _document(account),
        pairs({"account": account.name, "address": account.address, "file": account.path}),
        "Without this file and its password the account is lost: keep a copy of both.",
        next_step="hexchange wallet balance",
    )


@app.command("import")
def import_(
    call: typer.Context,
    source: Annotated[str, typer.Argument(help="A keystore file, or TOOL:NAME as `wallet list` shows it.")],
    name: Annotated[str, typer.Option(help="Its name here; by default that of the file.")] = "",
) -> None:
    """Copy a keystore of cast, Brownie, Ape or geth, encrypted again at our cost under its own password."""
    context: Context = call.obj
    foreign = {f"{each.origin}:{each.name}": each for each in foreign_accounts(Path.home())}
    path = foreign[source].path if source in foreign else Path(source).expanduser()
    name = name or path.name.removesuffix(".json")
    account = context.keystores.import_file(path, name, context.password)
    context.output.show(
        _document(account),
        pairs({"account": account.name, "address": account.address, "file": account.path}),
        next_step=f"hexchange wallet balance --account {account.name}",
    )


@app.command("list")
def list_(call: typer.Context) -> None:
    """List the accounts here, and keystores of other tools that could be imported."""
    context: Context = call.obj
    ours, foreign = context.keystores.accounts(), foreign_accounts(Path.home())
    rows = [(each.name, each.address or "(not in the file)", each.origin) for each in [*ours, *foreign]]
    step = "hexchange wallet balance" if ours else "hexchange wallet new NAME"
    if foreign and not ours:
        step = f"hexchange wallet import {foreign[0].origin}:{foreign[0].name}"
    document = {"accounts": [_document(each) for each in [*ours, *foreign]]}
    context.output.show(document, table(("name", "address", "from"), rows), next_step=step)


@app.command()
def balance(
    call: typer.Context,
    address: Annotated[str, typer.Argument(help="Any address; by default the account in force.")] = "",
) -> None:
    """Show what an account has in its wallet and in the market."""
    context: Context = call.obj
    contracts = context.contracts
    account = parse_address(address) if address else context.keystores.find(context.settings.account).address
    if not account:
        raise AccountNotFound("the keystore does not say its address", hint="name the address")
    found = asdict(contracts.views.balance_of(account))
    times = {name: found.pop(name) for name in ("available_at", "since")}
    native = contracts.node.balance(account)
    document = {"address": account, **_token(contracts), "native": str(native), **times}
    amounts = {name: str(value) for name, value in found.items()}
    shown = {name: contracts.token.show(value) for name, value in found.items()}
    context.output.show(
        {**document, "balance": amounts},
        pairs({"address": account, "native coin": format_amount(native, 18), **shown}),
        next_step="hexchange wallet deposit AMOUNT",
    )


@app.command()
def deposit(call: typer.Context, amount: AmountText) -> None:
    """Move tokens from the wallet to the free balance in the market, permitting exactly that amount."""
    context: Context = call.obj
    contracts = context.contracts
    value = parse_amount(amount, contracts.token.decimals)
    _confirm(context, "Deposit into the market", value, {"allowance": "exactly this amount"})
    with context.sender() as sender, sender.once(f"deposit:{value}") as intent:
        call_ = _deposit_call(context, sender, intent, value)
        _finish(context, sender.send(intent, call_), value)


@app.command()
def withdraw(
    call: typer.Context,
    amount: AmountText,
    to: Annotated[str, typer.Option(help="Receiving wallet; by default the account's own.")] = "",
) -> None:
    """Move tokens from the free balance in the market to a wallet."""
    context: Context = call.obj
    value = parse_amount(amount, context.contracts.token.decimals)
    receiver = parse_address(to) if to else context.wallet.address
    _confirm(context, "Withdraw from the market", value, {"to": receiver})
    with context.sender() as sender, sender.once(f"withdraw:{receiver}:{value}") as intent:
        receipt = sender.send(intent, context.contracts.calls.withdraw(value, receiver))
        _finish(context, receipt, value)


@app.command()
def send(call: typer.Context, to: str, amount: AmountText) -> None:
    """Send tokens from this wallet to the wallet TO."""
    context: Context = call.obj
    value, receiver = parse_amount(amount, context.contracts.token.decimals), parse_address(to)
    _confirm(context, "Send tokens", value, {"to": receiver})
    with context.sender() as sender, sender.once(f"send:{receiver}:{value}") as intent:
        receipt = sender.send(intent, context.contracts.calls.transfer(receiver, value))
        _finish(context, receipt, value)


def _deposit_call(context: Context, sender: Sender, intent: str, value: int) -> Call:
    """The deposit with a permit, or after an approval where the token takes no permits."""
    from hexchange.chain.permits import sign_permit  # with web3, which most verbs of this group do without

    contracts = context.contracts
    deadline = contracts.node.tip("latest").ref.timestamp + PERMIT_SECONDS
    try:
        return contracts.calls.deposit(value, sign_permit(context.wallet, contracts, value, deadline))
    except PermitUnsupported:
        sender.send(f"approve:{intent}", contracts.calls.approve(value))
        return contracts.calls.deposit(value)


def _confirm(context: Context, title: str, value: int, facts: dict[str, str]) -> None:
    contracts = context.contracts
    before = contracts.views.balance_of(context.wallet.address)
    context.output.confirm(
        title,
        {
            "network": f"chain {contracts.chain_id} at {contracts.node.shown}",
            "market": contracts.deployment.market,
            "from": context.wallet.address,
            "amount": contracts.token.show(value),
            **facts,
            "in the wallet now": contracts.token.show(before.wallet),
            "free in the market now": contracts.token.show(before.free),
        },
    )


def _finish(context: Context, receipt: Receipt, value: int) -> None:
    token = context.contracts.token
    document: dict[str, Any] = {
        "function": receipt.function, "tx": f"0x{receipt.tx.hex()}", "block": receipt.block.number,
        "gas": receipt.gas_used, "amount": str(value), **_token(context.contracts),
    }  # fmt: skip
    context.output.show(
        document,
        pairs({"done": f"{receipt.function} of {token.show(value)}", "transaction": document["tx"],
               "block": receipt.block.number, "gas": receipt.gas_used}),
        next_step="hexchange wallet balance",
    )  # fmt: skip


def _token(contracts: Contracts) -> dict[str, Any]:
    return {
        "token": contracts.token.address,
        "symbol": contracts.token.symbol,
        "decimals": contracts.token.decimals,
    }


def _document(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "address": account.address,
        "path": str(account.path),
        "origin": account.origin,
    }
