"""`hexchange buy`: search, quote, open, watch, result."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from hexchange.buyer import purchase, result
from hexchange.buyer.catalogue import Catalogue, Entry, Offered
from hexchange.buyer.quote import Quote, choose_terms, quote
from hexchange.buyer.result_key import result_key
from hexchange.chain.amounts import parse_amount
from hexchange.circuit.analysis import describe_text
from hexchange.circuit.document import Circuit
from hexchange.cli.context import Context
from hexchange.cli.output import pairs, table
from hexchange.market.state import JobState
from hexchange.market.windows import deadline

app = typer.Typer(no_args_is_help=True)

Dataset = Annotated[int, typer.Argument(help="Number of the dataset.")]
OfferPrefix = Annotated[str, typer.Argument(help="First digits of the offer's digest, as search shows them.")]
Job = Annotated[int, typer.Argument(help="Number of the job.")]
Seats = Annotated[
    int | None, typer.Option(help="Providers in round one, 1 to 5 (least: what the offer says).")
]
Reward = Annotated[
    str | None, typer.Option(help="Most a seat may earn, in tokens (least: what the offer says).")
]
Fill = Annotated[int | None, typer.Option(help="Seconds in which seats are contested.")]
Compute = Annotated[int | None, typer.Option(help="Seconds to compute, and to challenge.")]
Release = Annotated[int | None, typer.Option(help="Seconds the owner has to release.")]


def _in_a_line(circuit: Circuit) -> str:
    return describe_text(circuit).splitlines()[0]


def _catalogue(context: Context) -> Catalogue:
    follower = context.follower
    return Catalogue(follower.state, follower.now, context.contracts, context.store)


def privacy(epsilon: int) -> str:
    """ε of a release in words."""
    return f"ε {Decimal(epsilon) / 1_000_000}" if epsilon else "exact, no differential privacy"


@app.command()
def search(
    call: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(help="Words of the card, or a dataset's number.")
    ] = None,
) -> None:
    """Datasets that sell, and the offers of one dataset if its number is given."""
    context: Context = call.obj
    catalogue = _catalogue(context)
    if words and len(words) == 1 and words[0].isdecimal():
        _show_offers(context, catalogue, int(words[0]))
        return
    entries = catalogue.search(" ".join(words or []))
    document = {"datasets": [_entry(entry) for entry in entries]}
    rows = [_entry_row(entry) for entry in entries]
    shown = table(("dataset", "title", ">rows", ">columns", "editions", ">ε left", ">exact left"), rows)
    context.output.show(document, shown, next_step="hexchange buy search NUMBER")


def _entry(entry: Entry) -> dict[str, Any]:
    manifest, dataset = entry.manifest, entry.dataset
    return {
        "id": dataset.id, "owner": dataset.owner, "title": manifest.title if manifest else None,
        "rows": manifest.rows if manifest else None, "missing": entry.missing,
        "columns": [column.name for column in manifest.columns] if manifest else [],
        "editions": [edition.name for edition in manifest.editions] if manifest else [],
        "epsilon_left": dataset.epsilon_left, "exact_left": dataset.exact_left,
    }  # fmt: skip


def _entry_row(entry: Entry) -> tuple[object, ...]:
    manifest, dataset = entry.manifest, entry.dataset
    epsilon = Decimal(dataset.epsilon_left) / 1_000_000
    if manifest is None:
        return dataset.id, f"({entry.missing})", "-", "-", "-", epsilon, dataset.exact_left
    editions = ", ".join(edition.name for edition in manifest.editions)
    return (
        dataset.id, manifest.title, f"{manifest.rows:,}", len(manifest.columns), editions, epsilon,
        dataset.exact_left,
    )  # fmt: skip


def _show_offers(context: Context, catalogue: Catalogue, number: int) -> None:
    buyer = context.address_or_zero
    offers = catalogue.offers(number, buyer)
    manifest = catalogue.manifest(catalogue.state.dataset(number))
    token = context.contracts.token
    rows = [
        (
            offered.digest.hex()[:12], _in_a_line(offered.circuit), token.format(offered.signed.offer.price),
            privacy(offered.signed.offer.epsilon), max(1, offered.signed.offer.min_seats),
            token.format(offered.signed.offer.min_reward), offered.obstacle or "open",
        )
        for offered in offers
    ]  # fmt: skip
    columns = ("offer", "circuit", ">price", "privacy", ">seats", ">reward, each", "state")
    document = {"dataset": number, "offers": [_offered(offered) for offered in offers]}
    first = next((offered for offered in offers if not offered.obstacle), None)
    following = (
        f"hexchange buy quote {number} {first.digest.hex()[:12]}" if first else "ask the owner for an offer"
    )
    about = f"[bold]{manifest.title}[/bold]  {manifest.rows:,} rows, {len(manifest.columns)} columns, {manifest.licence}"
    context.output.show(document, about, manifest.summary, table(columns, rows), next_step=following)


def _offered(offered: Offered) -> dict[str, Any]:
    offer = offered.signed.offer
    return {
        "digest": "0x" + offered.digest.hex(), "circuit": "0x" + offer.circuit.hex(), "title": _in_a_line(offered.circuit),
        "price": str(offer.price), "guarantee": str(offer.guarantee), "epsilon": offer.epsilon,
        "min_seats": max(1, offer.min_seats), "min_reward": str(offer.min_reward),
        "max_reward": str(offer.max_reward), "expiry": offer.expiry, "buyer": offer.buyer,
        "obstacle": offered.obstacle,
    }  # fmt: skip


@app.command(name="quote")
def quote_(
    call: typer.Context, dataset: Dataset, offer: OfferPrefix, seats: Seats = None, reward: Reward = None,
    fill: Fill = None, compute: Compute = None, release: Release = None,
) -> None:  # fmt: skip
    """What the job would cost and give, before any money."""
    context: Context = call.obj
    found = _quote(context, dataset, offer, seats, reward, fill, compute, release)
    document, facts = _quote_document(found), quote_facts(context, found)
    context.output.show(
        document, found.text, "", pairs(facts), next_step=f"hexchange buy open {dataset} {offer}"
    )


def _quote(
    context: Context, dataset: int, prefix: str, seats: int | None, reward: str | None, fill: int | None,
    compute: int | None, release: int | None,
) -> Quote:  # fmt: skip
    catalogue, contracts = _catalogue(context), context.contracts
    buyer = context.address_or_zero
    offered = catalogue.offer(dataset, prefix, buyer)
    listed = catalogue.state.dataset(dataset)
    key = bytes(result_key(context.settings.home).public_key)
    units = None if reward is None else parse_amount(reward, contracts.token.decimals)
    terms = choose_terms(
        offered, contracts, key, seats=seats, reward=units, fill=fill, compute=compute, release=release
    )  # fmt: skip
    naming = contracts.views.bounds().naming
    return quote(listed, catalogue.manifest(listed), offered, terms, naming, buyer)


def quote_facts(context: Context, found: Quote) -> dict[str, object]:
    """The quote as people read it; the same facts stand in the confirmation."""
    token, analysis, terms = context.contracts.token, found.analysis, found.terms
    release = "exact, no differential privacy" if not found.epsilon else privacy(found.epsilon)
    if found.delta:
        release += f", δ {found.delta:g}"
    return {
        "price": f"{token.format(found.price)} to the owner, at release",
        "rewards": f"{token.format(found.rewards_least)} to {token.format(found.rewards_most)} for {terms.seats} seats",
        "locked now": token.format(found.escrow),
        "guarantee": f"{token.format(found.guarantee)} of the owner's, against a missing release",
        "privacy": release,
        "released": f"{analysis.released:,} numbers on a grid of {found.offered.circuit.release.grid}",
        "depth": f"{analysis.levels} levels of edition {found.offered.circuit.profile.edition}",
        "to compute": f"about {analysis.seconds:.2g} s a seat, {analysis.memory / 1e6:,.0f} MB of memory",
        "to move": f"{(analysis.input_bytes + analysis.key_bytes) / 1e6:,.1f} MB in, {analysis.result_bytes / 1e6:,.1f} MB out",
        "windows": f"fill {terms.fill} s, compute {terms.compute} s, release {terms.release} s",
        "refund": f"at the latest {found.longest} s after opening anybody can trigger it",
    }


def _quote_document(found: Quote) -> dict[str, Any]:
    analysis, terms = found.analysis, found.terms
    return {
        "dataset": found.dataset.id, "offer": "0x" + found.offered.digest.hex(), "circuit": found.text,
        "price": str(found.price), "rewards": {"least": str(found.rewards_least), "most": str(found.rewards_most)},
        "escrow": str(found.escrow), "guarantee": str(found.guarantee), "epsilon": found.epsilon,
        "delta": found.delta, "seats": terms.seats, "fill": terms.fill, "compute": terms.compute,
        "release": terms.release, "levels": analysis.levels, "seconds": analysis.seconds,
        "memory": analysis.memory, "bytes": {"in": analysis.input_bytes + analysis.key_bytes, "out": analysis.result_bytes},
        "numbers": analysis.released, "errors": dict(analysis.errors), "longest": found.longest,
    }  # fmt: skip


@app.command(name="open")
def open_(
    call: typer.Context, dataset: Dataset, offer: OfferPrefix, seats: Seats = None, reward: Reward = None,
    fill: Fill = None, compute: Compute = None, release: Release = None,
) -> None:  # fmt: skip
    """Lock the payment and open the job. Run again after an interruption: it buys once."""
    context: Context = call.obj
    found = _quote(context, dataset, offer, seats, reward, fill, compute, release)
    with context.sender() as sender:
        begun = purchase.begin(found, context.contracts, sender.address, context.settings.home)
        if not begun.resumed:
            facts = {key: str(value) for key, value in quote_facts(context, found).items()}
            context.output.confirm(f"Open a job on chain {context.contracts.chain_id}", facts)
        with context.output.progress("Waiting for the block", None):
            bought = purchase.open_job(begun, found, context.contracts, context.wallet, sender)
    document = {"job": bought.job, "tx": "0x" + bought.receipt.tx.hex(), "gas": bought.receipt.gas_used}
    context.output.show(
        document, f"Job {bought.job} is open; {context.contracts.token.format(found.escrow)} are locked.",
        next_step=f"hexchange buy watch {bought.job}",
    )  # fmt: skip


@app.command()
def watch(call: typer.Context, job: Job) -> None:
    """Follow a job until it is released or refunded."""
    context: Context = call.obj
    follower = context.follower
    naming = context.contracts.views.bounds().naming
    seen, told = 0, ""
    while True:
        current = follower.state.job(job)
        for event in current.timeline[seen:]:
            name = type(event).__name__
            document = {"event": name, "block": event.at.block.number, "at": event.at.block.timestamp}
            context.output.follow(document, f"block {event.at.block.number:>8}  {name}")
        seen = len(current.timeline)
        if current.over or (current.released and current.state is not JobState.PROPOSED):
            break
        due = deadline(current, follower.now, naming)
        if due and due.function != told:
            told = due.function
            context.output.note(
                f"in {max(0, due.at - follower.now)} s anybody may {due.function.replace('_', ' ')}"
            )
        time.sleep(1)
        follower.update()
    word = "released; read it" if current.released else "refunded; the escrow is back in your free balance"
    following = f"hexchange buy result {job}" if current.released else "hexchange wallet balance"
    context.output.follow(
        {"state": current.state.value}, f"Job {job} is {word}.\n\nNext: [bold]{following}[/bold]"
    )


@app.command(name="result")
def result_(
    call: typer.Context, job: Job,
    save: Annotated[Path | None, typer.Option(help="Folder for result.csv or model.skops, and result.json.")] = None,
) -> None:  # fmt: skip
    """Fetch, verify and open the result of a job."""
    context: Context = call.obj
    current = context.follower.state.job(job)
    released = result.read_result(
        current, context.store, result_key(context.settings.home), context.deployment
    )
    circuit = result.circuit_of(current, context.store)
    useful = result.to_useful(circuit, released)
    files = result.save(useful, released, save) if save else []
    document = {
        "job": job, "epsilon": released.epsilon, "delta": released.delta,
        "outputs": {output.name: list(output.values()) for output in released.outputs},
        "files": [str(path) for path in files],
    }  # fmt: skip
    facts = {
        "circuit": _in_a_line(circuit), "privacy": privacy(released.epsilon),
        "error of the scheme": ", ".join(f"{output.name} {output.error:.1e}" for output in released.outputs),
        "digest": (current.settled or current.proposed or b"").hex(), "saved": ", ".join(map(str, files)) or "-",
    }  # fmt: skip
    shown = useful.to_string(max_rows=20) if isinstance(useful, pd.DataFrame) else repr(useful)
    following = f"hexchange job verify {job}" if save else f"hexchange buy result {job} --save FOLDER"
    context.output.show(document, shown, "", pairs(facts), next_step=following)
