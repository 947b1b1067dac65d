"""Every error a person can meet, as one tree; the category gives the exit code.

HexchangeError                 1   something unexpected
├── UsageError                 2   the call itself is wrong: arguments, files, tables
├── Declined                   3   the user said no
├── NotFound                   4   no such dataset, offer, job, account, block
├── Reverted                   5   the contract refused, or would refuse
├── TimedOut                   6   no answer in time; the effect may still happen
├── InsufficientFunds          7   balance, allowance or stake is too small
├── VerificationFailed         8   bytes, digests, signatures or chains differ from what was expected
└── Refused                    9   a policy or budget of ours says no
"""

from __future__ import annotations

import re


class HexchangeError(Exception):
    """An error with a message for people, and a hint that names the next step."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def code(self) -> str:
        """Stable name for machines: the class name in kebab case."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()


class UsageError(HexchangeError):
    """The call itself is wrong: arguments, files or tables."""

    exit_code = 2


class Declined(HexchangeError):
    """The user said no at a confirmation."""

    exit_code = 3


class NotFound(HexchangeError):
    """No such dataset, offer, job, account or block."""

    exit_code = 4


class Reverted(HexchangeError):
    """The contract refused the call, or would refuse it."""

    exit_code = 5


class TimedOut(HexchangeError):
    """No answer in time; the effect may still happen."""

    exit_code = 6


class InsufficientFunds(HexchangeError):
    """A balance, an allowance or a stake is too small."""

    exit_code = 7


class VerificationFailed(HexchangeError):
    """Bytes, digests, signatures or chains differ from what was expected."""

    exit_code = 8


class Refused(HexchangeError):
    """A policy or a budget of ours says no."""

    exit_code = 9


# --- UsageError -----------------------------------------------------------------------------------


class ConfigInvalid(UsageError):
    """config.toml is no TOML, or holds a name or value that is not a setting."""


class PasswordMissing(UsageError):
    """A password is needed, and neither a file nor a person gives it."""


class BrokenSecretKey(UsageError):
    """The secret key file is damaged, or belongs to another edition."""


# --- NotFound -------------------------------------------------------------------------------------


# --- TimedOut -------------------------------------------------------------------------------------


# --- VerificationFailed ---------------------------------------------------------------------------


class ForeignEngine(VerificationFailed):
    """The installed homomorphic library does not give the bytes that all digests are defined over."""


class MalformedBlob(VerificationFailed):
    """A ciphertext or key is not, byte for byte, of the form that the circuit expects."""


# --- Refused --------------------------------------------------------------------------------------


class GridTooFine(Refused):
    """A release grid lies below the error of the computation, so rounding would hide nothing."""
