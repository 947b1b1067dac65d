"""Pearson's chi-squared test whether columns and a label are independent, from their contingency table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hexchange.circuit.document import Circuit, Table
from hexchange.circuit.kinds import Kind, Recipe, Released, unfit
from hexchange.circuit.library.contingency import (
    EDITION,
    contingency,
    contingency_clear,
    counted,
    is_contingency,
    others,
)

if TYPE_CHECKING:
    import pandas as pd


def chi2(table: Table) -> Circuit:
    """One test per column against the label, without Yates' correction. For exact releases: noise in cells would be
    taken for dependence. Raises MalformedCircuit as `contingency` does."""
    return replace(contingency(table), result="chi2")


def chi2_clear(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """The twin: scipy's tests over clear values."""
    return _tests(contingency_clear(table, frame))


def _tests(counts: pd.DataFrame) -> pd.DataFrame:
    """Statistic, degrees of freedom and p of every column; values that no row has are left out."""
    import pandas as pd  # these are slow to import, and needed by the twin and a buyer alone
    from scipy.stats import chi2_contingency

    rows = {}
    for name, seen in counts.groupby(level="column", sort=False):
        own = seen.loc[seen.sum(axis=1) > 0, seen.sum(axis=0) > 0]
        found = chi2_contingency(own, correction=False)
        rows[name] = {"chi2": found.statistic, "dof": found.dof, "p": found.pvalue}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("column")


def _present(released: Released) -> pd.DataFrame:
    if not is_contingency(released.circuit, []):
        raise unfit("a chi-squared test needs the counts of a contingency table")
    if released.noise:
        raise unfit("a chi-squared test would take the noise in released counts for dependence")
    return _tests(counted(released))


def _says(circuit: Circuit) -> str:
    return f"Chi-squared tests of {others(circuit)} against {circuit.table.label}, from their counts"


CIRCUIT = Recipe("chi2", (EDITION,), lambda table, _: chi2(table))
KINDS = (
    Kind(
        "chi2",
        "chi-squared tests of columns against the label",
        holds=lambda circuit, rows: circuit.release.mechanism == "exact" and is_contingency(circuit, rows),
        says=_says,
        present=_present,
        derives=True,
    ),
)
