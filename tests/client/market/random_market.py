"""Random courses of a market as rules for Hypothesis: plain choices in, calls of `Play` out."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from market_machine import FALSE, LEDGER, SALTED, TRUE, Play, manifest
from model import World
from model_jobs import matches
from real_market import (
    CHECKER,
    COMPUTE,
    FILL,
    NAMES,
    NAMING,
    OWNER,
    PAYEE,
    RELEASE,
    STRANGER,
    RealMarket,
)  # fmt: skip

from hexchange.chain.events import NO_PERMIT, ZERO_ADDRESS, Offer, Terms
from hexchange.market import windows
from hexchange.market.state import Job, MarketState
from hexchange.market.windows import Clock

ETHER, DAY, NO_JOB = 10**18, 86_400, 99
ADDRESS = {name: role for role, name in NAMES.items()}
DIGESTS = {"true": TRUE, "false": FALSE, "zero": bytes(32), "other": b"\x01" * 32}
roles = st.sampled_from(sorted(NAMES.values()))
jobs = st.integers(0, 3)
datasets = st.sampled_from([1, 1, 1, 2, 2, 9])
choices = st.integers(0, 15)
amounts = st.sampled_from([0, 1, 70, 100 * ETHER, 150 * ETHER, 950 * ETHER, 6000 * ETHER, 10**24, 2**96 - 1])
places = st.sampled_from([*sorted(NAMES.values()), "nobody", "stake", "market"])
permits = st.sampled_from(["none", "none", "none", "none", "good", "expired", "garbage", "used"])
moods = st.sampled_from(["right", "right", "split", "wrong", "one wrong", "one silent", "garbage", "silent"])
ASKED = ("right", "wrong", "garbage", "zero")
kinds = st.sampled_from(ASKED)
edges = st.integers(0, 8)
digests = st.sampled_from(sorted(DIGESTS))
ROUNDS = ("draw", "takeSeat", "commit", "redraw")
CALLS = (*ROUNDS, "settle", "challenge", "finalize", "decide", "release", "refund")
FLAWS = (
    "", "", "", "", "", "", "dataset", "epoch", "manifest", "buyer", "signature", "epsilon", "seats", "many seats",
    "floor", "reward", "zero reward", "fill", "compute", "release", "guarantee", "price",
)  # fmt: skip
flaws = st.sampled_from(FLAWS)


class Market(RuleBasedStateMachine):
    """Rules take plain choices and never ask the chain what to choose from, so that every run can be repeated."""

    real: ClassVar[RealMarket]
    begun: ClassVar[tuple[Any, World]]
    seen: ClassVar[Counter[tuple[str, ...]]]

    def __init__(self) -> None:
        super().__init__()
        snapshot, world = self.begun
        type(self).begun = self.real.revert(snapshot), world
        self.play = Play(self.real, world.copy(), self.seen)
        self.offers: list[Offer] = []

    def teardown(self) -> None:
        self.seen["plays",] += 1

    @property
    def state(self) -> MarketState:
        return self.play.world.state

    def job(self, number: int) -> Job | None:
        """One of the jobs; the latest one that is not over has the smallest number."""
        found = sorted(self.state.jobs.values(), key=lambda job: (not job.over, job.id))
        return found[-1 - number % len(found)] if found else None

    def act(self, me: str, function: str, *arguments: Any) -> None:
        self.play.act(ADDRESS.get(me, me), function, *arguments)

    # --- money ---

    @rule(me=roles, amount=amounts, to=places, what=choices, kind=permits)
    def handles_money(self, me: str, amount: int, to: str, what: int, kind: str) -> None:
        world = self.play.world
        others = {"stake": world.stake, "market": world.setting.market, "nobody": ZERO_ADDRESS}
        me, to = ADDRESS[me], (ADDRESS | others)[to]
        self.play.when = world.state.account(me).collectable_at + what % 2 if what in (4, 5) else 0
        permit = self.play.permit(me, amount, kind)
        if kind == "used":
            self.act(STRANGER, "permitToken", me, permit)
        calls: list[tuple[Any, ...]] = [
            ("deposit", amount, permit),
            ("withdraw", amount, to),
            ("collect",),
            ("stake", amount),
            ("unstake", amount),
            ("approveToken", amount if amount < 2**96 - 1 else 2**256 - 1),
            ("transferToken", to, amount % 1000),
            ("stake", self.real.unit),
        ]
        self.act(me, *calls[what // 2])

    # --- datasets and offers ---

    @rule(
        me=roles,
        what=choices,
        to=roles,
        dataset=datasets,
        number=st.integers(0, 3),
        own=st.booleans(),
    )
    def manages(self, me: str, what: int, to: str, dataset: int, number: int, own: bool) -> None:
        listed = self.state.datasets.get(dataset)
        me = listed.owner if listed and own else ADDRESS[me]
        calls = self.managing(me, ADDRESS[to], dataset, number)
        self.act(me, *calls[what % len(calls)])

    def managing(self, me: str, to: str, dataset: int, number: int) -> list[tuple[Any, ...]]:
        """What may be done with a dataset, with good arguments if `number` is 1 or 2."""
        listed = self.state.datasets.get(dataset)
        former = listed.owner if listed and number else OWNER
        return [
            ("listDataset", manifest(number), 50 * number, number),
            ("updateManifest", dataset, manifest(number)),
            ("transferFrom", former, to if number < 3 else ZERO_ADDRESS, dataset),
            ("safeTransferFrom", me, to if number else self.play.world.stake, dataset),
            ("approve", to, dataset),
            ("setApprovalForAll", to if number else ZERO_ADDRESS, number > 1),
            ("publishOffers", dataset, manifest(number)),
            ("delist", dataset),
            ("requestOffer", dataset, manifest(number)),
            ("cancelAllOffers", dataset),
            *(("cancelOffer", offer) for offer in self.offers[-3:] if offer.dataset == dataset),
        ]

    # --- jobs ---

    @rule(
        me=st.sampled_from(["BUYER", "BUYER", "BUYER", "OWNER", "STRANGER"]), seats=st.sampled_from([1, 1, 2, 3, 5]),
        reward=st.sampled_from([1, 10, 7, 150 * ETHER, 40 * ETHER + 1]), flaw=flaws, kind=permits,
        again=choices, epsilon=st.sampled_from([0, 7, 400]),
    )  # fmt: skip
    def opens(self, me: str, seats: int, reward: int, flaw: str, kind: str, again: int, epsilon: int) -> None:
        self.open(ADDRESS[me], seats, reward, flaw, kind, again, epsilon)

    def open(
        self,
        me: str,
        seats: int,
        reward: int,
        flaw: str = "",
        kind: str = "none",
        again: int = 9,
        epsilon: int = 0,
    ) -> None:
        """A job on a new offer or on a former one, with one flaw."""
        if all(dataset.delisted for dataset in self.state.datasets.values()):
            self.act(OWNER, "listDataset", manifest(1), 1000, 10)
        offer = self.offer(seats, reward, epsilon, flaw)
        if again < 6 and self.offers:
            offer = self.offers[again % len(self.offers)]
        else:
            self.offers.append(offer)
        self.act(me, *self.opening(me, offer, self.terms(seats, reward, flaw), flaw, kind))

    def opening(self, me: str, offer: Offer, terms: Terms, flaw: str, kind: str) -> tuple[Any, ...]:
        """The call that opens a job."""
        signature = self.play.sign(offer)
        signature = signature[:64] + b"\x1d" if flaw == "signature" else signature
        permit = self.play.permit(me, offer.price + terms.seats * terms.reward, kind)
        return "openJob", offer, signature, terms, permit

    def offer(self, seats: int, reward: int, epsilon: int, flaw: str) -> Offer:
        datasets = list(reversed(self.state.datasets.values()))
        dataset = next((each for each in datasets if not each.delisted), datasets[0])
        return Offer(
            dataset=9 if flaw == "dataset" else dataset.id,
            epoch=dataset.epoch + (flaw == "epoch"),
            manifest=manifest(7) if flaw == "manifest" else dataset.manifest,
            circuit=manifest(2),
            buyer=PAYEE if flaw == "buyer" else ZERO_ADDRESS,
            payee=PAYEE if reward % 2 else ZERO_ADDRESS,
            price={"price": 10**25}.get(flaw, 500 * seats),
            guarantee={"guarantee": 7000 * ETHER}.get(flaw, 2 * reward if seats != 2 else 0),
            epsilon=2000 if flaw == "epsilon" else epsilon,
            min_seats=seats - 1,
            min_reward=reward // 5,
            max_reward=reward,
            min_fill=FILL,
            min_compute=COMPUTE,
            expiry=(self.real.clock.now // DAY + 2) * DAY,
            max_uses=2,
            salt=manifest(len(self.offers)),
        )

    def terms(self, seats: int, reward: int, flaw: str) -> Terms:
        return Terms(
            seats={"seats": max(0, seats - 2), "many seats": 6}.get(flaw, seats),
            floor={"floor": reward + 1, "zero reward": 0}.get(flaw, reward // 3 + (reward < 10)),
            reward={"reward": reward + 1, "zero reward": 0}.get(flaw, reward),
            fill={"fill": FILL - 1}.get(flaw, FILL + seats),
            compute={"compute": COMPUTE - 1}.get(flaw, COMPUTE),
            release={"release": RELEASE - 1}.get(flaw, RELEASE),
            result_key=manifest(3),
        )

    def wait(self, job: Job, edge: int) -> None:
        """Until the second before or at one of the next deadlines of a job, for whatever comes then."""
        ahead = self.deadlines(job)
        if ahead and edge < 6:
            self.play.when = ahead[edge // 2 % len(ahead)] - edge % 2

    def deadlines(self, job: Job) -> list[int]:
        """The deadlines of a job that are still to come."""
        found = {
            edge for window in windows.windows(job, NAMING) for edge in (window.since, window.until or 0)
        }
        return sorted(edge for edge in found if edge > self.real.clock.now + 1)

    @rule(
        number=jobs,
        plan=st.lists(st.tuples(choices, moods), min_size=3, max_size=12),
        me=roles,
        digest=digests,
        edge=edges,
    )
    def goes_on(self, number: int, plan: list[tuple[int, str]], me: str, digest: str, edge: int) -> None:
        """Several things in a row that are due for a job; for a new one if this one is over."""
        for choice, mood in plan:
            job = self.job(number)
            if job is None or job.over:
                me_ = "OWNER" if choice % 5 == 1 else "BUYER"
                self.open(
                    ADDRESS[me_],
                    (1, 2, 3, 5)[choice % 4],
                    (10, 11, 150 * ETHER)[choice % 3],
                    epsilon=choice % 2,
                )
                continue
            self.go_on(job, choice, mood, ADDRESS[me])
            if choice % 3 == 0:
                self.ask(
                    self.state.jobs[job.id],
                    ADDRESS[me],
                    ASKED[choice // 3 % 4],
                    DIGESTS[digest],
                    choice,
                    edge,
                )

    def go_on(self, job: Job, choice: int, mood: str, me: str) -> None:
        """Something that is due for a job, or what the time until its next deadline brings."""
        while (
            job.round.seed is None and self.real.clock.block + 1 < job.round.start_block + windows.DRAW_BLOCKS
        ):
            self.real.mine()
        contest = job.round.full and self.clock.now < job.round.contest_end
        if (contest and choice % 2) or choice == 13 or not self.due(job, me, "refund"):
            edges = self.deadlines(job)
            self.play.when = edges[choice == 13 and len(edges) > 1] if edges else 0
        due, refunds = self.due(job, me, "refund"), self.due(job, me)
        if due and choice < 15:
            self.do(job, due[choice % len(due)].function, choice, mood, me)
        else:
            caller = next((window.caller for window in refunds if window.function == "refund"), None)
            self.act(caller or me, "refund", job.id)

    @property
    def clock(self) -> Clock:
        """Of the next call."""
        return Clock(max(self.play.when, self.real.clock.now + 1), self.real.clock.block + 1)

    def due(self, job: Job, me: str, but: str = "") -> list[windows.Window]:
        """What somebody may do for a job now, each function once."""
        found = [each for each in windows.windows(job, NAMING) if each.open(self.clock, each.caller or me)]
        return list({window.function: window for window in found if window.function != but}.values())

    def do(self, job: Job, function: str, choice: int, mood: str, me: str) -> None:
        """One call that is due, with good arguments; or all seats, or all seals of a round."""
        if function == "take_seat":
            self.sit(job, choice, mood)
        elif function == "commit":
            self.commit(job, mood)
        elif function == "challenge":
            kind = ("right", "wrong", "garbage")[choice % 3]
            self.act(CHECKER, "challenge", job.id, self.play.challenge_seal(job.id, CHECKER, kind), NO_PERMIT)
        elif function == "release":
            self.act(job.owner, "release", job.id, manifest(5), b"key")
        else:
            opening = {d: self.matching(job, d) for d in (TRUE, FALSE)}
            digest = max(opening, key=lambda each: opening[each]) if choice != 7 else FALSE
            arguments = {"settle": (digest,), "decide": (digest, SALTED)}.get(function, ())
            self.act(me, function, job.id, *arguments)

    def matching(self, job: Job, digest: bytes) -> int:
        salted = SALTED if job.round.number == 2 else bytes(32)
        return matches(self.play.world, job, job.round, digest, salted)

    def sit(self, job: Job, choice: int, mood: str) -> None:
        """Take the empty seats with tickets of some rank, or the highest seat with the lowest ticket."""
        empty = job.round.seats.count(None) - (mood == "silent")
        for place in range(max(1, empty)):
            job = self.state.jobs[job.id]
            units = self.play.entrants(job)
            free = [
                (provider, unit)
                for _, provider, unit in units
                if self.state.account(provider).stake - self.state.account(provider).locked >= job.bond
                and self.state.account(provider).since < job.opened_at
            ]
            if not free:
                return
            rank = (choice * 3 + place) % len(free) if empty > 0 else 0
            self.act(free[rank][0], "takeSeat", job.id, free[rank][1])

    def commit(self, job: Job, mood: str) -> None:
        seats = [
            (index, seat.provider) for index, seat in enumerate(job.round.seats) if seat and not seat.seal
        ]
        for place, (index, provider) in enumerate(seats):
            kind = {"split": ("right", "wrong")[index % 2], "garbage": "garbage", "wrong": "wrong"}.get(
                mood, "right"
            )
            if place == 0 and mood == "one wrong":
                kind = "wrong"
            if mood == "silent" or (place == len(seats) - 1 and mood == "one silent"):
                continue
            self.act(provider, "commit", job.id, index, self.play.seal(job, index, kind))

    @rule(
        me=roles,
        number=jobs,
        function=st.sampled_from(CALLS),
        kind=kinds,
        digest=digests,
        n=choices,
        edge=edges,
    )
    def tries(self, me: str, number: int, function: str, kind: str, digest: str, n: int, edge: int) -> None:
        """Any call about any job, by anybody, at any time."""
        job = self.job(number) if n else None
        if job and n % 4 == 0:
            self.wait(job, edge)
        arguments = self.arguments(job, function, ADDRESS[me], kind, DIGESTS[digest], n)
        self.act(me, function, job.id if job else NO_JOB, *arguments)

    def arguments(
        self, job: Job | None, function: str, me: str, kind: str, digest: bytes, n: int
    ) -> tuple[Any, ...]:
        """What follows the number of the job."""
        number = job.id if job else NO_JOB
        mine = [i for i, seat in enumerate(job.round.seats) if seat and seat.provider == me] if job else []
        index = mine[n % len(mine)] if mine and n % 4 else (n % 3, 255)[n == 15]
        return {
            "takeSeat": (self.play.unit(job, me, kind, n) if job else n,),
            "commit": (index, self.play.seal(job, index, kind) if job else b"\x77" * 32),
            "settle": (digest,),
            "challenge": (self.play.challenge_seal(number, me, kind), NO_PERMIT),
            "decide": (digest, SALTED if n % 2 else bytes(32)),
            "release": (digest, b"" if n % 2 else b"key"),
        }.get(function, ())

    # --- asked and not sent ---

    @rule(me=roles, number=jobs, kind=kinds, digest=digests, n=choices, edge=edges)
    def asks_about_a_job(self, me: str, number: int, kind: str, digest: str, n: int, edge: int) -> None:
        job = self.job(number)
        if job:
            self.ask(job, ADDRESS[me], kind, DIGESTS[digest], n, edge)

    def ask(self, job: Job, me: str, kind: str, digest: bytes, n: int, edge: int) -> None:
        """Every call about a job, by each who has a part in it and by somebody, about one of its deadlines."""
        self.wait(job, edge)
        seats = [seat.provider for seat in job.round.seats if seat]
        waiting = [provider for _, provider, _ in self.play.entrants(job)[:1]]
        self.play.ask(
            [
                (caller, function, job.id, *self.arguments(job, function, caller, kind, digest, n))
                for caller in dict.fromkeys([me, job.owner, *seats[n % 3 : n % 3 + 1], *waiting])
                for function in CALLS
            ]
        )

    @rule(
        me=roles,
        to=roles,
        dataset=datasets,
        number=st.integers(0, 3),
        flaws=st.lists(flaws, max_size=4),
    )
    def asks_about_a_dataset(self, me: str, to: str, dataset: int, number: int, flaws: list[str]) -> None:
        """Everything that may be done with a dataset, offers on it with flaws, and offers that were used before."""
        listed = self.state.datasets.get(dataset)
        me = ADDRESS[me]
        self.play.when = self.offers[-1].expiry if self.offers and "seats" in flaws else 0
        opened = [(self.offer(2, 10, 7, flaw), self.terms(2, 10, flaw), flaw) for flaw in flaws]
        again = [
            (offer, self.terms(offer.min_seats + 1, offer.max_reward, ""), "") for offer in self.offers[-6:]
        ]
        managed = [
            (caller, *call)
            for caller in dict.fromkeys([me, listed.owner if listed else OWNER])
            for call in self.managing(caller, ADDRESS[to], dataset, number)
        ]
        self.play.ask([*managed, *((me, *self.opening(me, *each, "none")) for each in [*opened, *again])])

    @rule(
        me=roles,
        items=st.lists(st.tuples(jobs, st.sampled_from(CALLS), digests, choices), max_size=4),
        own=st.booleans(),
    )
    def does_several(self, me: str, items: list[Any], own: bool) -> None:
        """Several calls about jobs in one transaction; in that of the ledger, also money."""
        me = ADDRESS[me]
        calls: list[tuple[Any, ...]] = [("unstake", 1), ("collect",), ("withdraw", 5, me)] if own else []
        for number, function, digest, n in items:
            job = self.job(number)
            arguments = self.arguments(job, function, me, "right", DIGESTS[digest], n)
            if (function in LEDGER) == own and not (own and function == "takeSeat"):
                calls.append((function, job.id if job else NO_JOB, *arguments))
        self.act(me, "multicallStake" if own else "multicallMarket", *calls)
