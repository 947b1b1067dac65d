"""Why a contract refuses, in words, and what to do next: one line for every error of the contracts.

`{name}` stands for an argument of the Solidity error; `:time`, `:amount` and `:state` say how it is shown.
"""

from __future__ import annotations

REFUSALS: dict[str, tuple[str, str]] = {
    # deployment
    "AddressZero": ("an address is zero", "deploy with the addresses of token and market"),
    "UnitZero": ("the ticket unit is zero", "deploy with a unit of at least 1"),
    "ExitZero": ("the exit delay is zero", "deploy with a delay of at least 1 second"),
    "StakeMismatch": ("the stake contract {stake} belongs to another market", "deploy both contracts anew"),
    "BoundsInvalid": ("the bounds of the windows are out of order", "deploy with least below most"),
    "CallerNotMarket": ("{caller} is not the market", "only the market moves the money of jobs"),
    "OutOfGas": ("item {index} of the calls ran out of gas, so none of them happened", "allow more gas"),
    # money
    "DepartureDiffers": (
        "a withdrawal of {expected:amount} would take the market's balance from {before:amount} to {balance:amount}",
        "report this: the token takes a fee, and the market cannot pay with it",
    ),
    "ArrivalDiffers": (
        "a deposit of {expected:amount} took the market's balance from {before:amount} to {balance:amount}",
        "hexchange wallet balance, then fund the wallet or sign a permit",
    ),
    "SupplyTooLarge": ("the market would hold {balance:amount}, more than it can count", "deposit less"),
    "FreeBalanceTooLow": (
        "the free balance of {account} is {free:amount}, and {needed:amount} are needed",
        "hexchange wallet deposit AMOUNT",
    ),
    "RecipientInvalid": ("{to} cannot receive a withdrawal", "name a wallet"),
    "FreeStakeTooLow": (
        "{free:amount} of the stake is unlocked, and {needed:amount} are needed",
        "hexchange provider stake AMOUNT",
    ),
    "NothingLeaving": ("no stake is on its way out", "hexchange provider unstake AMOUNT"),
    "StillLeaving": ("the stake is free from {availableAt:time}, and it is {time:time}", "collect it then"),
    "HeldTooLow": (
        "job {job} holds {held:amount}, and {needed:amount} are needed",
        "report this: it must not happen",
    ),
    # rounds
    "RoundNotOpen": ("job {job} has no open round", "hexchange job show {job}"),
    "AlreadyDrawn": ("the seed is drawn", "nothing to do"),
    "DrawTooEarly": (
        "a seed can be drawn from block {fromBlock}, and this is {blockNumber}",
        "try again next block",
    ),
    "DrawOver": ("drawing was possible until {until:time}, and it is {time:time}", "hexchange job refund"),
    "NotDrawn": ("the round has no seed yet", "hexchange job draw"),
    "SeatsOver": ("seats could be taken until {until:time}, and it is {time:time}", "hexchange job refund"),
    "StakeTooYoung": (
        "this stake was last added to at {since:time}, and the job opened at {openedAt:time}",
        "wait for a job that opens later",
    ),
    "UnitNotStaked": ("unit {unit} is not staked: there are {units}", "name a unit below that"),
    "AlreadySeated": ("this ticket has seat {seat}", "nothing to do"),
    "RoundFull": ("every seat is taken and the contest is over", "wait for another job"),
    "TicketTooHigh": (
        "the ticket {ticket} is not below the highest seated one, {highest}",
        "wait for another job",
    ),
    "NotFull": ("seats are empty", "wait until the round is full"),
    "CommitTooEarly": ("commits open at {from:time}, and it is {time:time}", "try again then"),
    "CommitOver": ("commits were possible until {until:time}, and it is {time:time}", "hexchange job show"),
    "SealZero": ("a seal of zero says nothing", "seal the digest of the result"),
    "NotYourSeat": ("seat {seat} belongs to {provider}", "use the account that took the seat"),
    "AlreadySealed": ("seat {seat} has its seal", "nothing to do"),
    "RoundTwoOpen": ("round two is open; only round one is redrawn", "nothing to do"),
    "AlreadyRedrawn": ("the round was redrawn before", "hexchange job refund when its deadline passed"),
    "AllSealed": ("every seat is sealed", "hexchange job settle"),
    "RedrawTooEarly": ("a redraw is possible from {from:time}, and it is {time:time}", "try again then"),
    "RedrawOver": ("a redraw was possible until {until:time}, and it is {time:time}", "hexchange job refund"),
    # datasets and offers
    "ManifestZero": ("a manifest's digest is zero", "publish the manifest first"),
    "CallerNotOwner": ("{caller} is not the owner, {owner}", "use the owner's account"),
    "AlreadyDelisted": ("dataset {dataset} is delisted", "nothing to do"),
    "RoyaltyTooHigh": (
        "a royalty of {basisPoints} hundredths of a percent; at most {most} are possible",
        "name a lower one",
    ),
    "Delisted": ("dataset {dataset} is delisted", "hexchange buy search"),
    "ManifestChanged": ("the dataset's manifest changed to {manifest}", "ask its owner for a new offer"),
    "EpochOver": ("the offer was revoked with all before epoch {epoch}", "ask the owner for a new offer"),
    "OfferExpired": (
        "the offer was good until {expiry:time}, and it is {time:time}",
        "ask the owner for a new offer",
    ),
    "OfferNotForYou": ("the offer is for {buyer} alone", "ask the owner for an offer of your own"),
    "OfferRevoked": ("the offer was cancelled", "ask the owner for a new offer"),
    "OfferUsedUp": ("the offer has no uses left", "ask the owner for a new offer"),
    "SignatureInvalid": (
        "the offer is not signed by the dataset's owner, {owner}",
        "use an offer of that owner",
    ),
    "SeatsOutOfBounds": ("{seats} seats are asked for; {least} to {most} are possible", "change --seats"),
    "RewardOutOfBounds": (
        "the offer does not allow rewards from {floor:amount} to {reward:amount}",
        "change --floor, --reward",
    ),
    "FillOutOfBounds": ("a fill window of {fill} s; {least} to {most} s are possible", "change --fill"),
    "ComputeOutOfBounds": (
        "a compute window of {compute} s; {least} to {most} s are possible",
        "change --compute",
    ),
    "ReleaseOutOfBounds": (
        "a release window of {release} s; {least} to {most} s are possible",
        "change --release",
    ),
    "EscrowTooLarge": (
        "price and rewards are {escrow:amount} together, more than the market can count",
        "offer less, or fewer seats",
    ),
    "BudgetExceeded": (
        "the dataset's budget has {left} left, and {needed} are needed",
        "buy with a smaller epsilon",
    ),
    # jobs
    "WrongState": ("the job is {state:state}", "hexchange job show"),
    "SealsIncomplete": ("seats have not sealed yet", "wait for their seals"),
    "NamingOver": (
        "a digest could be named until {until:time}, and it is {time:time}",
        "hexchange job refund",
    ),
    "NothingOpens": ("the digest {digest} opens no seal", "hexchange job verify"),
    "ChallengeSealZero": ("a seal of zero says nothing", "seal the digest of your own run"),
    "ChallengeOver": (
        "a challenge was possible until {until:time}, and it is {time:time}",
        "hexchange job finalize",
    ),
    "FinalizeTooEarly": ("the challenge window ends at {from:time}, and it is {time:time}", "try again then"),
    "RoundTwoNotFull": ("round two is not full", "wait until it is"),
    "CommitsOpen": ("round two commits until {until:time}, and it is {time:time}", "try again then"),
    "TooFewOpen": ("{open} seals open with this digest, and {needed} are needed", "hexchange job verify"),
    "OwnerIsBuyer": ("owner and buyer are the same; nothing is to be released", "hexchange buy result"),
    "AlreadyReleased": ("the result is released", "nothing to do"),
    "ReleaseOver": ("a release was possible until {until:time}, and it is {time:time}", "hexchange job show"),
    "RefundTooEarly": ("a refund is possible from {from:time}, and it is {time:time}", "try again then"),
    # tokens
    "ERC20InsufficientBalance": (
        "{sender} has {balance:amount}, and {needed:amount} are needed",
        "hexchange wallet balance",
    ),
    "ERC20InsufficientAllowance": (
        "{spender} may take {allowance:amount}, and {needed:amount} are needed",
        "hexchange wallet deposit AMOUNT signs exactly that",
    ),
    "ERC20InvalidReceiver": ("{receiver} cannot receive tokens", "name another wallet"),
    "SafeERC20FailedOperation": ("the token {token} refused the transfer", "hexchange wallet balance"),
    "ReentrancyGuardReentrantCall": ("a call came back into the market", "report this: it must not happen"),
    "ERC721InvalidReceiver": ("{receiver} cannot receive a dataset", "name another wallet"),
    "ERC721NonexistentToken": ("there is no dataset {tokenId}", "hexchange buy search"),
    "ERC721InsufficientApproval": ("{operator} may not move dataset {tokenId}", "use the owner's account"),
    "ERC721IncorrectOwner": ("dataset {tokenId} belongs to {owner}", "use the owner's account"),
}

TOO_LITTLE = {
    "ArrivalDiffers", "FreeBalanceTooLow", "FreeStakeTooLow", "ERC20InsufficientBalance",
    "ERC20InsufficientAllowance",
}  # fmt: skip
"""The errors that say that somebody has too little."""

STATES = ("unknown", "open", "proposed", "escalated", "settled", "released", "refunded")
"""Names of a job's states by their number."""
