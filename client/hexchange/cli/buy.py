"""`hexchange buy`: search, request, quote, open, watch, result."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from hexchange.buyer import purchase, result
from hexchange.buyer.catalogue import Catalogue, Offered
from hexchange.buyer.purchase import Purchase
from hexchange.buyer.quote import Quote, Wishes, quote
from hexchange.buyer.request import request_offer
from hexchange.buyer.result_key import result_key
from hexchange.chain.amounts import parse_amount
from hexchange.chain.events import Event
from hexchange.circuit.document import circuit_digest
from hexchange.circuit.library import CIRCUITS, KINDS
from hexchange.circuits import find_circuit
from hexchange.cli import buying
from hexchange.cli.context import Context
from hexchange.cli.output import following, pairs, plain, strong, table
from hexchange.errors import NodeUnreachable, StaleNode
from hexchange.market.messages import OfferRequest
from hexchange.market.results import ReleasedResult
from hexchange.market.state import Job
from hexchange.market.windows import deadline
from hexchange.owner.own import open_own_result

app = typer.Typer(no_args_is_help=True, add_completion=False)

DatasetNumber = Annotated[int, typer.Argument(metavar="DATASET", help="Number of the dataset.")]
OfferName = Annotated[
    str, typer.Argument(metavar="OFFER", help="First digits of its digest, or a file from the owner.")
]
JobNumber = Annotated[int, typer.Argument(metavar="JOB", help="Number of the job.")]
Seats = Annotated[
    int | None, typer.Option(help="Providers in round one, 1 to 5 (least: what the offer says).")
]
Reward = Annotated[
    str | None, typer.Option(help="Most a seat may earn, in tokens (least: what the offer says).")
]
Fill = Annotated[int | None, typer.Option(help="Seconds in which seats are contested.")]
Compute = Annotated[int | None, typer.Option(help="Seconds to compute, and to challenge.")]
Release = Annotated[int | None, typer.Option(help="Seconds the owner has to release.")]

POLL_SECONDS = 1.0


@app.callback()
def group() -> None:
    """From a search to a result: every step before `open` costs nothing but, for a request, gas."""


def _catalogue(context: Context, buyer: str) -> Catalogue:
    follower = context.follower
    return Catalogue(follower.state, follower.now, context.contracts, context.store, buyer)


# --- before any money -----------------------------------------------------------------------------


@app.command()
def search(
    call: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(help="Words of the card, or a dataset's number.")
    ] = None,
) -> None:
    """Datasets that sell, and the offers of one dataset if its number is given."""
    context: Context = call.obj
    catalogue = _catalogue(context, context.address_or_zero)
    if words and len(words) == 1 and words[0].isdecimal():
        _show_offers(context, catalogue, int(words[0]))
        return
    entries = catalogue.search(" ".join(words or []))
    shown = table(buying.ENTRY_COLUMNS, [buying.entry_row(entry) for entry in entries])
    context.output.show(
        {"datasets": [buying.entry_document(entry) for entry in entries]},
        shown if entries else "No dataset has all these words.",
        next_step="hexchange buy search NUMBER" if entries else "hexchange buy search",
    )


def _show_offers(context: Context, catalogue: Catalogue, number: int) -> None:
    manifest, shelf = catalogue.manifest(catalogue.state.dataset(number)), catalogue.offers(number)
    token = context.contracts.token
    for reason in shelf.unread:
        context.output.note(f"published, and left out: {reason}")
    document = {
        "dataset": number, "title": manifest.title, **buying.token_document(token),
        "offers": [buying.offer_document(offered) for offered in shelf.offers], "unread": list(shelf.unread),
    }  # fmt: skip
    first = next((offered for offered in shelf.offers if not offered.obstacle), None)
    context.output.show(
        document,
        strong(manifest.title).append_text(
            plain(f"  {manifest.rows:,} rows, {len(manifest.columns)} columns, {manifest.licence}")
        ),
        manifest.summary,
        table(buying.OFFER_COLUMNS, [buying.offer_row(offered, token) for offered in shelf.offers]),
        next_step=f"hexchange buy quote {number} {first.digest.hex()[:12]}"
        if first
        else f"hexchange buy request {number} CIRCUIT",
    )


@app.command()
def request(
    call: typer.Context,
    dataset: DatasetNumber,
    circuit: Annotated[str, typer.Argument(help=f"{', '.join(CIRCUITS)}, a file, or a digest.")],
    model: Annotated[
        Path | None,
        typer.Option(help="Fitted model of predict or network (.skops), or a score card (.toml)."),
    ] = None,
    price: Annotated[str, typer.Option(help="What you would pay for a release, in tokens.")] = "0",
    seats: Annotated[int, typer.Option(min=1, max=5, help="Providers in round one.")] = 1,
    reward: Annotated[str, typer.Option(help="What a seat would earn, in tokens.")] = "0",
    epsilon: Annotated[
        str,
        typer.Option(
            help="ε of the release, for one row present or zeroed; 0: exact, no differential privacy."
        ),
    ] = "0",
    purpose: Annotated[str, typer.Option(help="What the result is for.")] = "",
) -> None:
    """Ask the owner to offer a circuit: it is published for the owner to read, and the request goes on chain."""
    context: Context = call.obj
    token, buyer = context.contracts.token, context.wallet.address
    catalogue = _catalogue(context, buyer)
    manifest = catalogue.manifest(catalogue.state.dataset(dataset))
    micro = parse_amount(epsilon, 6)
    asked = find_circuit(circuit, manifest, context.store, noise=micro > 0, model=model)
    wanted = OfferRequest(
        dataset=dataset, buyer=buyer, circuit=circuit_digest(asked), price=parse_amount(price, token.decimals),
        seats=seats, reward=parse_amount(reward, token.decimals), epsilon=micro, purpose=purpose,
    )  # fmt: skip
    facts = {
        "network": f"chain {context.contracts.chain_id}", "dataset": f"{dataset}, {manifest.title}",
        "circuit": buying.in_a_line(asked), "price": token.format(wanted.price),
        "privacy": buying.privacy(micro), "costs": "gas alone; nothing is locked",
    }  # fmt: skip
    context.output.confirm("Ask for an offer", facts)
    with context.sender() as sender:
        receipt = request_offer(wanted, asked, context.contracts, sender, context.store)
    digest = "0x" + wanted.circuit.hex()
    document = {"dataset": dataset, "circuit": digest, "tx": "0x" + receipt.tx.hex()}
    words = f"The owner can read and offer it: hexchange owner offer NAME --circuit {digest} --buyer {buyer}"
    context.output.show(document, words, next_step=f"hexchange buy search {dataset}")


@app.command(name="quote")
def quote_(
    call: typer.Context, dataset: DatasetNumber, offer: OfferName, seats: Seats = None, reward: Reward = None,
    fill: Fill = None, compute: Compute = None, release: Release = None,
) -> None:  # fmt: skip
    """What the job would cost and give, before any money."""
    context: Context = call.obj
    catalogue = _catalogue(context, context.address_or_zero)
    wishes = _wishes(context, seats, reward, fill, compute, release)
    found = _quote(context, catalogue, _offered(catalogue, dataset, offer), wishes)
    token = context.contracts.token
    context.output.show(
        buying.quote_document(found, token), found.text, "", pairs(buying.quote_facts(found, token)),
        next_step=f"hexchange buy open {dataset} {offer}",
    )  # fmt: skip


def _wishes(
    context: Context, seats: int | None, reward: str | None, fill: int | None, compute: int | None,
    release: int | None,
) -> Wishes:  # fmt: skip
    most = None if reward is None else parse_amount(reward, context.contracts.token.decimals)
    return Wishes(seats, most, fill, compute, release)


def _offered(catalogue: Catalogue, dataset: int, name: str) -> Offered:
    """The offer that `name` means: a file from the owner, or the published one whose digest starts so."""
    path = Path(name)
    return catalogue.private(dataset, path.read_bytes()) if path.is_file() else catalogue.offer(dataset, name)


def _quote(context: Context, catalogue: Catalogue, offered: Offered, wishes: Wishes) -> Quote:
    return quote(catalogue, offered, wishes, bytes(result_key(context.settings.home).public_key))


# --- a job ----------------------------------------------------------------------------------------


@app.command(name="open")
def open_(
    call: typer.Context, dataset: DatasetNumber, offer: OfferName, seats: Seats = None, reward: Reward = None,
    fill: Fill = None, compute: Compute = None, release: Release = None,
) -> None:  # fmt: skip
    """Lock the payment and open the job. Run again after an interruption: it buys once."""
    context: Context = call.obj
    with context.sender() as sender:
        catalogue = _catalogue(context, sender.address)
        offered = _offered(catalogue, dataset, offer)
        bought = purchase.resume(offered.digest, sender)
        if bought:
            context.output.note("this finishes a purchase of the same offer that was interrupted")
        else:
            found = _quote(
                context, catalogue, offered, _wishes(context, seats, reward, fill, compute, release)
            )
            paid = purchase.payment(found, context.contracts, sender.address)
            context.output.confirm("Open a job", buying.opening_facts(found, paid, context.contracts))
            with context.output.progress("Waiting for the block", None):
                bought = purchase.open_job(found, context.contracts, context.wallet, sender)
    _show_purchase(context, bought)


def _show_purchase(context: Context, bought: Purchase) -> None:
    token, receipt = context.contracts.token, bought.receipt
    document = {
        "job": bought.job, "escrow": str(bought.escrow), **buying.token_document(token),
        "tx": "0x" + receipt.tx.hex(), "block": receipt.block.number, "gas": receipt.gas_used,
    }  # fmt: skip
    words = f"Job {bought.job} is open; {token.format(bought.escrow)} are locked."
    context.output.show(document, words, next_step=f"hexchange buy watch {bought.job}")


@app.command()
def watch(call: typer.Context, number: JobNumber) -> None:
    """Follow a job until its result can be read, or its payment is back. Goes on while the node is away."""
    context: Context = call.obj
    follower = context.follower
    naming = context.contracts.views.bounds().naming
    seen: set[tuple[bytes, int]] = set()
    told = ""
    while True:
        job = follower.state.job(number)
        for event in job.timeline:
            place = event.at.block.hash, event.at.log_index
            if place not in seen:
                seen.add(place)
                _tell(context, event)
        if _ended(context, job):
            break
        due = deadline(job, follower.now, naming)
        if due and due.function != told:
            told = due.function
            words = f"in {max(0, due.at - follower.now)} s anybody may {told.replace('_', ' ')}"
            context.output.note(words)
        time.sleep(POLL_SECONDS)
        try:
            follower.update()
        except (NodeUnreachable, StaleNode) as error:
            context.output.note(f"{error.message}; trying again")
    _tell_end(context, job)


def _ended(context: Context, job: Job) -> bool:
    """Whether the buyer can go on; a result of its own table is opened once the digest is final."""
    final = context.follower.final.jobs.get(job.id) if job.own else job
    return job.released or (final is not None and final.over)


def _tell(context: Context, event: Event) -> None:
    name, block = type(event).__name__, event.at.block
    document = {"event": name, "block": block.number, "at": block.timestamp}
    context.output.follow(document, f"block {block.number:>8}  {name}")


def _tell_end(context: Context, job: Job) -> None:
    """What became of the job, and the command that goes on from there."""
    if job.refunded and not job.released:
        word, command = "refunded; what was not spent is in your free balance", "hexchange wallet balance"
    else:
        word = "settled" if job.own else "released"
        command = f"hexchange buy result {job.id}"
    document = {"job": job.id, "state": job.state.value, "released": job.released}
    context.output.follow(document, plain(f"Job {job.id} is {word}.\n").append_text(following(command)))


@app.command(name="result")
def result_(
    call: typer.Context, number: JobNumber,
    save: Annotated[
        Path | None, typer.Option(help="Folder for result.csv or model.skops, and result.json.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--as", help=f"What to make of it, if it holds enough: {', '.join(KINDS)}.")
    ] = None,
) -> None:  # fmt: skip
    """Fetch, verify and open the result of a job; of a job over your own table, after running it again."""
    context: Context = call.obj
    job = context.follower.state.job(number)
    released = _own_result(context, job) if job.own and not job.refunded else _released(context, job)
    circuit = result.circuit_of(job, context.store)
    found = result.useful(circuit, released, kind)
    files = result.save(found, released, save) if save else []
    document = {**buying.result_document(job, circuit, released), "files": [str(path) for path in files]}
    context.output.show(
        document, _in_words(found), "", pairs(buying.result_facts(document, circuit, files)),
        next_step=f"hexchange job verify {number}" if save else f"hexchange buy result {number} --save FOLDER",
    )  # fmt: skip


def _released(context: Context, job: Job) -> ReleasedResult:
    return result.read_result(job, context.store, result_key(context.settings.home), context.deployment)


def _own_result(context: Context, job: Job) -> ReleasedResult:
    final = context.follower.final.jobs.get(job.id)
    with context.output.progress("Running the job again", None):
        return open_own_result(final, context.settings.home, context.store, context.deployment)


def _in_words(found: Any) -> str:
    return str(found.to_string(max_rows=20)) if hasattr(found, "to_string") else repr(found)
