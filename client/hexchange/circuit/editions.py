"""Editions as data: the parameter sets and slot layouts in which a table can be listed.

The primes are those that SEAL's `CoeffModulus.Create` picks for the bit lengths in the comments, written
down so that an edition is a fact and not the outcome of a call. The last prime of a chain of several is
special: used by key switching only; it is longer than the data primes wherever the security table leaves room,
because SEAL's key-switch digits are not centred and an equal length costs digits in the first slots.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from hexchange.errors import EditionNotFound, TableTooLarge, UnsafeEdition

SEAL_FORMAT = "4.3"

Scheme = Literal["ckks", "bfv"]

#: Largest total modulus (bits) per degree at 128-bit security with a ternary secret
#: (HomomorphicEncryption.org standard, as in SEAL's `hestdparms.h`).
SECURE_BITS = {1024: 27, 2048: 54, 4096: 109, 8192: 218, 16384: 438, 32768: 881}

#: The deterministic vector encoder multiplies residues exactly below this many bits.
DATA_PRIME_BITS = 50

#: Of any prime.
LARGEST_PRIME_BITS = 60


@dataclass(frozen=True, slots=True)
class Columns:
    """Slot = row: one ciphertext per column and block of N/2 rows. No rotation is ever needed.

    With two rows `per_slot` (row r as the real part, row r + N/2 as the imaginary one) half as much is stored.
    Columns can then be added and scaled, not multiplied, and constants are added by whoever opens the result:
    a real one would reach the first row alone.
    """

    per_slot: Literal[1, 2] = 1


@dataclass(frozen=True, slots=True)
class Grid:
    """Slot = feature * rows + row: one ciphertext holds `features` features of `rows` rows.

    Rows are `whitened` by their owner, for exact releases, or scaled by declared facts alone to length 1 at most.
    """

    features: int
    rows: int
    whitened: bool


@dataclass(frozen=True, slots=True)
class Categories:
    """Slot = row: one ciphertext of zeros and ones per value of a column and block of N rows."""


@dataclass(frozen=True, slots=True)
class Interleaved:
    """Slot = place in a row * rows + row: whole rows of the table, so that one rotation by a multiple of `rows` moves
    all of them at once. A row repeats its features, padded to a power of two, up to the width (slots / rows)."""

    rows: int


#: Interleaved rows are at least so wide: a hidden layer of that width always fits.
LEAST_WIDTH = 128
#: Rows of a block where they are widest.
INTERLEAVED_ROWS = 4


def padded(count: int) -> int:
    """The least power of two that is not below `count`."""
    return 1 << (count - 1).bit_length()


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """A parameter set of CKKS, or of BFV where it has a plain modulus. `primes` are in SEAL's order: the data primes,
    of which the first is never dropped and all of which a fresh ciphertext has, then the special prime; a chain of one
    has none, and allows sums alone. `scale` is that of a fresh ciphertext, and 1 in BFV. Raises UnsafeEdition outside
    the 128-bit table."""

    name: str
    degree: int
    primes: tuple[int, ...]
    scale: float
    plain_modulus: int = 0

    def __post_init__(self) -> None:
        if sum(prime.bit_length() for prime in self.primes) > SECURE_BITS.get(self.degree, 0):
            raise UnsafeEdition(f"Parameter set {self.name} is outside the 128-bit security table.")
        if any(prime.bit_length() > DATA_PRIME_BITS for prime in self.data_primes):
            raise UnsafeEdition(f"Parameter set {self.name} has a data prime above {DATA_PRIME_BITS} bits.")
        if len(set(self.primes)) != len(self.primes) or not self.primes:
            raise UnsafeEdition(f"Parameter set {self.name} has a prime twice, or none.")
        if not all(1 < prime < 1 << LARGEST_PRIME_BITS for prime in self.primes):
            raise UnsafeEdition(
                f"Parameter set {self.name} has a prime above {LARGEST_PRIME_BITS} bits, or none."
            )
        if not 1 <= self.scale < 1 << LARGEST_PRIME_BITS:
            raise UnsafeEdition(f"Parameter set {self.name} has a scale at which nothing can be encoded.")
        if any(prime % (2 * self.degree) != 1 for prime in self.primes):
            raise UnsafeEdition(f"Parameter set {self.name} has a prime that is not 1 modulo 2N.")
        if self.plain_modulus and (self.plain_modulus % (2 * self.degree) != 1 or self.scale != 1):
            raise UnsafeEdition(
                f"Parameter set {self.name} has a plain modulus that makes no slots, or a scale."
            )

    @property
    def scheme(self) -> Scheme:
        """CKKS computes on approximate numbers, BFV on integers modulo the plain modulus."""
        return "bfv" if self.plain_modulus else "ckks"

    @property
    def slots(self) -> int:
        """Values per ciphertext."""
        return self.degree if self.plain_modulus else self.degree // 2

    @property
    def data_primes(self) -> tuple[int, ...]:
        """The primes without the special one."""
        return self.primes[:-1] or self.primes

    @property
    def levels(self) -> int:
        """Products in a row that the chain allows."""
        return len(self.data_primes) - 1


@dataclass(frozen=True, slots=True)
class Edition:
    """What a dataset can be listed in: parameters, layout, and the evaluation keys listed with it.

    `most_blocks` bounds the row blocks: with columns their sum must stay below half the first prime, on a
    grid the mask, which divides by the rows, must keep its digits, of categories the noise of their summed products
    must leave the plain modulus room.
    """

    parameters: ParameterSet
    layout: Columns | Grid | Categories | Interleaved
    most_blocks: int
    relinearize: bool = False
    steps: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The name of the parameter set is the name of the edition."""
        return self.parameters.name

    @property
    def rows_per_block(self) -> int:
        """Rows of the table that one row block holds."""
        if isinstance(self.layout, Grid | Interleaved):
            return self.layout.rows
        return self.rows_per_slot * self.parameters.slots

    @property
    def rows_per_slot(self) -> int:
        """Rows of the table that share a slot; constants are then left to whoever opens the result."""
        return self.layout.per_slot if isinstance(self.layout, Columns) else 1

    @property
    def most_rows(self) -> int:
        """Rows of the largest table."""
        return self.most_blocks * self.rows_per_block

    def blocks(self, rows: int) -> int:
        """Row blocks that `rows` rows fill."""
        return -(-rows // self.rows_per_block)

    def over(self, features: int) -> Edition:
        """The edition as it holds a table with so many features: narrow rows stand more to a block.

        Raises TableTooLarge where a row has no place.
        """
        if not isinstance(self.layout, Interleaved):
            return self
        widest = self.parameters.slots // INTERLEAVED_ROWS
        if features > widest:
            raise TableTooLarge(
                f"The table has {features} features, the edition {self.name} holds {widest}.",
                hint="List fewer columns in this edition, or a smaller image.",
            )
        width = max(LEAST_WIDTH, padded(features))
        return replace(self, layout=Interleaved(self.parameters.slots // width))


SUM = Edition(
    # A 32-bit prime is stored in 4 bytes, one of 34 takes more than 5. Of its bits most keep the error of a sum below
    # what one row moves; larger tables are for `linear`.
    ParameterSet(name="sum", degree=2048, primes=(4294955009,), scale=2.0**24),
    Columns(per_slot=2),
    most_blocks=63,
)

LINEAR = Edition(
    ParameterSet(
        name="linear",
        degree=4096,
        primes=(1099511390209, 536813569, 1099511480321),  # 40, 29, 40
        scale=2.0**29,
    ),
    Columns(per_slot=2),
    most_blocks=512,
)

STATS = Edition(
    ParameterSet(
        name="stats",
        degree=8192,
        primes=(1125899906826241, 1099511480321, 1152921504606830593),  # 50, 40, 60
        scale=2.0**40,
    ),
    Columns(),
    most_blocks=256,
    relinearize=True,
)

POLY3 = Edition(
    ParameterSet(
        name="poly3",
        degree=8192,
        # 40, 30, 30, 30, 50
        primes=(1099511480321, 1073479681, 1073643521, 1073692673, 1125899906826241),
        scale=2.0**30,
    ),
    Columns(),
    most_blocks=250,
    relinearize=True,
)

TRAIN = Edition(
    ParameterSet(
        name="train",
        degree=16384,
        primes=(
            17592183914497,  # 44
            274873778177,  # 38, nine times
            274873876481,
            274874662913,
            274874695681,
            274874859521,
            274875842561,
            274876334081,
            274877022209,
            274877153281,
            4503599626682369,  # 52
        ),
        scale=2.0**38,
    ),
    Grid(features=32, rows=256, whitened=True),
    most_blocks=64,
    relinearize=True,
    # Sums over features take R, 2R, .. 16R; sums and copies over rows take radix 4, three turns a step.
    steps=(1, 4, 16, 64, 256, 512, 1024, 2048, 4096),
)

BOUNDED = replace(
    TRAIN,
    parameters=replace(TRAIN.parameters, name="bounded"),
    layout=Grid(features=32, rows=256, whitened=False),
)

COUNT = Edition(
    ParameterSet(
        name="count",
        degree=4096,
        primes=(68719230977, 68719403009, 137438822401),  # 36, 36, 37
        scale=1.0,
        plain_modulus=114689,
    ),
    Categories(),
    most_blocks=256,
    relinearize=True,
)

MLP = Edition(
    ParameterSet(
        name="mlp",
        degree=8192,
        # 50, 35, 35, 35, 60
        primes=(1125899906826241, 34359214081, 34359361537, 34359410689, 1152921504606830593),
        scale=2.0**35,
    ),
    Interleaved(INTERLEAVED_ROWS),
    most_blocks=2048,
    relinearize=True,
    # From one place of the widest row to half a ciphertext: steps of every width, each a power of two.
    steps=tuple(1 << turn for turn in range(2, 12)),
)

EDITIONS = {edition.name: edition for edition in (SUM, LINEAR, STATS, POLY3, TRAIN, BOUNDED, COUNT, MLP)}


def edition(name: str) -> Edition:
    """The edition called `name`; raises EditionNotFound."""
    try:
        return EDITIONS[name]
    except KeyError:
        raise EditionNotFound(
            f"There is no edition {name!r}.", hint=f"Choose one of: {', '.join(EDITIONS)}."
        ) from None
