"""The fold of events: after each of them, `MarketState` says what the contracts store.

One handler per event, none of which computes money: every movement of a unit is an event of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from hexchange.chain import events as on
from hexchange.chain.events import ZERO_ADDRESS, ZERO_BYTES32, Event, Outcome
from hexchange.market import quantities
from hexchange.market.state import Dataset, Job, JobState, MarketState, OfferUse, Round, Seat

E = TypeVar("E", bound=Event)

HANDLERS: dict[type[Event], Callable[[MarketState, Any], None]] = {}


def fold(events: Iterable[Event], state: MarketState | None = None) -> MarketState:
    """The state after `events`, in the order of the chain, starting from an empty market or from `state`."""
    result = state.copy() if state else MarketState()
    for event in events:
        apply(result, event)
    return result


def apply(state: MarketState, event: Event) -> None:
    """Change `state` as `event` says. Events without a handler change nothing that is stored."""
    handler = HANDLERS.get(type(event))
    if handler:
        handler(state, event)
    job = state.jobs.get(getattr(event, "job", 0))
    if job:
        state.jobs[job.id] = replace(job, timeline=(*job.timeline, event))


def _handles(kind: type[E]) -> Callable[[Callable[[MarketState, E], None]], Callable[[MarketState, E], None]]:
    def register(handler: Callable[[MarketState, E], None]) -> Callable[[MarketState, E], None]:
        HANDLERS[kind] = handler
        return handler

    return register


# --- The ledger -----------------------------------------------------------------------------------


def _add(state: MarketState, address: str, **changes: int) -> None:
    """Add to balances of one account; `since` and `collectable_at` are set by their own handlers."""
    account = state.account(address)
    sums: dict[str, Any] = {name: getattr(account, name) + change for name, change in changes.items()}
    state.accounts[address] = replace(account, **sums)


def _hold(state: MarketState, job: int, change: int) -> None:
    """Change what is held for `job`; its escrow is locked just before it opens."""
    state.held[job] = state.held.get(job, 0) + change


@_handles(on.Deposited)
def _deposited(state: MarketState, event: on.Deposited) -> None:
    _add(state, event.account, free=event.amount)


@_handles(on.Withdrawn)
def _withdrawn(state: MarketState, event: on.Withdrawn) -> None:
    _add(state, event.account, free=-event.amount)


@_handles(on.Staked)
def _staked(state: MarketState, event: on.Staked) -> None:
    _add(state, event.provider, free=-event.amount, stake=event.amount)
    state.accounts[event.provider] = replace(state.account(event.provider), since=event.since)


@_handles(on.Unstaked)
def _unstaked(state: MarketState, event: on.Unstaked) -> None:
    _add(state, event.provider, stake=-event.amount, leaving=event.amount)
    account = state.account(event.provider)
    state.accounts[event.provider] = replace(account, collectable_at=event.available_at)


@_handles(on.Collected)
def _collected(state: MarketState, event: on.Collected) -> None:
    _add(state, event.provider, leaving=-event.amount, free=event.amount)


@_handles(on.Locked)
def _locked(state: MarketState, event: on.Locked) -> None:
    _add(state, event.account, free=-event.amount)
    _hold(state, event.job, event.amount)


@_handles(on.Paid)
def _paid(state: MarketState, event: on.Paid) -> None:
    _hold(state, event.job, -event.amount)
    _add(state, event.account, free=event.amount)


@_handles(on.Burnt)
def _burnt(state: MarketState, event: on.Burnt) -> None:
    _hold(state, event.job, -event.amount)
    state.burnt += event.amount


# --- Datasets and offers --------------------------------------------------------------------------


def _change_dataset(state: MarketState, number: int, **changes: Any) -> None:
    state.datasets[number] = replace(state.datasets[number], **changes)


@_handles(on.DatasetListed)
def _dataset_listed(state: MarketState, event: on.DatasetListed) -> None:
    state.datasets[event.dataset] = Dataset(
        id=event.dataset,
        owner=event.owner,
        manifest=event.manifest,
        epsilon_budget=event.epsilon_budget,
        exact_releases=event.exact_releases,
        listed_at=event.at.block.timestamp,
        manifests=(event.manifest,),
    )


@_handles(on.Transfer)
def _transfer(state: MarketState, event: on.Transfer) -> None:
    if event.dataset in state.datasets:  # the token is minted just before its dataset is listed
        _change_dataset(state, event.dataset, owner=event.owner)


@_handles(on.ManifestUpdated)
def _manifest_updated(state: MarketState, event: on.ManifestUpdated) -> None:
    manifests = (*state.datasets[event.dataset].manifests, event.manifest)
    _change_dataset(state, event.dataset, manifest=event.manifest, manifests=manifests)


@_handles(on.DatasetDelisted)
def _dataset_delisted(state: MarketState, event: on.DatasetDelisted) -> None:
    _change_dataset(state, event.dataset, delisted=True)


@_handles(on.EpochRaised)
def _epoch_raised(state: MarketState, event: on.EpochRaised) -> None:
    _change_dataset(state, event.dataset, epoch=event.epoch)


@_handles(on.OfferCancelled)
def _offer_cancelled(state: MarketState, event: on.OfferCancelled) -> None:
    state.offers[event.offer_digest] = replace(state.offer(event.offer_digest), cancelled=True)


@_handles(on.OfferRequested)
def _offer_requested(state: MarketState, event: on.OfferRequested) -> None:
    requests = (*state.datasets[event.dataset].requests, (event.buyer, event.request))
    _change_dataset(state, event.dataset, requests=requests)


@_handles(on.OffersPublished)
def _offers_published(state: MarketState, event: on.OffersPublished) -> None:
    _change_dataset(state, event.dataset, offers=(*state.datasets[event.dataset].offers, event.offers))


# --- Jobs -----------------------------------------------------------------------------------------


def _change_job(market: MarketState, number: int, /, **changes: Any) -> None:
    market.jobs[number] = replace(market.jobs[number], **changes)


def _change_round(state: MarketState, event: Any, **changes: Any) -> None:
    job = state.jobs[event.job]
    rounds = list(job.rounds)
    rounds[event.round - 1] = replace(rounds[event.round - 1], **changes)
    state.jobs[job.id] = replace(job, rounds=tuple(rounds))


def _change_seat(state: MarketState, event: Any, **changes: Any) -> None:
    current = state.jobs[event.job].rounds[event.round - 1]
    seat = current.seats[event.seat]
    assert seat is not None, "the contract names a seat that nobody took"
    _change_round(state, event, seats=current.with_seat(event.seat, replace(seat, **changes)).seats)


def _budget(state: MarketState, job: Job, reserved: int, spent: int) -> None:
    """Move what `job` reserves of its dataset's budget: ε, or one exact release if the offer has ε = 0."""
    if job.own:
        return
    dataset = state.datasets[job.dataset]
    amount = job.epsilon or 1
    kind = "epsilon" if job.epsilon else "exact"
    names = (f"{kind}_reserved", f"{kind}_spent")
    signs = zip(names, (reserved, spent), strict=True)
    sums = {name: getattr(dataset, name) + amount * sign for name, sign in signs}
    _change_dataset(state, job.dataset, **sums)


@_handles(on.JobOpened)
def _job_opened(state: MarketState, event: on.JobOpened) -> None:
    offer, terms, block = event.offer, event.terms, event.at.block
    own = event.owner == event.buyer
    job = Job(
        id=event.job,
        dataset=event.dataset,
        buyer=event.buyer,
        owner=event.owner,
        payee=event.owner if offer.payee == ZERO_ADDRESS else offer.payee,
        offer=event.offer_digest,
        manifest=offer.manifest,
        circuit=offer.circuit,
        price=0 if own else offer.price,
        guarantee=0 if own else offer.guarantee,
        epsilon=offer.epsilon,
        seats=terms.seats,
        floor=terms.floor,
        reward=terms.reward,
        fill=terms.fill,
        compute=terms.compute,
        release=terms.release,
        result_key=terms.result_key,
        opened_at=block.timestamp,
        rounds=(Round(1, block.timestamp, block.number, (None,) * terms.seats),),
    )
    state.jobs[job.id] = job
    use = state.offer(job.offer)
    state.offers[job.offer] = OfferUse(use.uses + 1, use.cancelled)
    _budget(state, job, reserved=1, spent=0)


@_handles(on.SeedDrawn)
def _seed_drawn(state: MarketState, event: on.SeedDrawn) -> None:
    _change_round(state, event, seed=event.seed, contest_end=event.contest_end)
    if event.round == 1:
        _change_job(state, event.job, trace_seed=event.seed)


@_handles(on.SeatTaken)
def _seat_taken(state: MarketState, event: on.SeatTaken) -> None:
    current = state.jobs[event.job].rounds[event.round - 1]
    seat = Seat(event.provider, event.unit, event.ticket, event.bond)
    _change_round(state, event, seats=current.with_seat(event.seat, seat).seats)
    if event.displaced != ZERO_ADDRESS:
        _add(state, event.displaced, locked=-event.bond)
    _add(state, event.provider, locked=event.bond)


@_handles(on.RoundFilled)
def _round_filled(state: MarketState, event: on.RoundFilled) -> None:
    _change_round(state, event, commit_by=event.commit_by, late=event.late)


@_handles(on.SealCommitted)
def _seal_committed(state: MarketState, event: on.SealCommitted) -> None:
    _change_seat(state, event, seal=event.seal, sealed_at=event.at.block.timestamp)


@_handles(on.SeatClosed)
def _seat_closed(state: MarketState, event: on.SeatClosed) -> None:
    _change_seat(state, event, fine=event.fine, reward=event.reward)
    _add(state, event.provider, locked=-event.bond, stake=-event.fine, free=event.reward)
    _hold(state, event.job, event.fine - event.reward)


@_handles(on.RoundRedrawn)
def _round_redrawn(state: MarketState, event: on.RoundRedrawn) -> None:
    current = state.jobs[event.job].round
    redone = replace(
        current,
        seed=event.seed,
        contest_end=event.contest_end,
        commit_by=0,
        redrawn=True,
        seats=tuple(seat if seat and seat.seal else None for seat in current.seats),
        silent=tuple(seat for seat in current.seats if seat and not seat.seal),
    )
    _change_job(state, event.job, rounds=(redone,))


@_handles(on.ResultProposed)
def _result_proposed(state: MarketState, event: on.ResultProposed) -> None:
    _change_job(
        state,
        event.job,
        state=JobState.PROPOSED,
        proposed=event.digest,
        proposed_at=event.at.block.timestamp,
        challenge_by=event.challenge_by,
    )


@_handles(on.JobEscalated)
def _job_escalated(state: MarketState, event: on.JobEscalated) -> None:
    job, block = state.jobs[event.job], event.at.block
    jury = Round(2, block.timestamp, block.number, (None,) * quantities.jury(job.seats))
    challenged = event.challenger != ZERO_ADDRESS
    _change_job(
        state,
        job.id,
        state=JobState.ESCALATED,
        rounds=(*job.rounds, jury),
        challenger=event.challenger if challenged else None,
        challenge_seal=event.seal if challenged else None,
    )


@_handles(on.JobSettled)
def _job_settled(state: MarketState, event: on.JobSettled) -> None:
    job = state.jobs[event.job]
    _change_job(
        state,
        job.id,
        state=JobState.SETTLED if event.release_by else JobState.RELEASED,
        settled=job.proposed if event.digest == ZERO_BYTES32 else event.digest,
        settled_at=event.at.block.timestamp,
        release_by=event.release_by,
        right=event.right,
    )


@_handles(on.ResultReleased)
def _result_released(state: MarketState, event: on.ResultReleased) -> None:
    job = state.jobs[event.job]
    ended = JobState.RELEASED if job.state is JobState.SETTLED else job.state
    _change_job(state, job.id, state=ended, released=True, result=event.result, sealed_key=event.sealed_key)
    _budget(state, job, reserved=-1, spent=1)


@_handles(on.JobRefunded)
def _job_refunded(state: MarketState, event: on.JobRefunded) -> None:
    job, outcome = state.jobs[event.job], Outcome(event.outcome)
    ended = JobState.RELEASED if job.released else JobState.REFUNDED
    _change_job(state, job.id, state=ended, refunded=outcome)
    if not job.released:
        _budget(state, job, reserved=-1, spent=1 if outcome is Outcome.RELEASE_LAPSED else 0)
