"""The owner's service: it runs each job of its tables again, disputes what differs, opens what agrees.

What it did is in journal, ledger and sender before anybody can see it; the rest is read again from the
chain. So it may be killed at any moment, and a restart goes on.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path

from hexchange.chain import contracts as chain
from hexchange.chain.calls import Call
from hexchange.chain.contracts import Contracts
from hexchange.chain.events import NO_PERMIT, Permit
from hexchange.chain.lock import ProcessLock
from hexchange.chain.permits import sign_permit
from hexchange.chain.sender import Sender
from hexchange.chain.wallet import Wallet
from hexchange.circuit.document import Circuit, parse_circuit
from hexchange.circuit.lowering import lower
from hexchange.errors import (
    AlreadyReleased,
    ChildOutOfMemory,
    ChildOutOfTime,
    ChildOutputTooLarge,
    ContentTooLarge,
    ContractReverted,
    DeadlinePassed,
    DigestNotFinal,
    DiskFull,
    HexchangeError,
    MalformedBlob,
    NodeUnreachable,
    NotEnoughTokens,
    OtherHistory,
    Refused,
    StaleNode,
)
from hexchange.evaluation import MEMORY, Evaluated, seeds_of
from hexchange.follower import Follower
from hexchange.he import sandbox
from hexchange.market import rules
from hexchange.market.digests import NO_SALT, challenge_seal
from hexchange.market.rules import Knows, Step
from hexchange.market.state import Job
from hexchange.market.windows import Setting, windows
from hexchange.owner import gate, policy
from hexchange.owner.blobs import BlobIndex
from hexchange.owner.budget import Ledger, require_budget
from hexchange.owner.journal import Journal, books
from hexchange.owner.offers import uncovered
from hexchange.owner.release import Desk, Released, make_release
from hexchange.owner.rerun import Reruns
from hexchange.owner.workspace import Workspace, workspaces
from hexchange.storage.store import ContentStore
from hexchange.voice import Tell, Voice

POLL_SECONDS = 0.5
LONGEST_PAUSE = 30.0
PERMIT_SECONDS = 3600
CIRCUIT_SECONDS = 30.0

OF_THIS_MACHINE = (ChildOutOfMemory, ChildOutOfTime, ChildOutputTooLarge, ContentTooLarge, DiskFull)
"""Refusals that say nothing about the job: tried again, each time after a longer pause."""


class Watch:
    """One owner's service on one market. `tick` does once what is due; `run` repeats it."""

    def __init__(
        self,
        follower: Follower,
        contracts: Contracts,
        wallet: Wallet,
        sender: Sender,
        store: ContentStore,
        home: Path,
        tell: Tell,
        *,
        memory: int = MEMORY,
    ) -> None:
        """`memory` is the most that a run or a release may use (bytes)."""
        self.follower, self.contracts, self.wallet, self.sender = follower, contracts, wallet, sender
        self.store, self.home = store, home
        folder = books(home, contracts.deployment)
        self.journal, self.ledger = Journal(folder / "journal.sqlite"), Ledger(folder / "ledger.sqlite")
        self.lock = ProcessLock(folder / f"{wallet.address.lower()}.lock", f"owner watch of {wallet.address}")
        self.reruns = Reruns(store, home / "cache", memory)
        self.desk = Desk(self.ledger, self.journal, store, contracts.deployment)
        views = contracts.views
        naming, unit = views.bounds().naming, views.unit()
        self.setting = Setting(contracts.chain_id, contracts.deployment.market, naming, unit)
        self.voice = Voice(tell)
        self._tables: dict[bytes, Workspace] = {}
        self._circuits: dict[bytes, Circuit] = {}
        self._reviewed: set[int] = set()
        self._released: dict[int, Released] = {}
        self._pauses: dict[int, float] = {}
        self._opens_at: dict[int, float] = {}

    @property
    def address(self) -> str:
        return self.wallet.address

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set. Raises AlreadyRunning where another process serves this account."""
        pause = POLL_SECONDS
        exposed = sandbox.exposed()
        if exposed:
            self.voice.say("unprotected", 0, f"WARNING: {exposed}; `hexchange doctor owner` says what to do")
        with self.lock:
            while not stop.is_set():
                try:
                    self.tick()
                    pause = POLL_SECONDS
                except (NodeUnreachable, StaleNode, DiskFull) as error:
                    self.voice.once("waiting", 0, error.message)
                    pause = min(2 * pause, LONGEST_PAUSE)
                stop.wait(pause)

    def close(self) -> None:
        """End what runs beside the loop."""
        self.reruns.close()
        self.journal.close()
        self.ledger.close()

    def tick(self) -> None:
        """Follow the chain and do what is due. Raises NodeUnreachable, StaleNode, DiskFull: call it again."""
        self.sender.tick()
        moved = self.follower.update()
        self._tables |= {
            table.manifest_digest: table for table in workspaces(self.home, except_=self._tables.values())
        }
        jobs = [job for job in self.follower.state.jobs.values() if self._mine(job) and not job.over]
        for job in sorted(jobs, key=lambda job: (job.challenge_by if job.proposed else 0, job.id)):
            self.voice.guard(job.id, partial(self._follow, job))
        if moved:
            self.voice.guard(0, self._cancel_uncovered)
            self._forget()

    def _mine(self, job: Job) -> bool:
        return job.owner == self.address and job.manifest in self._tables

    # --- one job ----------------------------------------------------------------------------------

    def _follow(self, job: Job) -> None:
        run = self.journal.run(job.id, seeds_of(job))
        refused = not job.own and not job.released and self._refused(job)
        knows = self._knows(run)
        for step in rules.steps(
            self.follower.state, job, self.follower.clock(), self.address, self.setting, knows
        ):
            match step.function:
                case "run":
                    self._rerun(job)
                case "release":
                    if run and not refused:
                        self._release(job, run, step)
                case _:
                    self._submit(job, step.function, step.intent, self._call(job, step, run))
        if refused:
            self.decline(job)

    def _knows(self, run: Evaluated | None) -> Knows:
        if run is None:
            return Knows(checks=True)
        salted = run.salted if run.salted != NO_SALT else None
        return Knows(checks=True, digest=run.digest, salted=salted, failed=run.result.status == "failed")

    def _refused(self, job: Job) -> bool:
        """Whether the job is declined: because of its terms, seen when it opens, or by the gate later."""
        if job.id not in self._reviewed and self.journal.refusal(job.id) is None:
            objection = self._objection(job)
            if objection:
                self._refuse(job, objection)
            self._reviewed.add(job.id)
        return self.journal.refusal(job.id) is not None

    def _objection(self, job: Job) -> HexchangeError | None:
        """What speaks against a job when it opens. Raises only what says nothing about it."""
        signed = self.journal.offer(job.offer)
        dataset = self.follower.state.dataset(job.dataset)
        try:
            gate.check_offer(self.address, job, signed.offer if signed else None)
        except Refused as error:
            return error
        circuit = self._circuit(job)
        try:
            policy.review(circuit, self._tables[job.manifest].manifest, job.epsilon)
            if not self.ledger.holds(job.id):
                spent = self.ledger.spent(job.dataset)
                require_budget(spent, job.id, job.epsilon, dataset.epsilon_budget, dataset.exact_releases)
        except HexchangeError as error:
            return error
        return None

    def _circuit(self, job: Job) -> Circuit:
        if job.circuit not in self._circuits:
            self._circuits[job.circuit] = parse_circuit(
                self.store.get_block(job.circuit, deadline=CIRCUIT_SECONDS)
            )
        return self._circuits[job.circuit]

    def _refuse(self, job: Job, error: HexchangeError) -> None:
        self.journal.refuse(job.id, error.code, error.message)
        self.voice.say("refused", job.id, error.message)

    def _rerun(self, job: Job) -> None:
        """Start the own run, or keep what it yielded."""
        run = self.reruns.ask(job)
        if run:
            self.journal.keep_run(job.id, seeds_of(job), run)
            self.voice.say("run", job.id, f"digest {run.digest.hex()}")

    def _release(self, job: Job, run: Evaluated, step: Step) -> None:
        """Pass the gate and send, or remember what refused. Opening is done once per process at most."""
        if job.id not in self._released:
            final = self.follower.final.jobs.get(job.id)
            if final is None or time.monotonic() < self._opens_at.get(job.id, 0.0):
                return
            try:
                self._released[job.id] = self._open(final, run)
            except (DigestNotFinal, AlreadyReleased):
                return
            except OF_THIS_MACHINE:
                self._pauses[job.id] = min(2 * self._pauses.get(job.id, POLL_SECONDS), LONGEST_PAUSE)
                self._opens_at[job.id] = time.monotonic() + self._pauses[job.id]
                raise
            except (Refused, MalformedBlob, OtherHistory) as error:
                self._refuse(job, error)
                return
        released = self._released[job.id]
        call = self.contracts.calls.release(job.id, released.result, released.sealed_key)
        self._submit(job, "release", step.intent, call)

    def _open(self, final: Job, run: Evaluated) -> Released:
        """All lines of the gate, on the job as finalized blocks have it."""
        table, circuit = self._tables[final.manifest], self._circuit(final)
        signed = self.journal.offer(final.offer)
        index = BlobIndex(table.folder / "blobs.sqlite")
        try:
            case = gate.Case(
                me=self.address, now=self.follower.now, job=final, offer=signed.offer if signed else None,
                manifest=table.manifest, circuit=circuit, program=lower(circuit), digest=run.digest,
                result=run.manifest, outputs=self.journal.outputs(final.id), input_repeats=index.repeats,
                computed=self.journal.source,
            )  # fmt: skip
            gate.decide(case, partial(chain.check, self.contracts.node, self.contracts.deployment))
        finally:
            index.close()
        self.voice.say("gate passed", final.id, f"{sum(map(len, case.outputs))} bytes agree with the own run")
        released = make_release(self.desk, case, self.follower.final.dataset(final.dataset), table)
        self.voice.say("sealed", final.id, f"{released.size} bytes, sealed to the buyer")
        return released

    # --- calls ------------------------------------------------------------------------------------

    def decline(self, job: Job) -> None:
        """End a job as its owner, where the contracts let it; elsewhere wait for that."""
        for window in windows(job, self.setting.naming):
            mine = window.function == "refund" and window.caller == self.address
            if mine and window.open(self.follower.clock(), self.address):
                call = self.contracts.calls.refund(job.id)
                self._submit(job, "refund", f"decline:{job.id}:{job.state}", call)

    def _call(self, job: Job, step: Step, run: Evaluated | None) -> Call:
        calls = self.contracts.calls
        if step.function in ("draw", "redraw", "finalize", "refund"):
            call: Call = getattr(calls, step.function)(job.id)
            return call
        assert run is not None, "only who ran the job names a digest"
        if step.function == "settle":
            return calls.settle(job.id, run.digest)
        if step.function == "decide":
            return calls.decide(job.id, run.digest, run.salted)
        assert step.function == "challenge", step.function
        place = (self.setting.chain, self.setting.market, job.id, self.address)
        return calls.challenge(job.id, challenge_seal(*place, run.digest), self._bond(job))

    def _bond(self, job: Job) -> Permit:
        """Leave to pull what the free balance lacks for a challenge. Raises NotEnoughTokens."""
        balance = self.contracts.views.balance_of(self.address)
        missing = job.bond - balance.free
        if missing <= 0:
            return NO_PERMIT
        if missing > balance.wallet:
            token = self.contracts.token
            raise NotEnoughTokens(
                f"job {job.id} has a wrong digest, and the bond of a challenge is {token.format(job.bond)}",
                hint=f"add {token.format(missing - balance.wallet)} before the challenge window ends",
            )
        return sign_permit(self.wallet, self.contracts, missing, self.follower.now + PERMIT_SECONDS)

    def _submit(self, job: Job, function: str, intent: str, call: Call) -> None:
        open_ = (window for window in windows(job, self.setting.naming) if window.function == function)
        window = next((each for each in open_ if each.open(self.follower.clock(), self.address)), None)
        try:
            self.sender.submit(intent, call, deadline=window.until if window else None)
        except (
            ContractReverted,
            DeadlinePassed,
        ) as error:  # another was faster, or its block is still to come
            self.voice.once(f"{function} waits", job.id, error.message)
            return
        self.voice.once(function, job.id, intent)

    def _cancel_uncovered(self) -> None:
        """Withdraw standing offers that the chain would still open and the own ledger does not cover."""
        for digest, offer in uncovered(self.journal, self.ledger, self.follower.state, self.follower.now):
            self.sender.submit(f"cancel:{digest.hex()}", self.contracts.calls.cancel_offer(offer))
            self.voice.once("offer cancelled", 0, digest.hex())

    # --- the rest ---------------------------------------------------------------------------------

    def _forget(self) -> None:
        """Drop the runs of jobs that are over for good."""
        for number in self.journal.jobs():
            job = self.follower.final.jobs.get(number)
            if job and job.over:
                self.journal.forget_run(number)
