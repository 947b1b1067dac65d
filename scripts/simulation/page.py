"""docs/simulation.md: what was seen, what is to be expected, and from which share on anything fails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simulation.compare import FALSE_ALARMS, Comparison
from simulation.law import limit
from simulation.market import PROVIDERS, Row
from simulation.plots import NAMED
from simulation.rules import COMPUTE, HONEST, KINDS, SHARES, UNDISPUTED, Kind

CHECKED = tuple(kind for kind in KINDS if kind.checked and kind is not HONEST)
"""Every attack on a job that somebody runs again in time."""
COLUMNS = {
    "3 seats, checked": tuple(kind for kind in CHECKED if kind.seats == 3),
    "3 seats, unchecked": (NAMED["unchecked"],),
    "1 seat, checked": (NAMED["one_seat"],),
    "1 seat, unchecked": (NAMED["one_seat_unchecked"],),
}
"""The attacks of which the worst one counts."""
FAILURES = (
    ("a wrong result is paid in 1 of 10,000 jobs", "wrong_paid", 1e-4),
    ("… 1 of 1,000", "wrong_paid", 1e-3),
    ("… 1 of 100", "wrong_paid", 1e-2),
    ("an honest seat or checker loses its bond, 1 in 10,000 jobs", "honest_hit", 1e-4),
    ("… 1 in 1,000", "honest_hit", 1e-3),
    ("… 1 in 100", "honest_hit", 1e-2),
    ("no result in 1 of 100 jobs", "no_result", 1e-2),
    ("… 1 of 10", "no_result", 1e-1),
    ("… 1 of 2", "no_result", 0.5),
    ("the attack earns more than it loses", "hostile_gain", 1e-9),
)
ROUNDING = 1e-9
"""A smaller standard error is that of a constant."""


def first_share(kinds: Iterable[Kind], field: str, level: float) -> int | None:
    """The first whole percent of hostile stake at which one of these kinds is expected to reach the level."""
    several = tuple(kinds)
    shares = range(1, 100)
    return next((at for at in shares if any(limit(kind, at).mean(field) >= level for kind in several)), None)


def failures() -> str:
    """The table of first shares, of a market with very many units."""
    lines = [f"| from this share on | {' | '.join(COLUMNS)} |", "|---|" + "---|" * len(COLUMNS)]
    for text, field, level in FAILURES:
        shares = [first_share(kinds, field, level) for kinds in COLUMNS.values()]
        lines.append(f"| {text} | {' | '.join(f'{at} %' if at else 'never' for at in shares)} |")
    return "\n".join(lines)


def figures(rows: Sequence[Row]) -> str:
    """What was seen of each kind at the shares that the contracts are run with too."""
    lines = [
        "| hostile stake | share | wrong paid % | no result % | honest hit / 100 | delay "
        "| hostile gain | honest gain | owner's gain | buyer's cost |",
        "|---|" + "---:|" * 9,
    ]
    for row in sorted(rows, key=lambda row: (KINDS.index(row.kind), row.percent)):
        if row.percent in SHARES[1:]:
            seen = row.means
            cells = [
                row.kind.text, f"{row.percent} %", f"{100 * seen['wrong_paid']:.2f}",
                f"{100 * seen['no_result']:.1f}", f"{100 * seen['honest_hit']:.2f}",
                f"{(seen['seconds'] - UNDISPUTED) / COMPUTE:.2f}", f"{seen['hostile_gain']:.2f}",
                f"{seen['honest_gain']:.2f}", f"{seen['checker_gain']:.2f}", f"{seen['buyer_paid']:.2f}",
            ]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def agreement(found: Sequence[Comparison]) -> str:
    """How many comparisons hold, and how close those are that chance has a part in."""
    random = [one for one in found if one.error > ROUNDING]
    close = sum(one.difference <= 2 * one.error for one in random) / len(random)
    held = sum(one.holds for one in found)
    return f"{held:,} of {len(found):,} agree, {close:.0%} of those left to chance within two standard errors"


def losers(counts: dict[int, tuple[int, int]]) -> str:
    """What colluders did to single honest providers, at each share."""
    return ", ".join(f"{lost:,} of {honest:,} at {at} %" for at, (lost, honest) in sorted(counts.items()))


def page(
    many: Sequence[Comparison], contracts: Sequence[Comparison], lost: dict[int, tuple[int, int]]
) -> str:
    """The whole page."""
    rows = list({id(one.row): one.row for one in many}.values())
    played = {id(one.row): one.row.jobs for one in contracts}
    cheapest = max(limit(kind, 49).mean("hostile_gain") for kind in CHECKED)
    return f"""# What hostile stake can do

Written by `PYTHONPATH=scripts .venv/bin/python -m simulation --contracts 10000`; change it in scripts/simulation.

Providers hold stake, seats are drawn in proportion to it, and a part of the stake is hostile. This page says what
becomes of jobs at every hostile share below one half: how often a wrong result is paid, how often there is no result,
which honest seats lose money, what it costs, and what the attack earns. The same jobs are looked at in three ways:

* **the contracts**: {sum(played.values()):,} jobs in forge, with real transactions and real tickets, 100 units of
  stake in twelve wallets ([tests/forge/Simulation.t.sol](../tests/forge/Simulation.t.sol));
* **many providers**: {sum(row.jobs for row in rows):,} jobs in NumPy, {PROVIDERS:,} providers with unequal stakes
  ([scripts/simulation/market.py](../scripts/simulation/market.py));
* **exact odds**, by counting hostile seats ([scripts/simulation/law.py](../scripts/simulation/law.py)).

Each job of the first two is checked by itself: no more is paid out than was locked, and **without two thirds of round
two being hostile no honest seat loses its bond, and in a checked job no wrong result is paid**. Over all jobs of a kind
at a share, rates and means are compared with the exact odds:

* contracts: {agreement(contracts)};
* many providers: {agreement(many)}.

## From which share on anything fails

Expected values of the worst attack of each column, in a market of very many units:

{failures()}

* Below these shares a failure is rarer, never impossible: juries are drawn.
* **Every attack on a checked job is a loss in expectation at every share up to 49 %**, counting what moves inside the
  market. The cheapest one at 49 % costs {-cheapest:.1f} R per job, R being the highest reward of a seat.
* Stopping results is what hostile stake is best at: at a third of the stake, one job in three to one in two. A job
  without a result takes nothing from an honest seat, but its run is unpaid.
* Without a checker, one seat is paid for anything it says: a share p of its results is wrong. Three seats all have to
  be hostile, p³, or two thirds of round two.
* A wrong result that is paid is still not decrypted: the owner's gate opens nothing that its own run does not confirm.

![wrong results paid](simulation/wrong-paid.svg)
![jobs without a result](simulation/no-result.svg)
![profit](simulation/profit.svg)
![delay](simulation/delay.svg)

Lines are exact odds in a market of very many units, dots the many providers, squares the contracts with two standard
errors to each side. Copying is worth what garbage is, late what silent is; they have no line of their own.

## How each kind behaves

| kind | round one | round two |
|---|---|---|
| honest | right digest | right digest and trace |
| copying | its neighbour's seal, which opens for nobody else | the same |
| lazy | digest of the job before, and names it | right digest without trace |
| colluding | one wrong digest in all hostile seats, and names it | the same, with one made-up trace |
| silent, late | no seal, or one after the deadline | – |
| garbage | noise | noise |
| griefing | right digest, then a challenge of every right result | one wrong digest, or noise |

Where nothing else is said, jobs have three seats, and the owner runs each again in time. Every round fills within its
contest, so a right seat of round one is paid its floor, 0.8 R. Seals and challenges come at half of their windows; fill
and naming windows are a quarter of the compute window. Stakes are made whole after every job, so that the share stays.
No honest provider crashes, and no transaction is held back.

## What was seen with many providers

Means over {rows[0].jobs:,} jobs a row. Money is in R per job, without the price; what hostile stake would earn by
honest work is the gain in the first rows. Delay is in compute windows beyond an undisputed job, below 0 where a dispute
skips the challenge window. Honest hit counts honest seats and checkers that lost a bond.

{figures(rows)}

After the {rows[0].jobs:,} jobs against colluders (three seats, checked), these honest providers were poorer than
before: {losers(lost)}.

## What is to be expected

With p the hostile share, n seats and m = 2n + 5 seats of round two, in a market of very many units:

* all seats agree on one wrong digest: p^n, and it is paid if nobody checks;
* a seat is wrong: 1 - (1 - p)^n, which is a dispute;
* in a dispute, wrong is paid if at least two thirds of m are hostile, right if at least two thirds are honest, both
  tails of the binomial law; between them there is no result;
* silent seats stop a job: 1 - (1 - p²)^n, because each is drawn anew once.

With few units the binomial laws are hypergeometric, and those are compared. A difference may be as large as Bernstein's
inequality allows it to chance, with one false alarm in {1 / FALSE_ALARMS:,.0f} runs.
"""
