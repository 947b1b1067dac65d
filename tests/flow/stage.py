"""A real market for flow tests: a chain, a store folder, an encrypted table, and people with wallets.

Owner and buyer act through the package's own functions; providers are processes of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

import services
from hexchange.chain.calls import Call
from hexchange.chain.contracts import Contracts, connect
from hexchange.chain.deploy import UNIT, deploy, mint_call
from hexchange.chain.deployment import Deployment, save_deployment
from hexchange.chain.events import ZERO_ADDRESS, DatasetListed, JobOpened, Offer, SeatClosed, Terms
from hexchange.chain.offers import sign_offer
from hexchange.chain.sender import Receipt, Sender
from hexchange.chain.views import Bounds
from hexchange.chain.wallet import Keystores, Wallet
from hexchange.circuit import packing
from hexchange.circuit.document import Circuit, Column, Table, encode_circuit
from hexchange.circuit.editions import LINEAR
from hexchange.circuit.library.predict import predict
from hexchange.follower import Follower
from hexchange.he.encryption import Encryption
from hexchange.he.engine import parameter_id
from hexchange.he.keys import SecretKey
from hexchange.market import documents, manifests
from hexchange.market.manifests import Blob, Manifest
from hexchange.market.state import Job, JobState
from hexchange.provider import config
from hexchange.provider.stake import stake
from hexchange.storage.folder import FolderStore
from hexchange.storage.store import ContentStore

BOUNDS = Bounds(
    min_fill=2,
    max_fill=86_400,
    min_compute=2,
    max_compute=604_800,
    min_release=5,
    max_release=2_592_000,
    naming=3600,
)
TOKEN = 10**18
PASSWORD = "flow"
PROCESS = Path(__file__).with_name("process.py")


@dataclass
class Person:
    """Somebody with a home folder, a wallet with gas and tokens, and a sender."""

    name: str
    home: Path
    wallet: Wallet
    contracts: Contracts

    def send(self, intent: str, call: Call) -> Receipt:
        with Sender(self.home / "sender.sqlite", self.wallet, self.contracts) as sender:
            return sender.send(intent, call)

    @property
    def address(self) -> str:
        return self.wallet.address

    @property
    def total(self) -> int:
        """All its tokens: in the wallet, free, staked and leaving."""
        balance = self.contracts.views.balance_of(self.address)
        return balance.wallet + balance.free + balance.staked + balance.leaving


@dataclass
class Market:
    """One chain with one market on it, and a store that everybody shares."""

    folder: Path
    chain: services.Chain
    deployment: Deployment
    contracts: Contracts
    store: FolderStore
    people: int = 0
    jobs: int = field(default=0)

    def person(self, name: str) -> Person:
        """A new person with 10 coins of gas and 100,000 tokens."""
        self.people += 1
        home = self.folder / f"{name}-{self.people}"
        stores = Keystores(home / "keystores")
        stores.new(name, lambda: PASSWORD)
        (home / "password").write_text(PASSWORD)
        wallet = stores.unlock(name, lambda: PASSWORD)
        self.chain.rpc("anvil_setBalance", wallet.address, hex(10**19))
        one = Person(name, home, wallet, self.contracts)
        one.send("mint", mint_call(self.deployment, wallet.address, 100_000 * TOKEN))
        return one

    def provider(self, name: str, units: int = 10, **settings: object) -> Person:
        """A person with `units` tickets of stake, set up to run."""
        one = self.person(name)
        path = one.home / "provider" / "provider.toml"
        config.write_template(path)
        for key, value in settings.items():
            lines = path.read_text().splitlines()
            path.write_text(
                "\n".join(f"{key} = {json.dumps(value)}" if x.startswith(f"{key} ") else x for x in lines)
            )
        with Sender(one.home / "sender.sqlite", one.wallet, self.contracts) as sender:
            stake(self.contracts, sender, one.wallet, units * UNIT)
        return one

    @cached_property
    def follower(self) -> Follower:
        return Follower(self.contracts)

    @property
    def store_folder(self) -> Path:
        return self.folder / "store"

    def job(self, number: int) -> Job:
        self.follower.update()
        return self.follower.state.job(number)

    def wait(self, number: int, until: Callable[[Job], bool], seconds: float = 120) -> Job:
        """The job as soon as `until` holds for it."""
        end = time.monotonic() + seconds
        while not until(job := self.job(number)):
            assert time.monotonic() < end, f"job {number} did not get there: {job.state}, {job.round}"
            time.sleep(0.2)
        return job

    def jump(self, at: int) -> None:
        """Let the chain's clock reach `at`: windows are long enough for a busy machine, and nobody waits for them."""
        missing = at - self.contracts.node.tip("latest").ref.timestamp
        if missing > 0:
            self.chain.rpc("evm_increaseTime", missing)

    def fill(self, number: int, round_: int = 1) -> Job:
        """The job with its round full and the contest over."""
        job = self.wait(number, lambda job: len(job.rounds) == round_ and job.round.seed is not None)
        self.jump(job.round.contest_end - job.fill // 2)  # before, only the lowest tickets of all come
        job = self.wait(number, lambda job: job.round.full)
        self.jump(job.round.contest_end)
        return job

    def finish(self, number: int) -> Job:
        """The job settled, after its challenge window."""
        job = self.wait(number, lambda job: job.state is not JobState.OPEN)
        if job.state is JobState.PROPOSED:
            self.jump(job.challenge_by + job.fill)  # so that every party would call finalize at once
        return self.wait(number, over)


@contextmanager
def market(folder: Path) -> Iterator[Market]:
    """A chain with a block each second and windows of seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    with services.anvil(folder) as chain:
        deployer = Wallet(os.urandom(32))
        chain.rpc("anvil_setBalance", deployer.address, hex(10**20))
        deployment = deploy(chain.url, deployer, bounds=BOUNDS)
        save_deployment(folder / "deployment.json", deployment)
        contracts = connect(chain.url, deployment)
        yield Market(folder, chain, deployment, contracts, FolderStore(folder / "store"))


@dataclass
class Listing:
    """A listed table of 40 rows in the edition for linear scores, and a model to score it with."""

    owner: Person
    dataset: int
    manifest: bytes
    secret: SecretKey
    circuit: Circuit
    scores: np.ndarray

    @property
    def circuit_bytes(self) -> bytes:
        return encode_circuit(self.circuit)

    def document(self, store: ContentStore) -> Manifest:
        return documents.parse(Manifest, store.get_block(self.manifest))


COLUMNS = (("age", 0.0, 100.0), ("income", 0.0, 200.0), ("debt", 0.0, 50.0))
ROWS = 40
MODEL, INTERCEPT = {"age": 0.01, "income": -0.005, "debt": 0.02}, 0.25


def list_table(market: Market, owner: Person) -> Listing:
    """Encrypt, publish and list a small table."""
    table = Table(ROWS, tuple(Column(*column) for column in COLUMNS))
    values = np.random.default_rng(7).uniform(-1, 1, (ROWS, len(COLUMNS)))
    secret = SecretKey.generate(LINEAR.parameters)
    encryption, inputs = Encryption(secret), dict[str, tuple[Blob, ...]]()
    for name, _block, slots in packing.pack(LINEAR, table, values).inputs:
        blob = encryption.encrypt(slots)
        inputs[name] = (Blob(str(market.store.put(blob)), len(blob)),)
    edition = manifests.Edition("linear", parameter_id(LINEAR.parameters, 3), "columns", 1, inputs, None, {})
    columns = tuple(manifests.Column(name, "number", "feature", "", low, high) for name, low, high in COLUMNS)
    manifest = Manifest(
        "Applicants", "", "CC0-1.0", columns, ROWS, None, "declared", (edition,), None, "SEAL 4.3", None, 1, None
    )  # fmt: skip
    lows, highs = (np.array([column[end] for column in COLUMNS]) for end in (1, 2))
    scores = (lows + (values + 1) * (highs - lows) / 2) @ np.array(list(MODEL.values())) + INTERCEPT
    circuit = predict(table, MODEL, INTERCEPT)
    digest = market.store.put_block(documents.encode(manifest))
    return Listing(owner, list_digest(market, owner, digest), digest, secret, circuit, scores)


def list_digest(market: Market, owner: Person, manifest: bytes) -> int:
    """List whatever stands behind a digest; the number of the dataset."""
    receipt = owner.send(f"list:{manifest.hex()}", market.contracts.calls.list_dataset(manifest, 0, 1000))
    return next(event.dataset for event in receipt.events if isinstance(event, DatasetListed))


def open_job(
    market: Market,
    listing: Listing,
    buyer: Person,
    *,
    seats: int = 1,
    fill: int = 120,
    compute: int = 300,
    reward: int = TOKEN,
    circuit: bytes | None = None,
) -> int:
    """Sign an offer for any circuit and open a job on it; `circuit` is a digest."""
    market.jobs += 1
    salt = market.jobs.to_bytes(32)
    circuit = circuit or market.store.put_block(listing.circuit_bytes)
    offer = Offer(
        listing.dataset, 0, listing.manifest, circuit, ZERO_ADDRESS, ZERO_ADDRESS,
        5 * TOKEN, 0, 0, 1, 1, 100 * TOKEN, 2, 2, 2**40 - 1, 10, salt,
    )  # fmt: skip
    signature = sign_offer(listing.owner.wallet, offer, market.contracts.chain_id, market.deployment.market)
    terms = Terms(seats, reward, reward, fill, compute, 60, os.urandom(32))
    calls = market.contracts.calls
    if market.contracts.views.allowance_of(buyer.address) < 1000 * TOKEN:
        buyer.send(f"approve:{market.jobs}", calls.approve(10_000 * TOKEN))
    receipt = buyer.send(f"open:{salt.hex()}", calls.open_job(offer, signature, terms))
    return next(event.job for event in receipt.events if isinstance(event, JobOpened))


def outcomes(job: Job) -> list[tuple[int, str, int, int]]:
    """(round, provider, fine, reward) of every closed seat, from the job's events."""
    return [(e.round, e.provider, e.fine, e.reward) for e in job.timeline if isinstance(e, SeatClosed)]


def over(job: Job) -> bool:
    return job.state in (JobState.SETTLED, JobState.RELEASED, JobState.REFUNDED)


@contextmanager
def provider_process(
    market: Market, one: Person, *words: str, url: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """A provider that follows the chain; `words` are further arguments of its process. Gone when the block ends."""
    log = one.home / "run.log"
    command = [
        sys.executable, str(PROCESS), "--home", str(one.home), "--rpc-url", url or market.chain.url,
        "--deployment", str(market.folder / "deployment.json"), "--store", str(market.store_folder),
        *words,
    ]  # fmt: skip
    with services.running(command, log) as process:
        services.wait_until(lambda: "ready" in log.read_text(), process, log)
        yield process


def log_of(one: Person) -> str:
    """What a provider said so far."""
    return (one.home / "run.log").read_text()
