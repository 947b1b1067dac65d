"""Plays every way that a job can go, all at once, on one chain and in its own time.

Nobody turns the chain's clock or writes into its state: windows are seconds, every step is a signed transaction,
and when it is due is read from the windows of the job and from the time of the newest block. A step that lands
too late, because the machine stood still, is known by the time of its block: its path then starts again as another
job with longer windows, so that what is judged at the end is always a path as it was written down.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event as Flag

from hexchange.chain import events as on
from hexchange.chain.calls import Call
from hexchange.chain.contracts import Contracts, connect
from hexchange.chain.deploy import deploy, mint_call
from hexchange.chain.events import ZERO_ADDRESS, BlockRef, Event, Offer, Outcome, Terms
from hexchange.chain.offers import sign_offer
from hexchange.chain.reader import Reader
from hexchange.chain.views import Bounds
from hexchange.chain.wallet import Wallet
from hexchange.market import quantities
from hexchange.market.digests import NO_SALT, challenge_seal, seal
from hexchange.market.fold import apply
from hexchange.market.state import Job, JobState, MarketState
from hexchange.market.windows import Clock, Setting, Window, windows
from services import Chain

TOKEN = 10**18
P, G, FLOOR, R = 50 * TOKEN, 5 * TOKEN, 1 * TOKEN, 2 * TOKEN
EPSILON = 7
MONEY, FREE, STAKE = 10_000 * TOKEN, 4_000 * TOKEN, 3_000 * TOKEN
FILL, COMPUTE, RELEASE, NAMING = 8, 8, 3_600, 4
ATTEMPTS, LONGER = 4, 3
"""How often a path starts, and by what its windows grow each time."""
BOUNDS = Bounds(2, 86_400, 2, 604_800, 3, 2_592_000, NAMING)
GAS = 1_200_000
PATIENCE = 600.0

WALLETS = [Wallet(bytes([n]) * 32) for n in range(101, 112)]
OWNER, BUYER, PAYEE, CHALLENGER, STRANGER, LEAVER, *PROVIDERS = WALLETS
DIGESTS = {"T": b"\xaa" * 32, "F": b"\xbb" * 32}
SALTED = b"\xcc" * 32
SILENT, EMPTY = "-", "."


@dataclass(frozen=True, slots=True)
class Path:
    """What everybody does with one job.

    A round is a word with a letter for each seat: T and F seal the true and the false digest, `-` sits and stays
    silent, `.` is not taken; None is a round that nobody draws. `refill` is what comes into the places of the silent
    seats after a redraw, None: nobody redraws. `challenge` is the digest that the challenger seals. `early`: the owner
    releases while the digest may still be challenged. `ending` is what the owner does once the job is settled.
    """

    one: str | None
    two: str | None = None
    refill: str | None = None
    seats: int = 0
    declined: bool = False
    named: bool = True
    challenge: str | None = None
    early: bool = False
    ending: str = "release"
    own: bool = False
    fill: int = FILL
    release: int = RELEASE
    outcome: Outcome | None = None

    def plan(self, job: Job) -> str | None:
        """The word of the job's current round."""
        if job.round.number == 2:
            return self.two
        if not job.round.redrawn or self.one is None:
            return self.one
        came = iter(self.refill or "")
        return "".join(next(came) if each == SILENT else each for each in self.one)


@dataclass(frozen=True, slots=True)
class Want:
    """The next thing that a path does: a function, who calls it, for which seat, and how a refund has to end."""

    function: str
    by: Wallet
    seat: int | None = None
    outcome: Outcome | None = None


def wants(path: Path, job: Job) -> list[Want]:
    """What the path does next; the first one that is possible has to come before anything else happens."""
    exit_ = Want("refund", STRANGER, outcome=path.outcome)
    if job.state is JobState.PROPOSED:
        if path.early and not job.released:
            return [Want("release", OWNER)]
        return [Want("challenge", CHALLENGER) if path.challenge else Want("finalize", STRANGER)]
    if job.state is JobState.SETTLED:
        by_owner = Want("refund", OWNER, outcome=path.outcome)
        return [{"release": Want("release", OWNER), "decline": by_owner, "lapse": exit_}[path.ending]]
    if path.declined:
        return [Want("refund", OWNER, outcome=path.outcome)]
    return _in_round(path, job, exit_)


def _in_round(path: Path, job: Job, exit_: Want) -> list[Want]:
    current, plan = job.round, path.plan(job)
    if plan is None:
        return [exit_]
    if current.seed is None:
        return [Want("draw", STRANGER)]
    if not current.full:
        empty = [i for i, seat in enumerate(current.seats) if seat is None and plan[i] != EMPTY]
        return [Want("take_seat", PROVIDERS[i % len(PROVIDERS)], i) for i in empty] or [exit_]
    missing = [i for i, seat in enumerate(current.seats) if seat and not seat.seal and plan[i] != SILENT]
    if missing:
        return [Want("commit", _provider(job, i), i) for i in missing]
    if current.number == 2:
        enough = plan.count("T") >= quantities.quorum(job.seats)
        return [Want("decide", STRANGER) if enough else exit_]
    if SILENT in plan:
        return [Want("redraw", STRANGER) if path.refill and not current.redrawn else exit_]
    return [Want("settle", STRANGER) if path.named else exit_]


def _provider(job: Job, index: int) -> Wallet:
    seat = job.round.seats[index]
    return next(wallet for wallet in PROVIDERS if seat and wallet.address == seat.provider)


@dataclass
class Run:
    """A path under way: its job, its attempt, and its transactions that are in no block yet, each with the time from
    which it would come too late (None: never)."""

    name: str
    path: Path
    attempt: int = 0
    job: int = 0
    pending: dict[bytes, tuple[str, int | None]] = field(default_factory=dict)
    error: str = ""


@dataclass
class Played:
    """A chain after all paths: the fold of its events, the events themselves, and the contracts to compare with.

    `balances` are what the contracts said at the last block that was folded."""

    runs: dict[str, Run]
    state: MarketState
    events: list[Event]
    burnt: int = 0
    held: dict[int, int] = field(default_factory=dict)
    balances: dict[str, tuple[int, ...]] = field(default_factory=dict)
    left_in_ledger: int = 0


class Stage:
    """One market on one chain, and everybody's wallets."""

    def __init__(self, chain: Chain, stop: Flag) -> None:
        self.stop, self.end = stop, time.monotonic() + PATIENCE
        _give_gas(chain)
        deployment = deploy(chain.url, STRANGER, bounds=BOUNDS, finality="latest")
        self.contracts: Contracts = connect(chain.url, deployment)
        self.calls, self.node = self.contracts.calls, self.contracts.node
        self.setting = Setting(deployment.chain, deployment.market, NAMING, self.contracts.views.unit())
        self.reader, self.head = Reader(self.contracts), None
        self.nonces = {wallet.address: self.node.nonce(wallet.address) for wallet in WALLETS}
        self.priority = max(1, self.node.priority_fee())
        self.max_fee = 20 * self.node.tip("latest").base_fee + self.priority
        self.played = Played({}, MarketState(), [])
        self.unjudged: dict[bytes, str] = {}

    head: BlockRef | None

    @property
    def state(self) -> MarketState:
        return self.played.state

    @property
    def clock(self) -> Clock:
        """The earliest time and number that the next block can have."""
        assert self.head is not None
        return Clock(self.head.timestamp + 1, self.head.number + 1)

    def send(self, wallet: Wallet, call: Call) -> bytes:
        """Sign and broadcast; nobody waits for a block here."""
        raw, tx = wallet.sign_transaction({
            "type": 2, "chainId": self.setting.chain, "nonce": self.nonces[wallet.address], "to": call.to,
            "data": call.data, "value": 0, "gas": GAS, "maxFeePerGas": self.max_fee,
            "maxPriorityFeePerGas": self.priority,
        })  # fmt: skip
        refusal = self.node.broadcast(raw)
        assert not refusal, f"{call.function}: {refusal}"
        self.nonces[wallet.address] += 1
        return tx

    def next_block(self) -> list[Event]:
        """Wait for a block and fold what is new."""
        while True:
            assert not self.stop.is_set(), "the run was interrupted"
            assert time.monotonic() < self.end, "the chain does not get on"
            found: list[Event] = []
            before = self.head
            for block in self.reader.read(self.head):
                found += block.events
                self.head = block.ref
            for event in found:
                apply(self.state, event)
            self.played.events += found
            if self.head != before:
                return found
            time.sleep(0.05)

    def all(self, *sent: tuple[Wallet, Call]) -> None:
        """Send all of it, wait until it is in blocks, and see that it succeeded."""
        waiting = {self.send(wallet, call): call.function for wallet, call in sent}
        while waiting:
            self.next_block()
            for tx in list(waiting):
                receipt = self.node.receipt(tx)
                if receipt is not None:
                    assert receipt["status"] == 1, f"{waiting[tx]} reverted"
                    del waiting[tx]

    # --- before and after -----------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Money and stake for everybody, a dataset, and one provider that leaves again."""
        calls, sent = self.calls, []
        for wallet in WALLETS:
            sent += [(wallet, mint_call(self.contracts.deployment, wallet.address, MONEY))]
            sent += [(wallet, calls.approve(MONEY)), (wallet, calls.deposit(FREE))]
        sent += [(wallet, calls.stake(STAKE)) for wallet in (*PROVIDERS, LEAVER)]
        sent += [(LEAVER, calls.unstake(STAKE)), (OWNER, calls.list_dataset(b"\x01" * 32, 1_000_000, 0))]
        self.all(*sent)

    def finish(self) -> None:
        """Whoever can leave takes all that is free home; then ask the contracts what everybody has."""
        leaving = self.state.account(LEAVER.address)
        while self.clock.now < leaving.collectable_at:
            self.next_block()
        self.all((LEAVER, self.calls.collect()))
        free = {wallet: self.state.account(wallet.address).free for wallet in WALLETS}
        self.all(*((wallet, self.calls.withdraw(sum_, wallet.address)) for wallet, sum_ in free.items()))
        assert self.head is not None
        played, views, at = self.played, self.contracts.views, self.head.number
        for wallet in WALLETS:
            found = views.balance_of(wallet.address, at)
            played.balances[wallet.address] = (
                found.wallet, found.free, found.staked, found.locked, found.leaving,
            )  # fmt: skip
        played.burnt = views.burnt(at)
        played.held = {job: views.job_of(job, at)["ledger"]["held"] for job in self.state.jobs}
        played.left_in_ledger = views.wallet_of(self.contracts.deployment.stake, at)

    # --- the scheduler --------------------------------------------------------------------------------------------

    def play(self, paths: dict[str, Path]) -> Played:
        """All paths to their ends; a path that fails holds up no other."""
        self.prepare()
        runs = [Run(name, path) for name, path in paths.items()]
        self.played.runs = {run.name: run for run in runs}
        for run in runs:
            self.open(run)
        while any(not self.over(run) for run in runs):
            opened = {
                event.at.tx: event.job for event in self.next_block() if isinstance(event, on.JobOpened)
            }
            for run in runs:
                if not self.over(run):
                    run.job = next((opened[tx] for tx in run.pending if tx in opened), run.job)
                    self.go_on(run)
        self.finish()
        return self.played

    def over(self, run: Run) -> bool:
        return bool(run.error) or (run.job in self.state.jobs and self.state.job(run.job).over)

    def open(self, run: Run) -> None:
        """Start the path as a new job, with longer windows if it is not the first time."""
        path, scale = run.path, LONGER**run.attempt
        run.attempt, run.job = run.attempt + 1, 0
        seats = path.seats or len(path.one or "T")
        offer = Offer(
            1, 0, b"\x01" * 32, b"\x02" * 32, ZERO_ADDRESS, PAYEE.address, P, G, EPSILON, 1, 1, R, 2, 2,
            1 << 39, 1, f"{run.name} {run.attempt}".encode().rjust(32, b"\0")[-32:],
        )  # fmt: skip
        signature = sign_offer(OWNER, offer, self.setting.chain, self.setting.market)
        fill, compute, release = path.fill * scale, COMPUTE * scale, path.release
        terms = Terms(seats, FLOOR, R, fill, compute, release, b"\x09" * 32)
        tx = self.send(OWNER if path.own else BUYER, self.calls.open_job(offer, signature, terms))
        run.pending = {tx: ("openJob", None)}

    def go_on(self, run: Run) -> None:
        """After a block: once everything that the path sent is in blocks, send what it does next."""
        late = False
        for tx, (function, until) in list(run.pending.items()):
            receipt = self.node.receipt(tx)
            if receipt is None or self.head is None or receipt["blockNumber"] > self.head.number:
                continue
            del run.pending[tx]
            if receipt["status"] != 1:
                landed = self.node.header(int(receipt["blockNumber"])).ref.timestamp
                if until is None or landed < until:
                    run.error = f"{function} reverted at {landed}, before {until}"
                    return
                late = True
        if run.pending or self.over(run):
            return
        if late or not all(self.do(run, want) for want in wants(run.path, self.state.job(run.job))):
            if run.attempt == ATTEMPTS:
                run.error = "every attempt came too late"
            else:
                self.open(run)

    def do(self, run: Run, want: Want) -> bool:
        """Send it if its window is open, wait if it is still to come; False if it never comes any more."""
        job = self.state.job(run.job)
        window = next((each for each in windows(job, NAMING) if _is(each, want)), None)
        if window is None or (window.until is not None and window.until <= self.clock.now):
            return False
        if window.open(self.clock, want.by.address):
            tx = self.send(want.by, self.call(run.path, job, want))
            run.pending[tx] = (want.function, window.until)
        return True

    def call(self, path: Path, job: Job, want: Want) -> Call:
        arguments: dict[str, tuple[int | bytes, ...]] = {
            "take_seat": ((want.seat or 0) // len(PROVIDERS),),
            "settle": (DIGESTS["F" if path.one == "F" else "T"],),
            "decide": (DIGESTS["T"], SALTED),
            "release": (b"\x0a" * 32, b"sealed key"),
        }
        if want.function == "commit":
            return self.calls.commit(job.id, want.seat or 0, self.seal(path, job, want))
        if want.function == "challenge":
            return self.calls.challenge(job.id, self.challenge_seal(path, job))
        made: Call = getattr(self.calls, want.function)(job.id, *arguments.get(want.function, ()))
        return made

    def seal(self, path: Path, job: Job, want: Want) -> bytes:
        plan, index = path.plan(job), want.seat or 0
        assert plan is not None
        salted = SALTED if job.round.number == 2 else NO_SALT
        place = (self.setting.chain, self.setting.market, job.id, job.round.number, index, want.by.address)
        return seal(*place, DIGESTS[plan[index]], salted)

    def challenge_seal(self, path: Path, job: Job) -> bytes:
        digest = DIGESTS[path.challenge or ""]
        return challenge_seal(self.setting.chain, self.setting.market, job.id, CHALLENGER.address, digest)


def _is(window: Window, want: Want) -> bool:
    if window.function != want.function or window.caller not in (None, want.by.address):
        return False
    if want.function == "commit" and window.seat != want.seat:
        return False
    return want.outcome is None or window.outcome is want.outcome


def _give_gas(chain: Chain) -> None:
    """From the account that both clients unlock and fund for developers, by plain transfers."""
    rich = chain.rpc("eth_accounts")[0]
    for wallet in WALLETS:
        chain.rpc("eth_sendTransaction", {"from": rich, "to": wallet.address, "value": hex(10**20)})
    while any(chain.rpc("eth_getBalance", wallet.address, "latest") == "0x0" for wallet in WALLETS):
        time.sleep(0.05)


def movements(events: list[Event], job: int) -> Iterator[tuple[str, int]]:
    """What the events of a job gave to (or took from) each address, and what they burnt."""
    for event in events:
        if getattr(event, "job", None) != job:
            continue
        if isinstance(event, on.Locked):
            yield event.account, -event.amount
        elif isinstance(event, on.Paid):
            yield event.account, event.amount
        elif isinstance(event, on.SeatClosed):
            yield event.provider, event.reward - event.fine
        elif isinstance(event, on.Burnt):
            yield "burnt", event.amount
