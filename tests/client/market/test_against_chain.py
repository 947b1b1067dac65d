"""The fold and the rules against the contracts on a real chain: equal after every step, at every deadline."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hexchange.chain.contracts import Contracts, connect
from hexchange.chain.deploy import deploy, mint_call
from hexchange.chain.deployment import Deployment
from hexchange.chain.events import ZERO_ADDRESS, ZERO_BYTES32, Offer, Outcome, Terms
from hexchange.chain.offers import sign_offer
from hexchange.chain.views import Bounds
from hexchange.chain.wallet import Wallet
from hexchange.market import money, quantities
from hexchange.market.digests import NO_SALT, challenge_seal, seal
from hexchange.market.fold import apply
from hexchange.market.money import Payout
from hexchange.market.rules import Knows, Step, next_step, steps
from hexchange.market.state import Job, JobState, MarketState
from hexchange.market.windows import Clock, Setting, admitted, deadline, windows
from services import Chain, anvil

FILL, COMPUTE, RELEASE, NAMING = 300, 600, 3600, 120
BOUNDS = Bounds(FILL, 86_400, COMPUTE, 604_800, RELEASE, 2_592_000, NAMING)
TRUE, FALSE, SALTED = b"\xaa" * 32, b"\xbb" * 32, b"\xcc" * 32
WALLETS = [Wallet(bytes([n]) * 32) for n in range(1, 8)]
OWNER, BUYER, STRANGER, *PROVIDERS = (wallet.address for wallet in WALLETS)
FUNCTIONS = ("draw", "redraw", "settle", "challenge", "finalize", "decide", "release", "refund")
STATES = (None, *JobState)


class Play:
    """One market on a chain that makes a block for each transaction, at the time we say."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        chain.rpc("evm_setIntervalMining", 0)
        chain.rpc("evm_setAutomine", True)
        chain.rpc("anvil_autoImpersonateAccount", True)
        for wallet in WALLETS:
            chain.rpc("anvil_setBalance", wallet.address, hex(10**24))
        deployment: Deployment = deploy(chain.url, WALLETS[0], bounds=BOUNDS)
        self.contracts: Contracts = connect(chain.url, deployment)
        self.calls, self.views = self.contracts.calls, self.contracts.views
        self.unit = self.views.unit()
        self.setting = Setting(deployment.chain, deployment.market, self.views.bounds().naming, self.unit)
        self.state = MarketState()
        head = self.contracts.node.header("latest").ref
        self.now, self.block = head.timestamp, head.number
        self.fund()

    def fund(self) -> None:
        for wallet in WALLETS:
            self.send(mint_call(self.contracts.deployment, wallet.address, 10**24), wallet.address)
            self.send(self.calls.approve(10**24), wallet.address)
            self.send(self.calls.deposit(6000 * 10**18), wallet.address)
        for provider in PROVIDERS:
            self.send(self.calls.stake(50 * self.unit), provider)
        self.send(self.calls.list_dataset(b"\x01" * 32, 1000, 10), OWNER)

    # --- time and transactions ---

    def at(self, time: int) -> None:
        """The next transaction is at `time`."""
        assert time > self.now, "the chain's time only moves on"
        self.now = time - 1

    def send(self, call: Any, sender: str) -> None:
        """Send at the next second; fold the events; everything equals the contracts."""
        self.now += 1
        self.chain.rpc("evm_setNextBlockTimestamp", hex(self.now))
        tx = self.chain.rpc(
            "eth_sendTransaction", {**call.fields(sender), "value": "0x0", "gas": hex(5_000_000)}
        )
        receipt = self.receipt(bytes.fromhex(tx[2:]))
        assert receipt["status"] == 1, f"{call.function} reverted"
        block = self.contracts.node.header(int(receipt["blockNumber"])).ref
        assert block.timestamp == self.now
        self.block = block.number
        for event in self.contracts.events(receipt, block):
            apply(self.state, event)
        self.compare()

    def receipt(self, tx: bytes) -> Any:
        for _ in range(1000):
            receipt = self.contracts.node.receipt(tx)
            if receipt is not None:
                return receipt
            time.sleep(0.01)
        raise AssertionError("the transaction is in no block")

    def accepted(self, call: Any, sender: str, now: int, block: int) -> bool:
        """Whether the contracts would accept `call` in a block of that time and number."""
        fields = {**call.fields(sender), "value": "0x0"}
        try:
            self.chain.rpc("eth_call", fields, "latest", {}, {"time": hex(now), "number": hex(block)})
        except RuntimeError:
            return False
        return True

    # --- equality ---

    def compare(self) -> None:
        for wallet in WALLETS:
            told, found = self.state.account(wallet.address), self.views.balance_of(wallet.address)
            assert (told.free, told.stake, told.locked, told.since, told.leaving, told.collectable_at) == (
                found.free, found.staked, found.locked, found.since, found.leaving, found.available_at,
            )  # fmt: skip
        assert self.state.burnt == self.views.burnt()
        for dataset in self.state.datasets.values():
            found_dataset = self.views.dataset_of(dataset.id)
            epsilon, exact = found_dataset.epsilon, found_dataset.exact
            assert (dataset.manifest, dataset.epoch, dataset.delisted) == (
                found_dataset.manifest, found_dataset.epoch, found_dataset.delisted,
            )  # fmt: skip
            assert dataset.owner == self.views.owner_of(dataset.id)
            assert (dataset.epsilon_budget, dataset.epsilon_reserved, dataset.epsilon_spent) == (
                epsilon.limit, epsilon.reserved, epsilon.spent,
            )  # fmt: skip
            assert (dataset.exact_releases, dataset.exact_reserved, dataset.exact_spent) == (
                exact.limit, exact.reserved, exact.spent,
            )  # fmt: skip
        for job in self.state.jobs.values():
            self.compare_job(job)
            use = self.state.offer(job.offer)
            assert (use.uses, use.cancelled) == self.views.offer_use_of(job.offer)

    def compare_job(self, job: Job) -> None:
        view = self.views.job_of(job.id)
        found, ledger = view["job"], view["ledger"]
        assert STATES[found["state"]] is job.state
        for name in ("buyer", "seats", "released", "release", "owner", "price", "payee", "guarantee"):
            assert getattr(job, name) == found[name], name
        for name in ("floor", "reward", "dataset", "epsilon", "right"):
            assert getattr(job, name) == found[name], name
        assert found["challenger"] == (job.challenger or ZERO_ADDRESS)
        assert found["challengeSeal"] == (job.challenge_seal or ZERO_BYTES32)
        until = {JobState.PROPOSED: job.challenge_by, JobState.SETTLED: job.release_by}
        assert found["deadline"] == until.get(job.state, 0)
        assert (ledger["bond"], ledger["held"]) == (job.bond, self.state.held[job.id])
        assert (ledger["fill"], ledger["compute"], ledger["round"]) == (
            job.fill,
            job.compute,
            len(job.rounds),
        )
        assert view["fine"] == job.fine
        for number, name in ((1, "roundOne"), (2, "roundTwo")):
            if view[name]["start"]:
                self.compare_round(job, number, view[name])
        due = deadline(job, self.now, self.setting.naming)
        if view["exitFrom"]:
            refunds = [
                w for w in windows(job, self.setting.naming) if w.function == "refund" and not w.caller
            ]
            assert [(view["exit"], view["exitFrom"])] == [(w.outcome, w.since) for w in refunds]
        assert (due is None) == job.over

    def compare_round(self, job: Job, number: int, found: dict[str, Any]) -> None:
        told = job.rounds[number - 1]
        assert (found["start"], found["startBlock"]) == (told.start, told.start_block)
        assert (found["contestEnd"], found["commitBy"], found["late"]) == (
            told.contest_end, told.commit_by, told.late,
        )  # fmt: skip
        assert (found["redrawn"], found["seed"]) == (told.redrawn, told.seed or ZERO_BYTES32)
        seats = self.views.seats_of(job.id, number)
        assert len(seats) == len(told.seats)
        for seat, mine in zip(seats, told.seats, strict=True):
            if mine:
                assert (seat.provider, seat.ticket) == (mine.provider, mine.ticket)
                assert seat.seal == (mine.seal or ZERO_BYTES32)
        assert found["takenMask"] == sum(1 << i for i, seat in enumerate(told.seats) if seat)

    # --- what the contracts accept, and what the rules say ---

    def probe(self, job: Job, digest: bytes = TRUE, salted: bytes = SALTED) -> None:
        """Around every edge of a window, each caller may do exactly what `windows` says."""
        edges = {self.now + 1}
        for window in windows(job, self.setting.naming):
            edges |= {edge + d for edge in (window.since, window.until) if edge for d in (-1, 0, 1)}
        for now in sorted(edge for edge in edges if edge > self.now):
            for caller in (OWNER, BUYER, STRANGER, PROVIDERS[0]):
                self.probe_at(job, Clock(now, self.block + 1), caller, digest, salted)
            self.probe_seats(job, Clock(now, self.block + 1))

    def probe_at(self, job: Job, clock: Clock, caller: str, digest: bytes, salted: bytes) -> None:
        jury = len(job.rounds) == 2
        wanted = quantities.quorum(job.seats) if jury else 1
        names = self.matches(job, digest, salted if jury else NO_SALT) >= wanted
        for function in FUNCTIONS:
            told = any(
                window.function == function and window.open(clock, caller)
                for window in windows(job, self.setting.naming)
            )
            told = told and (names or function not in ("settle", "decide"))
            found = self.accepted(self.call(job, function, digest, salted), caller, clock.now, clock.block)
            assert told == found, (function, caller, clock, job.state)

    def probe_seats(self, job: Job, clock: Clock) -> None:
        for provider in PROVIDERS:
            for unit in (0, 1, 2, 49, 50):
                told = self.open(job, "take_seat", clock, provider) and admitted(
                    self.state, job, provider, unit, clock.now, self.unit
                )
                call = self.calls.take_seat(job.id, unit)
                assert bool(told) == self.accepted(call, provider, clock.now, clock.block), (unit, clock)
            for index in range(len(job.round.seats)):
                found = self.accepted(
                    self.calls.commit(job.id, index, TRUE), provider, clock.now, clock.block
                )
                assert self.open(job, "commit", clock, provider, index) == found, (index, clock)

    def open(self, job: Job, function: str, clock: Clock, caller: str, seat: int | None = None) -> bool:
        return any(
            window.function == function and window.seat == seat and window.open(clock, caller)
            for window in windows(job, self.setting.naming)
        )

    def matches(self, job: Job, digest: bytes, salted: bytes) -> int:
        return sum(
            1
            for index, seat in enumerate(job.round.seats)
            if seat and seat.seal == self.seal(job, index, seat.provider, digest, salted)
        )

    def seal(self, job: Job, index: int, provider: str, digest: bytes, salted: bytes) -> bytes:
        place = (self.setting.chain, self.setting.market, job.id, job.round.number)
        return seal(*place, index, provider, digest, salted)

    def call(self, job: Job, function: str, digest: bytes = TRUE, salted: bytes = SALTED) -> Any:
        arguments: dict[str, tuple[Any, ...]] = {
            "settle": (digest,),
            "challenge": (TRUE,),
            "decide": (digest, salted),
            "release": (b"\x0a" * 32, b"key"),
        }
        return getattr(self.calls, function)(job.id, *arguments.get(function, ()))

    def step(self, job: Job, me: str, knows: Knows) -> Step | None:
        """What the rules tell `me` for a transaction in the next second."""
        return next_step(self.state, job, Clock(self.now + 1, self.block + 1), me, self.setting, knows)

    def follow(self, job: int, me: str, knows: Knows, false_seat: int | None = None) -> list[str]:
        """Do all that the rules tell `me` now, sealing falsely in one seat; the contracts accept each of it."""
        clock = Clock(self.now + 1, self.block + 1)
        done = []
        for step in steps(self.state, self.state.job(job), clock, me, self.setting, knows):
            current = self.state.job(job)
            if step.function == "take_seat":
                call = self.calls.take_seat(job, step.unit)  # type: ignore[arg-type]
            elif step.function == "commit":
                assert step.seat is not None
                salted = SALTED if current.round.number == 2 else NO_SALT
                digest = FALSE if step.seat == false_seat else knows.digest or b""
                call = self.calls.commit(job, step.seat, self.seal(current, step.seat, me, digest, salted))
            elif step.function == "challenge":
                place = (self.setting.chain, self.setting.market, job, me)
                call = self.calls.challenge(job, challenge_seal(*place, knows.digest or b""))
            elif step.function == "run":
                continue
            else:
                call = self.call(current, step.function, knows.digest or TRUE, knows.salted or SALTED)
            self.send(call, me)
            done.append(step.function)
        return done

    # --- jobs ---

    def open_job(self, seats: int, buyer: str = BUYER, epsilon: int = 0, floor: int = 2) -> Job:
        offer = Offer(
            1, self.state.datasets[1].epoch, b"\x01" * 32, b"\x02" * 32, ZERO_ADDRESS, STRANGER, 500, 70,
            epsilon, 1, 1, 10**6, FILL, COMPUTE, 1 << 39, 5, len(self.state.jobs).to_bytes(32, "big"),
        )  # fmt: skip
        signature = sign_offer(WALLETS[0], offer, self.setting.chain, self.setting.market)
        terms = Terms(seats, floor, 10, FILL, COMPUTE, RELEASE, b"\x09" * 32)
        self.send(self.calls.open_job(offer, signature, terms), buyer)
        return self.state.jobs[max(self.state.jobs)]

    def fill(self, job: Job, probe: bool = False) -> Job:
        """Draw and seat a round as the rules say, probing before it is over; then the contest is over."""
        self.now, self.block = self.now + 1, self.block + 1
        self.chain.rpc("evm_setNextBlockTimestamp", hex(self.now))
        self.chain.rpc("anvil_mine", "0x1")
        self.send(self.calls.draw(job.id), STRANGER)
        for provider in PROVIDERS:
            self.follow(job.id, provider, Knows(ready=True))
        job = self.state.job(job.id)
        if probe:
            self.probe(job)
        self.at(job.round.contest_end - FILL // 2)
        for provider in PROVIDERS:
            self.follow(job.id, provider, Knows(ready=True))
        self.at(job.round.contest_end)
        return self.state.job(job.id)


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    folder: Path = tmp_path_factory.mktemp("chain")
    with anvil(folder) as chain:
        yield Play(chain)


def payout_of(play: Play, job: Job, before: dict[str, int], burnt: int) -> dict[str, int]:
    """What each party really got since `before`."""
    after = wealth(play)
    gained = {party: after[party] - before[party] for party in before}
    return {**{p: g for p, g in gained.items() if g}, "burnt": play.state.burnt - burnt}


def wealth(play: Play) -> dict[str, int]:
    """Free balance and unlocked stake of everybody."""
    accounts = {wallet.address: play.state.account(wallet.address) for wallet in WALLETS}
    return {party: a.free + a.stake - a.locked for party, a in accounts.items()}


def told(payout: Payout, job: Job) -> dict[str, int]:
    """A payout as sums by party."""
    sums: dict[str, int] = {"burnt": payout.burnt}
    shares = [(job.buyer, payout.buyer), (job.owner, payout.owner), (job.payee, payout.payee)]
    shares += [(job.challenger or "", payout.challenger)]
    shares += [(pay.provider, pay.back + pay.reward) for pay in (*payout.round_one, *payout.round_two) if pay]
    for party, amount in shares:
        sums[party] = sums.get(party, 0) + amount
    return {party: amount for party, amount in sums.items() if amount or party == "burnt"}


def test_a_job_with_one_seat(play: Play) -> None:
    job = play.open_job(1, epsilon=7)
    play.probe(job)
    job = play.fill(job, probe=True)
    play.probe(job)
    (seat,) = job.round.seats
    assert seat is not None
    assert play.step(job, seat.provider, Knows()) == Step("run", job.id, 1)
    assert play.follow(job.id, seat.provider, Knows(digest=TRUE)) == ["commit"]
    play.probe(play.state.job(job.id))
    assert play.follow(job.id, seat.provider, Knows(digest=TRUE)) == ["settle"]
    job = play.state.job(job.id)
    play.probe(job)
    assert play.follow(job.id, OWNER, Knows(digest=TRUE)) == ["release"]
    job = play.state.job(job.id)
    play.probe(job)
    play.at(job.challenge_by)
    expected, before, burnt = money.finalized(job, play.state.held[job.id]), wealth(play), play.state.burnt
    assert play.follow(job.id, seat.provider, Knows()) == ["finalize"]
    assert payout_of(play, job, before, burnt) == told(expected, job)
    assert play.state.job(job.id).state is JobState.RELEASED
    play.probe(play.state.job(job.id))


def test_three_seats_that_disagree(play: Play) -> None:
    job = play.fill(play.open_job(3))
    for provider in job.round.providers():
        play.follow(job.id, provider, Knows(digest=TRUE), false_seat=1)
    job = play.state.job(job.id)
    assert job.round.sealed == 3
    play.probe(job)
    play.send(play.calls.settle(job.id, TRUE), STRANGER)
    job = play.state.job(job.id)
    assert job.state is JobState.ESCALATED
    play.probe(job)
    job = play.fill(job)
    play.probe(job)
    for provider in job.round.providers():
        assert set(play.follow(job.id, provider, Knows(digest=TRUE, salted=SALTED))) >= {"commit"}
    job = play.state.job(job.id)
    if job.state is JobState.ESCALATED:
        play.probe(job)
        expected = money.decided(job, TRUE, SALTED, play.setting, play.state.held[job.id])
        before, burnt = wealth(play), play.state.burnt
        play.send(play.calls.decide(job.id, TRUE, SALTED), STRANGER)
        assert payout_of(play, job, before, burnt) == told(expected, job)
    job = play.state.job(job.id)
    assert job.state is JobState.SETTLED
    assert [seat.outcome for seat in job.rounds[0].seats if seat][1] == "wrong"
    play.probe(job)
    play.at(job.release_by)
    expected, before, burnt = (
        money.refunded(job, Outcome.RELEASE_LAPSED, play.state.held[job.id]), wealth(play), play.state.burnt,
    )  # fmt: skip
    play.send(play.calls.refund(job.id), STRANGER)
    assert payout_of(play, job, before, burnt) == told(expected, job)


def test_a_challenge_that_wins(play: Play) -> None:
    job = play.fill(play.open_job(1))
    (seat,) = job.round.seats
    assert seat is not None
    play.follow(job.id, seat.provider, Knows(digest=FALSE))
    play.follow(job.id, seat.provider, Knows(digest=FALSE))
    job = play.state.job(job.id)
    assert job.proposed == FALSE
    assert play.follow(job.id, STRANGER, Knows(checks=True, digest=TRUE)) == ["challenge"]
    job = play.fill(play.state.job(job.id))
    for provider in job.round.providers():
        play.follow(job.id, provider, Knows(digest=TRUE, salted=SALTED))
    job = play.state.job(job.id)
    if job.state is JobState.ESCALATED:
        expected = money.decided(job, TRUE, SALTED, play.setting, play.state.held[job.id])
        assert expected.challenger == job.bond + quantities.bounty(1, 10)
        before, burnt = wealth(play), play.state.burnt
        play.send(play.calls.decide(job.id, TRUE, SALTED), STRANGER)
        assert payout_of(play, job, before, burnt) == told(expected, job)
    assert play.follow(job.id, OWNER, Knows(digest=TRUE)) == ["release"]


def test_silence_a_redraw_and_a_refund(play: Play) -> None:
    job = play.fill(play.open_job(2))
    first = job.round.seats[0]
    assert first is not None
    play.send(play.calls.commit(job.id, 0, play.seal(job, 0, first.provider, TRUE, NO_SALT)), first.provider)
    job = play.state.job(job.id)
    play.probe(job)
    play.at(job.round.commit_by)
    assert play.follow(job.id, first.provider, Knows()) == ["redraw"]
    job = play.state.job(job.id)
    play.probe(job)
    play.at(job.round.contest_end + 7)
    assert play.follow(job.id, PROVIDERS[0], Knows(ready=True)) == ["take_seat"]
    job = play.state.job(job.id)
    assert job.round.late == 7
    play.probe(job)
    play.at(job.round.commit_by)
    expected = money.refunded(job, Outcome.SEALS_MISSING, play.state.held[job.id])
    before, burnt = wealth(play), play.state.burnt
    play.send(play.calls.refund(job.id), STRANGER)
    assert payout_of(play, job, before, burnt) == told(expected, job)
    assert play.state.job(job.id).refunded is Outcome.SEALS_MISSING


@pytest.mark.parametrize("own", [False, True])
def test_jobs_that_nobody_draws_or_fills(play: Play, own: bool) -> None:
    job = play.open_job(1, buyer=OWNER if own else BUYER)
    play.at(job.opened_at + FILL)
    play.probe(job)
    play.send(play.calls.refund(job.id), STRANGER)
    assert play.state.job(job.id).refunded is Outcome.UNDRAWN
    job = play.open_job(1, buyer=OWNER if own else BUYER)
    play.send(play.calls.refund(job.id), OWNER)
    assert play.state.job(job.id).refunded is Outcome.DECLINED


def test_datasets_offers_and_stake(play: Play) -> None:
    play.send(play.calls.update_manifest(1, b"\x05" * 32), OWNER)
    play.send(play.calls.cancel_all_offers(1), OWNER)
    play.send(play.calls.publish_offers(1, b"\x06" * 32), OWNER)
    play.send(play.calls.request_offer(1, b"\x07" * 32), BUYER)
    play.send(play.calls.unstake(play.unit), PROVIDERS[0])
    play.at(play.state.account(PROVIDERS[0]).collectable_at)
    play.send(play.calls.collect(), PROVIDERS[0])
    play.send(play.calls.withdraw(play.unit, STRANGER), PROVIDERS[0])
    play.send(play.calls.transfer_dataset(OWNER, STRANGER, 1), OWNER)
    play.send(play.calls.delist(1), STRANGER)
    dataset = play.state.dataset(1)
    assert (dataset.owner, dataset.epoch, dataset.delisted) == (STRANGER, 2, True)
    assert (dataset.offers, dataset.requests) == ((b"\x06" * 32,), ((BUYER, b"\x07" * 32),))
