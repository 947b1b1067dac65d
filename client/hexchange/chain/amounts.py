"""Amounts and addresses as people write them. Amounts are integers of base units, never floats.

`decimals` is the token's: 1 token = 10 ** decimals base units.
"""

from __future__ import annotations

import re

from eth_utils.address import is_address, is_checksum_address, to_checksum_address

from hexchange.errors import BadAddress, BadAmount

_AMOUNT = re.compile(r"([0-9]{1,60})(?:\.([0-9]{1,60}))?")


def parse_amount(text: str, decimals: int) -> int:
    """Base units of an amount as people write it ("12", "0.5"). Raises BadAmount, also for lost digits."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise BadAmount(f"'{text}' is no amount", hint="write digits with at most one point, such as 12.5")
    whole, fraction = match[1], match[2] or ""
    if len(fraction.rstrip("0")) > decimals:
        raise BadAmount(
            f"'{text}' has more than {decimals} decimals", hint=f"the token has {decimals} decimals"
        )
    return int(whole + fraction[:decimals].ljust(decimals, "0"))


def format_amount(value: int, decimals: int, symbol: str = "") -> str:
    """An amount of base units as people read it, exact and without trailing zeros: "12.5 HEX"."""
    sign, value = ("-" if value < 0 else ""), abs(value)
    whole, fraction = divmod(value, 10**decimals)
    digits = str(fraction).rjust(decimals, "0").rstrip("0") if decimals else ""
    return f"{sign}{whole}" + (f".{digits}" if digits else "") + (f" {symbol}" if symbol else "")


def parse_address(text: str) -> str:
    """A checksummed address. Raises BadAddress, also for a checksum that does not fit."""
    plain = text in (text.lower(), text.upper())
    if not is_address(text) or not (plain or is_checksum_address(text)):
        raise BadAddress(f"'{text}' is no address", hint="an address is 0x and 40 hexadecimal digits")
    return to_checksum_address(text)
