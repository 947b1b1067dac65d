"""Providers as processes on a real chain and store: seats, runs, commits, pay, and what they leave alone."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
from stage import (
    TOKEN,
    Listing,
    Market,
    Person,
    list_digest,
    log_of,
    open_job,
    outcomes,
    provider_process,
)

from hexchange.chain.events import SeatTaken
from hexchange.circuit.results import present, reduce
from hexchange.evaluation import verify_job
from hexchange.he.opening import open_outputs
from hexchange.market import documents
from hexchange.market.manifests import Blob
from hexchange.market.results import ResultManifest
from hexchange.market.state import Job, JobState
from hexchange.storage.cid import Cid
from hexchange.storage.folder import FolderStore


def settled_digest(job: Job) -> bytes:
    digest = job.settled or job.proposed
    assert digest is not None
    return digest


def test_a_job_goes_from_open_to_settled_and_anybody_can_run_it_again(
    market: Market, listing: Listing, buyer: Person, tmp_path: Path
) -> None:
    providers = [market.provider("one"), market.provider("two")]
    before = {one.address: one.total for one in providers}
    with ExitStack() as stack:
        for one in providers:
            stack.enter_context(provider_process(market, one))
        number = open_job(market, listing, buyer, seats=2)
        market.fill(number)
        job = market.finish(number)
    assert job.state is JobState.SETTLED
    assert [(fine, reward) for _, _, fine, reward in outcomes(job)] == [(0, TOKEN), (0, TOKEN)]
    earned = {one.address: one.total - before[one.address] for one in providers}
    assert sum(earned.values()) == 2 * TOKEN
    assert all(amount % TOKEN == 0 for amount in earned.values())

    verification = verify_job(market.store, job, tmp_path)
    assert verification.agrees
    published = documents.parse(ResultManifest, market.store.get_block(settled_digest(job)))
    outputs = [market.store.get(Cid.parse(blob.cid), blob.size) for blob in published.outputs]
    assert outputs == list(verification.evaluated.outputs)
    plan = verification.plan
    values = reduce(plan.circuit, open_outputs(listing.secret, plan.program, outputs))
    assert np.allclose(present(plan.circuit, values)["score"], listing.scores, atol=1e-4)


def test_a_dispute_is_decided_by_a_jury_of_few_providers_with_many_seats(
    market: Market, listing: Listing, buyer: Person
) -> None:
    providers = [market.provider(name, units=6) for name in ("ann", "bob", "cat")]
    number = market.contracts.views.job_count() + 1
    with ExitStack() as stack:
        for one in providers:
            stack.enter_context(provider_process(market, one, "--wrong", f"{number}:1:0"))
        assert open_job(market, listing, buyer, seats=3) == number
        market.fill(number)
        market.fill(number, round_=2)
        job = market.finish(number)
    assert job.state is JobState.SETTLED
    first, second = job.rounds
    liar = first.seats[0]
    assert liar is not None
    assert len(second.seats) == 11
    assert all(seat and seat.outcome == "right" for seat in second.seats)
    assert [seat.outcome for seat in first.seats if seat] == ["wrong", "right", "right"]
    assert [(fine, provider) for _, provider, fine, _ in outcomes(job) if fine] == [
        (liar.bond, liar.provider)
    ]
    runs = [log_of(one).count(f"evaluated {number}") for one in providers]
    assert max(runs) <= 2  # one for all seats of a round, however many


KILLS = (
    "after:draw", "before:takeSeat", "after:takeSeat", "before:run", "after:run", "after:record", "after:commit",
    "before:settle", "after:settle", "before:finalize", "after:finalize",
)  # fmt: skip
"""Every step from both sides, where what is on disk and on chain differs between them."""


def test_a_provider_killed_before_and_after_every_step_ends_its_job_right(
    market: Market, listing: Listing, buyer: Person
) -> None:
    one = market.provider("sisyphus")
    before = one.total
    number = open_job(market, listing, buyer, seats=2)
    for point in KILLS:
        with provider_process(market, one, "--kill", point) as process:
            if point == "before:takeSeat":
                job = market.wait(number, lambda job: job.round.seed is not None)
                market.jump(job.round.contest_end - job.fill // 2)
            if point == "before:run":
                market.fill(number)
            if point == "before:finalize":
                market.jump(market.wait(number, lambda job: job.state is JobState.PROPOSED).challenge_by)
            assert process.wait(60) == -signal.SIGKILL, point
    with provider_process(market, one):
        job = market.finish(number)
        market.wait(number, lambda _: "published" in log_of(one))
    assert job.state is JobState.SETTLED
    assert [seat[2:] for seat in outcomes(job)] == [(0, TOKEN), (0, TOKEN)]
    assert one.total - before == 2 * TOKEN
    balance = market.contracts.views.balance_of(one.address)
    assert balance.locked == 0


def spoilt(market: Market, listing: Listing, **blobs: Blob) -> Listing:
    """The same table, listed with other blobs for some of its columns."""
    manifest = listing.document(market.store)
    edition = manifest.editions[0]
    edition = replace(edition, inputs={**edition.inputs, **{name: (blob,) for name, blob in blobs.items()}})
    digest = market.store.put_block(documents.encode(replace(manifest, editions=(edition,))))
    return replace(listing, dataset=list_digest(market, listing.owner, digest), manifest=digest)


def truncated(market: Market) -> Blob:
    """A blob of which the store has lost the end."""
    content = b"t" * 54321
    blob = Blob(str(market.store.put(content)), len(content))
    for path in market.store_folder.rglob("*"):
        if path.is_file() and path.stat().st_size == len(content):
            path.chmod(0o600)
            path.write_bytes(content[:-1])
    return blob


def test_nobody_sits_on_what_is_missing_or_malformed_and_other_jobs_go_on(
    market: Market, listing: Listing, tmp_path: Path
) -> None:
    junk = market.store.put_block(b"{}")
    ciphertext = Blob(str(market.store.put(b"no ciphertext")), 13)
    absent = Blob(str(FolderStore(tmp_path / "elsewhere").put(b"gone")), 4)
    one = market.provider("careful")
    buyer = market.person("patient")  # of other buyers the same provider ends jobs, too
    before = buyer.total
    with provider_process(market, one):
        bad = [
            open_job(market, listing, buyer, circuit=junk),
            open_job(market, listing, buyer, circuit=bytes(31) + b"\1"),
            open_job(market, spoilt(market, listing, age=ciphertext), buyer),
            open_job(market, spoilt(market, listing, age=absent), buyer),
            open_job(market, spoilt(market, listing, age=truncated(market)), buyer),
            open_job(
                market,
                replace(listing, dataset=list_digest(market, listing.owner, junk), manifest=junk),
                buyer,
            ),
        ]
        good = open_job(market, listing, buyer)
        market.fill(good)
        for number in bad:
            market.wait(number, lambda _, number=number: f"left to others {number} " in log_of(one))  # type: ignore[misc]
        assert market.finish(good).state is JobState.SETTLED
        market.jump(market.job(good).release_by)  # by now every other fill window is over, too
        ended = [market.wait(number, lambda job: job.state is JobState.REFUNDED) for number in [*bad, good]]
    assert [sat(job) for job in ended] == [*[0 for _ in bad], 1]
    assert before - buyer.total == TOKEN  # the reward of the good job; its owner never released


def sat(job: Job) -> int:
    """How often a seat of the job was taken."""
    return sum(isinstance(event, SeatTaken) for event in job.timeline)


def test_a_seat_that_falls_silent_is_fined_and_drawn_again(
    market: Market, listing: Listing, buyer: Person
) -> None:
    silent, steady, waiting = (market.provider(name, units=1) for name in ("ghost", "oak", "spare"))
    with provider_process(market, steady):
        with provider_process(market, silent) as dying:
            number = open_job(market, listing, buyer, seats=2)
            job = market.wait(number, lambda job: job.round.seed is not None)
            market.jump(job.round.contest_end - job.fill // 2)
            job = market.wait(number, lambda job: job.round.full)
            dying.kill()
        market.jump(job.round.contest_end)
        market.wait(number, lambda job: job.round.sealed == 1)
        with provider_process(market, waiting):
            market.jump(job.round.commit_by + job.fill // 2)
            market.wait(number, lambda job: job.round.redrawn)
            market.fill(number)
            job = market.finish(number)
    assert job.state is JobState.SETTLED
    fines = [(provider, fine) for _, provider, fine, _ in outcomes(job) if fine]
    assert fines == [(silent.address, job.fine)]
    paid = [provider for _, provider, _, reward in outcomes(job) if reward]
    assert len(paid) == 2
    assert steady.address in paid
    assert silent.address not in paid
