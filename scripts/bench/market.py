"""What the market itself costs: our own work for one job beside homomorphic computing and waiting for blocks.

Buyer, owner and provider are the ordinary ones, on a chain of their own, but take turns in this process, so
that its processor time is all theirs. Evaluation is not in it: that runs in children.
"""

from __future__ import annotations

import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

import services
from bench.report import Result
from demo.cast import Participant, fund
from hexchange.buyer import purchase, result
from hexchange.buyer.catalogue import Catalogue
from hexchange.buyer.quote import Wishes, quote
from hexchange.buyer.result_key import result_key
from hexchange.chain.deploy import UNIT, deploy
from hexchange.chain.deployment import save_deployment
from hexchange.chain.views import Bounds
from hexchange.chain.wallet import Wallet
from hexchange.circuit.library.predict import predict
from hexchange.follower import Follower
from hexchange.market.manifests import Column
from hexchange.market.state import Job, JobState
from hexchange.market.tables import circuit_table
from hexchange.owner.encrypt import Card, encrypt_table
from hexchange.owner.journal import Journal, books
from hexchange.owner.listing import list_dataset
from hexchange.owner.offers import OfferTerms, draft_offer, publish_offers, sign_draft
from hexchange.owner.schema import Schema
from hexchange.owner.watch import Watch
from hexchange.owner.workspace import Workspace
from hexchange.provider import config
from hexchange.provider.service import open_worker
from hexchange.provider.stake import stake
from hexchange.provider.worker import Worker

JOBS = 3
ROWS = 1000
BOUNDS = Bounds(
    min_fill=2, max_fill=86_400, min_compute=2, max_compute=604_800, min_release=5, max_release=2_592_000,
    naming=3600,
)  # fmt: skip
TOKEN = 10**18
PAUSE_SECONDS = 0.5

STEPS = {
    "draw": "draw", "draw waits": "draw", "take seat": "seat", "evaluated": "keep the run", "commit": "commit",
    "run": "keep the run", "settle": "settle", "published": "publish", "finalize": "finalize",
    "gate passed": "release", "sealed": "release", "release": "release", "release waits": "release",
}  # fmt: skip
"""What a role says it did in a tick, and the step whose cost that tick is; other ticks only follow the chain."""


@dataclass
class Meter:
    """Processor seconds of this process: of ticks by what was done in them, of the buyer, and in between."""

    ticks: list[tuple[str, float]] = field(default_factory=list)
    steps: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _words: list[str] = field(default_factory=list)

    def tell(self, word: str, _job: int, _text: str) -> None:
        """Hear what a role does."""
        self._words.append(word)

    def tick(self, act: Callable[[], object]) -> None:
        """One turn of a role."""
        self._words.clear()
        began = time.process_time()
        act()
        step = next((STEPS[word] for word in self._words if word in STEPS), "")
        self.ticks.append((step, time.process_time() - began))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Work that is no turn of a service."""
        began = time.process_time()
        yield
        self.steps[name] += time.process_time() - began

    @property
    def poll(self) -> float:
        """What a turn costs that finds nothing to do."""
        return median([spent for step, spent in self.ticks if not step] or [0.0])

    def work(self) -> dict[str, float]:
        """Seconds by step. Each turn costs a poll, which is waiting; what it costs beyond that is work."""
        work, poll = dict(self.steps), self.poll
        for step, spent in self.ticks:
            name = step or "follow the chain"
            work[name] = work.get(name, 0.0) + max(0.0, spent - poll)
        return work


@dataclass
class Market:
    """A listed table with a standing offer, a buyer, an owner's service and a provider with stake."""

    chain: services.Chain
    buyer: Participant
    watch: Watch
    worker: Worker
    meter: Meter
    follower: Follower

    def play(self) -> float:
        """One job from offer to opened result, told to the meter; its wall-clock seconds."""
        meter, began = self.meter, time.monotonic()
        meter.ticks.clear()
        meter.steps.clear()
        children = _children_seconds()
        with meter.step("open"):
            number = self._buy()
        while not (job := self._job(number)).released or not job.over:
            with meter.step("fetch and publish"):  # in threads beside the roles, also while these sleep
                time.sleep(PAUSE_SECONDS)
            meter.tick(self.watch.tick)
            meter.tick(self.worker.tick)
            self._skip(job)
        meter.steps["key process, start to end"] = _children_seconds() - children
        with meter.step("read the result"):
            self._read(job)
        return time.monotonic() - began

    def _buy(self) -> int:
        buyer, follower = self.buyer, self.follower
        follower.update()
        catalogue = Catalogue(follower.state, follower.now, buyer.contracts, buyer.store, buyer.address)
        (offered,) = catalogue.offers(1).offers
        key = bytes(result_key(buyer.home).public_key)
        asked = quote(catalogue, offered, Wishes(fill=120, compute=300, release=3600), key)
        with buyer.sender() as sender:
            return purchase.open_job(asked, buyer.contracts, buyer.wallet, sender).job

    def _job(self, number: int) -> Job:
        self.follower.update()
        return self.follower.state.job(number)

    def _skip(self, job: Job) -> None:
        """Move the chain's clock over windows in which there is nothing to do."""
        if job.state is JobState.PROPOSED:
            end = job.challenge_by
        elif job.state is JobState.OPEN and job.round.full:
            end = job.round.contest_end
        else:
            return
        missing = end - self.follower.now
        if missing > 0:
            self.chain.rpc("evm_increaseTime", missing)

    def _read(self, job: Job) -> None:
        buyer = self.buyer
        released = result.read_result(job, buyer.store, result_key(buyer.home), buyer.deployment)
        result.useful(result.circuit_of(job, buyer.store), released)


def overhead() -> list[Result]:
    """The median job of several, after one that warms up. Raises what the roles raise."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        market = _open(stack, Path(folder))
        market.play()
        played: list[tuple[float, dict[str, float]]] = []
        for _ in range(JOBS):
            wall = market.play()
            work, meter = market.meter.work(), market.meter
            waiting = {"one poll": meter.poll, "all polls": meter.poll * len(meter.ticks), "wall clock": wall}
            played.append((sum(work.values()), {**work, **waiting}))
    seconds, details = sorted(played, key=lambda one: one[0])[JOBS // 2]
    text = "a job's overhead, processor time"
    return [Result("market_overhead", text, seconds, goal_seconds=3, details=details)]


def _open(stack: ExitStack, folder: Path) -> Market:
    chain = stack.enter_context(services.anvil(folder))
    deployer = Wallet(b"\x01" * 32)
    chain.rpc("anvil_setBalance", deployer.address, hex(10**21))
    deployment, file = deploy(chain.url, deployer, bounds=BOUNDS), folder / "deployment.json"
    save_deployment(file, deployment)
    owner, buyer, provider = (
        Participant(role, folder / role, chain.url, f"folder:{folder / 'store'}", file, deployment)
        for role in ("owner", "buyer", "provider")
    )
    for one in (owner, buyer, provider):
        one.enter()
        fund(one, chain, 10_000 * TOKEN)
    _list(owner)
    meter = Meter()
    config.write_template(provider.home / "provider" / "provider.toml")
    with provider.sender() as sender:
        stake(provider.contracts, sender, provider.wallet, 10 * UNIT)
    worker = stack.enter_context(
        open_worker(provider.home, provider.contracts, provider.sender, provider.store, meter.tell)
    )
    sender = stack.enter_context(owner.sender())
    follower = Follower(owner.contracts)
    watch = Watch(follower, owner.contracts, owner.wallet, sender, owner.store, owner.home, meter.tell)
    stack.callback(watch.close)
    return Market(chain, buyer, watch, worker, meter, Follower(buyer.contracts))


def _list(owner: Participant) -> None:
    """A table of 20 columns with a standing offer to score it."""
    names = [f"x{number}" for number in range(20)]
    frame = pd.DataFrame(np.random.default_rng(4).uniform(-1, 1, (ROWS, len(names))), columns=names)
    columns = tuple(Column(name, "number", "feature", "", -1.0, 1.0) for name in names)
    workspace = Workspace(owner.home, "table")
    schema = Schema(columns, "declared")
    made = encrypt_table(frame, schema, ("linear",), Card("Bench"), workspace, owner.store)
    circuit = predict(circuit_table(columns, ROWS, None), dict.fromkeys(names, 1.0), 0.0)
    follower, journal = (
        Follower(owner.contracts),
        Journal(books(owner.home, owner.deployment) / "journal.sqlite"),
    )
    with owner.sender() as sender:
        listing = list_dataset(made.workspace, owner.contracts, sender, 0, 1000)
        follower.update()
        terms = OfferTerms(price=TOKEN, max_reward=TOKEN, expiry=follower.now + 10**6, max_uses=1000)
        draft = draft_offer(workspace, follower.state.dataset(listing.dataset), circuit, terms)
        signed = sign_draft(draft, owner.wallet, owner.contracts, journal, owner.store)
        publish_offers([signed], owner.contracts, sender, journal, owner.store)
    journal.close()


def _children_seconds() -> float:
    """Processor time of children that ended: the one in which the owner's key is used, once per job."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
