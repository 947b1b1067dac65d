"""A real market with a job in every state: contracts on anvil, documents in a folder, made by direct calls."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hexchange.chain.calls import Call
from hexchange.chain.contracts import Contracts, connect
from hexchange.chain.deploy import UNIT, deploy, mint_call
from hexchange.chain.deployment import save_deployment
from hexchange.chain.events import ZERO_ADDRESS, Offer, Terms
from hexchange.chain.offers import sign_offer
from hexchange.chain.views import Bounds
from hexchange.chain.wallet import Wallet
from hexchange.circuit.document import Column as CircuitColumn
from hexchange.circuit.document import Table, encode_circuit
from hexchange.circuit.library.describe import describe
from hexchange.market import documents
from hexchange.market.digests import NO_SALT, challenge_seal, seal
from hexchange.market.fold import apply
from hexchange.market.manifests import Blob, Column, Edition, Manifest
from hexchange.market.messages import Offers, SignedOffer
from hexchange.market.state import Job, MarketState
from hexchange.market.windows import admitted
from hexchange.storage.folder import FolderStore
from services import Chain, anvil

FILL, COMPUTE, RELEASE, NAMING = 300, 600, 3600, 120
BOUNDS = Bounds(FILL, 86_400, COMPUTE, 604_800, RELEASE, 2_592_000, NAMING)
TOKEN = 10**18
TRUE, FALSE, SALTED = b"\xaa" * 32, b"\xbb" * 32, b"\xcc" * 32
WALLETS = [Wallet(bytes([n]) * 32) for n in range(1, 9)]
OWNER, BUYER, STRANGER, *PROVIDERS = (wallet.address for wallet in WALLETS)
COLUMNS = (
    ("mean radius", "mm", 6.0, 29.0),
    ("mean texture", "", 9.0, 40.0),
    ("worst area", "mm²", 185.0, 4254.0),
)


def manifest(title: str = "Measurements of 569 tumours", **changes: Any) -> Manifest:
    """A manifest as an owner publishes it."""
    blob = Blob("bafkrei" + "a" * 52, 262_291)
    edition = Edition(
        "stats", bytes(32), "columns", 1, {"mean radius": (blob,)}, blob, {"1": blob, "2": blob}
    )
    fields: dict[str, Any] = {
        "title": title,
        "summary": "Cell nuclei of breast masses, from images of fine needle aspirates.\nNo direct identifiers.",
        "licence": "CC-BY-4.0",
        "columns": tuple(
            Column(name, "number", "feature", unit, low, high) for name, unit, low, high in COLUMNS
        ),
        "rows": 569,
        "row_norm": 1.5,
        "ranges": "declared",
        "editions": (edition,),
        "delta": 1e-5,
        "format": "4.3",
        "sample": None,
        "version": 1,
        "previous": None,
    }
    return Manifest(**{**fields, **changes})


CIRCUIT = encode_circuit(
    describe(Table(569, tuple(CircuitColumn(name, low, high) for name, _, low, high in COLUMNS), norm=1.5))
)


@dataclass
class SampleMarket:
    """One market on a chain that makes a block for each transaction; `state` is the fold of what was sent."""

    folder: Path
    chain: Chain
    contracts: Contracts
    store: FolderStore
    state: MarketState
    offers: int = 0

    @property
    def deployment_file(self) -> Path:
        return self.folder / "deployment.json"

    def send(self, call: Call, sender: str) -> None:
        """Send a call, which must succeed, and fold its events."""
        fields = {**call.fields(sender), "value": "0x0", "gas": hex(5_000_000)}
        tx = bytes.fromhex(self.chain.rpc("eth_sendTransaction", fields)[2:])
        while (receipt := self.contracts.node.receipt(tx)) is None:
            time.sleep(0.005)
        assert receipt["status"] == 1, f"{call.function} reverted"
        block = self.contracts.node.header(int(receipt["blockNumber"])).ref
        for event in self.contracts.events(receipt, block):
            apply(self.state, event)

    def mine(self, blocks: int = 1) -> None:
        self.chain.rpc("anvil_mine", hex(blocks))

    def at(self, moment: int) -> None:
        """The next block is at this time."""
        self.chain.rpc("evm_setNextBlockTimestamp", hex(moment))

    # --- datasets and offers ---

    def list_dataset(self, document: Manifest, epsilon: int = 5_000_000, exact: int = 20) -> int:
        """List a table; its number."""
        digest = self.store.put_block(documents.encode(document))
        self.send(self.contracts.calls.list_dataset(digest, epsilon, exact), OWNER)
        return max(self.state.datasets)

    def offer(self, dataset: int, **changes: Any) -> Offer:
        """An offer of the sample circuit over a dataset to anybody; each with a salt of its own."""
        self.offers += 1
        listed = self.state.dataset(dataset)
        circuit = self.store.put_block(CIRCUIT)
        fields: dict[str, Any] = {
            "dataset": dataset, "epoch": listed.epoch, "manifest": listed.manifest, "circuit": circuit,
            "buyer": ZERO_ADDRESS, "payee": ZERO_ADDRESS, "price": 25 * TOKEN, "guarantee": 10 * TOKEN,
            "epsilon": 0, "min_seats": 1, "min_reward": TOKEN, "max_reward": 10 * TOKEN, "min_fill": FILL,
            "min_compute": COMPUTE, "expiry": 2**40 - 1, "max_uses": 20, "salt": self.offers.to_bytes(32),
        }  # fmt: skip
        return Offer(**{**fields, **changes})

    def sign(self, offer: Offer, wallet: Wallet = WALLETS[0]) -> SignedOffer:
        deployment = self.contracts.deployment
        return SignedOffer(offer, sign_offer(wallet, offer, deployment.chain, deployment.market))

    def publish(self, dataset: int, *offers: SignedOffer) -> None:
        digest = self.store.put_block(documents.encode(Offers(offers)))
        self.send(self.contracts.calls.publish_offers(dataset, digest), OWNER)

    # --- jobs ---

    def open_job(self, seats: int, offer: SignedOffer | None = None) -> Job:
        """Open a job on dataset 1, by a standing offer of its own if none is given."""
        signed = offer or self.sign(self.offer(1))
        terms = Terms(seats, 2 * TOKEN, 3 * TOKEN, FILL, COMPUTE, RELEASE, b"\x09" * 32)
        self.send(self.contracts.calls.open_job(signed.offer, signed.signature, terms), BUYER)
        return self.state.jobs[max(self.state.jobs)]

    def fill(self, job: Job) -> Job:
        """Draw the current round, seat providers by their tickets, and let the contest end."""
        self.mine(2)
        self.send(self.contracts.calls.draw(job.id), STRANGER)
        for provider in PROVIDERS:
            for unit in range(4):
                job = self.state.job(job.id)
                if not job.round.full and admitted(self.state, job, provider, unit, 0, UNIT):
                    self.send(self.contracts.calls.take_seat(job.id, unit), provider)
        job = self.state.job(job.id)
        assert job.round.full
        self.at(job.round.contest_end)
        return job

    def commit(self, job: Job, digests: dict[int, bytes] | None = None, salted: bytes = NO_SALT) -> Job:
        """Seal TRUE for every seat, or what `digests` says by seat; a seat that it leaves out stays silent."""
        deployment = self.contracts.deployment
        place = (deployment.chain, deployment.market, job.id, job.round.number)
        for index, seat in enumerate(job.round.seats):
            assert seat is not None
            digest = TRUE if digests is None else digests.get(index)
            if digest:
                sealed = seal(*place, index, seat.provider, digest, salted)
                self.send(self.contracts.calls.commit(job.id, index, sealed), seat.provider)
        return self.state.job(job.id)

    def settle(self, job: Job) -> Job:
        self.send(self.contracts.calls.settle(job.id, TRUE), STRANGER)
        return self.state.job(job.id)

    def finalize(self, job: Job) -> Job:
        """Let the challenge window pass."""
        self.at(job.challenge_by)
        self.send(self.contracts.calls.finalize(job.id), STRANGER)
        return self.state.job(job.id)

    def release(self, job: Job) -> Job:
        self.send(self.contracts.calls.release(job.id, b"\x0a" * 32, b"key"), OWNER)
        return self.state.job(job.id)

    def challenge(self, job: Job) -> Job:
        deployment = self.contracts.deployment
        sealed = challenge_seal(deployment.chain, deployment.market, job.id, STRANGER, FALSE)
        self.send(self.contracts.calls.challenge(job.id, sealed), STRANGER)
        return self.state.job(job.id)

    def every_state(self) -> None:
        """A dataset with offers, and jobs: one in each state, and one for each way through a dispute."""
        calls = self.contracts.calls
        self.list_dataset(manifest())
        standing, noisy = (
            self.sign(self.offer(1)),
            self.sign(self.offer(1, epsilon=1_000_000, price=12 * TOKEN)),
        )
        private = self.sign(self.offer(1, buyer=BUYER, price=TOKEN))
        self.publish(1, standing, noisy, private)
        self.release(
            self.settle(self.commit(self.fill(self.open_job(1, noisy))))
        )  # released before it settles
        self.release(self.finalize(self.settle(self.commit(self.fill(self.open_job(3, standing))))))
        self.finalize(self.settle(self.commit(self.fill(self.open_job(2)))))  # settled, waits for its release
        disputed = self.settle(self.commit(self.fill(self.open_job(3)), {0: TRUE, 1: FALSE, 2: TRUE}))
        self.commit(self.fill(disputed), salted=SALTED)
        self.send(calls.decide(disputed.id, TRUE, SALTED), STRANGER)
        self.release(self.state.job(disputed.id))
        self.fill(self.challenge(self.settle(self.commit(self.fill(self.open_job(1))))))  # escalated
        silent = self.commit(self.fill(self.open_job(2)), {0: TRUE})
        self.at(silent.round.commit_by)
        self.send(calls.redraw(silent.id), STRANGER)
        self.at(self.state.job(silent.id).round.contest_end + FILL)
        self.send(calls.refund(silent.id), STRANGER)  # refunded: the place of the silent seat stayed empty
        self.send(calls.refund(self.open_job(1).id), OWNER)  # refunded: declined
        self.settle(self.commit(self.fill(self.open_job(2))))  # proposed
        self.fill(self.open_job(2))  # open, its seats compute
        self.open_job(1)  # open, not drawn yet


@contextmanager
def sample_market(folder: Path) -> Iterator[SampleMarket]:
    """A new market, its people funded and its providers staked."""
    with anvil(folder) as chain:
        chain.rpc("evm_setIntervalMining", 0)
        chain.rpc("evm_setAutomine", True)
        chain.rpc("anvil_autoImpersonateAccount", True)
        for wallet in WALLETS:
            chain.rpc("anvil_setBalance", wallet.address, hex(10**24))
        deployment = deploy(chain.url, WALLETS[0], bounds=BOUNDS)
        save_deployment(folder / "deployment.json", deployment)
        contracts = connect(chain.url, deployment)
        made = SampleMarket(folder, chain, contracts, FolderStore(folder / "store"), MarketState())
        for person in (OWNER, BUYER, STRANGER, *PROVIDERS):
            made.send(mint_call(deployment, person, 10**6 * TOKEN), person)
            made.send(contracts.calls.approve(10**6 * TOKEN), person)
            made.send(contracts.calls.deposit(10**5 * TOKEN), person)
        for provider in PROVIDERS:
            made.send(contracts.calls.stake(50 * UNIT), provider)
        chain.rpc("evm_increaseTime", 60)  # stake of the same second does not sit
        yield made
