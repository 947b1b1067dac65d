"""`hexchange owner`: keys, encrypt, list, update, offer, cancel, delist, decline, watch, published."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from hexchange.chain.amounts import parse_amount
from hexchange.chain.events import ZERO_ADDRESS
from hexchange.chain.offers import offer_digest
from hexchange.circuit.library import CIRCUITS
from hexchange.circuits import EXACT, edition_sizes, editions_for, find_circuit
from hexchange.cli.context import Context
from hexchange.cli.output import table
from hexchange.errors import OfferNotFound
from hexchange.market import documents
from hexchange.market.messages import Offers, SignedOffer
from hexchange.market.state import Dataset
from hexchange.owner import listing, offers
from hexchange.owner.encrypt import Card, Encrypted, encrypt_table
from hexchange.owner.journal import Journal, books
from hexchange.owner.published import published as everything_published
from hexchange.owner.schema import Schema, infer_schema, read_schema
from hexchange.owner.table import read_table
from hexchange.owner.watch import Watch
from hexchange.owner.workspace import Workspace, workspaces

app = typer.Typer(no_args_is_help=True, add_completion=False)

Name = Annotated[str, typer.Argument(help="Name of the encrypted table, as given to encrypt.")]
DAY = 86400
WAITING = "Waiting for the block"


@app.callback()
def group() -> None:
    """Encrypt, list and release a table of your own."""


# --- at home --------------------------------------------------------------------------------------


_EXACTLY = f"Where a row norm is declared, NAME{EXACT} wants a circuit without noise."


@app.command()
def encrypt(
    call: typer.Context,
    file: Annotated[Path, typer.Argument(help="The table: .csv or .parquet.")],
    name: Annotated[str, typer.Option(help="What to call it here.")],
    title: Annotated[str, typer.Option(help="What buyers read first.")],
    summary: Annotated[str, typer.Option(help="What is in it, and where it comes from.")] = "",
    licence: Annotated[str, typer.Option(help="SPDX identifier, or a sentence.")] = "proprietary",
    columns: Annotated[Path | None, typer.Option(help="TOML file that declares columns and ranges.")] = None,
    label: Annotated[str | None, typer.Option(help="Label column, where ranges are inferred.")] = None,
    drop: Annotated[list[str] | None, typer.Option(help="Column to leave out.")] = None,
    for_: Annotated[
        str, typer.Option("--for", help=f"Circuits, with commas between: {', '.join(CIRCUITS)}. {_EXACTLY}")
    ] = "describe",
    edition: Annotated[list[str] | None, typer.Option(help="Editions by name, in place of --for.")] = None,
    replaces: Annotated[str | None, typer.Option(help="The table whose dataset this will update.")] = None,
) -> None:
    """Encrypt a table and publish the ciphertexts. Run again after an interruption: it goes on."""
    context: Context = call.obj
    home = context.settings.home
    frame = read_table(file, drop or [])
    schema = read_schema(columns) if columns else infer_schema(frame, label)
    facts = schema.columns, len(frame), schema.row_norm
    sizes = edition_sizes(edition, *facts) if edition else editions_for(for_, *facts)
    editions = ", ".join(f"{one} about {size / 1e6:,.2f} MB" for one, size in sizes.items())
    context.output.note(f"Editions to be made and stored: {editions}.")
    workspace = Workspace(home, name)
    former = Workspace(home, replaces) if replaces else None
    if schema.ranges == "inferred":
        _confirm_ranges(context, schema)
    with _progress(context, "Encrypting") as progress:
        made = encrypt_table(
            frame, schema, list(sizes), Card(title, summary, licence), workspace, context.store,
            replaces=former, progress=progress,
        )  # fmt: skip
    following = f"hexchange owner update {name}" if replaces else f"hexchange owner list {name}"
    _show_encrypted(context, made, schema, following)


def _confirm_ranges(context: Context, schema: Schema) -> None:
    """Ask before values of single rows become public: the ends of a range read off the data are such values."""
    ranges = {column.name: f"{column.low!r} to {column.high!r}" for column in schema.columns}
    warning = "these are exact values of single rows, and public for good; --columns declares others"
    context.output.confirm("Publish ranges that were read off the data", {**ranges, "": warning}, "Publish?")


@contextmanager
def _progress(context: Context, text: str) -> Iterator[Any]:
    """A bar that starts when the number of parts is known."""
    with ExitStack() as stack:
        shown: dict[str, Any] = {"done": 0, "advance": None}

        def progress(done: int, total: int) -> None:
            if shown["advance"] is None:
                shown["advance"] = stack.enter_context(context.output.progress(text, total))
            shown["advance"](done - shown["done"])
            shown["done"] = done

        yield progress


def _show_encrypted(context: Context, made: Encrypted, schema: Schema, following: str) -> None:
    document = {
        "name": made.workspace.name, "manifest": "0x" + made.digest.hex(), "rows": made.manifest.rows,
        "bytes": made.bytes_by_edition, "ranges": schema.ranges, "clipped": made.clipped,
        "rows_shortened": made.rows_shortened,
    }  # fmt: skip
    sizes = table(
        ("edition", ">MB"), [(n, f"{size / 1e6:,.2f}") for n, size in made.bytes_by_edition.items()]
    )
    clipped = {
        **{n: count for n, count in made.clipped.items() if count},
        "(whole rows)": made.rows_shortened,
    }
    rows = [
        (c.name, c.role, c.unit, f"{c.low:g}", f"{c.high:g}", clipped.get(c.name, 0)) for c in schema.columns
    ]
    ranges = table(
        ("column", "role", "unit", ">low", ">high", ">clipped"), rows, title=f"Ranges, {schema.ranges}"
    )
    words = f"{made.manifest.rows:,} rows encrypted; manifest 0x{made.digest.hex()}"
    if schema.ranges == "inferred":
        words += "\nThe ranges above are the data's own; no ε budget can rest on them."
    if made.rows_shortened:
        words += f"\n{made.rows_shortened} rows were shortened to the row norm (only you see these counts)."
    context.output.show(document, ranges, sizes, words, next_step=following)


@app.command()
def keys(call: typer.Context) -> None:
    """The secret keys on this machine. Whoever has one reads its table; who loses it opens no result."""
    context: Context = call.obj
    found = [
        {"name": space.name, "edition": edition.name, "path": str(space.key(edition.name)),
         "present": space.key(edition.name).exists()}
        for space in workspaces(context.settings.home)
        for edition in space.manifest.editions
    ]  # fmt: skip
    rows = [
        (key["name"], key["edition"], key["path"], "yes" if key["present"] else "MISSING") for key in found
    ]
    context.output.show({"keys": found}, table(("table", "edition", "file", "present"), rows))


@app.command()
def published(call: typer.Context, name: Name) -> None:
    """Everything of a table that left this machine, with size and name of each object."""
    context: Context = call.obj
    found = everything_published(Workspace(context.settings.home, name))
    rows = [(each.what, each.cid, f"{each.size:,}") for each in found]
    document = {"name": name, "objects": [{"what": e.what, "cid": e.cid, "size": e.size} for e in found]}
    total = (
        f"{len(found)} objects, {sum(each.size for each in found) / 1e6:,.2f} MB; no key and no clear value."
    )
    context.output.show(document, table(("what", "cid", ">bytes"), rows), total)


# --- listing --------------------------------------------------------------------------------------


@app.command(name="list")
def list_(
    call: typer.Context,
    name: Name,
    epsilon: Annotated[
        str,
        typer.Option(help="Privacy budget ε of all noisy releases together, for one row present or zeroed."),
    ] = "0",
    exact: Annotated[int, typer.Option(min=0, help="How many exact releases there may ever be.")] = 0,
) -> None:
    """List an encrypted table. Its budgets are fixed for good."""
    context: Context = call.obj
    workspace, budget = Workspace(context.settings.home, name), parse_amount(epsilon, 6)
    listing.require_ranges(workspace.manifest, budget)
    facts = {
        "network": f"chain {context.contracts.chain_id}", "market": context.deployment.market,
        "table": workspace.manifest.title, "manifest": "0x" + workspace.manifest_digest.hex(),
        "privacy budget": f"ε {epsilon} in all, fixed for good",
        "exact releases": f"{exact}, without differential privacy, fixed for good",
    }  # fmt: skip
    context.output.confirm("List a dataset", facts)
    with context.sender() as sender, context.output.progress(WAITING, None):
        listed = listing.list_dataset(workspace, context.contracts, sender, budget, exact)
    document = {"name": name, "dataset": listed.dataset, "manifest": "0x" + workspace.manifest_digest.hex()}
    following = f"hexchange owner offer {name} --circuit describe --price AMOUNT --max-reward AMOUNT"
    context.output.show(document, f"{name} is dataset {listed.dataset}.", next_step=following)


@app.command()
def update(call: typer.Context, name: Name) -> None:
    """Put a table that was encrypted with --replaces in the place of the former one."""
    context: Context = call.obj
    workspace = Workspace(context.settings.home, name)
    former = workspace.replaced(context.settings.home)
    facts = {"dataset": str(former.listing.dataset), "manifest": "0x" + workspace.manifest_digest.hex(),
             "offers": "those for the former table open no more jobs"}  # fmt: skip
    context.output.confirm("Update a dataset", facts)
    with context.sender() as sender, context.output.progress(WAITING, None):
        listed = listing.update_manifest(workspace, former, context.contracts, sender)
    following = f"hexchange owner offer {name} --circuit describe --price AMOUNT --max-reward AMOUNT"
    context.output.show(
        {"name": name, "dataset": listed.dataset},
        f"Dataset {listed.dataset} is now {name}.",
        next_step=following,
    )


@app.command()
def delist(call: typer.Context, name: Name) -> None:
    """End the sale of a dataset for good. Open jobs go on."""
    context: Context = call.obj
    workspace = Workspace(context.settings.home, name)
    context.output.confirm("Delist for good", {"dataset": str(workspace.listing.dataset)})
    with context.sender() as sender, context.output.progress(WAITING, None):
        listed = listing.delist(workspace, context.contracts, sender)
    context.output.show({"dataset": listed.dataset}, f"Dataset {listed.dataset} is sold no more.")


# --- offers ---------------------------------------------------------------------------------------


@app.command()
def offer(
    call: typer.Context,
    name: Name,
    circuit: Annotated[str, typer.Option(help=f"{', '.join(CIRCUITS)}, a file, or a digest from a request.")],
    price: Annotated[str, typer.Option(help="Price of one release, in tokens.")],
    max_reward: Annotated[str, typer.Option(help="Most that a seat may earn, in tokens.")],
    min_reward: Annotated[str, typer.Option(help="Least that a seat may earn, in tokens.")] = "0",
    epsilon: Annotated[
        str,
        typer.Option(
            help="ε of one release, for one row present or zeroed; 0: exact, no differential privacy."
        ),
    ] = "0",
    guarantee: Annotated[str, typer.Option(help="Yours, lost to the buyer if you do not release.")] = "0",
    min_seats: Annotated[int, typer.Option(min=1, max=5)] = 1,
    min_fill: Annotated[int, typer.Option(min=0, help="Seconds.")] = 0,
    min_compute: Annotated[int, typer.Option(min=0, help="Seconds, enough for your own run too.")] = 0,
    days: Annotated[int, typer.Option(min=1, help="Days until it expires.")] = 30,
    uses: Annotated[int, typer.Option(min=1, help="Jobs that it may open.")] = 1,
    buyer: Annotated[
        str, typer.Option(help="The one account that may use it; default: anybody.")
    ] = ZERO_ADDRESS,
    payee: Annotated[str, typer.Option(help="Who gets the price; default: you.")] = ZERO_ADDRESS,
    save: Annotated[Path | None, typer.Option(help="Write it here for its buyer; do not publish.")] = None,
) -> None:
    """Read a circuit, sign an offer for it, and publish it."""
    context: Context = call.obj
    decimals, state = context.contracts.token.decimals, context.follower.state
    workspace = Workspace(context.settings.home, name)
    dataset = state.dataset(workspace.listing.dataset)
    terms = offers.OfferTerms(
        price=parse_amount(price, decimals), max_reward=parse_amount(max_reward, decimals),
        expiry=context.follower.now + days * DAY, min_reward=max(1, parse_amount(min_reward, decimals)),
        min_seats=min_seats, min_fill=min_fill, min_compute=min_compute,
        guarantee=parse_amount(guarantee, decimals), epsilon=parse_amount(epsilon, 6), max_uses=uses,
        buyer=buyer, payee=payee,
    )  # fmt: skip
    found = find_circuit(circuit, workspace.manifest, context.store, noise=terms.epsilon > 0)
    draft = offers.draft_offer(workspace, dataset, found, terms)
    context.output.confirm("Sign an offer", _offer_facts(context, draft, days))
    with _journal(context) as journal:
        signed = offers.sign_draft(draft, context.wallet, context.contracts, journal, context.store)
        _give_away(context, signed, journal, save)


def _offer_facts(context: Context, draft: offers.Draft, days: int) -> dict[str, str]:
    show, offer = context.contracts.token.format, draft.offer
    return {
        "circuit": draft.review.text, "privacy": draft.review.privacy, "dataset": str(offer.dataset),
        "digest of the circuit": "0x" + offer.circuit.hex(), "price": show(offer.price),
        "guarantee": f"{show(offer.guarantee)} of yours, locked while a job runs",
        "reward per seat": f"{show(offer.min_reward)} to {show(offer.max_reward)}",
        "seats": f"at least {offer.min_seats}", "jobs": str(offer.max_uses),
        "for": "anybody" if offer.buyer == ZERO_ADDRESS else offer.buyer,
        "expires": f"in {days} days",
    }  # fmt: skip


def _give_away(context: Context, signed: SignedOffer, journal: Journal, save: Path | None) -> None:
    contracts = context.contracts
    digest = offer_digest(signed.offer, contracts.chain_id, contracts.deployment.market)
    document = {
        "dataset": signed.offer.dataset,
        "offer": "0x" + digest.hex(),
        "circuit": "0x" + signed.offer.circuit.hex(),
    }
    if save:
        save.write_bytes(documents.encode(Offers((signed,))))
        journal.published(digest)
        words, following = (
            f"Offer 0x{digest.hex()} is in {save}; give it to its buyer.",
            "hexchange owner watch",
        )
        context.output.show({**document, "file": str(save)}, words, next_step=following)
        return
    with context.sender() as sender, context.output.progress(WAITING, None):
        receipt = offers.publish_offers([signed], contracts, sender, journal, context.store)
    document["tx"] = "0x" + receipt.tx.hex()
    context.output.show(document, f"Offer 0x{digest.hex()} is published.", next_step="hexchange owner watch")


@app.command()
def cancel(
    call: typer.Context,
    name: Name,
    prefix: Annotated[str, typer.Argument(help="First digits of the offer's digest.")] = "",
    all_: Annotated[bool, typer.Option("--all", help="Every offer signed so far for the dataset.")] = False,
) -> None:
    """Withdraw an offer for good. Open jobs go on."""
    context: Context = call.obj
    dataset = context.follower.state.dataset(Workspace(context.settings.home, name).listing.dataset)
    if all_:
        context.output.confirm("Withdraw every offer", {"dataset": str(dataset.id)})
        with context.sender() as sender, context.output.progress(WAITING, None):
            offers.cancel_all_offers(dataset, context.contracts, sender)
        context.output.show({"dataset": dataset.id}, f"No former offer of dataset {dataset.id} opens a job.")
        return
    digest, signed = _signed(context, dataset, prefix)
    context.output.confirm("Withdraw an offer", {"offer": "0x" + digest.hex(), "dataset": str(dataset.id)})
    with context.sender() as sender, context.output.progress(WAITING, None):
        offers.cancel_offer(signed.offer, context.contracts, sender)
    context.output.show({"offer": "0x" + digest.hex()}, f"Offer 0x{digest.hex()} opens no more jobs.")


def _signed(context: Context, dataset: Dataset, prefix: str) -> tuple[bytes, SignedOffer]:
    """The one offer of a dataset whose digest starts so. Raises OfferNotFound."""
    digits = prefix.removeprefix("0x").lower()
    with _journal(context) as journal:
        found = [
            (digest, signed)
            for digest, signed in journal.offers().items()
            if signed.offer.dataset == dataset.id and digest.hex().startswith(digits)
        ]
    if len(found) != 1:
        raise OfferNotFound(
            f"{len(found)} offers of dataset {dataset.id} that were signed here start with {prefix!r}",
            hint=f"hexchange buy search {dataset.id} shows the digests",
        )
    return found[0]


@contextmanager
def _journal(context: Context) -> Iterator[Journal]:
    journal = Journal(books(context.settings.home, context.deployment) / "journal.sqlite")
    try:
        yield journal
    finally:
        journal.close()


# --- jobs -----------------------------------------------------------------------------------------


@app.command()
def decline(call: typer.Context, job: Annotated[int, typer.Argument(help="Number of the job.")]) -> None:
    """End a job that you will not release: until its first round is complete, or after its settlement."""
    context: Context = call.obj
    found = context.follower.state.job(job)
    token = context.contracts.token
    facts = {
        "job": str(job), "state": str(found.state), "to the buyer": "all that it locked and was not spent",
        "yours": f"of your guarantee, {token.format(found.guarantee)}, what rewards were spent is lost",
    }  # fmt: skip
    context.output.confirm("Decline a job", facts)
    with context.sender() as sender, context.output.progress(WAITING, None):
        receipt = sender.send(f"decline:{job}:{found.state}", context.contracts.calls.refund(job))
    document = {"job": job, "tx": "0x" + receipt.tx.hex()}
    context.output.show(document, f"Job {job} is declined.", next_step=f"hexchange job show {job}")


@app.command()
def watch(call: typer.Context) -> None:
    """Serve the jobs of your datasets until stopped: run again, dispute, release, decline."""
    context: Context = call.obj
    stop = threading.Event()

    def end(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        stop.set()
        context.output.note("finishing the step at hand; jobs go on at the next start")

    with context.sender() as sender:
        service = Watch(
            context.follower, context.contracts, context.wallet, sender, context.store, context.settings.home,
            context.output.tell,
        )  # fmt: skip
        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        try:
            service.run(stop)
        finally:
            service.close()
