"""`hexchange doctor`: what is missing for the role at hand, and how to get it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated

import typer

from hexchange.cli.context import Context
from hexchange.cli.output import table
from hexchange.errors import HexchangeError
from hexchange.he import sandbox, selftest
from hexchange.owner.workspace import workspaces


class Role(StrEnum):
    """For whom to look."""

    OWNER = "owner"
    BUYER = "buyer"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `next_step` says how to get it where it is missing."""

    what: str
    ok: bool
    detail: str
    next_step: str = ""


app = typer.Typer(add_completion=False)


@app.command()
def doctor(
    call: typer.Context, role: Annotated[Role, typer.Argument(help="owner, buyer or provider")] = Role.BUYER
) -> None:
    """What is missing for a role, and how to get it."""
    context: Context = call.obj
    with context.output.progress("Looking", None):
        findings = list(_findings(context, role))
    rows = [(one.what, "ok" if one.ok else "missing", one.detail, one.next_step) for one in findings]
    missing = [one for one in findings if not one.ok]
    document = {"role": role.value, "ready": not missing, "findings": [asdict(one) for one in findings]}
    shown = table(("what", "state", "detail", "how to get it"), rows, title=f"Ready to act as {role.value}?")
    context.output.show(document, shown, next_step=missing[0].next_step if missing else FIRST[role])
    if missing:
        raise typer.Exit(1)


FIRST = {
    Role.OWNER: "hexchange owner encrypt TABLE",
    Role.BUYER: "hexchange buy search",
    Role.PROVIDER: "hexchange provider run",
}


def _findings(context: Context, role: Role) -> Iterator[Finding]:
    yield _looked("deployment file", lambda: f"market {context.deployment.market}", context)
    yield _looked("node and contracts", lambda: f"chain {context.contracts.chain_id}", context)
    yield _looked("content store", lambda: _store(context), context)
    yield _looked("account", lambda: context.keystores.find(context.settings.account).address, context)
    try:
        yield from _money(context, role)
    except HexchangeError:
        return  # node or account is missing, and was said above
    if role is not Role.BUYER:
        yield _looked("homomorphic engine", _engine, context)
        yield _sandbox(role)
    if role is Role.OWNER:
        names = ", ".join(one.name for one in workspaces(context.settings.home))
        yield Finding(
            "encrypted tables", bool(names), names or "none", "" if names else "hexchange owner encrypt TABLE"
        )


def _looked(what: str, look: Callable[[], str], context: Context) -> Finding:
    try:
        return Finding(what, True, look())
    except HexchangeError as error:
        return Finding(what, False, error.message, error.hint)


def _store(context: Context) -> str:
    probe = b"hexchange doctor"
    digest = context.store.put_block(probe)
    context.store.get_block(digest)
    return f"{context.settings.store}: written and read back"


def _engine() -> str:
    selftest.run()
    return "gives the golden results"


def _sandbox(role: Role) -> Finding:
    exposed = sandbox.exposed() if role is Role.OWNER else ""
    if exposed:
        return Finding("sandbox", False, exposed, "use Linux 5.13 or later, with Landlock on")
    found = sandbox.protections()
    off = [name for name, on in found.items() if not on]
    detail = "all protections are on" if not off else f"off on this kernel: {', '.join(off)}"
    return Finding("sandbox", found["rlimits"], detail, "use Linux" if not found["rlimits"] else "")


def _money(context: Context, role: Role) -> Iterator[Finding]:
    contracts, token = context.contracts, context.contracts.token
    address = context.keystores.find(context.settings.account).address
    native = contracts.node.balance(address)
    balance = contracts.views.balance_of(address)
    yield Finding(
        "native coin for gas", native > 0, f"{native} wei", "" if native else f"send some to {address}"
    )
    if role is Role.PROVIDER:
        unit = contracts.views.unit()
        enough = balance.staked >= unit
        yield Finding(
            "stake", enough, f"{balance.staked // unit} tickets of {token.format(unit)}",
            "" if enough else f"hexchange provider stake {token.format(unit).split()[0]}",
        )  # fmt: skip
        return
    have = balance.free + balance.wallet
    purpose = "for a challenge's bond and guarantees" if role is Role.OWNER else "for escrows"
    yield Finding(
        f"{token.symbol} {purpose}", have > 0,
        f"{token.format(balance.free)} free, {token.format(balance.wallet)} in the wallet",
        "" if have else f"send {token.symbol} to {address}",
    )  # fmt: skip
