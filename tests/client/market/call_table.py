"""Every call about a job, in every state, at every deadline, by every role: its effect or its typed error, as found
on the contracts. The model must say the same wherever it has a rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from getters import told
from market_machine import FALSE, SALTED, TRUE
from model import RULES
from random_market import Market
from real_market import BUYER, CHECKER, OWNER, PROVIDERS, STRANGER, function_abi, make_call

from hexchange.chain.artifacts import artifact
from hexchange.chain.events import NO_PERMIT, ZERO_ADDRESS
from hexchange.market.state import Job
from hexchange.market.windows import Clock

SITS, ALSO_SITS, OTHER, _ = PROVIDERS
ROLES = {
    "owner": OWNER, "buyer": BUYER, "seated provider": SITS, "other provider": OTHER, "challenger": CHECKER,
    "stranger": STRANGER,
}  # fmt: skip
EFFECT, NO_JOB = "effect", 99
MOMENTS = ("drawBy", "contestEnd", "fillBy", "commitBy", "redrawBy", "nameBy", "challengeBy", "releaseBy")
SEALED, RESULT = b"\x77" * 32, b"\x05" * 32
Table = dict[str, dict[str, list[str]]]


def functions() -> Iterator[tuple[str, str]]:
    """(contract, function) for everything that changes a job, from the contracts as they are shipped."""
    for contract in ("DataMarket", "ProviderStake"):
        for entry in artifact(contract).abi:
            changes = entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
            if changes and entry["inputs"] and entry["inputs"][0]["name"] in ("job", "id"):
                yield contract, entry["name"]


def arguments(machine: Market, job: Job | None, function: str, me: str) -> tuple[Any, ...]:
    """Good ones, so that what refuses a call is the state, the time or the caller."""
    play, number = machine.play, job.id if job else NO_JOB
    return {
        "takeSeat": (play.unit(job, me, "right", 0) if job else 0,),
        "commit": (0, play.seal(job, 0, "right") if job else SEALED),
        "settle": (TRUE,),
        "challenge": (play.challenge_seal(number, me, "wrong"), NO_PERMIT),
        "decide": (TRUE, SALTED),
        "release": (RESULT, b"key"),
    }.get(function, ())


def zeros(contract: str, function: str) -> list[Any]:
    """What follows the job in a function that the model has no rule for."""
    return [_zero(entry) for entry in function_abi(contract, function)["inputs"][1:]]


def _zero(entry: Any) -> Any:
    kind = entry["type"]
    if kind == "tuple":
        return tuple(_zero(each) for each in entry["components"])
    return {"address": ZERO_ADDRESS, "bytes32": bytes(32), "bytes": b"", "bool": False}.get(kind, 0)


def answers(machine: Market, job: Job | None, clock: Clock) -> dict[str, list[str]]:
    """By function, what each role is answered."""
    play, number = machine.play, job.id if job else NO_JOB
    asked = [
        (contract, function, me, arguments(machine, job, function, me))
        for contract, function in functions()
        for me in ROLES.values()
    ]
    calls = [
        (play.call(function, number, *given) if function in RULES else
         make_call(play.market, contract, function, number, *zeros(contract, function)), me)
        for contract, function, me, given in asked
    ]  # fmt: skip
    found: dict[str, list[str]] = {}
    for (_, function, me, given), refused in zip(asked, play.market.ask_all(calls, clock), strict=True):
        if function in RULES:
            expected = play.world.copy().tell(function, me, clock, (number, *given))
            play.agree(function, expected, refused)
            assert expected, f"{function} would succeed in silence"
        found.setdefault(function, []).append(refused or EFFECT)
    return found


def table(machine: type[Market]) -> Table:
    """All states of all courses, each at its next block and at every deadline that is still to come."""
    found: Table = {}
    for course in (_agreed, _dark, _missing, _split, _disputed, _own_open, _own):
        played = machine()
        for state in course(played):
            job, real = next(reversed(played.state.jobs.values()), None), played.real
            following = Clock(max(played.play.when, real.clock.now + 1), real.clock.block + 1)
            found[state] = answers(played, job, following)
            for name, moment in _deadlines(played, job):
                if moment > following.now:
                    found[f"{state}, at {name}"] = answers(played, job, Clock(moment, following.block))
    return found


def _deadlines(machine: Market, job: Job | None) -> Iterator[tuple[str, int]]:
    if job:
        seen = dict(told(machine.state))["DataMarket", "jobOf", job.id]
        yield from ((name, seen[name]) for name in MOMENTS if seen[name])


# --- courses: each yields the name of a state once it is reached ---


def _open(machine: Market, by: str = BUYER) -> Job:
    machine.open(by, 2, 10)
    return machine.state.jobs[1]


def _draw(machine: Market) -> None:
    machine.real.mine()
    machine.act(STRANGER, "draw", 1)


def _sit(machine: Market, providers: Iterable[str]) -> None:
    """With their highest tickets, so that others have a lower one."""
    for provider in providers:
        drawn = machine.play.tickets(machine.state.jobs[1], provider)
        machine.act(provider, "takeSeat", 1, [unit for _, unit, sits in drawn if not sits][-1])


def _fill(machine: Market, seats: int = 2) -> None:
    _draw(machine)
    _sit(machine, [(SITS, ALSO_SITS)[index % 2] for index in range(seats)])
    machine.play.when = machine.state.jobs[1].round.contest_end


def _seal(machine: Market, *kinds: str) -> None:
    """The seats that have no seal, as far as there are kinds."""
    job = machine.state.jobs[1]
    empty = [(i, seat.provider) for i, seat in enumerate(job.round.seats) if seat and not seat.seal]
    for (index, provider), kind in zip(empty, kinds, strict=False):
        machine.act(provider, "commit", 1, index, machine.play.seal(job, index, kind))


def _propose(machine: Market, by: str = BUYER) -> None:
    _open(machine, by)
    _fill(machine)
    _seal(machine, "right", "right")
    machine.act(STRANGER, "settle", 1, TRUE)


def _agreed(machine: Market) -> Iterator[str]:
    yield "None"
    _open(machine)
    yield "Open, not drawn, too early"
    machine.real.mine()
    yield "Open, not drawn"
    machine.act(STRANGER, "draw", 1)
    yield "Open, drawn"
    _sit(machine, [SITS])
    yield "Open, one seat taken"
    _sit(machine, [ALSO_SITS])
    yield "Open, full"
    machine.play.when = machine.state.jobs[1].round.contest_end
    _seal(machine, "right")
    yield "Open, one seal"
    _seal(machine, "right")
    yield "Open, all sealed"
    machine.act(STRANGER, "settle", 1, TRUE)
    yield "Proposed"
    machine.play.when = machine.state.jobs[1].challenge_by
    machine.act(STRANGER, "finalize", 1)
    yield "Settled"
    machine.act(OWNER, "release", 1, RESULT, b"key")
    yield "Released"


def _dark(machine: Market) -> Iterator[str]:
    _propose(machine)
    machine.act(OWNER, "release", 1, RESULT, b"key")
    yield "Proposed, result released"
    machine.act(CHECKER, "challenge", 1, machine.play.challenge_seal(1, CHECKER, "wrong"), NO_PERMIT)
    yield "Escalated by a challenge, result released"


def _missing(machine: Market) -> Iterator[str]:
    job = _open(machine)
    _fill(machine)
    machine.play.when = machine.state.jobs[1].round.commit_by
    machine.act(STRANGER, "redraw", 1)
    yield "Open, redrawn"
    _sit(machine, [SITS, ALSO_SITS])
    yield "Open, redrawn and full"
    machine.play.when = machine.state.jobs[1].round.commit_by
    machine.act(job.buyer, "refund", 1)
    yield "Refunded"


def _split(machine: Market) -> Iterator[str]:
    _open(machine)
    _fill(machine)
    _seal(machine, "right", "wrong")
    yield "Open, all sealed and split"
    machine.act(STRANGER, "settle", 1, FALSE)
    yield "Escalated, not drawn"
    machine.play.when = machine.state.jobs[1].round.start + machine.state.jobs[1].fill
    machine.act(STRANGER, "refund", 1)
    yield "Refunded, never drawn again"


def _disputed(machine: Market) -> Iterator[str]:
    _propose(machine)
    machine.act(CHECKER, "challenge", 1, machine.play.challenge_seal(1, CHECKER, "wrong"), NO_PERMIT)
    yield "Escalated by a challenge"
    _draw(machine)
    yield "Escalated, drawn"
    _sit(machine, [SITS])
    yield "Escalated, one seat taken"
    _sit(machine, [(ALSO_SITS, SITS)[index % 2] for index in range(8)])
    yield "Escalated, full"
    machine.play.when = machine.state.jobs[1].round.contest_end
    _seal(machine, *["right"] * 7)
    yield "Escalated, most sealed"
    _seal(machine, *["right"] * 2)
    yield "Escalated, all sealed"
    machine.act(STRANGER, "decide", 1, TRUE, SALTED)
    yield "Settled by a second round"
    machine.act(OWNER, "refund", 1)
    yield "Refunded, declined"


def _own(machine: Market) -> Iterator[str]:
    _propose(machine, OWNER)
    yield "Proposed, owner is buyer"


def _own_open(machine: Market) -> Iterator[str]:
    _open(machine, OWNER)
    yield "Open, owner is buyer"


def rendered(found: Table) -> str:
    """One line for each state and function; a single word where every role is answered alike."""
    states = []
    for state, rows in found.items():
        alike = {name: row if len(set(row)) > 1 else row[0] for name, row in sorted(rows.items())}
        lines = [f"    {json.dumps(name)}: {json.dumps(row)}" for name, row in alike.items()]
        states.append(f"  {json.dumps(state)}: {{\n" + ",\n".join(lines) + "\n  }")
    roles = f'  "roles": {json.dumps(list(ROLES))}'
    return "{\n" + ",\n".join([roles, *states]) + "\n}\n"
