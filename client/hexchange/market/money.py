"""Who gets what when a job ends: the money of every outcome, as the contracts compute it.

The fold never uses this: it believes the ledger's events. Pages, the command line and tests do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hexchange.chain.events import Outcome
from hexchange.market import quantities
from hexchange.market.digests import NO_SALT, challenge_seal, seal
from hexchange.market.state import Job, Round
from hexchange.market.windows import Setting


@dataclass(frozen=True, slots=True)
class SeatPay:
    """What one seat gets back of its bond, and its reward."""

    provider: str
    back: int
    reward: int = 0


@dataclass(frozen=True, slots=True)
class Payout:
    """What each party receives, out of everything that is locked for the job. `None` seats stayed empty."""

    buyer: int = 0
    owner: int = 0
    payee: int = 0
    challenger: int = 0
    round_one: tuple[SeatPay | None, ...] = ()
    round_two: tuple[SeatPay | None, ...] = ()
    burnt: int = 0

    @property
    def total(self) -> int:
        """Everything that leaves the job."""
        seats = (pay.back + pay.reward for pay in (*self.round_one, *self.round_two) if pay)
        return self.buyer + self.owner + self.payee + self.challenger + sum(seats) + self.burnt


def refunded(job: Job, outcome: Outcome, held: int) -> Payout:
    """A refund that ends in `outcome`, while the ledger holds `held` for the job."""
    if outcome in (Outcome.RELEASE_DECLINED, Outcome.RELEASE_LAPSED):
        made = min(job.guarantee, job.right * job.right_reward)
        return _burning(job, held, Payout(buyer=job.price + made, owner=job.guarantee - made))
    one, two, challenger = _SEATS[outcome](job)
    rewards = job.seats * job.reward
    payout = Payout(
        buyer=rewards if job.released else rewards + job.price,
        owner=0 if job.released else job.guarantee,
        challenger=challenger,
        round_one=one,
        round_two=two,
    )
    return _burning(job, held, payout)


def finalized(job: Job, held: int) -> Payout:
    """The proposed digest stands unchallenged; price and guarantee stay locked until the release."""
    seats = _pay(job, job.rounds[0], sealed=(job.bond, job.right_reward), silent=(job.bond, 0))
    left = job.seats * (job.reward - job.right_reward)
    return _burning(job, held, Payout(buyer=left, round_one=seats), keep=_kept(job))


def decided(job: Job, digest: bytes, salted: bytes, setting: Setting, held: int) -> Payout:
    """A jury opened `digest` and `salted`: wrong bonds pay it and the challenger, the rest is burnt."""
    one = _judge(job, setting, job.rounds[0], digest, NO_SALT, job.right_reward)
    two = _judge(job, setting, job.rounds[1], digest, salted, job.reward)
    right = sum(1 for pay in one if pay and pay.back)
    challenger = 0
    if job.challenger and right < job.seats:
        named = challenge_seal(setting.chain, setting.market, job.id, job.challenger, digest)
        if named == job.challenge_seal:
            challenger = job.bond + quantities.bounty(job.seats, job.reward)
    left = job.seats * job.reward - right * job.right_reward
    payout = Payout(buyer=left, challenger=challenger, round_one=one, round_two=two)
    return _burning(job, held, payout, keep=_kept(job))


def released(job: Job) -> Payout:
    """The owner opened the result: the price is paid and the guarantee returns."""
    return Payout(owner=job.guarantee, payee=job.price)


Pays = tuple[SeatPay | None, ...]


def _pay(job: Job, drawn: Round, sealed: tuple[int, int], silent: tuple[int, int]) -> Pays:
    """(back, reward) of the seats with and without a seal."""
    return tuple(
        SeatPay(seat.provider, *(sealed if seat.seal else silent)) if seat else None for seat in drawn.seats
    )


def _judge(job: Job, setting: Setting, drawn: Round, digest: bytes, salted: bytes, reward: int) -> Pays:
    """Bond and reward for each seal that opens, nothing for another, the bond less the fine for silence."""
    pays: list[SeatPay | None] = []
    for index, seat in enumerate(drawn.seats):
        if seat is None or seat.seal is None:
            pays.append(SeatPay(seat.provider, job.bond - job.fine) if seat else None)
            continue
        right = seal(
            setting.chain, setting.market, job.id, drawn.number, index, seat.provider, digest, salted
        )
        opens = seat.seal == right
        pays.append(SeatPay(seat.provider, job.bond, reward) if opens else SeatPay(seat.provider, 0))
    return tuple(pays)


Seats = tuple[Pays, Pays, int]


def _undrawn(job: Job) -> Seats:
    back = (job.bond, 0)
    return _pay(job, job.rounds[0], back, back), (), 0


def _refill_failed(job: Job) -> Seats:
    return _pay(job, job.rounds[0], (job.bond, job.reward), (job.bond, 0)), (), 0


def _seals_missing(job: Job) -> Seats:
    return _pay(job, job.rounds[0], (job.bond, job.reward), (job.bond - job.fine, 0)), (), 0


def _unnamed(job: Job) -> Seats:
    fined = (job.bond - job.fine, 0)
    return _pay(job, job.rounds[0], fined, fined), (), 0


def _undecided(job: Job) -> Seats:
    back = (job.bond, 0)
    two = _pay(job, job.rounds[1], back, (job.bond - job.fine, 0))
    return _pay(job, job.rounds[0], back, back), two, job.bond if job.challenger else 0


def _jury_unfilled(job: Job) -> Seats:
    back = (job.bond, 0)
    two = _pay(job, job.rounds[1], back, back)
    if not job.challenger:
        return _pay(job, job.rounds[0], back, back), two, 0
    return _pay(job, job.rounds[0], (job.bond, job.reward), back), two, job.bond - job.fine


_SEATS: dict[Outcome, Callable[[Job], Seats]] = {
    Outcome.DECLINED: _undrawn,
    Outcome.UNDRAWN: _undrawn,
    Outcome.UNFILLED: _undrawn,
    Outcome.REFILL_FAILED: _refill_failed,
    Outcome.SEALS_MISSING: _seals_missing,
    Outcome.UNNAMED: _unnamed,
    Outcome.UNDECIDED: _undecided,
    Outcome.JURY_UNFILLED: _jury_unfilled,
}


def _kept(job: Job) -> int:
    """What stays locked after a settlement: price and guarantee of a job that is still to be released."""
    return 0 if job.own or job.released else job.price + job.guarantee


def _burning(job: Job, held: int, payout: Payout, keep: int = 0) -> Payout:
    """Burn the rest: what is held and what the fines add, less what everybody gets."""
    seats = sum(1 for pay in (*payout.round_one, *payout.round_two) if pay)
    return replace(payout, burnt=held + seats * job.bond - keep - payout.total)
