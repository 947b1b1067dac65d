"""What the chain says happened: balances before and after, gas by call, seconds by stage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.abi import function_abi_to_4byte_selector

from demo.cast import Participant
from hexchange.chain import events
from hexchange.chain.artifacts import artifact
from hexchange.chain.contracts import Contracts
from hexchange.market.state import Job
from services import Chain

BY_JOB = {
    "draw", "takeSeat", "commit", "redraw", "settle", "challenge", "finalize", "decide", "release", "refund",
}  # fmt: skip
"""Functions whose first argument is the number of a job."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What one address has, in base units."""

    wallet: int
    free: int
    staked: int
    leaving: int

    @property
    def total(self) -> int:
        return self.wallet + self.free + self.staked + self.leaving


def holdings(contracts: Contracts, cast: Sequence[Participant]) -> dict[str, Holdings]:
    """Balances of everybody by role, read from the contracts."""
    found = {}
    for participant in cast:
        balance = contracts.views.balance_of(participant.address)
        found[participant.role] = Holdings(balance.wallet, balance.free, balance.staked, balance.leaving)
    return found


def conserved(contracts: Contracts, after: dict[str, Holdings], supply: int) -> bool:
    """Whether the tokens that exist are exactly those in wallets, in the ledger's balances, and burnt.

    All three come from the chain: the token's supply, its balance at the ledger, and the ledger's own books.
    """
    held = contracts.views.wallet_of(contracts.deployment.stake)
    in_ledger = sum(each.total - each.wallet for each in after.values()) + contracts.views.burnt()
    in_wallets = sum(each.wallet for each in after.values())
    return held == in_ledger and held + in_wallets == supply


def gas_by_job(chain: Chain, contracts: Contracts) -> dict[int, dict[str, list[int]]]:
    """Gas used by each call of each job (0: calls that belong to none), from every block's receipts."""
    names = {
        function_abi_to_4byte_selector(entry).hex(): entry["name"]
        for contract in ("DataMarket", "ProviderStake")
        for entry in artifact(contract).abi
        if entry["type"] == "function"
    }
    used: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    addresses = {address.lower() for address in contracts.addresses}
    for number in range(contracts.deployment.block, int(chain.rpc("eth_blockNumber"), 16) + 1):
        block = chain.rpc("eth_getBlockByNumber", hex(number), True)
        for transaction in block["transactions"]:
            name = names.get(transaction["input"][2:10], "")
            if name and (transaction["to"] or "").lower() in addresses:
                receipt = chain.rpc("eth_getTransactionReceipt", transaction["hash"])
                if int(receipt["status"], 16):
                    used[_job(name, transaction, receipt)][name].append(int(receipt["gasUsed"], 16))
    return used


def _job(name: str, transaction: dict[str, Any], receipt: dict[str, Any]) -> int:
    if name in BY_JOB:
        return int(transaction["input"][10:74], 16)
    if name == "openJob":
        topics = next(log["topics"] for log in reversed(receipt["logs"]) if len(log["topics"]) == 4)
        return int(topics[1], 16)
    return 0


def stages(job: Job) -> dict[str, int]:
    """Seconds of block time from the opening of a job to each of its steps; the last of several counts."""
    marks = {
        events.SeedDrawn: "drawn", events.RoundFilled: "full", events.SealCommitted: "sealed",
        events.ResultProposed: "proposed", events.JobEscalated: "escalated", events.JobSettled: "settled",
        events.ResultReleased: "released",
    }  # fmt: skip
    found: dict[str, int] = {}
    for event in job.timeline:
        if type(event) in marks:
            round_two = getattr(event, "round", 1) == 2
            found[marks[type(event)] + (" (round two)" if round_two else "")] = (
                event.at.block.timestamp - job.opened_at
            )
    return found


def seats(job: Job) -> list[dict[str, Any]]:
    """Every seat that was held when its round closed, and how it ended."""
    found = []
    for event in job.timeline:
        if isinstance(event, events.SeatClosed):
            if event.fine == event.bond:
                outcome = "wrong"
            elif event.fine:
                outcome = "silent"
            else:
                outcome = "paid" if event.reward else "returned"
            found.append(
                {"provider": event.provider, "round": event.round, "seat": event.seat, "outcome": outcome}
            )
    return found
