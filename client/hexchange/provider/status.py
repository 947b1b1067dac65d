"""How a provider is doing, as checks that each say ok, degraded or error."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hexchange.chain.amounts import format_amount
from hexchange.chain.contracts import Contracts
from hexchange.errors import HexchangeError
from hexchange.follower import Follower
from hexchange.he import sandbox, selftest
from hexchange.market.state import JobState
from hexchange.provider.config import ProviderConfig
from hexchange.storage.store import ContentStore

Severity = Literal["ok", "degraded", "error"]

LAG_SECONDS = 60
LEAST_GAS = 10**16
"""Native coin (wei) below which a provider may soon be unable to commit."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold, and how it stands."""

    name: str
    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class HeldSeat:
    """A seat of an open round; `sealed` once its digest is committed, which is due until `commit_by`."""

    job: int
    round: int
    seat: int
    bond: int
    sealed: bool
    commit_by: int


def held_seats(follower: Follower, address: str) -> list[HeldSeat]:
    """Every seat that `address` holds now, the most urgent first."""
    jobs = [job for job in follower.state.jobs.values() if job.state in (JobState.OPEN, JobState.ESCALATED)]
    held = [
        HeldSeat(job.id, job.round.number, index, seat.bond, seat.seal is not None, job.round.commit_by)
        for job in jobs
        for index, seat in enumerate(job.round.seats)
        if seat and seat.provider == address
    ]
    return sorted(held, key=lambda seat: (seat.sealed, seat.commit_by, seat.job))


def checks(
    follower: Follower,
    contracts: Contracts,
    store: ContentStore,
    config: ProviderConfig,
    folder: Path,
    address: str,
) -> list[Check]:
    """Everything that a provider needs in order to earn, asked now."""
    return [
        _chain(follower),
        _stake(contracts, address),
        _gas(contracts, address),
        _tried("store", lambda: _store(store)),
        _tried("engine", _engine),
        _disk(config, folder),
        _sandbox(),
    ]


def worst(found: list[Check]) -> Severity:
    """The severity of the whole."""
    order: tuple[Severity, ...] = ("error", "degraded", "ok")
    return next(
        severity for severity in order if severity == "ok" or severity in {check.severity for check in found}
    )


def _chain(follower: Follower) -> Check:
    lag = max(0, int(time.time()) - follower.now)
    block = follower.block.number if follower.block else 0
    return Check("chain", "ok" if lag <= LAG_SECONDS else "degraded", f"block {block}, {lag} s old")


def _stake(contracts: Contracts, address: str) -> Check:
    balance, unit = contracts.views.balance_of(address), contracts.views.unit()
    words = [
        format_amount(amount, contracts.token.decimals, contracts.token.symbol)
        for amount in (balance.staked, balance.locked, balance.free)
    ]
    tickets = balance.staked // unit
    text = f"{words[0]} staked ({tickets} tickets), {words[1]} of it bonded; {words[2]} free"
    return Check("stake", "ok" if tickets else "error", text)


def _gas(contracts: Contracts, address: str) -> Check:
    wei = contracts.node.balance(address)
    severity: Severity = "error" if wei == 0 else "degraded" if wei < LEAST_GAS else "ok"
    return Check("gas", severity, f"{format_amount(wei, 18)} of native coin")


def _store(store: ContentStore) -> str:
    digest = store.put_block(b"hexchange")
    store.get_block(digest, deadline=10.0)
    return "a block was put and read back"


def _engine() -> str:
    selftest.run()
    return "gives the golden digests"


def _disk(config: ProviderConfig, folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    severity: Severity = "ok" if free >= config.disk_bytes // 2 else "degraded"
    return Check("disk", severity, f"{free >> 30} GiB free, {config.disk} GiB allowed for inputs")


def _sandbox() -> Check:
    protections = sandbox.protections()
    off = [name for name, on in protections.items() if not on]
    text = f"off: {', '.join(off)}" if off else f"on: {', '.join(protections)}"
    return Check("sandbox", "degraded" if off else "ok", text)


def _tried(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, "ok", check())
    except HexchangeError as error:
        return Check(name, "error", error.message)
