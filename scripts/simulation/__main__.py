"""Play, compare, write docs/simulation.md and its plots; fails without writing where chance explains too little."""

from __future__ import annotations

import argparse
import sys

import numpy as np

from simulation import forge
from simulation.compare import comparisons
from simulation.market import Row, play, population
from simulation.page import page
from simulation.plots import PLOTS, draw
from simulation.rules import KINDS, SHARES

DOCS = forge.ROOT / "docs"
MANY_SHARES = sorted({*SHARES, *range(0, 50, 5)})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument(
        "--contracts", type=int, help="play so many jobs on the contracts first (default: those of last time)"
    )
    parser.add_argument("--jobs", type=int, default=100_000, help="of each kind at each share, in NumPy")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    if options.contracts:
        forge.run(options.contracts)
    rows: list[Row] = []
    lost: dict[int, tuple[int, int]] = {}
    rng = np.random.default_rng(options.seed)
    for percent in MANY_SHARES:
        market = population(percent, rng)
        for kind in KINDS:
            row, gains = play(kind, percent, market, options.jobs, rng)
            rows.append(row)
            if kind.name == "collude" and percent in SHARES[1:]:
                honest = gains[market.hostile_providers :]
                lost[percent] = (int((honest < 0).sum()), honest.size)
    many, contracts = comparisons(rows), comparisons(forge.read())
    wrong = [str(one) for one in (*many, *contracts) if not one.holds]
    if wrong:
        sys.exit("\n".join(wrong))
    for plot in PLOTS:
        draw(plot, many, contracts, DOCS / "simulation")
    (DOCS / "simulation.md").write_text(page(many, contracts, lost), encoding="utf-8")
    print(f"{len(many) + len(contracts):,} means agree with the exact odds; see {DOCS / 'simulation.md'}")


if __name__ == "__main__":
    main()
