"""`hexchange job`: look at any job, run it again, and move it on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from hexchange import jobs
from hexchange.chain.contracts import Contracts
from hexchange.chain.events import Event
from hexchange.chain.sender import Receipt, Sender
from hexchange.cli.context import Context
from hexchange.cli.output import pairs, table
from hexchange.errors import BadDigest, ResultDiffers
from hexchange.evaluation import Verification, verify_job
from hexchange.market.digests import NO_SALT
from hexchange.market.state import Job, JobState, Seat
from hexchange.market.windows import Deadline, deadline

app = typer.Typer(no_args_is_help=True, add_completion=False)

Number = Annotated[int, typer.Argument(metavar="JOB", help="Number of the job.")]
Digest = Annotated[
    str | None, typer.Option("--digest", help="Digest in hex; by default the job is run again to learn it.")
]


@app.callback()
def group() -> None:
    """Every verb but list, show and verify sends a transaction; anybody may send it."""


# --- looking --------------------------------------------------------------------------------------


@app.command(name="list")
def list_(
    call: typer.Context, live: Annotated[bool, typer.Option("--live", help="Only jobs that go on.")] = False
) -> None:
    """All jobs of the market, newest first."""
    context: Context = call.obj
    now = context.follower.now
    chosen = [job for job in context.follower.state.jobs.values() if not (live and job.over)]
    chosen.sort(key=lambda job: -job.id)
    dues = _due(context, *chosen)
    rows = [
        (job.id, job.dataset, job.state.value, job.seats, _words(context, job.price), _next(due, now))
        for job, due in zip(chosen, dues, strict=True)
    ]
    columns = (">job", ">dataset", "state", ">seats", ">price", "next deadline")
    context.output.show(
        {"jobs": [_document(job, due) for job, due in zip(chosen, dues, strict=True)]},
        table(columns, rows) if rows else "There is no job.",
        next_step="hexchange job show JOB",
    )


@app.command()
def show(call: typer.Context, number: Number) -> None:
    """One job: terms, seats, timeline, and what happens next."""
    context: Context = call.obj
    job = context.follower.state.job(number)
    (due,) = _due(context, job)
    document = {
        **_document(job, due),
        "held": str(context.follower.state.held[number]),
        "seats_taken": [_seat(place) for place in _places(job)],
        "timeline": [_moment(event) for event in job.timeline],
    }
    seats = [
        (r, "-" if i is None else i, s.provider, s.outcome, _words(context, s.reward))
        for r, i, s in _places(job)
    ]
    following = due.function if due and context.follower.now >= due.at else "verify"
    moments = [
        (event.at.block.number, _time(event.at.block.timestamp), type(event).__name__)
        for event in job.timeline
    ]
    context.output.show(
        document,
        pairs(_facts(context, job, due)),
        table((">round", ">seat", "provider", "state", ">reward"), seats, title="Seats") if seats else "",
        table((">block", "time", "event"), moments, title="Timeline"),
        next_step=f"hexchange job {following} {number}",
    )


@app.command()
def verify(call: typer.Context, number: Number) -> None:
    """Run the job again from public data alone and compare the digest; exit code 8 if it differs."""
    context: Context = call.obj
    found = _verify(context, context.follower.state.job(number))
    document = {
        "job": number, "digest": _hex(found.evaluated.digest), "expected": _hex(found.expected),
        "agrees": found.agrees if found.expected else None, "seconds": round(found.seconds, 3),
        "bytes": found.plan.size,
    }  # fmt: skip
    verdict = "equal to the digest on chain" if found.agrees else "nobody has named a digest yet"
    facts = {
        "digest": found.evaluated.digest.hex(),
        "verdict": verdict,
        "computed in": f"{found.seconds:.1f} s",
    }
    context.output.show(document, pairs(facts), next_step=f"hexchange job show {number}")


# --- moving on ------------------------------------------------------------------------------------


@app.command()
def draw(call: typer.Context, number: Number) -> None:
    """Draw the seed of the current round."""
    _move(call.obj, number, "draw", jobs.draw)


@app.command()
def settle(call: typer.Context, number: Number, digest: Digest = None) -> None:
    """Name the digest of round one; what opens no seal is refused."""
    context: Context = call.obj
    job = context.follower.state.job(number)
    named = _read(digest) if digest else _verify(context, job).evaluated.digest
    _move(context, number, "settle", lambda j, c, s: jobs.settle(j, named, c, s), {"digest": named.hex()})


@app.command()
def challenge(call: typer.Context, number: Number, digest: Digest = None) -> None:
    """Dispute the proposed digest: the bond is lost unless a jury confirms yours."""
    context: Context = call.obj
    job = context.follower.state.job(number)
    named = _read(digest) if digest else _rerun(context, job).evaluated.digest
    facts = {"digest": named.hex(), "at risk": _words(context, job.bond)}
    wallet = context.wallet
    _move(context, number, "challenge", lambda j, c, s: jobs.challenge(j, named, c, wallet, s), facts)


@app.command()
def decide(call: typer.Context, number: Number) -> None:
    """Run the job again and name what a dispute's second round confirms."""
    context: Context = call.obj
    run = _rerun(context, context.follower.state.job(number)).evaluated
    facts = {"digest": run.digest.hex()}
    _move(context, number, "decide", lambda j, c, s: jobs.decide(j, run.digest, run.salted, c, s), facts)


@app.command()
def finalize(call: typer.Context, number: Number) -> None:
    """Pay the seats of an unchallenged digest."""
    _move(call.obj, number, "finalize", jobs.finalize)


@app.command()
def redraw(call: typer.Context, number: Number) -> None:
    """Fine the silent seats and draw their places anew."""
    _move(call.obj, number, "redraw", jobs.redraw)


@app.command()
def refund(call: typer.Context, number: Number) -> None:
    """End a job whose deadline has passed."""
    _move(call.obj, number, "refund", jobs.refund)


Send = Callable[[Job, Contracts, Sender], Receipt]


def _move(
    context: Context, number: int, function: str, send: Send, facts: dict[str, str] | None = None
) -> None:
    job = context.follower.state.job(number)
    (due,) = _due(context, job)
    shown = {"chain": str(context.contracts.chain_id), "job": f"{number}, {job.state.value}", **(facts or {})}
    if due and due.function == function:
        shown["then"] = due.text.split("; ", 1)[1]
    context.output.confirm(function.capitalize(), shown)
    with context.sender() as sender, context.output.progress("Waiting for the block", None):
        receipt = send(job, context.contracts, sender)
    context.follower.update()
    state = context.follower.state.job(number).state
    context.output.show(
        {
            "job": number, "function": function, "tx": _hex(receipt.tx), "block": receipt.block.number,
            "gas": receipt.gas_used, "state": state.value,
        },
        f"{function} is in block {receipt.block.number}; job {number} is {state.value}",
        next_step=f"hexchange job show {number}",
    )  # fmt: skip


# --- running again --------------------------------------------------------------------------------


def _rerun(context: Context, job: Job) -> Verification:
    """Run from public data, whatever the chain says."""
    with context.output.progress(f"Running job {job.id} again", 100) as advance:
        done = 0

        def fetched(bytes_done: int, size: int) -> None:
            nonlocal done
            part = 100 * bytes_done // max(1, size)
            advance(part - done)
            done = part

        return verify_job(context.store, job, context.settings.home / "cache", progress=fetched)


def _verify(context: Context, job: Job) -> Verification:
    """Run again and compare. Raises ResultDiffers."""
    found = _rerun(context, job)
    if found.expected and not found.agrees:
        open_ = job.state is JobState.PROPOSED and context.follower.now < job.challenge_by
        raise ResultDiffers(
            f"job {job.id} gives {found.evaluated.digest.hex()}, the chain says {found.expected.hex()}",
            hint=f"`hexchange job challenge {job.id}`" if open_ else "the challenge window is over",
        )
    return found


def _read(text: str) -> bytes:
    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        found = b""
    if len(found) != len(NO_SALT):
        raise BadDigest(
            f"{text!r} is no digest", hint="give 64 hex digits, as `hexchange job verify` prints them"
        )
    return found


# --- words ----------------------------------------------------------------------------------------


def _due(context: Context, *chosen: Job) -> list[Deadline | None]:
    """The next deadline of each job."""
    now, naming = context.follower.now, context.contracts.views.bounds().naming
    return [deadline(job, now, naming) for job in chosen]


def _next(due: Deadline | None, now: int) -> str:
    if due is None:
        return "-"
    return f"now {due.text}" if now >= due.at else f"in {due.at - now:,} s {due.text}"


def _facts(context: Context, job: Job, due: Deadline | None) -> dict[str, object]:
    floor, reward = _words(context, job.floor), _words(context, job.reward)
    return {
        "job": f"{job.id}, {job.state.value}",
        "dataset": job.dataset,
        "buyer": job.buyer,
        "owner": job.owner,
        "price": f"{_words(context, job.price)} to {job.payee}",
        "rewards": f"{job.seats} x {floor} to {reward}",
        "guarantee": _words(context, job.guarantee),
        "privacy": f"ε {job.epsilon / 1_000_000:g}" if job.epsilon else "no differential privacy",
        "bond": f"{_words(context, job.bond)} a seat",
        "windows": f"fill {job.fill} s, compute and challenge {job.compute} s, release {job.release} s",
        "opened": _time(job.opened_at),
        "digest": (job.settled or job.proposed or b"").hex() or "not named yet",
        "ended": job.refunded.name.lower().replace("_", " ") if job.refunded is not None else "-",
        "next deadline": f"{_time(due.at)}: {_next(due, context.follower.now)}" if due else "-",
    }


def _document(job: Job, due: Deadline | None) -> dict[str, Any]:
    return {
        "id": job.id, "dataset": job.dataset, "state": job.state.value, "buyer": job.buyer, "owner": job.owner,
        "payee": job.payee, "offer": _hex(job.offer), "manifest": _hex(job.manifest), "circuit": _hex(job.circuit),
        "price": str(job.price), "guarantee": str(job.guarantee), "epsilon": job.epsilon, "seats": job.seats,
        "floor": str(job.floor), "reward": str(job.reward), "bond": str(job.bond), "opened_at": job.opened_at,
        "proposed": _hex(job.proposed), "settled": _hex(job.settled), "challenger": job.challenger,
        "released": job.released, "outcome": job.refunded.name.lower() if job.refunded is not None else None,
        "deadline": {"at": due.at, "function": due.function, "text": due.text} if due else None,
    }  # fmt: skip


Place = tuple[int, int | None, Seat]


def _places(job: Job) -> list[Place]:
    """Round, index and occupant of every seat; those that a redraw emptied come first and have no index."""
    silent: list[Place] = [(drawn.number, None, seat) for drawn in job.rounds for seat in drawn.silent]
    taken: list[Place] = [
        (drawn.number, index, seat)
        for drawn in job.rounds
        for index, seat in enumerate(drawn.seats)
        if seat is not None
    ]
    return silent + taken


def _seat(place: Place) -> dict[str, Any]:
    number, index, seat = place
    return {
        "round": number, "seat": index, "provider": seat.provider, "unit": seat.unit,
        "outcome": seat.outcome, "fine": str(seat.fine or 0), "reward": str(seat.reward),
    }  # fmt: skip


def _moment(event: Event) -> dict[str, Any]:
    block = event.at.block
    return {
        "event": type(event).__name__,
        "block": block.number,
        "time": block.timestamp,
        "tx": _hex(event.at.tx),
    }


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _hex(value: bytes | None) -> str | None:
    return f"0x{value.hex()}" if value else None


def _words(context: Context, amount: int) -> str:
    return context.contracts.token.format(amount)
