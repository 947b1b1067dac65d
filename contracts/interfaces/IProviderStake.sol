// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ProviderStake: the ledger of the market, the stake of its providers and the rounds of its jobs
/// @notice It alone holds tokens. Every unit is in exactly one place: free, staked (of which a part may be locked as
/// bonds), leaving, held for a job, or burnt. Tokens leave only in `withdraw`.
///
/// What must hold for funds to be safe: the token moves exactly the amount it is told to (an arrival or a departure
/// that differs is refused), and never changes balances by itself. If balances shrink by themselves, whoever withdraws
/// first is paid in full, the last are not, and whoever pays in afterwards pays for the loss of others; what they grow
/// by is nobody's and stays here.
/// What must hold for funds not to get stuck: the token's `transfer` to the receiver of a `withdraw` works and takes no
/// fee, and its supply, which is checked at deployment only, stays below 2^96 base units: whoever could send so many
/// here would stop every later arrival. All this must hold for good: while an issuer pauses the token, blocks this
/// contract, adds a fee on top of the amount or changes what a transfer returns, nobody can withdraw, and everybody can
/// again when that ends. A fee out of the amount is borne by whoever withdraws. An address that the token refuses
/// withdraws to another one. Nothing that ends a job calls out to anybody, the token included: a job
/// always ends without the help of its participants.
///
/// A job has one round, or two when it is disputed. A round goes through these moments (F = fill window, C = compute
/// window, NAME = naming window of the market); every window is half open, `[from, until)`:
///
/// - `start + F` (not drawn): `draw` stops, `DataMarket.refund` starts; nobody sat in it.
/// - `contestEnd`: a lower ticket no longer displaces a higher one; empty seats go to whoever comes first, the reward
///   climbs with every second, and commits open if the round is full.
/// - `fillEnd = contestEnd + F` (not full): `takeSeat` stops, `refund` starts; its bonds return whole.
/// - `commitBy = max(full, contestEnd) + C`: `commit` stops. A seat without a seal now owes the fine N.
///   Round one: `redraw` starts if seals are missing, and stops at `commitBy + F`, where `refund` starts.
///   Round two: `decide` starts.
/// - `nameBy = commitBy + NAME`: `settle` and `decide` stop, `refund` starts.
interface IProviderStake {
    // ------------------------------------------------------------------------------------------------- types

    /// @notice An ERC-2612 permit of the caller for this contract as spender. `deadline` 0 means none is given.
    /// A permit that fails is ignored, because anybody may have used it first; the transfer then decides. One of
    /// another kind than ERC-2612, or one that does nothing, leaves the decision to the allowance.
    struct Permit {
        uint256 value;
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @notice Everything that belongs to one address, in base units of the token.
    struct Account {
        uint96 staked; // all that is staked; the tickets are `staked / unit`
        uint96 locked; // the part of `staked` that is bonded to seats
        uint40 since; // time of the last `stake`; only jobs opened later may be sat in
        uint96 free; // may be staked, locked in a job or withdrawn at any time
        uint96 leaving; // unstaked, still out of reach
        uint40 availableAt; // from here on `collect` makes `leaving` free
    }

    /// @notice What the ledger knows of a job.
    struct Ledger {
        uint96 bond; // B, locked for each seat
        uint96 held; // escrow, guarantee, challenge bond and pot; no payment of the job exceeds it
        uint24 fill; // F in seconds
        uint24 compute; // C in seconds
        uint8 round; // 0 unknown job, 1 or 2
    }

    /// @notice A round while it is open; all zero before it opens and after it is closed.
    struct Round {
        uint40 start; // opening of the job (round one) or its escalation (round two)
        uint40 startBlock; // `draw` is possible from `startBlock + 2`
        uint40 contestEnd; // 0 while not drawn
        uint40 commitBy; // 0 while not full
        uint24 late; // seconds after `contestEnd` at which it became full, the larger of both passes
        uint8 seats; // n or m
        uint16 takenMask; // bit i: seat i is taken
        uint16 sealedMask; // bit i: seat i has committed a seal
        bool redrawn; // the second pass of round one
        bytes32 seed; // 0 while not drawn
    }

    struct Seat {
        address provider; // 0: empty
        uint96 ticket;
        bytes32 seal; // 0: not committed
    }

    /// @notice What a job begins with.
    struct Opening {
        uint8 seats; // n
        uint96 bond; // B
        uint24 fill; // F in seconds
        uint24 compute; // C in seconds
        address buyer;
        uint96 escrow; // P + nR, of the buyer
        address owner;
        uint96 guarantee; // G, of the owner
    }

    /// @notice What each kind of seat gets or loses when its round closes. A right seat never loses anything.
    struct Closing {
        uint96 rightReward; // the seal opens with the digest
        uint96 otherReward; // sealed, but not with that digest
        uint96 otherFine;
        uint96 silentFine; // no seal
    }

    // ------------------------------------------------------------------------------------------------- events
    // A fold of the marked events (+ and - say how) gives every balance; no other event moves money.

    /// @notice free(account) + amount
    event Deposited(address indexed account, uint96 amount);
    /// @notice free(account) - amount; the tokens left to `to`
    event Withdrawn(address indexed account, address to, uint96 amount);
    /// @notice free(provider) - amount, staked(provider) + amount; `since` replaces the former one
    event Staked(address indexed provider, uint96 amount, uint40 since);
    /// @notice staked(provider) - amount, leaving(provider) + amount; `availableAt` holds for all that is leaving
    event Unstaked(address indexed provider, uint96 amount, uint40 availableAt);
    /// @notice leaving(provider) - amount, free(provider) + amount
    event Collected(address indexed provider, uint96 amount);
    /// @notice free(account) - amount, held(job) + amount
    event Locked(uint256 indexed job, address indexed account, uint96 amount);
    /// @notice held(job) - amount, free(account) + amount
    event Paid(uint256 indexed job, address indexed account, uint96 amount);
    /// @notice held(job) - amount, burnt + amount
    event Burnt(uint256 indexed job, uint96 amount);
    /// @notice locked(provider) + bond; if `displaced` is not 0, its seat ends here: locked(displaced) - bond
    event SeatTaken(
        uint256 indexed job,
        uint8 round,
        uint8 seat,
        address indexed provider,
        uint256 unit,
        uint96 ticket,
        uint96 bond,
        address displaced
    );
    /// @notice locked(provider) - bond, staked(provider) - fine, held(job) + fine - reward, free(provider) + reward
    event SeatClosed(
        uint256 indexed job,
        uint8 round,
        uint8 seat,
        address indexed provider,
        uint96 bond,
        uint96 fine,
        uint96 reward
    );

    event SeedDrawn(uint256 indexed job, uint8 round, bytes32 seed, uint40 contestEnd);
    event RoundFilled(uint256 indexed job, uint8 round, uint40 commitBy, uint24 late);
    event SealCommitted(uint256 indexed job, uint8 round, uint8 seat, bytes32 seal);
    /// @notice The silent seats of round one were closed just before; the round is drawn anew.
    event RoundRedrawn(uint256 indexed job, bytes32 seed, uint40 contestEnd);

    // ------------------------------------------------------------------------------------------------- errors

    error AddressZero();
    error UnitZero();
    error ExitZero();
    error CallerNotMarket(address caller);

    error ArrivalDiffers(uint256 before, uint256 balance, uint256 expected);
    error DepartureDiffers(uint256 before, uint256 balance, uint256 expected);
    error SupplyTooLarge(uint256 balance);
    error FreeBalanceTooLow(address account, uint96 free, uint96 needed);
    error RecipientInvalid(address to);
    error FreeStakeTooLow(uint96 free, uint96 needed);
    error NothingLeaving();
    error StillLeaving(uint40 availableAt, uint256 time);

    error RoundNotOpen(uint256 job);
    error AlreadyDrawn();
    error DrawTooEarly(uint256 fromBlock, uint256 blockNumber);
    error DrawOver(uint256 until, uint256 time);
    error NotDrawn();
    error SeatsOver(uint256 until, uint256 time);
    error StakeTooYoung(uint40 since, uint40 openedAt);
    error UnitNotStaked(uint256 unit, uint256 units);
    error AlreadySeated(uint8 seat);
    error RoundFull();
    error TicketTooHigh(uint96 ticket, uint96 highest);
    error NotFull();
    error CommitTooEarly(uint40 from, uint256 time);
    error CommitOver(uint40 until, uint256 time);
    error SealZero();
    error NotYourSeat(uint8 seat, address provider);
    error AlreadySealed(uint8 seat);
    error RoundTwoOpen();
    error AlreadyRedrawn();
    error AllSealed();
    error RedrawTooEarly(uint40 from, uint256 time);
    error RedrawOver(uint256 until, uint256 time);
    error HeldTooLow(uint256 job, uint96 held, uint96 needed);

    // ------------------------------------------------------------------------------------------------- the ledger

    /// @notice Moves tokens from the caller's wallet to its free balance.
    /// Emits {Deposited}. Notes: the permit is best effort. Requirements:
    /// - exactly `amount` arrives ({ArrivalDiffers});
    /// - all tokens held stay below 2^96 ({SupplyTooLarge}).
    function deposit(uint96 amount, Permit calldata permit) external;

    /// @notice Moves tokens from the caller's free balance to the wallet `to`.
    /// Emits {Withdrawn}. Notes: works in every state of every job. Requirements:
    /// - `to` is neither zero nor this contract nor the market ({RecipientInvalid});
    /// - the free balance covers it ({FreeBalanceTooLow});
    /// - exactly `amount` leaves ({DepartureDiffers}).
    function withdraw(uint96 amount, address to) external;

    // ------------------------------------------------------------------------------------------------- stake

    /// @notice Stakes from the caller's free balance.
    /// Emits {Staked}. Notes: sets `since` to now, so all of the caller's stake is barred from the jobs already open.
    /// Requirements:
    /// - the free balance covers it ({FreeBalanceTooLow}).
    function stake(uint96 amount) external;

    /// @notice Takes stake that is not locked out of the draw; it may be collected after the exit delay.
    /// Emits {Unstaked}. Notes: adds to what is already leaving and starts the delay of all of it anew. Requirements:
    /// - the unlocked stake covers it ({FreeStakeTooLow}).
    function unstake(uint96 amount) external;

    /// @notice Makes everything that was leaving free.
    /// Emits {Collected}. Requirements:
    /// - something is leaving ({NothingLeaving});
    /// - the delay is over ({StillLeaving}).
    function collect() external;

    // ------------------------------------------------------------------------------------------------- rounds

    /// @notice Draws the seed of the current round. Anyone.
    /// Emits {SeedDrawn}. Notes: late callers choose between blocks, so every waiting provider calls it in the first
    /// block allowed. Requirements:
    /// - a round of the job is open ({RoundNotOpen});
    /// - it has no seed yet ({AlreadyDrawn});
    /// - two blocks have passed since its start, so that the seed was unknown then ({DrawTooEarly});
    /// - `now < start + F` ({DrawOver}).
    function draw(uint256 job) external;

    /// @notice Takes a seat of the current round with the caller's ticket for `unit` and locks one bond.
    /// Emits {SeatTaken}, and {RoundFilled} when the last empty seat is taken. Notes: until `contestEnd` a full round
    /// gives the seat of its highest ticket without a seal to a lower one and the displaced bond returns whole; from
    /// then on only empty seats are given. Requirements:
    /// - a round of the job is open ({RoundNotOpen}) and drawn ({NotDrawn});
    /// - `now < contestEnd + F` ({SeatsOver});
    /// - the caller staked last before the job was opened ({StakeTooYoung});
    /// - the unit is staked ({UnitNotStaked});
    /// - the unlocked stake covers the bond ({FreeStakeTooLow});
    /// - this ticket does not sit already ({AlreadySeated});
    /// - a seat is empty, or the contest runs ({RoundFull}) and the ticket is lower than the highest ({TicketTooHigh}).
    function takeSeat(uint256 job, uint256 unit) external;

    /// @notice Stores the seal of a seat, once.
    /// Emits {SealCommitted}. Requirements:
    /// - a round of the job is open ({RoundNotOpen}) and full ({NotFull});
    /// - `contestEnd <= now` ({CommitTooEarly}) and `now < commitBy` ({CommitOver});
    /// - the seal is not zero ({SealZero});
    /// - the seat is the caller's ({NotYourSeat}) and has no seal ({AlreadySealed}).
    function commit(uint256 job, uint8 seat, bytes32 seal) external;

    /// @notice Fines and empties the silent seats of round one and draws them anew, once. Anyone.
    /// Emits {SeatClosed} for each silent seat, then {RoundRedrawn}. Notes: the new seed derives from the first one,
    /// so there is no second throw. Requirements:
    /// - a round of the job is open ({RoundNotOpen}), the first one ({RoundTwoOpen}), and full ({NotFull});
    /// - it was not redrawn before ({AlreadyRedrawn});
    /// - seals are missing ({AllSealed});
    /// - `commitBy <= now` ({RedrawTooEarly}) and `now < commitBy + F` ({RedrawOver}).
    function redraw(uint256 job) external;

    // ------------------------------------------------------------------------------------------------- market only
    // Every function here requires the market as caller ({CallerNotMarket}).

    /// @notice Moves `amount` from the free balance of `account` to what is held for the job; what the free balance
    /// lacks is pulled from its wallet first.
    /// Emits {Deposited} if anything was missing, then {Locked}. Requirements: those of {deposit}, if it was.
    function lock(uint256 job, address account, uint96 amount, Permit calldata permit) external;

    /// @notice Pays `amount` of what is held for the job to the free balance of `account`.
    /// Emits {Paid} unless it is zero. Requirements:
    /// - what is held covers it ({HeldTooLow}).
    function pay(uint256 job, address account, uint96 amount) external;

    /// @notice Pays buyer and owner of the job, and burns what is then held for it above `keep`: the amount is counted,
    /// its tokens stay here for good.
    /// Emits {Paid} for each payment that is not zero, {Burnt} unless nothing is burnt. Requirements:
    /// - what is held covers payments and `keep` ({HeldTooLow}).
    function divide(uint256 job, address buyer, uint96 toBuyer, address owner, uint96 toOwner, uint96 keep) external;

    /// @notice Opens round one with the quantities that hold for both rounds, and locks escrow and guarantee.
    /// Emits {Deposited} if the buyer's free balance lacked anything, {Locked} for the escrow, and for the guarantee
    /// unless it is zero. Requirements:
    /// - what is missing is pulled from the buyer's wallet as in {deposit};
    /// - the owner's free balance covers the guarantee ({FreeBalanceTooLow}).
    function openRoundOne(uint256 job, Opening calldata opening, Permit calldata permit) external;

    /// @notice Opens round two; round one keeps its seats and bonds but its calls end.
    function openRoundTwo(uint256 job, uint8 seats) external;

    /// @notice Ends a round: every seat gets its bond back less its fine, plus its reward.
    /// Emits {SeatClosed} for each taken seat. Notes: a zero digest opens no seal. Requirements:
    /// - what is held covers the rewards ({HeldTooLow}).
    /// @return right seats whose seal opens with `digest` and `salted`
    function closeRound(uint256 job, uint8 number, bytes32 digest, bytes32 salted, Closing calldata closing)
        external
        returns (uint8 right);

    // ------------------------------------------------------------------------------------------------- views

    /// @notice The ERC-20 in which everything is paid.
    function token() external view returns (address);

    /// @notice The one contract that may call the ledger's verbs.
    function market() external view returns (address);

    /// @notice Stake of one ticket, in base units.
    function unit() external view returns (uint96);

    /// @notice Seconds between `unstake` and `collect`.
    function exitDelay() external view returns (uint40);

    /// @notice Base units burnt so far; they are in this contract and nobody's.
    function burnt() external view returns (uint96);

    function accountOf(address account) external view returns (Account memory);
    function ledgerOf(uint256 job) external view returns (Ledger memory);
    function roundOf(uint256 job, uint8 number) external view returns (Round memory);

    /// @notice The seats of an open round, in the order of their index; empty after it is closed.
    function seatsOf(uint256 job, uint8 number) external view returns (Seat[] memory);

    /// @notice The ticket of `provider` for `unit_`: the low 96 bits of keccak256(abi.encode(seed, provider, unit)).
    function ticketOf(bytes32 seed, address provider, uint256 unit_) external pure returns (uint96);

    /// @notice How many seals of the round open with `digest` and `salted`; a zero digest opens none.
    function matches(uint256 job, uint8 number, bytes32 digest, bytes32 salted) external view returns (uint8);
}
