"""What `hexchange buy` shows: datasets, offers, quotes and results, as JSON documents and as people read them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from hexchange.buyer.catalogue import Entry, Offered
from hexchange.buyer.purchase import Payment
from hexchange.buyer.quote import Quote
from hexchange.chain.contracts import Contracts, TokenInfo
from hexchange.chain.events import ZERO_ADDRESS
from hexchange.circuit.analysis import NEIGHBOURS, describe_text
from hexchange.circuit.document import Circuit
from hexchange.circuit.results import in_units, released_errors
from hexchange.market.results import ReleasedResult
from hexchange.market.state import Job

LONGEST_LINE = 240


def in_a_line(circuit: Circuit) -> str:
    """What a circuit does, in one line of a table; a quote says all of it."""
    line = describe_text(circuit).splitlines()[0]
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"


def privacy(epsilon: int, delta: float | None = None) -> str:
    """ε and δ of a release in words; `epsilon` in millionths."""
    if not epsilon:
        return "exact, no differential privacy"
    return f"ε {Decimal(epsilon) / 1_000_000}" + (f", δ {delta:g}" if delta else "")


def token_document(token: TokenInfo) -> dict[str, Any]:
    """What amounts in base units are amounts of."""
    return {"token": {"address": token.address, "symbol": token.symbol, "decimals": token.decimals}}


# --- catalogue ------------------------------------------------------------------------------------

ENTRY_COLUMNS = ("dataset", "title", ">rows", ">columns", "editions", ">ε left", ">exact left")


def entry_document(entry: Entry) -> dict[str, Any]:
    manifest, dataset = entry.manifest, entry.dataset
    return {
        "id": dataset.id, "owner": dataset.owner, "title": manifest.title if manifest else None,
        "rows": manifest.rows if manifest else None, "missing": entry.missing or None,
        "columns": [column.name for column in manifest.columns] if manifest else [],
        "editions": [edition.name for edition in manifest.editions] if manifest else [],
        "epsilon_left": dataset.epsilon_left, "exact_left": dataset.exact_left,
    }  # fmt: skip


def entry_row(entry: Entry) -> tuple[object, ...]:
    manifest, dataset = entry.manifest, entry.dataset
    left = Decimal(dataset.epsilon_left) / 1_000_000, dataset.exact_left
    if manifest is None:
        return dataset.id, f"({entry.missing})", "-", "-", "-", *left
    editions = ", ".join(edition.name for edition in manifest.editions)
    return dataset.id, manifest.title, f"{manifest.rows:,}", len(manifest.columns), editions, *left


OFFER_COLUMNS = ("offer", "circuit", ">price", "privacy", ">seats", ">reward, each", "state")


def offer_document(offered: Offered) -> dict[str, Any]:
    offer = offered.signed.offer
    return {
        "digest": "0x" + offered.digest.hex(), "circuit": "0x" + offer.circuit.hex(),
        "title": in_a_line(offered.circuit), "price": str(offer.price), "guarantee": str(offer.guarantee),
        "epsilon": offer.epsilon, "min_seats": max(1, offer.min_seats), "min_reward": str(offer.min_reward),
        "max_reward": str(offer.max_reward), "expiry": offer.expiry,
        "buyer": None if offer.buyer == ZERO_ADDRESS else offer.buyer, "obstacle": offered.obstacle or None,
    }  # fmt: skip


def offer_row(offered: Offered, token: TokenInfo) -> tuple[object, ...]:
    offer = offered.signed.offer
    return (
        offered.digest.hex()[:12], in_a_line(offered.circuit), token.format(offer.price), privacy(offer.epsilon),
        max(1, offer.min_seats), token.format(offer.min_reward), offered.obstacle or "open",
    )  # fmt: skip


# --- quote ----------------------------------------------------------------------------------------


def quote_document(found: Quote, token: TokenInfo) -> dict[str, Any]:
    analysis, terms = found.analysis, found.terms
    least, most = found.rewards
    return {
        "dataset": found.dataset.id, "offer": "0x" + found.offered.digest.hex(), "circuit": found.text,
        "price": str(found.price), "rewards": {"least": str(least), "most": str(most)},
        "escrow": str(found.escrow), "guarantee": str(found.guarantee), **token_document(token),
        "epsilon": found.epsilon, "delta": found.delta, "seats": terms.seats, "fill": terms.fill,
        "compute": terms.compute, "release": terms.release, "levels": analysis.levels,
        "seconds": analysis.seconds, "memory": analysis.memory,
        "bytes": {"in": analysis.input_bytes + analysis.key_bytes, "out": analysis.result_bytes},
        "numbers": analysis.released, "noise": found.noise, "longest": found.longest,
        "errors": released_errors(found.offered.circuit, analysis.errors),
    }  # fmt: skip


def quote_facts(found: Quote, token: TokenInfo) -> dict[str, str]:
    """The quote as people read it; the same facts stand in the confirmation."""
    analysis, terms, profile = found.analysis, found.terms, found.offered.circuit.profile
    least, most = (token.format(amount) for amount in found.rewards)
    moved = (analysis.input_bytes + analysis.key_bytes) / 1e6, analysis.result_bytes / 1e6
    return {
        "price": f"{token.format(found.price)} to the owner, at release",
        "rewards": f"{least} to {most} for {terms.seats} seats",
        "locked now": token.format(found.escrow),
        "guarantee": f"{token.format(found.guarantee)} of the owner's, against a missing release",
        "privacy": privacy(found.epsilon, found.delta) + (f" {NEIGHBOURS}" if found.epsilon else ""),
        "released": f"{analysis.released:,} numbers on a grid of {found.offered.circuit.release.grid}",
        "noise": _noise(found),
        "depth": f"{analysis.levels} levels of edition {profile.edition}",
        "to compute": f"about {analysis.seconds:.2g} s a seat, {analysis.memory / 1e6:,.0f} MB of memory",
        "to move": f"{moved[0]:,.1f} MB in, {moved[1]:,.1f} MB out",
        "windows": f"fill {terms.fill} s, compute {terms.compute} s, release {terms.release} s",
        "refund": f"no cancelling; at the latest {found.longest} s after opening anybody can trigger what is due",
    }


def _noise(found: Quote) -> str:
    """What noise will do to each number, in the units that numbers are released in."""
    if found.noise is None:
        return "none; rounded"
    units = sorted({abs(output.unit) * found.noise for output in found.offered.circuit.outputs})
    return f"standard deviation of about {' to '.join(f'{unit:.3g}' for unit in units)} on each number"


def opening_facts(found: Quote, paid: Payment, contracts: Contracts) -> dict[str, str]:
    """What is about to be signed, and what it leaves."""
    token, deployment = contracts.token, contracts.deployment
    return {
        "network": f"chain {contracts.chain_id} at {contracts.node.shown}",
        "market": deployment.market,
        "circuit": in_a_line(found.offered.circuit),
        **quote_facts(found, token),
        "from the free balance": token.format(paid.free),
        "from the wallet": f"{token.format(paid.pulled)}, and leave to pull exactly that",
    }


# --- result ---------------------------------------------------------------------------------------


def result_document(job: Job, circuit: Circuit, result: ReleasedResult) -> dict[str, Any]:
    """The released numbers in their own units, with the bounds that hold for them."""
    values = in_units(circuit, {output.name: np.array(output.values()) for output in result.outputs})
    units = {output.name: output.unit for output in circuit.outputs}
    return {
        "job": job.id, "circuit": "0x" + job.circuit.hex(), "digest": "0x" + result.provenance.digest.hex(),
        "epsilon": result.epsilon, "delta": result.delta,
        "outputs": {name: value.tolist() for name, value in values.items()},
        "errors": {output.name: abs(units[output.name]) * output.error for output in result.outputs},
        "noise": {
            output.name: abs(units[output.name]) * output.noise for output in result.outputs if output.noise
        },
    }  # fmt: skip


def result_facts(document: dict[str, Any], circuit: Circuit, files: list[Path]) -> dict[str, str]:
    errors = list(document["errors"].values())
    facts = {
        "circuit": in_a_line(circuit), "privacy": privacy(document["epsilon"], document["delta"]),
        "error of the scheme": f"at most {max(errors):.1e}", "digest": document["digest"],
        "saved": ", ".join(map(str, files)) or "-",
    }  # fmt: skip
    if document["noise"]:
        facts["noise"] = f"standard deviation up to {max(document['noise'].values()):.3g}"
    return facts
