"""Each event of a job in one sentence that a reader without a wallet understands."""

from __future__ import annotations

from hexchange.chain import events
from hexchange.chain.contracts import TokenInfo
from hexchange.chain.events import ZERO_ADDRESS, Event


def step_text(event: Event, token: TokenInfo) -> str:
    """The sentence for `event`; amounts in the market's token."""
    match event:
        case events.JobOpened():
            return f"{event.buyer} opened the job and locked the payment"
        case events.SeedDrawn():
            return f"the seed of round {event.round} was drawn; seats go to the lowest tickets"
        case events.SeatTaken():
            instead = "" if event.displaced == ZERO_ADDRESS else f" instead of {event.displaced}"
            return f"{event.provider} took seat {event.seat} of round {event.round}{instead}"
        case events.RoundFilled():
            return f"round {event.round} is full; its seats compute and seal"
        case events.SealCommitted():
            return f"seat {event.seat} of round {event.round} sealed its result"
        case events.RoundRedrawn():
            return "silent seats were fined and round one was drawn anew"
        case events.ResultProposed():
            return f"every seal opens with digest {event.digest.hex()}; it may be challenged now"
        case events.JobEscalated(challenger=challenger) if challenger == ZERO_ADDRESS:
            return "the seals of round one disagree; a larger second round decides"
        case events.JobEscalated():
            return f"{event.challenger} disagrees and put up a bond; a larger second round decides"
        case events.JobSettled():
            return f"settled: {event.right} seats of round one were right and earn {token.format(event.reward)} each"
        case events.ResultReleased():
            return "the owner released the result to the buyer"
        case events.JobRefunded():
            return f"ended without a result ({event.outcome.name.replace('_', ' ').lower()})"
        case events.SeatClosed():
            return _seat_closed(event, token)
        case events.Locked():
            return f"{token.format(event.amount)} of {event.account} were locked"
        case events.Paid():
            return f"{event.account} received {token.format(event.amount)}"
        case events.Burnt():
            return f"{token.format(event.amount)} were burnt"
    return type(event).__name__


def _seat_closed(event: events.SeatClosed, token: TokenInfo) -> str:
    seat = f"seat {event.seat} of round {event.round}"
    if event.fine == event.bond:
        return f"{seat} was wrong: {event.provider} lost its bond of {token.format(event.bond)}"
    if event.fine:
        return f"{seat} was silent: {event.provider} was fined {token.format(event.fine)}"
    return f"{seat} got its bond back and earned {token.format(event.reward)}"
