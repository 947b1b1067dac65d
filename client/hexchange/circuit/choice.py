"""Which editions an owner lists a table in: the smallest that serve the circuits it wants to allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, combinations

from hexchange.circuit.costs import keys_bytes, seeded_bytes
from hexchange.circuit.document import Table
from hexchange.circuit.editions import Edition
from hexchange.circuit.packing import ciphertexts


def listed_bytes(edition: Edition, table: Table) -> int:
    """About how many bytes an owner uploads to list the table in this edition: ciphertexts and evaluation keys.

    Raises TableTooLarge where the edition does not hold the table, MalformedCircuit where it cannot count a column.
    """
    parameters = edition.parameters
    one = seeded_bytes(parameters.data_primes, parameters.degree)
    keys = len(edition.steps) + edition.relinearize
    return one * ciphertexts(edition, table) + keys_bytes(parameters, keys)


def smallest(wanted: Sequence[Sequence[str]], sizes: Mapping[str, int]) -> list[str]:
    """The editions of the least size together, of which each circuit finds one among those that it can use.

    `wanted` has the usable editions of each circuit, the best first, and at least one of `sizes`. Of sets that are
    equally large the one whose editions come first is taken.
    """
    usable = [name for name in dict.fromkeys(chain.from_iterable(wanted)) if name in sizes]
    sets = chain.from_iterable(combinations(usable, count) for count in range(1, len(usable) + 1))
    serving = [some for some in sets if all(set(some).intersection(names) for names in wanted)]
    return list(min(serving, key=lambda some: sum(sizes[name] for name in some)))
