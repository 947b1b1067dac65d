"""The provider's loop: read the chain, ask the rules what is owed, do it. A restart is a replay.

Nothing is remembered but evaluations (the journal) and transactions (the sender), each on disk before
anybody can see it; everything else is read again from the chain. Fetching and computing go on beside the
loop.
"""

from __future__ import annotations

import threading
import time
from functools import partial

from hexchange.chain.calls import Call
from hexchange.chain.contracts import Contracts
from hexchange.chain.outbox import MINED, SENT
from hexchange.chain.sender import Sender
from hexchange.errors import ContractReverted, DiskFull, HexchangeError, NodeUnreachable, StaleNode
from hexchange.evaluation import seeds_of
from hexchange.follower import Follower
from hexchange.market import rules
from hexchange.market.digests import NO_SALT, seal
from hexchange.market.rules import Knows, Step
from hexchange.market.state import Job, JobState, Seat
from hexchange.market.windows import Setting, windows
from hexchange.provider import limits
from hexchange.provider.config import ProviderConfig
from hexchange.provider.journal import Entry, Journal
from hexchange.provider.workshop import Workshop
from hexchange.voice import Tell, Voice

POLL_SECONDS = 0.5
LONGEST_PAUSE = 30.0

CONTESTED = (JobState.OPEN, JobState.ESCALATED)
"""States in which a round may be open."""


class Worker:
    """One provider. `tick` does once what is due; `run` repeats it."""

    def __init__(
        self,
        follower: Follower,
        contracts: Contracts,
        sender: Sender,
        workshop: Workshop,
        journal: Journal,
        config: ProviderConfig,
        tell: Tell,
    ) -> None:
        self.follower, self.contracts, self.sender = follower, contracts, sender
        self.workshop, self.journal, self.config = workshop, journal, config
        views = contracts.views
        naming, unit = views.bounds().naming, views.unit()
        self.setting = Setting(contracts.chain_id, contracts.deployment.market, naming, unit)
        self.voice = Voice(tell)
        self._draining = False

    @property
    def address(self) -> str:
        return self.sender.address

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then take no more seats, commit those that are held, and return."""
        pause = POLL_SECONDS
        while not (stop.is_set() and self._draining and not self.owes()):
            self._draining = stop.is_set()
            try:
                self.tick()
                pause = POLL_SECONDS
            except (NodeUnreachable, StaleNode, DiskFull) as error:
                self.voice.once("waiting", 0, error.message)
                pause = min(2 * pause, LONGEST_PAUSE)
            time.sleep(pause) if self._draining else stop.wait(pause)
        self.voice.say("stopped", 0, "every seat that was held is committed")

    def tick(self) -> None:
        """Follow the chain and do what is due. Raises NodeUnreachable, StaleNode, DiskFull: call it again."""
        self.sender.tick()
        self.follower.update()
        jobs = [job for job in self.follower.state.jobs.values() if not job.over]
        for job in sorted(jobs, key=lambda job: (job.round.commit_by or job.opened_at + job.compute, job.id)):
            self.voice.guard(job.id, partial(self._follow, job))
        for number in self.journal.jobs():
            self.voice.guard(number, partial(self._publish, number))

    def owes(self) -> bool:
        """Whether a seat is held that is not committed yet, or a transaction is under way."""
        held = any(seat.seal is None for job in self._contested() for _, seat in self._seats(job))
        return held or any(send.state == SENT for send in self.sender.sends())

    def digest_for(self, job: int, round: int, seat: int, entry: Entry) -> bytes:
        """What a seat of ours seals and names: the digest of our run."""
        return entry.digest

    # --- one job ----------------------------------------------------------------------------------

    def _follow(self, job: Job) -> None:
        entry = self._entry(job)
        knows = self._knows(job, entry)
        for step in rules.steps(
            self.follower.state, job, self.follower.clock(), self.address, self.setting, knows
        ):
            if step.function == "run":
                self._evaluate(job)
            else:
                self._submit(job, step, self._call(job, step, entry))

    def _entry(self, job: Job) -> Entry | None:
        """The kept run of `job`, unless the chain has replaced a seed that it was made with."""
        entry, seeds = self.journal.entry(job.id), seeds_of(job)
        return entry if entry and entry.seeds == seeds[: len(entry.seeds)] else None

    def _knows(self, job: Job, entry: Entry | None) -> Knows:
        ready = self._ready(job)
        if entry is None:
            return Knows(ready=ready)
        salted = entry.salted if entry.salted != NO_SALT else None
        return Knows(ready=ready, digest=self._named(job, entry), salted=salted)

    def _ready(self, job: Job) -> bool:
        """Whether we would sit: the job pays, the run fits, and every input is here, verified and parsed."""
        settled = job.round.full and self.follower.now >= job.round.contest_end
        if self._draining or settled or job.state not in CONTESTED or not self._could_sit(job):
            return False
        decimals = self.contracts.token.decimals
        try:
            limits.require_reward(self.config, job, decimals)
            plan = self.workshop.plan(job)
            if plan is None:
                return False
            limits.require_means(self.config, plan, job, decimals, busy=self._busy(job))
            return self.workshop.inputs(plan, deadline=2 * job.fill) is not None
        except HexchangeError as error:
            self.voice.once("left to others", job.id, error.message)
            return False

    def _could_sit(self, job: Job) -> bool:
        """Whether our stake is old enough and has room for one more bond."""
        account = self.follower.state.account(self.address)
        return account.since < job.opened_at and account.stake - account.locked >= max(
            job.bond, self.setting.unit
        )

    def _evaluate(self, job: Job) -> None:
        """Start the run, or keep what it yielded: a seal waits until that is on disk."""
        plan = self.workshop.plan(job)
        evaluated = self.workshop.run(plan, job) if plan else None
        if evaluated:
            self.journal.record(job.id, seeds_of(job), evaluated)
            self.voice.say("evaluated", job.id, f"digest {evaluated.digest.hex()}")

    def _call(self, job: Job, step: Step, entry: Entry | None) -> Call:
        calls = self.contracts.calls
        match step.function:
            case "take_seat":
                assert step.unit is not None
                return calls.take_seat(job.id, step.unit)
            case "commit":
                assert entry is not None
                assert step.seat is not None
                return calls.commit(job.id, step.seat, self._seal(job, step.seat, entry))
            case "settle":
                assert entry is not None
                return calls.settle(job.id, self._named(job, entry))
            case "decide":
                assert entry is not None
                return calls.decide(job.id, self._named(job, entry), entry.salted)
            case "draw" | "redraw" | "finalize" | "refund":
                call: Call = getattr(calls, step.function)(job.id)
                return call
            case other:
                raise AssertionError(f"a provider does not {other}")

    def _seal(self, job: Job, seat: int, entry: Entry) -> bytes:
        number = job.round.number
        digest = self.digest_for(job.id, number, seat, entry)
        salted = entry.salted if number == 2 else NO_SALT
        setting = self.setting
        return seal(setting.chain, setting.market, job.id, number, seat, self.address, digest, salted)

    def _named(self, job: Job, entry: Entry) -> bytes:
        """The digest that we stand for in this round: that of our first seat."""
        seats = self._seats(job)
        return self.digest_for(job.id, job.round.number, seats[0][0], entry) if seats else entry.digest

    def _submit(self, job: Job, step: Step, call: Call) -> None:
        known = self.sender.state(step.intent)
        if known and known.state in (SENT, MINED):
            return
        open_ = (window for window in windows(job, self.setting.naming) if window.function == step.function)
        until = (
            window.until
            for window in open_
            if window.seat == step.seat and window.open(self.follower.clock(), self.address)
        )
        try:
            self.sender.submit(step.intent, call, deadline=next(until, None))
        except ContractReverted as error:  # another was faster, or the block that allows it is still to come
            self.voice.once("refused", job.id, f"{step.function}: {error.message}")
            return
        self.voice.say(step.function.replace("_", " "), job.id, step.intent)

    def _publish(self, number: int) -> None:
        """Put the bytes of a named result into the store; forget a job that is over for good."""
        entry, job = self.journal.entry(number), self.follower.state.jobs.get(number)
        if entry is None or job is None:
            return
        named = entry.digest in (job.proposed, job.settled)
        if named and not entry.published:
            evaluated = self.journal.evaluated(number)
            if evaluated and self.workshop.publish(number, evaluated):
                self.journal.publish(number)
                self.voice.say("published", number, f"digest {entry.digest.hex()}")
        final = self.follower.final.jobs.get(number)
        if final and final.over and (entry.published or not named):
            self.journal.forget(number)
            self.workshop.forget(number)

    # --- all jobs ---------------------------------------------------------------------------------

    def _contested(self) -> list[Job]:
        """The jobs with an open round."""
        return [job for job in self.follower.state.jobs.values() if job.state in CONTESTED]

    def _seats(self, job: Job) -> list[tuple[int, Seat]]:
        """Our seats in the current round, with their numbers."""
        return [(i, seat) for i, seat in enumerate(job.round.seats) if seat and seat.provider == self.address]

    def _busy(self, but: Job) -> float:
        """Declared seconds of the runs that our seats in other jobs still need."""
        owed = [
            job for job in self._contested() if job.id != but.id and self._seats(job) and not self._entry(job)
        ]
        plans = [plan for job in owed if (plan := self.workshop.plan(job))]
        return sum(plan.seconds for plan in plans) / self.config.parallel
