"""What every getter of the contracts must say, told by the fold of their events, and the comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from real_market import NAMING, ROLES, RealMarket

from hexchange.chain.events import ZERO_ADDRESS, ZERO_BYTES32, Outcome
from hexchange.market.state import Job, JobState, MarketState, Round
from hexchange.market.windows import deadline, windows

STATES = (None, *JobState)
NOTHING: dict[str, Any] = {
    "start": 0, "startBlock": 0, "contestEnd": 0, "commitBy": 0, "late": 0, "seats": 0, "takenMask": 0,
    "sealedMask": 0, "redrawn": False, "seed": ZERO_BYTES32,
}  # fmt: skip
Told = Iterator[tuple[tuple[Any, ...], Any]]


def compare(market: RealMarket, state: MarketState) -> None:
    """Ask every getter of market and ledger, and find what the fold says."""
    compare_told(market, dict(told(state)))


def compare_told(market: RealMarket, expected: dict[tuple[Any, ...], Any]) -> None:
    """Each question is (contract, function, *arguments)."""
    found = dict(zip(expected, market.read(list(expected)), strict=True))
    assert found == expected, {
        question: (found[question], expected[question])
        for question in expected
        if found[question] != expected[question]
    }


def told(state: MarketState) -> Told:
    """The getters about everybody, every dataset, offer and job, and about the next one, which must be empty."""
    yield ("ProviderStake", "burnt"), state.burnt
    for role in ROLES:
        yield ("ProviderStake", "accountOf", role), _account(state, role)
    yield ("DataMarket", "datasetCount"), len(state.datasets)
    for number in range(1, len(state.datasets) + 2):
        yield from _dataset(state, number)
    for digest, use in state.offers.items():
        yield ("DataMarket", "offerUseOf", digest), {"uses": use.uses, "cancelled": use.cancelled}
    yield ("DataMarket", "jobCount"), len(state.jobs)
    yield ("DataMarket", "jobOf", len(state.jobs) + 1), _NO_JOB
    for job in state.jobs.values():
        yield from _job(state, job)


def _account(state: MarketState, role: str) -> dict[str, int]:
    account = state.account(role)
    return {
        "staked": account.stake, "locked": account.locked, "since": account.since, "free": account.free,
        "leaving": account.leaving, "availableAt": account.collectable_at,
    }  # fmt: skip


def _dataset(state: MarketState, number: int) -> Told:
    dataset = state.datasets.get(number)
    if dataset is None:
        budget = {"limit": 0, "reserved": 0, "spent": 0}
        empty = {"manifest": ZERO_BYTES32, "epoch": 0, "delisted": False, "epsilon": budget, "exact": budget}
        yield ("DataMarket", "datasetOf", number), empty
        return
    yield ("DataMarket", "ownerOf", number), dataset.owner
    yield (
        ("DataMarket", "datasetOf", number),
        {
            "manifest": dataset.manifest,
            "epoch": dataset.epoch,
            "delisted": dataset.delisted,
            "epsilon": {
                "limit": dataset.epsilon_budget,
                "reserved": dataset.epsilon_reserved,
                "spent": dataset.epsilon_spent,
            },
            "exact": {
                "limit": dataset.exact_releases,
                "reserved": dataset.exact_reserved,
                "spent": dataset.exact_spent,
            },
        },
    )


# --- jobs ---


def _job(state: MarketState, job: Job) -> Told:
    ledger = _ledger(state, job)
    rounds = [_round(job, number) for number in (1, 2)]
    yield ("ProviderStake", "ledgerOf", job.id), ledger
    for number, seen in enumerate(rounds, 1):
        yield ("ProviderStake", "roundOf", job.id, number), seen
        yield ("ProviderStake", "seatsOf", job.id, number), _seats(job, number)
    exit_, exit_from = _exit(job)
    yield (
        ("DataMarket", "jobOf", job.id),
        {
            "job": _terms(job),
            "ledger": ledger,
            "roundOne": rounds[0],
            "roundTwo": rounds[1],
            "fine": job.fine,
            "rewardPaid": job.right_reward if _reward_known(job) else 0,
            "pot": _pot(state, job),
            **_moments(job),
            "exit": exit_,
            "exitFrom": exit_from,
        },
    )


def closed(job: Job) -> bool:
    """Whether the rounds of a job ended, which the ledger then forgets."""
    return job.state not in (JobState.OPEN, JobState.PROPOSED, JobState.ESCALATED)


def _terms(job: Job) -> dict[str, Any]:
    until = {JobState.PROPOSED: job.challenge_by, JobState.SETTLED: job.release_by}
    return {
        "buyer": job.buyer, "state": STATES.index(job.state), "seats": job.seats, "released": job.released,
        "deadline": until.get(job.state, 0), "release": job.release, "owner": job.owner, "price": job.price,
        "payee": job.payee, "guarantee": job.guarantee, "floor": job.floor, "reward": job.reward,
        "late": job.rounds[0].late if job.settled_at else 0, "right": job.right, "dataset": job.dataset,
        "epsilon": job.epsilon, "challenger": job.challenger or ZERO_ADDRESS,
        "challengeSeal": job.challenge_seal or ZERO_BYTES32,
    }  # fmt: skip


def _ledger(state: MarketState, job: Job) -> dict[str, int]:
    return {
        "bond": job.bond, "held": state.held[job.id], "fill": job.fill, "compute": job.compute,
        "round": len(job.rounds),
    }  # fmt: skip


def _open_round(job: Job, number: int) -> Round | None:
    return None if closed(job) or number > len(job.rounds) else job.rounds[number - 1]


def _round(job: Job, number: int) -> dict[str, Any]:
    current = _open_round(job, number)
    if current is None:
        return NOTHING
    seats = list(enumerate(current.seats))
    return {
        "start": current.start, "startBlock": current.start_block, "contestEnd": current.contest_end,
        "commitBy": current.commit_by, "late": current.late, "seats": len(current.seats),
        "takenMask": sum(1 << index for index, seat in seats if seat),
        "sealedMask": sum(1 << index for index, seat in seats if seat and seat.seal),
        "redrawn": current.redrawn, "seed": current.seed or ZERO_BYTES32,
    }  # fmt: skip


def _seats(job: Job, number: int) -> list[dict[str, Any]]:
    current = _open_round(job, number)
    return [
        {"provider": seat.provider, "ticket": seat.ticket, "seal": seat.seal or ZERO_BYTES32}
        if seat
        else {"provider": ZERO_ADDRESS, "ticket": 0, "seal": ZERO_BYTES32}
        for seat in (current.seats if current else ())
    ]


def _moments(job: Job) -> dict[str, int]:
    """The deadlines of the current round, those that are known."""
    seen = dict.fromkeys(
        ("drawFromBlock", "drawBy", "contestEnd", "fillBy", "commitBy", "redrawBy", "nameBy"), 0
    )
    seen["challengeBy"] = job.challenge_by if job.state is JobState.PROPOSED else 0
    seen["releaseBy"] = job.release_by if job.state is JobState.SETTLED else 0
    current = _open_round(job, len(job.rounds))
    if current:
        seen |= {"drawFromBlock": current.start_block + 2, "drawBy": current.start + job.fill}
        if current.contest_end:
            seen |= {"contestEnd": current.contest_end, "fillBy": current.contest_end + job.fill}
        if current.full:
            again = current.number == 1 and not current.redrawn
            seen |= {"commitBy": current.commit_by, "redrawBy": current.commit_by + job.fill if again else 0}
            seen["nameBy"] = current.commit_by + NAMING
    return seen


def _reward_known(job: Job) -> bool:
    full = not closed(job) and job.rounds[0].full
    return full or job.state is JobState.SETTLED


def _pot(state: MarketState, job: Job) -> int:
    """What is held above escrow, guarantee and challenge bond."""
    if not state.held[job.id]:
        return 0
    kept = 0 if job.released else job.price + job.guarantee
    kept += 0 if job.state is JobState.SETTLED else job.seats * job.reward
    kept += job.bond if job.state is JobState.ESCALATED and job.challenger else 0
    return state.held[job.id] - kept


def _exit(job: Job) -> tuple[int, int]:
    """The refund that is open to anybody, of which there is at most one."""
    refunds = [w for w in windows(job, NAMING) if w.function == "refund" and w.caller is None]
    assert (deadline(job, 0, NAMING) is None) == job.over
    if not refunds:
        return Outcome.NONE, 0
    (due,) = refunds
    assert due.outcome is not None
    return due.outcome, due.since


_NO_JOB: dict[str, Any] = {
    "job": {
        **dict.fromkeys(
            ("state", "seats", "deadline", "release", "price", "guarantee", "floor", "reward"), 0
        ),
        **dict.fromkeys(("late", "right", "dataset", "epsilon"), 0),
        **dict.fromkeys(("buyer", "owner", "payee", "challenger"), ZERO_ADDRESS),
        "released": False,
        "challengeSeal": ZERO_BYTES32,
    },
    "ledger": dict.fromkeys(("bond", "held", "fill", "compute", "round"), 0),
    "roundOne": NOTHING,
    "roundTwo": NOTHING,
    **dict.fromkeys(("fine", "rewardPaid", "pot", "drawFromBlock", "drawBy", "contestEnd", "fillBy"), 0),
    **dict.fromkeys(("commitBy", "redrawBy", "nameBy", "challengeBy", "releaseBy", "exit", "exitFrom"), 0),
}
