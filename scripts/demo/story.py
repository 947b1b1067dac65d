"""The demo's words: plain lines with a clock, and tables at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from hexchange.cli.output import table

console = Console(highlight=False, soft_wrap=True)
if not console.is_terminal:
    console.width = 140  # a log is read in a window, not in 80 columns
_began = time.monotonic()


def heading(text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")


def line(text: str) -> None:
    console.print(f"{time.monotonic() - _began:6.1f} s  {text}")


def show(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    console.print(table(columns, rows, title=title))


def tell_end(summary: dict[str, Any], folder: Path) -> None:
    """Jobs, balances and models in tables."""
    heading("What happened")
    show(
        (
            "job",
            "use",
            "circuit",
            "status",
            ">seats",
            ">rounds",
            ">opened to released, s",
            ">MB in",
            ">gas, whole job",
        ),
        [_job_row(job) for job in summary["jobs"]],
        "Jobs",
    )
    for job in summary["jobs"]:
        calls = ", ".join(
            f"{name} {'+'.join(f'{gas:,}' for gas in used)}" for name, used in job["gas"].items()
        )
        console.print(f"  job {job['id']} gas: {calls}")
        console.print(
            f"  job {job['id']} seconds after opening: "
            + ", ".join(f"{k} {v}" for k, v in job["seconds"].items())
        )
        console.print(f"  job {job['id']} bytes: " + ", ".join(f"{k} {v:,}" for k, v in job["bytes"].items()))
    unit = 10 ** summary["token"]["decimals"]
    rows = [
        (
            one["role"],
            *(
                f"{int(one[key]) / unit:+,.2f}" if key == "change" else f"{int(one[key]) / unit:,.2f}"
                for key in ("before", "after", "change")
            ),
        )
        for one in summary["balances"]
    ]
    changes = sum(int(one["change"]) for one in summary["balances"])
    rows.append(
        ("burnt", "", f"{int(summary['burnt']) / unit:,.2f}", f"{int(summary['burnt']) / unit:+,.2f}")
    )
    rows.append(("sum of changes and burnt", "", "", f"{(changes + int(summary['burnt'])) / unit:,.2f}"))
    show(
        ("who", ">before", ">after", ">change"),
        rows,
        f"Balances in {summary['token']['symbol']} (wallet, free and staked)",
    )
    for loss in summary["slashed"]:
        console.print(
            f"  {loss['provider']} lost {int(loss['amount']) / unit:,.2f} for seat {loss['seat']} of job {loss['job']}"
        )
    show(
        ("circuit", "measure", ">encrypted", ">in the clear"),
        [
            (m["circuit"], m["metric"], f"{m['encrypted']:.6g}", f"{m['clear']:.6g}")
            for m in summary["models"]
        ],
        "Quality",
    )
    console.print(f"conserved: {summary['conserved']}    {summary['seconds']:.0f} s in all")
    console.print(f"Open {folder / 'report.html'}; numbers in {folder / 'summary.json'}")
    console.print("\nNext: [bold]make demo KEEP=1[/bold] leaves chain and pages running")


def _job_row(job: dict[str, Any]) -> tuple[object, ...]:
    seconds = job["seconds"].get("released", job["seconds"].get("settled", "-"))
    gas = sum(sum(used) for used in job["gas"].values())
    rounds = max((seat["round"] for seat in job["seats"]), default=1)
    held = sum(1 for seat in job["seats"] if seat["round"] == 1)
    size = f"{(job['bytes']['ciphertexts'] + job['bytes']['keys']) / 1e6:.1f}"
    return job["id"], job["use"], job["circuit"], job["status"], held, rounds, seconds, size, f"{gas:,}"
