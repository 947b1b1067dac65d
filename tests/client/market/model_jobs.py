"""The model's rules about jobs, from the opening to every end."""

from __future__ import annotations

from functools import lru_cache

from model import Told, World, at, broken, pull, rule
from real_market import BOUNDS

from hexchange.chain import events as on
from hexchange.chain.events import ZERO_ADDRESS, ZERO_BYTES32, Event, Offer, Outcome, Permit, Terms
from hexchange.chain.offers import offer_digest, recover_signer
from hexchange.errors import BadSignature
from hexchange.market import money, quantities
from hexchange.market.digests import NO_SALT, redrawn, seal, ticket
from hexchange.market.money import Payout, SeatPay
from hexchange.market.state import Job, JobState, Round
from hexchange.market.windows import Clock, admitted, windows

MOST_SEATS, MOST_REWARD = 5, (2**96 - 1) // 24
OPEN_ROUND = (JobState.OPEN, JobState.PROPOSED, JobState.ESCALATED)
"""In these states the ledger still knows the round; while a digest is proposed, every window of it is over."""


@rule
def open_job(
    world: World, me: str, clock: Clock, offer: Offer, signature: bytes, terms: Terms, permit: Permit
) -> Told:
    dataset = world.state.datasets.get(offer.dataset)
    if dataset is None:
        return {"ERC721NonexistentToken"}
    own = me == dataset.owner
    errors = _offer_refused(world, me, clock, offer, signature) | _terms_refused(offer, terms)
    left = dataset.epsilon_left if offer.epsilon else dataset.exact_left
    price, guarantee = (0, 0) if own else (offer.price, offer.guarantee)
    errors |= broken(
        BudgetExceeded=not own and left < (offer.epsilon or 1),
        FreeBalanceTooLow=not own and world.free(dataset.owner) < guarantee,
    )
    number, escrow = len(world.state.jobs) + 1, price + terms.seats * terms.reward
    pulled = _top_up(world, me, escrow, permit, clock, errors)
    if isinstance(pulled, set):
        return pulled
    digest, place = offer_digest(offer, world.setting.chain, world.setting.market), at(clock)
    locked: list[Event] = [on.Locked(place, number, me, escrow)]
    if guarantee:
        locked.append(on.Locked(place, number, dataset.owner, guarantee))
    opened = on.JobOpened(place, number, offer.dataset, me, digest, dataset.owner, offer, terms)
    return [*pulled, *locked, opened]


def _top_up(world: World, me: str, amount: int, permit: Permit, clock: Clock, errors: set[str]) -> Told:
    """Pull what the free balance lacks, unless that or something else is refused."""
    lacking = amount - world.free(me)
    pulled = pull(world.copy() if errors else world, me, lacking, permit, clock) if lacking > 0 else []
    return errors | pulled if isinstance(pulled, set) else errors or pulled


def _offer_refused(world: World, me: str, clock: Clock, offer: Offer, signature: bytes) -> set[str]:
    dataset, place = world.state.datasets[offer.dataset], (world.setting.chain, world.setting.market)
    use = world.state.offer(offer_digest(offer, *place))
    return broken(
        OfferExpired=clock.now >= offer.expiry,
        Delisted=dataset.delisted,
        ManifestChanged=offer.manifest != dataset.manifest,
        EpochOver=offer.epoch != dataset.epoch,
        OfferNotForYou=offer.buyer not in (ZERO_ADDRESS, me),
        OfferRevoked=use.cancelled,
        OfferUsedUp=use.uses >= offer.max_uses,
        SignatureInvalid=_signer(offer, signature, *place) != dataset.owner,
    )


@lru_cache(maxsize=5000)
def _signer(offer: Offer, signature: bytes, chain: int, market: str) -> str:
    """Who signed, or nobody."""
    try:
        return recover_signer(offer, signature, chain, market)
    except BadSignature:
        return ""


def _terms_refused(offer: Offer, terms: Terms) -> set[str]:
    reward_fits = (
        offer.min_reward <= terms.floor <= terms.reward <= offer.max_reward
        and 1 <= terms.reward <= MOST_REWARD
    )
    return broken(
        SeatsOutOfBounds=not max(1, offer.min_seats) <= terms.seats <= MOST_SEATS,
        RewardOutOfBounds=not reward_fits,
        FillOutOfBounds=not max(BOUNDS.min_fill, offer.min_fill) <= terms.fill <= BOUNDS.max_fill,
        ComputeOutOfBounds=not max(BOUNDS.min_compute, offer.min_compute)
        <= terms.compute
        <= BOUNDS.max_compute,
        ReleaseOutOfBounds=not BOUNDS.min_release <= terms.release <= BOUNDS.max_release,
    )


# --- rounds ---------------------------------------------------------------------------------------


def _job(world: World, number: int, *states: JobState) -> Job | None:
    job = world.state.jobs.get(number)
    return job if job and job.state in states else None


def agreed(
    world: World, job: Job, function: str, me: str, clock: Clock, errors: set[str], seat: int | None = None
) -> set[str]:
    """The same errors, once the rules of `hexchange.market` say the same about the window."""
    opens = any(
        window.function == function and window.seat == seat and window.open(clock, me)
        for window in windows(job, world.setting.naming)
    )
    assert opens != bool(errors), (function, job.id, job.state, clock, errors)
    return errors


@rule
def draw(world: World, me: str, clock: Clock, number: int) -> Told:
    job = _job(world, number, *OPEN_ROUND)
    if job is None:
        return {"RoundNotOpen"}
    current = job.round
    errors = broken(
        AlreadyDrawn=current.seed is not None,
        DrawTooEarly=clock.block < current.start_block + 2,
        DrawOver=clock.now >= current.start + job.fill,
    )
    return agreed(world, job, "draw", me, clock, errors) or [
        on.SeedDrawn(at(clock), number, current.number, b"", clock.now + job.fill)
    ]


@rule
def take_seat(world: World, me: str, clock: Clock, number: int, unit: int) -> Told:
    job = _job(world, number, *OPEN_ROUND)
    if job is None:
        return {"RoundNotOpen"}
    current, account = job.round, world.state.account(me)
    errors = broken(
        NotDrawn=current.seed is None,
        StakeTooYoung=account.since >= job.opened_at,
        UnitNotStaked=unit >= account.stake // world.setting.unit,
        FreeStakeTooLow=account.stake - account.locked < job.bond,
    )
    if current.seed is None:
        return errors
    drawn = ticket(current.seed, me, unit)
    seats = [(index, seat) for index, seat in enumerate(current.seats) if seat]
    empty = [index for index, seat in enumerate(current.seats) if seat is None]
    movable = [(seat.ticket, -index) for index, seat in seats if not seat.seal]
    highest = max(movable, default=(0, 0))
    errors |= broken(
        SeatsOver=clock.now >= current.contest_end + job.fill,
        AlreadySeated=(me, drawn) in [(seat.provider, seat.ticket) for _, seat in seats],
        RoundFull=not empty and clock.now >= current.contest_end,
        TicketTooHigh=not empty and drawn >= highest[0],
    )
    seat = admitted(world.state, job, me, unit, clock.now, world.setting.unit)
    assert bool(seat) != bool(errors), (number, me, unit, clock, errors)
    if errors:
        return errors
    index = empty[0] if empty else -highest[1]
    former = current.seats[index]
    displaced = former.provider if former else ZERO_ADDRESS
    place = at(clock)
    taken = on.SeatTaken(place, number, current.number, index, me, unit, drawn, job.bond, displaced)
    if len(empty) != 1 or current.full:
        return [taken]
    begins = max(clock.now, current.contest_end)
    late = max(current.late, begins - current.contest_end)
    return [taken, on.RoundFilled(place, number, current.number, begins + job.compute, late)]


@rule
def commit(world: World, me: str, clock: Clock, number: int, index: int, sealed: bytes) -> Told:
    job = _job(world, number, *OPEN_ROUND)
    if job is None:
        return {"RoundNotOpen"}
    current = job.round
    seat = current.seats[index] if index < len(current.seats) else None
    errors = broken(
        NotFull=not current.full,
        CommitTooEarly=clock.now < current.contest_end,
        CommitOver=current.full and clock.now >= current.commit_by,
        NotYourSeat=seat is None or seat.provider != me,
        AlreadySealed=seat and seat.seal,
    )
    agreed(world, job, "commit", me, clock, errors, index)
    errors |= broken(SealZero=sealed == ZERO_BYTES32)
    return errors or [on.SealCommitted(at(clock), number, current.number, index, sealed)]


@rule
def redraw(world: World, me: str, clock: Clock, number: int) -> Told:
    job = _job(world, number, *OPEN_ROUND)
    if job is None:
        return {"RoundNotOpen"}
    current = job.round
    errors = broken(
        RoundTwoOpen=current.number == 2,
        NotFull=not current.full,
        AlreadyRedrawn=current.redrawn,
        AllSealed=current.sealed == len(current.seats),
        RedrawTooEarly=clock.now < current.commit_by,
        RedrawOver=current.full and clock.now >= current.commit_by + job.fill,
    )
    if agreed(world, job, "redraw", me, clock, errors):
        return errors
    assert current.seed
    pays = tuple(
        SeatPay(seat.provider, job.bond - job.fine) if seat and not seat.seal else None
        for seat in current.seats
    )
    drawn = on.RoundRedrawn(at(clock), number, redrawn(current.seed), clock.now + job.fill)
    return [*_closed(job, 1, pays, clock), drawn]


# --- results --------------------------------------------------------------------------------------


def matches(world: World, job: Job, current: Round, digest: bytes, salted: bytes) -> int:
    """How many seals of the round open with the digest."""
    place = (world.setting.chain, world.setting.market, job.id, current.number)
    if digest == ZERO_BYTES32:
        return 0
    return current.matches(lambda index, provider: seal(*place, index, provider, digest, salted))


@rule
def settle(world: World, me: str, clock: Clock, number: int, digest: bytes) -> Told:
    job = _job(world, number, JobState.OPEN)
    if job is None:
        return {"WrongState"}
    current = job.round
    errors = broken(
        SealsIncomplete=not current.full or current.sealed < job.seats,
        NamingOver=current.full and clock.now >= current.commit_by + world.setting.naming,
    )
    agreed(world, job, "settle", me, clock, errors)
    opening = matches(world, job, current, digest, NO_SALT)
    errors |= broken(NothingOpens=opening == 0)
    if errors:
        return errors
    if opening < job.seats:
        return [on.JobEscalated(at(clock), number, ZERO_ADDRESS, ZERO_BYTES32)]
    return [on.ResultProposed(at(clock), number, digest, clock.now + job.compute)]


@rule
def challenge(world: World, me: str, clock: Clock, number: int, sealed: bytes, permit: Permit) -> Told:
    job = _job(world, number, JobState.PROPOSED)
    if job is None:
        return {"WrongState"}
    errors = broken(ChallengeOver=clock.now >= job.challenge_by)
    agreed(world, job, "challenge", me, clock, errors)
    errors |= broken(ChallengeSealZero=sealed == ZERO_BYTES32)
    pulled = _top_up(world, me, job.bond, permit, clock, errors)
    if isinstance(pulled, set):
        return pulled
    place = at(clock)
    return [on.JobEscalated(place, number, me, sealed), *pulled, on.Locked(place, number, me, job.bond)]


@rule
def finalize(world: World, me: str, clock: Clock, number: int) -> Told:
    job = _job(world, number, JobState.PROPOSED)
    if job is None:
        return {"WrongState"}
    errors = broken(FinalizeTooEarly=clock.now < job.challenge_by)
    if agreed(world, job, "finalize", me, clock, errors):
        return errors
    payout = money.finalized(job, world.state.held[number])
    return [*_paid(job, payout, clock), _settled(job, ZERO_BYTES32, job.seats, clock)]


@rule
def decide(world: World, me: str, clock: Clock, number: int, digest: bytes, salted: bytes) -> Told:
    job = _job(world, number, JobState.ESCALATED)
    if job is None:
        return {"WrongState"}
    current = job.round
    sealed = current.sealed == len(current.seats)
    errors = broken(
        RoundTwoNotFull=not current.full,
        CommitsOpen=current.full and not sealed and clock.now < current.commit_by,
        NamingOver=current.full and clock.now >= current.commit_by + world.setting.naming,
    )
    agreed(world, job, "decide", me, clock, errors)
    errors |= broken(TooFewOpen=matches(world, job, current, digest, salted) < quantities.quorum(job.seats))
    if errors:
        return errors
    payout = money.decided(job, digest, salted, world.setting, world.state.held[number])
    right = matches(world, job, job.rounds[0], digest, NO_SALT)
    return [*_paid(job, payout, clock), _settled(job, digest, right, clock)]


def _settled(job: Job, digest: bytes, right: int, clock: Clock) -> Event:
    release_by = 0 if job.own or job.released else clock.now + job.release
    return on.JobSettled(at(clock), job.id, digest, right, job.right_reward, release_by)


@rule
def release(world: World, me: str, clock: Clock, number: int, result: bytes, sealed_key: bytes) -> Told:
    job = _job(world, number, JobState.PROPOSED, JobState.SETTLED)
    if job is None:
        return {"WrongState"}
    errors = broken(
        CallerNotOwner=me != job.owner,
        OwnerIsBuyer=job.own,
        AlreadyReleased=job.released,
        ReleaseOver=job.state is JobState.SETTLED and clock.now >= job.release_by,
    )
    if agreed(world, job, "release", me, clock, errors):
        return errors
    released = on.ResultReleased(at(clock), number, result, sealed_key)
    return [*_paid(job, money.released(job), clock), released]


@rule
def refund(world: World, me: str, clock: Clock, number: int) -> Told:
    job = _job(world, number, JobState.OPEN, JobState.ESCALATED, JobState.SETTLED)
    if job is None:
        return {"WrongState"}
    due = [
        window
        for window in windows(job, world.setting.naming)
        if window.function == "refund" and window.open(clock, me)
    ]
    if not due:
        return {"RefundTooEarly"}
    outcome = due[0].outcome  # an owner that declines in time is not fined, nor does it fine anybody
    assert outcome is not None
    payout = money.refunded(job, outcome, world.state.held[number])
    return [*_paid(job, payout, clock), on.JobRefunded(at(clock), number, Outcome(outcome))]


def _closed(job: Job, number: int, pays: tuple[SeatPay | None, ...], clock: Clock) -> list[Event]:
    return [
        on.SeatClosed(
            at(clock), job.id, number, index, pay.provider, job.bond, job.bond - pay.back, pay.reward
        )
        for index, pay in enumerate(pays)
        if pay
    ]


def _paid(job: Job, payout: Payout, clock: Clock) -> list[Event]:
    """A payout as the ledger's events; nothing is said about nothing."""
    place = at(clock)
    sums = [
        (job.challenger, payout.challenger),
        (job.buyer, payout.buyer),
        (job.payee, payout.payee),
        (job.owner, payout.owner),
    ]
    seats = [*_closed(job, 1, payout.round_one, clock), *_closed(job, 2, payout.round_two, clock)]
    paid: list[Event] = [
        on.Paid(place, job.id, account, amount) for account, amount in sums if account and amount
    ]
    burnt: list[Event] = [on.Burnt(place, job.id, payout.burnt)] if payout.burnt else []
    return [*seats, *paid, *burnt]
