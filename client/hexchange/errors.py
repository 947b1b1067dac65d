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
from typing import Any


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


class WorkFailed(HexchangeError):
    """Work on what strangers published ended in an exception that nobody foresaw."""


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


class ModelMissing(UsageError):
    """A scoring circuit is asked for without the model that it scores with."""


class ModelUnreadable(UsageError):
    """A model file is not a fitted model or network saved by skops that we read."""


class ActivationUnfit(UsageError):
    """A network's activation cannot be computed with sums and products."""


class ResultUnfit(UsageError):
    """A released result is to be made into something that its numbers do not hold."""


class DatabaseUnusable(UsageError):
    """The backend's database is damaged, or belongs to another market."""


class TermsOutOfBounds(UsageError):
    """Seats, reward or a window lies outside what the offer or the market allows."""


class BrokenResultKey(UsageError):
    """The buyer's result key file is damaged."""


class ConfigInvalid(UsageError):
    """config.toml is no TOML, or holds a name or value that is not a setting."""


class PasswordMissing(UsageError):
    """A password is needed, and neither a file nor a person gives it."""


class BrokenSecretKey(UsageError):
    """The secret key file is damaged, or belongs to another edition."""


class BadAmount(UsageError):
    """What was given is no amount, or has more decimals than the token."""


class BadAccountName(UsageError):
    """An account's name holds characters that a file name should not."""


class AccountExists(UsageError):
    """An account of that name exists; keys are never overwritten."""


class WrongPassword(UsageError):
    """The password does not open the keystore."""


class BrokenKeystore(UsageError):
    """A keystore file is damaged or of an unknown form."""


class BrokenDeployment(UsageError):
    """The deployment file is missing, damaged or incomplete."""


class AlreadyRunning(UsageError):
    """Another process already does this work for the same account."""


class ClusterUnsupported(UsageError):
    """The library for clusters is not installed."""


class ProviderNotSetUp(UsageError):
    """There is no provider in this home folder yet."""


class NotDrawn(UsageError):
    """The job has no seed yet, so there is nothing that could be run."""


class TableUnreadable(UsageError):
    """The file is no table that can be read: not CSV or Parquet, missing or damaged."""


class EmptyTable(UsageError):
    """The table has no rows or no columns."""


class SchemaInvalid(UsageError):
    """The columns file is damaged, or declares a column wrongly."""


class TextColumn(UsageError):
    """A column holds text; only numbers are encrypted."""


class NothingToCount(UsageError):
    """No column of the table has few whole values."""


class MissingValue(UsageError):
    """A cell of the table is empty."""


class ValueNotWhole(UsageError):
    """A column that is to be counted has a value that is no whole number."""


class OutsideRange(UsageError):
    """A value, or the norm of a row, lies outside what was declared."""


class TableTooLarge(UsageError):
    """The table has more rows or columns than the edition holds."""


class BadLabel(UsageError):
    """Training needs a label column with exactly two values, the ends of its range."""


class CardUnfit(UsageError):
    """A score card gives points for columns or values that the table does not count."""


class RowNormMissing(UsageError):
    """Training for ε > 0 needs a declared bound of a row's length."""


class OtherTable(UsageError):
    """An encryption of that name exists, and it is of another table."""


class BudgetNeedsRanges(UsageError):
    """A dataset with a privacy budget needs declared ranges and a declared row norm."""


class BadCid(UsageError):
    """A text or digest is not a content identifier of the shape this market uses."""


class BadAddress(UsageError):
    """What was given is no address, or its checksum is wrong."""


class StateUnusable(UsageError):
    """A state file of ours is damaged, or may not be written."""


class BadDigest(UsageError):
    """A text is not the hex of a 32-byte digest."""


# --- NotFound -------------------------------------------------------------------------------------


class NotReleased(NotFound):
    """The job has no released result (yet)."""


class CircuitNotFound(NotFound):
    """Neither the library, nor a file, nor the store has such a circuit."""


class OfferNotFound(NotFound):
    """No offer, or more than one, is meant; or its owner never signed it."""


class EditionNotFound(NotFound):
    """The dataset has no edition of that name."""


class AccountNotFound(NotFound):
    """No keystore of that name or address is on this machine."""


class NotRunning(NotFound):
    """No provider process runs in this home folder."""


class MissingColumn(NotFound):
    """The table has no column of that name."""


class EncryptionNotFound(NotFound):
    """No encrypted table of that name is in the home folder."""


class NotListed(NotFound):
    """The encrypted table is not listed on this market yet."""


class DatasetNotFound(NotFound):
    """The market lists no dataset of that number."""


class JobNotFound(NotFound):
    """The market has no job of that number."""


# --- Reverted -------------------------------------------------------------------------------------


class ContractReverted(Reverted):
    """A contract refused; `error` is the name of its Solidity error, `arguments` what it says."""

    def __init__(
        self, message: str, *, hint: str = "", error: str = "", arguments: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.error = error
        self.arguments = arguments or {}


class ContentMissing(NotFound):
    """Nobody served the bytes behind a CID in the time given."""


# --- TimedOut -------------------------------------------------------------------------------------


class NodeUnreachable(TimedOut):
    """The chain's node does not answer, or answers with a failure of its own."""


class ClusterLost(TimedOut):
    """A cluster does not answer, or loses its workers faster than work on them can be done again."""


class StaleNode(TimedOut):
    """The node is far behind blocks that were seen before; nothing is concluded from it."""


class TransactionPending(TimedOut):
    """A transaction was sent and is not in a block yet."""


class DeadlinePassed(TimedOut):
    """The deadline of a call passed before it was in a block; it is not sent any more."""


# --- InsufficientFunds ----------------------------------------------------------------------------


class NotEnoughGasMoney(InsufficientFunds):
    """The account cannot pay for the gas of the transaction."""


class NotEnoughTokens(InsufficientFunds, ContractReverted):
    """A balance, an allowance or free stake is smaller than the amount."""


class StoreUnreachable(TimedOut):
    """The content store does not answer."""


# --- VerificationFailed ---------------------------------------------------------------------------


class FinalityBroken(VerificationFailed):
    """The chain replaced blocks that it had called final."""


class ForeignResult(VerificationFailed):
    """A released result says that it belongs to another job."""


class SealedForAnother(VerificationFailed):
    """A sealed result does not open with this key, or its bytes were changed."""


class ForeignEngine(VerificationFailed):
    """The installed homomorphic library does not give the bytes that all digests are defined over."""


class MalformedBlob(VerificationFailed):
    """A ciphertext or key is not, byte for byte, of the form that the circuit expects."""


class MalformedCircuit(VerificationFailed):
    """A circuit document is not the canonical form of a circuit we accept."""


class MalformedDocument(VerificationFailed):
    """A market document is not the canonical form of a value we accept."""


class WrongChain(VerificationFailed):
    """The node is on another chain than the deployment file."""


class WrongContracts(VerificationFailed):
    """The code at the market's addresses is not that of the deployment file."""


class OtherHistory(VerificationFailed):
    """State on disk was written for another history of a chain with the same id."""


class InputMismatch(VerificationFailed):
    """The dataset does not hold what the circuit reads, or not in the size that it declares."""


class ContentMismatch(VerificationFailed):
    """A store returned other bytes than those a CID names."""


class ContentTruncated(VerificationFailed):
    """A store returned only a part of the bytes that a CID names."""


class ContentMalformed(VerificationFailed):
    """Bytes hash to their CID but are not a file tree as this market lays files out."""


class ChildCrashed(VerificationFailed):
    """Work on foreign bytes broke the child process that did it."""


class BadSignature(VerificationFailed):
    """A signature is malformed or of somebody else."""


class ResultDiffers(VerificationFailed):
    """A job run again gives another digest than the chain holds."""


# --- Refused --------------------------------------------------------------------------------------


class OfferUnusable(Refused):
    """An offer is expired, cancelled, used up, outdated, or for another buyer."""


class UnsafeEdition(Refused):
    """Encryption parameters are outside the 128-bit security table, or not of the form that evaluation needs."""


class CircuitTooDeep(Refused):
    """A circuit needs more levels than its edition has."""


class EditionUnfit(Refused):
    """An edition has neither the layout nor the keys that a circuit needs."""


class CircuitTooLarge(Refused):
    """A circuit's values, operations or results outgrow its edition or our limits."""


class TransparentCircuit(Refused):
    """Part of a circuit does not depend on the table, so its ciphertext would hide nothing."""


class SensitivityUnknown(Refused):
    """Noise is asked for where one row's effect on the result is not bounded."""


class GridTooFine(Refused):
    """A release grid lies below the error of the computation, so rounding would hide nothing."""


class RewardTooLow(Refused):
    """A job pays less than this provider's settings ask for."""


class EditionNotServed(Refused):
    """A circuit is made for an edition that this provider does not run."""


class RunTooLarge(Refused):
    """A run needs more memory or disk than allowed."""


class RunTooSlow(Refused):
    """A run would take more than a third of the time that is left for it."""


class PolicyRefused(Refused):
    """The owner's policy does not let this circuit run on these terms."""


class DigestNotFinal(Refused):
    """The digest is not in a finalized block yet."""


class OfferNotOurs(Refused):
    """The job does not rest on an offer that this home folder signed."""


class ResultKeyInvalid(Refused):
    """The buyer's result key is no point that a result can be sealed to."""


class AlreadyReleased(Refused):
    """The job's result was released before."""


class NothingToRelease(Refused):
    """The agreed outcome of the job is a failed run."""


class ResultRefused(Refused):
    """The result's bytes are not what the circuit yields, or repeat bytes that exist elsewhere."""


class RerunDiffers(Refused):
    """The owner's own run of the job gives another digest."""


class BudgetShort(Refused):
    """The privacy budget that the owner counts itself does not cover the release."""


class KeyWornOut(Refused):
    """The key opened as many results, or is as old, as one key may be."""


class TooLateToRelease(Refused):
    """The release deadline is too near for a release to land before it for sure."""


class ContentTooLarge(Refused):
    """Content is larger than its use allows."""


class DiskFull(Refused):
    """The disk or its quota has no room for what is to be stored."""


class StoreNotLocal(Refused):
    """The RPC of a store is not on this machine; whoever reaches it owns the node."""


class ChildOutOfMemory(Refused):
    """Work in a child process needs more memory than its limit."""


class ChildOutOfTime(Refused):
    """Work in a child process takes longer than its limit."""


class ChildOutputTooLarge(Refused):
    """A child process returns more bytes than its limit."""


class PermitUnsupported(Refused):
    """The token takes no permits that we can check and sign."""


class NotLocal(Refused):
    """Something meant for local chains alone was tried on another one."""
