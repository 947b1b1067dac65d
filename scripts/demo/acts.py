"""What happens in the demo, act by act."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from demo import data, story
from demo.cast import Participant
from demo.data import HeldOut, Table
from demo.stage import GUARANTEES, STRANGER, TOKEN, Stage
from hexchange.buyer import purchase, result
from hexchange.buyer.catalogue import Catalogue
from hexchange.buyer.quote import Quote, Wishes, quote
from hexchange.buyer.request import request_offer
from hexchange.buyer.result_key import result_key
from hexchange.chain.events import ZERO_ADDRESS
from hexchange.chain.permits import sign_permit
from hexchange.circuit.document import Circuit, circuit_digest
from hexchange.circuit.library.predict import scoring
from hexchange.circuit.results import in_units
from hexchange.circuits import editions_for, find_circuit
from hexchange.market.manifests import Manifest
from hexchange.market.messages import OfferRequest
from hexchange.market.results import ReleasedResult
from hexchange.market.state import Job, JobState
from hexchange.market.tables import circuit_table
from hexchange.owner.encrypt import encrypt_table
from hexchange.owner.journal import Journal, books
from hexchange.owner.listing import list_dataset
from hexchange.owner.offers import OfferTerms, draft_offer, publish_offers, sign_draft
from hexchange.owner.workspace import Workspace, workspaces

MICRO = 1_000_000
REWARD = 2 * TOKEN
FILL, COMPUTE, RELEASE = 20, 45, 120
"""Seconds of each window; on a public chain these are minutes and days."""
TRAINING_FILL = 30
"""Providers fetch and check 112 MB of keys before they sit."""


@dataclass
class Act:
    """One job: who bought what for which use."""

    use: str
    name: str
    buyer: Participant
    job: int
    quote: Quote
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass
class Played:
    """All that the report needs."""

    acts: list[Act] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)
    roc: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    results: dict[int, ReleasedResult] = field(default_factory=dict)


def play(stage: Stage) -> Played:
    """All acts, in the order in which a market would see them."""
    played = Played()
    story.heading("Three owners encrypt and list their tables")
    cancer, held_out = data.cancer()
    loans, approved = data.loans()
    hospital = _list(stage, "hospital", cancer, "describe,logistic:exact", epsilon=3 * MICRO, exact=1)
    bureau = _list(stage, "bureau", loans, "predict", epsilon=0, exact=2)
    clinic = _list(stage, "clinic", data.diabetes(), "describe", epsilon=4 * MICRO, exact=0)
    model = data.lender_model(loans.frame, approved)
    scores, store = scoring(_table(bureau), model), stage.cast["hospital"].store
    _offers(stage, "hospital", hospital, [
        (find_circuit("describe", hospital, store, noise=True), _terms(stage, 20, epsilon=MICRO)),
        (find_circuit("logistic", hospital, store), _terms(stage, 60)),
    ])  # fmt: skip
    _offers(stage, "clinic", clinic, [
        (find_circuit("describe", clinic, store, noise=True), _terms(stage, 10, epsilon=MICRO, uses=4)),
    ])  # fmt: skip
    lender = stage.cast["lender"]
    _request(stage, lender, bureau, scores)
    _offers(stage, "bureau", bureau, [(scores, _terms(stage, 15, buyer=lender.address, uses=2))])
    for role in ("hospital", "clinic", "bureau"):
        stage.start_owner(role)

    story.heading("Six jobs are bought")
    researcher, statistician = stage.cast["researcher"], stage.cast["statistician"]
    played.acts = [
        _buy(stage, "training", researcher, 1, "describe", seats=1),
        _buy(stage, "training", researcher, 1, "logistic", seats=2),
        _buy(stage, "inference", lender, 2, "predict", seats=2),
        _buy(stage, "sharing", statistician, 3, "describe", seats=2),
        _buy(stage, "sharing, one seat lies", statistician, 3, "describe", seats=3),
    ]
    story.line("the statistician never spoke to the clinic: a standing offer is enough")
    _challenged(stage, played, lender)

    story.heading("The market works")
    for act in played.acts:
        job = stage.wait(act.job, lambda job: job.over)
        _tell_job(act, job)
    _read_results(stage, played, held_out, loans, model)
    return played


# --- Listing --------------------------------------------------------------------------------------


def _list(stage: Stage, role: str, table: Table, allowed: str, *, epsilon: int, exact: int) -> Manifest:
    owner, began = stage.cast[role], time.monotonic()
    workspace = Workspace(owner.home, table.name)
    schema = table.schema
    editions = editions_for(allowed, schema.columns, len(table.frame), schema.row_norm)
    encrypted = encrypt_table(table.frame, schema, list(editions), table.card, workspace, owner.store)
    with owner.sender() as sender:
        sender.send("guarantees", owner.contracts.calls.deposit(GUARANTEES, _permit(owner, GUARANTEES)))
        listing = list_dataset(workspace, owner.contracts, sender, epsilon, exact)
    sizes = ", ".join(f"{name} {count / 1e6:.1f} MB" for name, count in encrypted.bytes_by_edition.items())
    shortened = f"; {encrypted.rows_shortened} long rows shortened" if encrypted.rows_shortened else ""
    story.line(
        f"the {role} lists {table.card.title!r} as dataset {listing.dataset}: {len(table.frame):,} rows, "
        f"{len(schema.columns)} columns, for {allowed}: {sizes} in {time.monotonic() - began:.1f} s{shortened}"
    )
    return encrypted.manifest


def _permit(participant: Participant, amount: int) -> Any:
    deadline = participant.contracts.node.tip("latest").ref.timestamp + 600
    return sign_permit(participant.wallet, participant.contracts, amount, deadline)


def _terms(
    stage: Stage, price: int, *, epsilon: int = 0, uses: int = 1, buyer: str = ZERO_ADDRESS
) -> OfferTerms:
    stage.follower.update()
    return OfferTerms(
        price=price * TOKEN, max_reward=5 * TOKEN, min_reward=TOKEN, expiry=stage.follower.now + 86_400,
        min_fill=5, min_compute=20, guarantee=5 * TOKEN, epsilon=epsilon, max_uses=uses, buyer=buyer,
    )  # fmt: skip


def _offers(
    stage: Stage, role: str, manifest: Manifest, wanted: Sequence[tuple[Circuit, OfferTerms]]
) -> None:
    """The owner reads each circuit, signs an offer, and publishes them."""
    owner = stage.cast[role]
    (workspace,) = (one for one in workspaces(owner.home) if one.manifest == manifest)
    journal = Journal(books(owner.home, stage.deployment) / "journal.sqlite")
    stage.follower.update()
    dataset = stage.follower.state.dataset(workspace.listing.dataset)
    signed = []
    for circuit, terms in wanted:
        draft = draft_offer(workspace, dataset, circuit, terms)
        story.line(f"the {role} signs: {draft.review.text.splitlines()[0]} ({draft.review.privacy})")
        signed.append(sign_draft(draft, owner.wallet, owner.contracts, journal, owner.store))
    with owner.sender() as sender:
        publish_offers(signed, owner.contracts, sender, journal, owner.store)
    journal.close()


def _table(manifest: Manifest) -> Any:
    return circuit_table(manifest.columns, manifest.rows, manifest.row_norm)


def _request(stage: Stage, lender: Participant, manifest: Manifest, circuit: Circuit) -> None:
    """The lender's model goes to the bureau as a circuit: readable, and signed before it may run."""
    request = OfferRequest(
        dataset=2, buyer=lender.address, circuit=circuit_digest(circuit), price=15 * TOKEN, seats=2, reward=REWARD,
        epsilon=0, purpose="scoring mortgage applications",
    )  # fmt: skip
    with lender.sender() as sender:
        request_offer(request, circuit, lender.contracts, sender, lender.store)
    story.line(f"the lender asks the bureau to let its model run over {manifest.rows:,} encrypted applicants")


# --- Buying ---------------------------------------------------------------------------------------


def _buy(stage: Stage, use: str, buyer: Participant, dataset: int, name: str, *, seats: int) -> Act:
    stage.follower.update()
    catalogue = Catalogue(
        stage.follower.state, stage.follower.now, buyer.contracts, buyer.store, buyer.address
    )
    offered = next(
        one for one in catalogue.offers(dataset).offers
        if not one.obstacle and one.circuit.result in RESULTS[name]
    )  # fmt: skip
    wishes = Wishes(
        seats=seats, reward=REWARD, compute=COMPUTE, release=RELEASE,
        fill=TRAINING_FILL if name == "logistic" else FILL,
    )  # fmt: skip
    asked = quote(catalogue, offered, wishes, bytes(result_key(buyer.home).public_key))
    with buyer.sender() as sender:
        bought = purchase.open_job(asked, buyer.contracts, buyer.wallet, sender)
    token = buyer.contracts.token
    story.line(
        f"job {bought.job}: the {buyer.role} buys {name} of dataset {dataset}, {seats} seats, "
        f"locks {token.format(asked.escrow)}"
    )
    return Act(use, name, buyer, bought.job, asked)


RESULTS = {"describe": ("describe",), "logistic": ("classifier",), "predict": ("score", "probability")}


def _challenged(stage: Stage, played: Played, lender: Participant) -> None:
    """One seat, one lie, and a stranger who runs the job again while the owner is away."""
    bureau, stranger = stage.cast["bureau"], stage.cast[STRANGER]
    stage.wait(3, lambda job: job.released)
    bureau.pause()
    story.line("the bureau's service is paused, so that nobody checks for it")
    act = _buy(stage, "inference, challenged", lender, 2, "predict", seats=1)
    played.acts.append(act)
    stage.wait(act.job, lambda job: job.state is JobState.PROPOSED)
    verified = stranger.run("job", "verify", str(act.job), "--json")
    if verified.returncode != 8:
        raise RuntimeError(f"job verify ended with {verified.returncode}: {verified.stdout}{verified.stderr}")
    story.line(
        f"a stranger runs `hexchange job verify {act.job}`: {json.loads(verified.stdout)['error']['message']}"
    )
    challenged = stranger.run("job", "challenge", str(act.job), "--yes", "--json")
    if challenged.returncode != 0:
        raise RuntimeError(
            f"job challenge ended with {challenged.returncode}: {challenged.stdout}{challenged.stderr}"
        )
    stage.wait(act.job, lambda job: job.state is not JobState.PROPOSED)
    bureau.resume()
    story.line("the stranger's challenge is mined, and the bureau's service goes on")


def _tell_job(act: Act, job: Job) -> None:
    ended = f"job {job.id} ({act.use}, {act.name}): {job.state}"
    if job.challenger:
        ended += "; challenged, decided by a second round"
    elif len(job.rounds) > 1:
        ended += "; its seals disagreed, decided by a second round"
    story.line(ended)


# --- Results --------------------------------------------------------------------------------------


def _read_results(stage: Stage, played: Played, held_out: HeldOut, loans: Table, model: Any) -> None:
    story.heading("What the buyers got")
    for act in played.acts:
        job = stage.job(act.job)
        if not job.released:
            continue
        released = result.read_result(job, act.buyer.store, result_key(act.buyer.home), stage.deployment)
        played.results[act.job] = released
        circuit = result.circuit_of(job, act.buyer.store)
        useful = result.useful(circuit, released)
        result.save(useful, released, act.buyer.home / "results" / f"job-{act.job}")
        if act.name == "logistic":
            _judge_model(played, useful, held_out)
        elif act.name == "predict":
            _judge_scores(played, act, circuit, released, loans, model)
        elif act.use == "training":
            _judge_statistics(played, useful)
        elif act.use == "sharing":
            story.line("the statistician's table, with noise for ε = 1:")
            story.console.print(useful.round(2).to_string())


def _judge_model(played: Played, estimator: Any, held_out: HeldOut) -> None:
    cancer, _ = data.cancer()
    clear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    clear.fit(cancer.frame.drop(columns="benign"), cancer.frame["benign"])
    encrypted_scores = estimator.predict_proba(held_out.features)[:, 1]
    clear_scores = clear.predict_proba(held_out.features)[:, 1]
    aucs = [float(roc_auc_score(held_out.label, scores)) for scores in (encrypted_scores, clear_scores)]
    played.roc = {
        "trained on ciphertext": (held_out.label.tolist(), encrypted_scores.tolist()),
        "scikit-learn, in the clear": (held_out.label.tolist(), clear_scores.tolist()),
    }
    played.models.append(
        {"circuit": "logistic", "metric": "AUC, held out", "encrypted": aucs[0], "clear": aucs[1]}
    )
    story.line(
        f"a fitted {type(estimator).__name__}: AUC {aucs[0]:.4f} on rows never listed, scikit-learn {aucs[1]:.4f}"
    )


def _judge_scores(
    played: Played, act: Act, circuit: Circuit, released: ReleasedResult, loans: Table, model: Any
) -> None:
    clear = model.decision_function(loans.frame)
    (output,), (raw,) = circuit.outputs, released.outputs
    scores = in_units(circuit, {output.name: np.array(raw.values())})[output.name]
    measured = float(np.abs(scores - clear).max())
    declared = float(output.unit * raw.error)
    played.models.append({
        "circuit": "predict", "metric": f"largest error of {len(scores):,} scores (declared, job {act.job})",
        "encrypted": measured, "clear": declared,
    })  # fmt: skip
    approved = float((scores >= 0).mean())
    story.line(
        f"job {act.job}: {len(scores):,} scores, at most {measured:.1e} from the clear ones (declared {declared:.1e}); "
        f"{approved:.0%} would be approved"
    )


def _judge_statistics(played: Played, useful: pd.DataFrame) -> None:
    cancer, _ = data.cancer()
    true = cancer.frame.mean()
    halves = pd.Series({column.name: (column.high - column.low) / 2 for column in cancer.schema.columns})
    errors = ((useful["mean"] - true) / halves).abs()
    played.models.append({
        "circuit": "describe", "metric": "mean error of the means, share of half a range (noise of ε = 1)",
        "encrypted": float(errors.mean()), "clear": 0.0,
    })  # fmt: skip
    name = cancer.frame.columns[0]
    story.line(
        f"statistics with noise: {name} is {useful['mean'][name]:.2f} on average, in truth {true[name]:.2f}"
    )
