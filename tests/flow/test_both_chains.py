"""Every way that a job can go, on two clients of the chain, and what everybody has in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path as Folder
from threading import Event as Flag

import pytest
from paths import (
    BUYER,
    CHALLENGER,
    EPSILON,
    LEAVER,
    MONEY,
    OWNER,
    PAYEE,
    PROVIDERS,
    WALLETS,
    G,
    P,
    Path,
    Played,
    R,
    Stage,
    movements,
)  # fmt: skip

import services
from hexchange.chain import events as on
from hexchange.chain.events import Outcome
from hexchange.market.state import Job, JobState

CLIENTS = {"anvil": services.anvil, "geth": services.geth}

PATHS = {
    "one seat, to the release": Path("T"),
    "released while it may be challenged": Path("T", early=True),
    "a silent seat is replaced": Path("T-", refill="T"),
    "the owner buys of itself": Path("T", own=True),
    "a challenge wins": Path("F", challenge="T", two="TTTTTF-"),
    "a challenge loses": Path("T", challenge="F", two="TTTTTTT"),
    "two seats disagree": Path("TF", two="TTTTTTFF-"),
    "declined": Path(None, declined=True, outcome=Outcome.DECLINED),
    "undrawn": Path(None, fill=2, outcome=Outcome.UNDRAWN),
    "unfilled": Path("T.", outcome=Outcome.UNFILLED),
    "refill failed": Path("T-", refill=".", outcome=Outcome.REFILL_FAILED),
    "seals missing, nobody redraws": Path("T-", outcome=Outcome.SEALS_MISSING),
    "seals missing twice": Path("--", refill="T-", outcome=Outcome.SEALS_MISSING),
    "unnamed": Path("TT", named=False, outcome=Outcome.UNNAMED),
    "undecided after a disagreement": Path("TF", two="TTTTTFFF-", outcome=Outcome.UNDECIDED),
    "undecided after a challenge": Path("F", challenge="T", two="TTTTFFF", outcome=Outcome.UNDECIDED),
    "jury unfilled": Path("TF", outcome=Outcome.JURY_UNFILLED),
    "jury unfilled, with a challenger": Path(
        "T", challenge="F", two="TTT....", outcome=Outcome.JURY_UNFILLED
    ),
    "released, then disputed without a jury": Path(
        "T", early=True, challenge="F", outcome=Outcome.JURY_UNFILLED
    ),
    "release declined": Path("T", ending="decline", outcome=Outcome.RELEASE_DECLINED),
    "release lapsed": Path("TTTTT", ending="lapse", release=3, outcome=Outcome.RELEASE_LAPSED),
}


@dataclass(frozen=True)
class Takings:
    """What a job brought each party, in base units; `one` and `two` by seat, in the order in which they closed."""

    buyer: int = 0
    owner: int = 0
    payee: int = 0
    challenger: int = 0
    one: tuple[int, ...] = ()
    two: tuple[int, ...] = ()
    burnt: int = 0


def expected(name: str, r: int) -> Takings:
    """From the rules, by hand: `r` is what a right seat of round one is paid, B the bond and N the fine."""
    n1, n2 = 4 * R, 5 * R
    b1, b2 = 3 * n1, 3 * n2
    sold = Takings(buyer=-P - r, payee=P, one=(r,))
    return {
        "one seat, to the release": sold,
        "released while it may be challenged": sold,
        "a silent seat is replaced": Takings(buyer=-P - 2 * r, payee=P, one=(-n2, r, r), burnt=n2),
        "the owner buys of itself": Takings(owner=-r, one=(r,)),
        "a challenge wins": Takings(
            buyer=-P, payee=P, challenger=n1, one=(-b1,), two=(*5 * (R,), -b1, -n1), burnt=2 * b1 - 5 * R
        ),
        "a challenge loses": Takings(
            buyer=-P - r, payee=P, challenger=-b1, one=(r,), two=7 * (R,), burnt=b1 - 7 * R
        ),
        "two seats disagree": Takings(
            buyer=-P - r, payee=P, one=(r, -b2), two=(*6 * (R,), -b2, -b2, -n2), burnt=3 * b2 + n2 - 6 * R
        ),
        "declined": Takings(),
        "undrawn": Takings(),
        "unfilled": Takings(one=(0,)),
        "refill failed": Takings(one=(-n2, R), burnt=n2 - R),
        "seals missing, nobody redraws": Takings(one=(R, -n2), burnt=n2 - R),
        "seals missing twice": Takings(one=(-n2, -n2, R, -n2), burnt=3 * n2 - R),
        "unnamed": Takings(one=(-n2, -n2), burnt=2 * n2),
        "undecided after a disagreement": Takings(one=(0, 0), two=(*8 * (0,), -n2), burnt=n2),
        "undecided after a challenge": Takings(one=(0,), two=7 * (0,)),
        "jury unfilled": Takings(one=(0, 0)),
        "jury unfilled, with a challenger": Takings(
            challenger=-n1, one=(R,), two=(0, 0, 0), burnt=n1 - R
        ),
        "released, then disputed without a jury": Takings(
            buyer=-P, payee=P, challenger=-n1, one=(R,), burnt=n1 - R
        ),
        "release declined": Takings(buyer=min(G, r) - r, owner=-min(G, r), one=(r,)),
        "release lapsed": Takings(buyer=min(G, 5 * r) - 5 * r, owner=-min(G, 5 * r), one=5 * (r,)),
    }[name]  # fmt: skip


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Played]]]:
    """Both clients at the same time, since all they do is wait for the next block."""
    stop = Flag()

    def play(client: str, folder: Folder) -> Played:
        with CLIENTS[client](folder) as chain:
            return Stage(chain, stop).play(PATHS)

    with ThreadPoolExecutor(len(CLIENTS)) as pool:
        yield {client: pool.submit(play, client, tmp_path_factory.mktemp(client)) for client in CLIENTS}
        stop.set()


@pytest.fixture(params=CLIENTS)
def played(request: pytest.FixtureRequest, chains: dict[str, Future[Played]]) -> Played:
    return chains[request.param].result()


def takings(played: Played, job: Job) -> Takings:
    """What the events say, by party."""
    parties = Counter[str]()
    for address, amount in movements(played.events, job.id):
        parties[address] += amount
    closed = [event for event in played.events if isinstance(event, on.SeatClosed) and event.job == job.id]
    one, two = (tuple(e.reward - e.fine for e in closed if e.round == number) for number in (1, 2))
    return Takings(
        buyer=parties[BUYER.address], owner=parties[OWNER.address], payee=parties[PAYEE.address],
        challenger=parties[CHALLENGER.address], one=one, two=two, burnt=parties["burnt"],
    )  # fmt: skip


@pytest.mark.parametrize("name", PATHS)
def test_a_path_ends_as_the_rules_say_with_exact_balances(played: Played, name: str) -> None:
    run = played.runs[name]
    assert not run.error, f"attempt {run.attempt}: {run.error}"
    job = played.state.job(run.job)
    released = job.released or run.path.outcome is None
    assert (job.state, job.refunded) == (
        JobState.RELEASED if released else JobState.REFUNDED, run.path.outcome,
    )  # fmt: skip
    found = takings(played, job)
    assert found == expected(name, job.right_reward)
    assert sum(amount for _, amount in movements(played.events, job.id)) == 0
    assert played.state.held[job.id] == 0


def test_every_outcome_of_a_refund_is_among_the_paths() -> None:
    assert {path.outcome for path in PATHS.values()} == {*Outcome, None} - {Outcome.NONE}


def test_the_fold_of_events_is_what_the_contracts_say(played: Played) -> None:
    for wallet in WALLETS:
        account = played.state.account(wallet.address)
        told = (account.free, account.stake, account.locked, account.leaving)
        assert played.balances[wallet.address][1:] == told
    assert played.burnt == played.state.burnt
    assert played.held == played.state.held


def test_everybody_has_at_home_what_it_came_with_and_what_its_jobs_brought(played: Played) -> None:
    brought = Counter[str]()
    for job in played.state.jobs:
        for address, amount in movements(played.events, job):
            brought[address] += amount
    for wallet in WALLETS:
        home, free, staked, locked, leaving = played.balances[wallet.address]
        assert free == 0
        assert home + staked + leaving == MONEY + brought[wallet.address]
        if all(job.over for job in played.state.jobs.values()):
            assert locked == 0
    assert played.balances[LEAVER.address] == (MONEY, 0, 0, 0, 0)
    staked = sum(played.balances[wallet.address][2] for wallet in PROVIDERS)
    assert played.left_in_ledger == staked + played.burnt + sum(played.held.values())


def test_the_budget_is_spent_by_what_was_released_or_lapsed_and_by_nothing_else(played: Played) -> None:
    dataset = played.state.dataset(1)
    jobs = [job for job in played.state.jobs.values() if not job.own]
    spent = [job for job in jobs if job.released or job.refunded is Outcome.RELEASE_LAPSED]
    open_ = [job for job in jobs if not job.over and not job.released]
    assert (dataset.epsilon_spent, dataset.epsilon_reserved) == (EPSILON * len(spent), EPSILON * len(open_))
    assert len(spent) >= 8
