"""What happened in a job, in sentences that a reader without a wallet understands."""

from __future__ import annotations

from hexchange.chain import events
from hexchange.chain.contracts import TokenInfo
from hexchange.chain.events import ZERO_ADDRESS, Event, Outcome
from hexchange.circuit.library import KINDS

_ENDS = {
    Outcome.DECLINED: "the owner declined it before anything was computed",
    Outcome.UNDRAWN: "nobody drew a seed in time",
    Outcome.UNFILLED: "not enough providers took a seat in time",
    Outcome.REFILL_FAILED: "the seats of silent providers stayed empty",
    Outcome.SEALS_MISSING: "seats stayed silent",
    Outcome.UNNAMED: "nobody named a digest that opens the seals",
    Outcome.UNDECIDED: "the second round found too few equal seals",
    Outcome.JURY_UNFILLED: "the second round did not find enough providers",
    Outcome.RELEASE_DECLINED: "the owner declined to release the settled result",
    Outcome.RELEASE_LAPSED: "the owner let the time for the release pass",
}


def result_text(result: str) -> str:
    """What a circuit yields."""
    return KINDS[result].title if result in KINDS else result


def outcome_text(outcome: Outcome) -> str:
    """The outcome of a refunded job, as a name for machines."""
    return outcome.name.lower().replace("_", "-")


def step_text(event: Event, token: TokenInfo) -> str:
    """The sentence for `event`; amounts in the market's token."""
    match event:
        case events.JobOpened():
            return f"the buyer opened the job and put {token.show(_escrow(event))} into escrow"
        case events.ResultProposed():
            return "every seal of round one opens with the same digest; it may be challenged now"
        case events.JobEscalated(challenger=challenger) if challenger == ZERO_ADDRESS:
            return "the seals of round one disagree; a larger second round decides"
        case events.JobEscalated():
            return f"{event.challenger} disagrees and put up a bond; a larger second round decides"
        case events.JobSettled():
            earned = (
                f", {event.right} of round one earned {token.show(event.reward)} each" if event.right else ""
            )
            return f"the result is settled{earned}"
        case events.ResultReleased():
            return "the owner released the result to the buyer"
        case events.JobRefunded():
            return f"the job ended: {_ENDS[event.outcome]}"
        case events.Locked() | events.Paid() | events.Burnt():
            return _money_text(event, token)
        case _:
            return _seat_text(event, token)


def _escrow(event: events.JobOpened) -> int:
    price = 0 if event.buyer == event.owner else event.offer.price
    return price + event.terms.seats * event.terms.reward


def _money_text(event: events.Locked | events.Paid | events.Burnt, token: TokenInfo) -> str:
    amount = token.show(event.amount)
    match event:
        case events.Locked():
            return f"{event.account} put {amount} into the job"
        case events.Paid():
            return f"{event.account} received {amount}"
        case events.Burnt():
            return f"{amount} were burnt"


def _seat_text(event: Event, token: TokenInfo) -> str:
    match event:
        case events.SeedDrawn():
            return f"the seed of round {event.round} was drawn; the lowest tickets get the seats"
        case events.SeatTaken():
            instead = "" if event.displaced == ZERO_ADDRESS else f" instead of {event.displaced}"
            return f"{event.provider} took {_seat(event)}{instead}"
        case events.RoundFilled():
            return f"round {event.round} is full; its seats compute and seal"
        case events.SealCommitted():
            return f"{_seat(event)} sealed its result"
        case events.RoundRedrawn():
            return "the places of silent seats are drawn anew"
        case events.SeatClosed():
            return _closed_text(event, token)
        case _:
            return type(event).__name__


def _closed_text(event: events.SeatClosed, token: TokenInfo) -> str:
    seat = f"{_seat(event)} of {event.provider}"
    if event.fine == event.bond:
        return f"{seat} was wrong and lost its bond of {token.show(event.bond)}"
    earned = f" and earned {token.show(event.reward)}" if event.reward else ""
    if event.fine:
        return f"{seat} was fined {token.show(event.fine)}{earned}"
    return f"{seat} got its bond back{earned}"


def _seat(event: events.SeatTaken | events.SealCommitted | events.SeatClosed) -> str:
    return f"seat {event.seat} of round {event.round}"
