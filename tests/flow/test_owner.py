"""The owner's service on a real chain and store: releases, disputes, declines, and what kills do to them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from nacl.public import PrivateKey
from stage import COLUMNS, INTERCEPT, MODEL, TOKEN, Market, Person, outcomes, provider_process

import services
from hexchange.chain.events import JobOpened, Terms
from hexchange.chain.offers import offer_digest, sign_offer
from hexchange.chain.sender import Sender
from hexchange.circuit.document import Circuit
from hexchange.circuit.library.predict import predict
from hexchange.circuit.results import present
from hexchange.market import documents
from hexchange.market.manifests import Column
from hexchange.market.messages import SignedOffer
from hexchange.market.results import ReleasedResult, SealedResult
from hexchange.market.state import Job, JobState
from hexchange.market.tables import circuit_table
from hexchange.owner import listing, offers
from hexchange.owner.budget import Debit, Ledger, Spent
from hexchange.owner.encrypt import Card, encrypt_table
from hexchange.owner.journal import Journal, books
from hexchange.owner.schema import Schema
from hexchange.owner.workspace import Workspace
from hexchange.sealing import SealedBytes, open_result
from hexchange.storage.cid import Cid

PROCESS = Path(__file__).with_name("owner_process.py")
PRICE = 5 * TOKEN
KEY = PrivateKey(bytes(range(32)))


@dataclass
class House:
    """An owner whose table was encrypted and listed by the package's own functions."""

    market: Market
    owner: Person
    workspace: Workspace
    dataset: int
    table: pd.DataFrame

    @property
    def circuit(self) -> Circuit:
        manifest = self.workspace.manifest
        return predict(circuit_table(manifest.columns, manifest.rows, manifest.row_norm), MODEL, INTERCEPT)

    @property
    def folder(self) -> Path:
        return books(self.owner.home, self.market.deployment)

    def offer(self, uses: int = 1) -> SignedOffer:
        """A standing offer for exact scores, published. Signed twice before, as after a crash, it is one offer."""
        market, contracts = self.market, self.market.contracts
        market.follower.update()
        terms = offers.OfferTerms(PRICE, 100 * TOKEN, 2**40 - 1, min_fill=2, min_compute=2, max_uses=uses)
        dataset = market.follower.state.dataset(self.dataset)
        draft = offers.draft_offer(self.workspace, dataset, self.circuit, terms)
        journal = Journal(self.folder / "journal.sqlite")
        signed = offers.sign_draft(draft, self.owner.wallet, contracts, journal, market.store)
        again = offers.draft_offer(self.workspace, dataset, self.circuit, terms)
        assert offers.sign_draft(again, self.owner.wallet, contracts, journal, market.store) == signed
        with Sender(self.owner.home / "sender.sqlite", self.owner.wallet, contracts) as sender:
            offers.publish_offers([signed], contracts, sender, journal, market.store)
        journal.close()
        return signed

    def open(self, buyer: Person, signed: SignedOffer, *, seats: int = 1) -> int:
        calls = self.market.contracts.calls
        terms = Terms(seats, TOKEN, TOKEN, 120, 300, 86_400, bytes(KEY.public_key))
        buyer.send("approve", calls.approve(10_000 * TOKEN))
        self.market.jobs += 1
        receipt = buyer.send(
            f"open:{self.market.jobs}", calls.open_job(signed.offer, signed.signature, terms)
        )
        return next(event.job for event in receipt.events if isinstance(event, JobOpened))

    @contextmanager
    def service(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """The owner's service; gone when the block ends."""
        log = self.owner.home / "watch.log"
        folder = self.market.folder
        command = [
            sys.executable, str(PROCESS), "--home", str(self.owner.home), "--rpc-url", self.market.chain.url,
            "--deployment", str(folder / "deployment.json"), "--store", str(folder / "store"), *words,
        ]  # fmt: skip
        with services.running(command, log) as process:
            services.wait_until(lambda: "ready" in log.read_text(), process, log)
            yield process

    def read(self, job: Job) -> ReleasedResult:
        """What the buyer does with a released job."""
        assert job.result is not None
        store = self.market.store
        where = documents.parse(SealedResult, store.get_block(job.result))
        sealed = SealedBytes(store.get(Cid.parse(where.cid), where.size), job.sealed_key)
        return documents.parse(ReleasedResult, open_result(sealed, KEY))

    def check(self, job: Job) -> None:
        """The buyer holds the right scores."""
        document = self.read(job)
        values = {output.name: np.array(output.values()) for output in document.outputs}
        scores = present(self.circuit, values)["score"]
        expected = self.table[list(MODEL)].to_numpy() @ np.array(list(MODEL.values())) + INTERCEPT
        assert np.abs(scores - expected).max() <= document.outputs[0].error
        assert document.provenance.job == job.id


@pytest.fixture(scope="module")
def house(market: Market) -> House:
    owner = market.person("house")
    generator = np.random.default_rng(5)
    table = pd.DataFrame({name: generator.uniform(low, high, 40) for name, low, high in COLUMNS})
    columns = tuple(Column(name, "number", "feature", "", low, high) for name, low, high in COLUMNS)
    workspace = Workspace(owner.home, "applicants")
    card = Card("Applicants")
    encrypt_table(table, Schema(columns, "declared"), ["linear"], card, workspace, market.store)
    with Sender(owner.home / "sender.sqlite", owner.wallet, market.contracts) as sender:
        listed = listing.list_dataset(workspace, market.contracts, sender, 0, 20)
        assert listing.list_dataset(workspace, market.contracts, sender, 0, 20) == listed
    return House(market, owner, workspace, listed.dataset, table)


@pytest.fixture(scope="module")
def crew(market: Market) -> list[Person]:
    """Providers with stake for both rounds of a dispute."""
    return [market.provider(name, units=6) for name in ("dot", "eve")]


@contextmanager
def at_work(market: Market, crew: list[Person], *words: str) -> Iterator[None]:
    with ExitStack() as stack:
        for one in crew:
            stack.enter_context(provider_process(market, one, *words))
        yield


def test_a_result_is_released_before_the_window_ends_and_the_owner_is_paid(
    market: Market, house: House, crew: list[Person], buyer: Person
) -> None:
    before = market.contracts.views.balance_of(house.owner.address).free
    with at_work(market, crew[:1]), house.service() as process:
        number = house.open(buyer, house.offer())
        market.fill(number)
        job = market.wait(number, lambda job: job.released)
        assert job.state is JobState.PROPOSED  # nobody waits for the challenge window
        house.check(job)
        assert market.finish(number).state is JobState.RELEASED
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert market.contracts.views.balance_of(house.owner.address).free == before + PRICE
    dataset = market.follower.state.dataset(house.dataset)
    assert (dataset.exact_spent, dataset.exact_reserved) == (1, 0)
    assert Ledger(house.folder / "ledger.sqlite").spent(house.dataset) == Spent(0, 1)


POINTS = (
    "before:evaluate", "after:evaluate", "before:keep_run", "after:keep_run", "before:debit", "after:debit",
    "after:open_in_child", "after:keep_sealed", "after:publish", "before:release", "after:release",
)  # fmt: skip


def test_killed_at_every_step_the_owner_releases_once(
    market: Market, house: House, crew: list[Person], buyer: Person
) -> None:
    before = market.contracts.views.balance_of(house.owner.address).free
    spent = Ledger(house.folder / "ledger.sqlite").spent(house.dataset).exact
    with at_work(market, crew[:1]):
        number = house.open(buyer, house.offer())
        market.fill(number)
        for point in POINTS:
            with house.service("--kill", point) as process:
                assert process.wait(90) == -signal.SIGKILL, point
        with house.service():
            job = market.wait(number, lambda job: job.released)
            house.check(job)
            assert market.finish(number).state is JobState.RELEASED
    assert market.contracts.views.balance_of(house.owner.address).free == before + PRICE
    assert Ledger(house.folder / "ledger.sqlite").spent(house.dataset).exact == spent + 1


def test_a_wrong_digest_is_challenged_and_the_right_result_released(
    market: Market, house: House, crew: list[Person], buyer: Person
) -> None:
    number = market.contracts.views.job_count() + 1
    with at_work(market, crew, "--wrong", f"{number}:1:0"):
        assert house.open(buyer, house.offer()) == number
        market.fill(number)
        before = house.owner.total  # the challenge, killed after it was sent, locks a bond at the next block
        for point in ("before:challenge", "after:challenge"):
            with house.service("--kill", point) as process:
                assert process.wait(90) == -signal.SIGKILL, point
        with house.service():
            market.wait(number, lambda job: job.state is JobState.ESCALATED)
            market.fill(number, round_=2)
            job = market.wait(number, lambda job: job.released)
            house.check(job)
    (wrong,) = [seat for seat in job.rounds[0].seats if seat]
    assert job.challenger == house.owner.address
    assert wrong.outcome == "wrong"
    assert sum(fine for _, _, fine, _ in outcomes(job)) == wrong.bond
    assert house.owner.total == before + wrong.bond // 3 + PRICE  # its bounty, and its price


def test_a_job_on_an_offer_that_was_not_signed_here_is_declined_before_anything_is_computed(
    market: Market, house: House, buyer: Person
) -> None:
    signed = house.offer()
    foreign = replace(signed.offer, salt=b"elsewhere".rjust(32))
    signature = sign_offer(house.owner.wallet, foreign, market.contracts.chain_id, market.deployment.market)
    with house.service():
        number = house.open(buyer, SignedOffer(foreign, signature))
        job = market.wait(number, lambda job: job.over)
    assert job.state is JobState.REFUNDED
    assert market.follower.state.dataset(house.dataset).exact_reserved == 0


def test_an_account_is_served_once(house: House) -> None:
    with house.service() as one, house.service() as other:
        end = time.monotonic() + 60
        while one.poll() is None and other.poll() is None:
            assert time.monotonic() < end, "both serve"
            time.sleep(0.05)
        refused, serving = (one, other) if other.poll() is None else (other, one)
        assert refused.returncode != 0
        assert serving.poll() is None
        assert f"already runs here as process {serving.pid}" in (house.owner.home / "watch.log").read_text()


def test_standing_offers_are_withdrawn_when_the_own_ledger_has_no_more_to_give(
    market: Market, house: House
) -> None:
    signed = house.offer()
    ledger = Ledger(house.folder / "ledger.sqlite")
    left = market.follower.state.dataset(house.dataset).exact_left
    assert left > 0
    for lost in range(20 - ledger.spent(house.dataset).exact):  # releases that were debited and never landed
        ledger.debit(Debit(10**6 + lost, house.dataset, "key", 0, 0), epsilon_budget=0, exact_releases=20)
    ledger.close()
    digest = offer_digest(signed.offer, market.contracts.chain_id, market.deployment.market)
    with house.service() as process:
        services.wait_until(
            lambda: market.follower.update() and market.follower.state.offer(digest).cancelled,
            process,
            house.owner.home / "watch.log",
        )
    assert market.follower.state.dataset(house.dataset).exact_left == left
