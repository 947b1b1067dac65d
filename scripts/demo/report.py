"""What the demo leaves behind: summary.json for machines, report.html for people."""

from __future__ import annotations

import base64
import io
import json
import platform
from importlib.metadata import version
from typing import Any

import jinja2
import matplotlib
from sklearn.metrics import roc_curve

from demo import accounts
from demo.acts import Act, Played
from demo.stage import Stage
from hexchange.chain import events
from hexchange.market import documents
from hexchange.market.state import Job

matplotlib.use("svg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

MOST_AUC_LOSS = 0.01
MOST_ERROR_RATIO = 1000
MARKERS = "osD^v<>PX*"


def summarise(stage: Stage, played: Played, seconds: float) -> dict[str, Any]:
    """Everything that happened, from the chain's own records."""
    contracts = stage.contracts
    after = accounts.holdings(contracts, list(stage.cast.values()))
    gas = accounts.gas_by_job(stage.chain, contracts)
    jobs = [(act, stage.job(act.job)) for act in played.acts]
    balances = [
        {
            "role": role, "address": stage.cast[role].address, "before": str(before.total),
            "after": str(after[role].total), "change": str(after[role].total - before.total),
            "parts": {name: str(getattr(after[role], name)) for name in ("wallet", "free", "staked", "leaving")},
        }
        for role, before in stage.before.items()
    ]  # fmt: skip
    return {
        "jobs": [_job(played, act, job, gas[job.id]) for act, job in jobs],
        "balances": balances,
        "burnt": str(contracts.views.burnt()),
        "conserved": accounts.conserved(contracts, after, stage.supply),
        "slashed": [_loss(event) for _, job in jobs for event in job.timeline if _whole_bond(event)],
        "models": played.models,
        "store": stage.store,
        "chain": {"client": stage.chain.rpc("web3_clientVersion"), "id": contracts.chain_id},
        "token": {"symbol": contracts.token.symbol, "decimals": contracts.token.decimals},
        "versions": {
            "python": platform.python_version(),
            **{
                name: version(name)
                for name in ("hexchange", "tenseal", "web3", "numpy", "scikit-learn", "opendp")
            },
        },
        "machine": {"system": platform.platform(), "processor": platform.machine()},
        "seconds": round(seconds, 1),
    }


def failures(summary: dict[str, Any]) -> list[str]:
    """What did not go as the story says; empty when all is well."""
    found = []
    if not summary["conserved"]:
        found.append("tokens were created or lost")
    changes = sum(int(one["change"]) for one in summary["balances"]) + int(summary["burnt"])
    if changes:
        found.append(f"balance changes and burnt tokens sum to {changes}, not to 0")
    for job in summary["jobs"]:
        if job["status"] != "released":
            found.append(f"job {job['id']} ended {job['status']}")
    if sorted({(loss["job"], loss["seat"]) for loss in summary["slashed"]}) != [(5, 1), (6, 0)]:
        found.append(f"other seats than the two lying ones lost a bond: {summary['slashed']}")
    for model in summary["models"]:
        if model["circuit"] == "logistic" and model["clear"] - model["encrypted"] > MOST_AUC_LOSS:
            found.append(
                f"AUC {model['encrypted']:.4f} is more than {MOST_AUC_LOSS} below {model['clear']:.4f}"
            )
        if model["circuit"] == "predict":
            if model["encrypted"] > model["clear"]:
                found.append("scores are further from the clear ones than declared")
            if model["clear"] > MOST_ERROR_RATIO * model["encrypted"]:
                found.append(f"the declared error is more than {MOST_ERROR_RATIO} times the measured one")
    return found


def write(stage: Stage, played: Played, summary: dict[str, Any]) -> None:
    """Write both files into the demo's folder."""
    (stage.folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    plots = [
        ("A model trained on ciphertext", _picture(_roc(played))),
        ("Who gained and who lost", _picture(_money(summary))),
        ("When it happened", _picture(_timeline(summary))),
    ]
    page = jinja2.Environment(autoescape=True).from_string(PAGE).render(summary=summary, plots=plots)
    (stage.folder / "report.html").write_text(page, encoding="utf-8")


def _job(played: Played, act: Act, job: Job, gas: dict[str, list[int]]) -> dict[str, Any]:
    analysis = act.quote.analysis
    return {
        "id": job.id, "use": act.use, "circuit": act.name, "status": job.state.value,
        "seats": accounts.seats(job),
        "rounds": len(job.rounds), "digest": "0x" + (job.settled or job.proposed or b"").hex(),
        "gas": {name: list(used) for name, used in gas.items()},
        "seconds": accounts.stages(job),
        "bytes": {
            "ciphertexts": analysis.input_bytes, "keys": analysis.key_bytes, "result": analysis.result_bytes,
            "released": len(documents.encode(played.results[job.id])) if job.id in played.results else 0,
        },
        "epsilon": job.epsilon,
    }  # fmt: skip


def _whole_bond(event: events.Event) -> bool:
    return isinstance(event, events.SeatClosed) and event.fine == event.bond


def _loss(event: Any) -> dict[str, Any]:
    return {
        "job": event.job,
        "round": event.round,
        "seat": event.seat,
        "provider": event.provider,
        "amount": str(event.fine),
    }


# --- Plots ----------------------------------------------------------------------------------------


def _roc(played: Played) -> Figure:
    figure, axes = plt.subplots(figsize=(5, 5))
    for name, (label, scores) in played.roc.items():
        false, true, _ = roc_curve(label, scores)
        axes.step(false, true, where="post", label=name)
    axes.plot((0, 1), (0, 1), color="grey", linewidth=0.5)
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.legend()
    return figure


def _money(summary: dict[str, Any]) -> Figure:
    unit = 10 ** summary["token"]["decimals"]
    names = [one["role"] for one in summary["balances"]] + ["burnt"]
    changes = [int(one["change"]) / unit for one in summary["balances"]] + [int(summary["burnt"]) / unit]
    figure, axes = plt.subplots(figsize=(8, 4))
    axes.barh(names, changes, color=["#0a6" if change >= 0 else "#c60" for change in changes])
    axes.axvline(0, color="grey", linewidth=0.5)
    axes.set(xlabel=f"change in {summary['token']['symbol']}")
    axes.invert_yaxis()
    return figure


def _timeline(summary: dict[str, Any]) -> Figure:
    figure, axes = plt.subplots(figsize=(9, 4.5))
    names = list(dict.fromkeys(stage for job in summary["jobs"] for stage in job["seconds"]))
    for place, job in enumerate(summary["jobs"]):
        axes.hlines(place, 0, max(job["seconds"].values(), default=0), color="lightgrey", zorder=0)
    for index, name in enumerate(names):
        marks = [
            (job["seconds"][name], place)
            for place, job in enumerate(summary["jobs"])
            if name in job["seconds"]
        ]
        seconds, places = zip(*marks, strict=True)
        axes.scatter(seconds, places, label=name, marker=MARKERS[index % len(MARKERS)], s=30)
    axes.set_yticks(
        range(len(summary["jobs"])), [f"job {job['id']}, {job['circuit']}" for job in summary["jobs"]]
    )
    axes.set(xlabel="seconds after opening")
    axes.invert_yaxis()
    axes.legend(bbox_to_anchor=(1.01, 1), loc="upper left", fontsize=8)
    return figure


def _picture(figure: Figure) -> str:
    """The figure as an image that the page carries itself."""
    file = io.BytesIO()
    figure.savefig(file, format="svg", bbox_inches="tight")
    plt.close(figure)
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode()


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Hexchange: the demo</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
table{border-collapse:collapse}td,th{border-bottom:1px solid #8884;padding:.3rem .8rem .3rem 0;text-align:left}
.n{text-align:right;font-variant-numeric:tabular-nums}img{max-width:100%}code{overflow-wrap:anywhere}</style></head><body>
<h1>Training, inference and sharing on data that nobody but its owner could read</h1>
<p>{{ summary.jobs|length }} jobs in {{ summary.seconds }} s on {{ summary.chain.client }}, store: {{ summary.store }}.
Tokens conserved: {{ summary.conserved }}.</p>
<h2>Jobs</h2>
<table><tr><th>job</th><th>use</th><th>circuit</th><th>status</th><th class="n">rounds</th><th>digest</th></tr>
{% for job in summary.jobs %}<tr><td>{{ job.id }}</td><td>{{ job.use }}</td>
<td>{{ job.circuit }}</td><td>{{ job.status }}</td><td class="n">{{ job.rounds }}</td>
<td><code>{{ job.digest }}</code></td></tr>{% endfor %}</table>
{% for title, picture in plots %}<h2>{{ title }}</h2><img alt="{{ title }}" src="{{ picture }}">{% endfor %}
<h2>Quality</h2>
<table><tr><th>circuit</th><th>measure</th><th class="n">encrypted</th><th class="n">in the clear</th></tr>
{% for model in summary.models %}<tr><td>{{ model.circuit }}</td>
<td>{{ model.metric }}</td>
<td class="n">{{ '%.6g'|format(model['encrypted']) }}</td>
<td class="n">{{ '%.6g'|format(model['clear']) }}</td></tr>{% endfor %}</table>
</body></html>
"""
