// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProviderStake} from "./IProviderStake.sol";

/// @title DataMarket: datasets, offers, privacy budgets, jobs and every decision about money
/// @notice It holds no tokens and has no owner, no pause, no proxy, no fee. A dataset is an ERC-721 token.
///
/// What a settled digest says: every seat that was paid sealed it, and nobody proved another one. What it does not
/// say: that the result is true. The owner of the data runs the job again before it decrypts anything.
///
/// Who may stall whom, and until when: the silence of any participant costs the others at most one pass, since from
/// each deadline on anybody may make the next call. From opening to the last exit: at most 9F + 4C + 2 NAME + L.
///
/// Quantities of a job: n seats in round one, m = 2n + 5 in round two, t = (2m + 2) / 3 of which decide; R the most a
/// seat is paid, `floor` the least; bond B = 3 (n + 3) R of a seat and of a challenger; fine N = B / 3; price P;
/// guarantee G; reward paid r = floor + (R - floor) * late / F. The escrow is P + nR.
interface IDataMarket {
    // ------------------------------------------------------------------------------------------------- types

    /// @notice What the owner of a dataset signs (EIP-712, primary type `Offer`, these fields in this order).
    struct Offer {
        uint256 dataset;
        uint64 epoch; // of the dataset; a transfer and `cancelAllOffers` raise it
        bytes32 manifest; // sha-256 of the dataset's manifest
        bytes32 circuit; // sha-256 of the circuit
        address buyer; // 0: any
        address payee; // receives the price; 0: the owner
        uint96 price; // P
        uint96 guarantee; // G, locked by the owner
        uint64 epsilon; // in millionths; 0 uses one exact release of the dataset
        uint8 minSeats;
        uint96 minReward;
        uint96 maxReward;
        uint24 minFill; // seconds
        uint24 minCompute; // seconds
        uint40 expiry; // from here on the offer opens no job; jobs already open are not touched
        uint32 maxUses; // jobs it may open; a refund gives none back
        bytes32 salt; // makes equal offers different
    }

    /// @notice What the buyer adds.
    struct Terms {
        uint8 seats; // n
        uint96 floor; // least reward of a seat
        uint96 reward; // R, most reward of a seat
        uint24 fill; // F, seconds
        uint24 compute; // C, seconds
        uint24 release; // L, seconds
        bytes32 resultKey; // X25519 public key to which the result is sealed
    }

    /// @notice Bounds of the windows, in seconds, fixed at deployment.
    struct Bounds {
        uint24 minFill;
        uint24 maxFill;
        uint24 minCompute;
        uint24 maxCompute;
        uint24 minRelease;
        uint24 maxRelease;
        uint24 naming; // NAME
    }

    /// @notice A fixed limit: `reserved + spent` never exceeds it, and `spent` never falls.
    struct Budget {
        uint64 limit;
        uint64 reserved; // by jobs that are not over
        uint64 spent;
    }

    struct Dataset {
        bytes32 manifest; // sha-256 of the manifest
        uint64 epoch;
        bool delisted;
        Budget epsilon; // in millionths
        Budget exact; // releases without noise
    }

    struct OfferUse {
        uint32 uses;
        bool cancelled;
    }

    /// @notice Released and Refunded are terminal.
    enum State {
        None,
        Open,
        Proposed,
        Escalated,
        Settled,
        Released,
        Refunded
    }

    /// @notice How a job ended in `refund`.
    enum Outcome {
        None,
        Declined, // by the owner before anything was computed: all back (M1)
        Undrawn, // nobody drew a seed in time: all back (M1)
        Unfilled, // seats stayed empty: all back (M1)
        RefillFailed, // seats stayed empty after a redraw: sealed seats are paid R from the fines (M2)
        SealsMissing, // seats stayed silent: they are fined N, sealed seats are paid R from it (M2)
        Unnamed, // all sealed, nobody named a digest that opens a seal: every seat is fined N (M3)
        Undecided, // round two found no t equal seals: bonds back, silent seats fined N (M6)
        JuryUnfilled, // bonds back; a challenger pays N, of it R to each seat of round one (M6, M6')
        ReleaseDeclined, // by the owner after settlement: price and rewards up to G to the buyer, epsilon returned (M8)
        ReleaseLapsed // the owner let the release window pass: the same money, epsilon spent (M8)
    }

    struct Job {
        address buyer;
        State state;
        uint8 seats; // n
        bool released; // the owner released already, maybe before the settlement
        uint40 deadline; // Proposed: end of the challenge window; Settled: end of the release window
        uint24 release; // L
        address owner; // of the dataset when the job was opened
        uint96 price; // P; 0 if the owner is the buyer
        address payee;
        uint96 guarantee; // G; 0 if the owner is the buyer
        uint96 floor;
        uint96 reward; // R
        uint24 late; // at settlement, from round one
        uint8 right; // at settlement: seats of round one that were paid
        uint64 dataset;
        uint64 epsilon;
        address challenger; // 0: none
        bytes32 challengeSeal;
    }

    /// @notice All a client needs to know of a job, in one call. Deadlines are those of the current round while it is
    /// open, which round one still is in Proposed; 0: not yet known, or the round is closed.
    struct JobView {
        Job job;
        IProviderStake.Ledger ledger;
        IProviderStake.Round roundOne;
        IProviderStake.Round roundTwo;
        uint96 fine; // N
        uint96 rewardPaid; // r, known while round one is full or the job is Settled; else 0
        uint96 pot; // held above escrow, guarantee and challenge bond
        uint40 drawFromBlock; // from this block on `draw` is possible
        uint40 drawBy; // `draw` stops, `refund` starts: M1 (M6 in round two)
        uint40 contestEnd; // displacing stops, the reward starts to climb; the owner's right to decline ends if full
        uint40 fillBy; // `takeSeat` stops, `refund` starts: M1, M2 if redrawn (M6 in round two)
        uint40 commitBy; // `commit` stops; `redraw` (round one) or `decide` (round two) starts; silent seats owe N
        uint40 redrawBy; // `redraw` stops, `refund` starts: M2; 0 if redrawn
        uint40 nameBy; // `settle` and `decide` stop, `refund` starts: M3 (M6 in round two)
        uint40 challengeBy; // `challenge` stops, `finalize` starts: M4
        uint40 releaseBy; // `release` and declining stop, `refund` by anyone starts: M8
        Outcome exit; // what `refund` by anyone ends in, unless something else happens before
        uint40 exitFrom; // from here on
    }

    // ------------------------------------------------------------------------------------------------- events

    event DatasetListed(
        uint256 indexed dataset, address indexed owner, bytes32 manifest, uint64 epsilonBudget, uint64 exactReleases
    );
    event ManifestUpdated(uint256 indexed dataset, bytes32 manifest);
    event DatasetDelisted(uint256 indexed dataset);
    event RoyaltySet(uint256 indexed dataset, address receiver, uint16 basisPoints);
    event EpochRaised(uint256 indexed dataset, uint64 epoch);
    event OfferCancelled(uint256 indexed dataset, bytes32 indexed offerDigest);
    event OfferRequested(uint256 indexed dataset, address indexed buyer, bytes32 request);
    event OffersPublished(uint256 indexed dataset, bytes32 offers);

    /// @notice Reserves `offer.epsilon` (or one exact release if it is 0), unless the owner is the buyer.
    event JobOpened(
        uint256 indexed job,
        uint256 indexed dataset,
        address indexed buyer,
        bytes32 offerDigest,
        address owner,
        Offer offer,
        Terms terms
    );
    event ResultProposed(uint256 indexed job, bytes32 digest, uint40 challengeBy);
    /// @notice Round two starts in this block. `challenger` is 0 if round one disagreed.
    event JobEscalated(uint256 indexed job, address challenger, bytes32 seal);
    /// @notice The final state is Released if `releaseBy` is 0 (released before, or the owner is the buyer).
    /// @param digest 0 in `finalize`: it is that of {ResultProposed}
    /// @param right seats of round one that were paid
    /// @param reward r, what each of them was paid
    event JobSettled(uint256 indexed job, bytes32 digest, uint8 right, uint96 reward, uint40 releaseBy);
    /// @notice Spends what was reserved. `result` is the sha-256 of the sealed result's manifest or bytes.
    event ResultReleased(uint256 indexed job, bytes32 result, bytes sealedKey);
    /// @notice Returns what was reserved, unless the job was released before (the final state is then Released) or the
    /// outcome is ReleaseLapsed (it is then spent).
    event JobRefunded(uint256 indexed job, Outcome outcome);

    // ------------------------------------------------------------------------------------------------- errors

    error StakeMismatch(address stake);
    error BoundsInvalid();

    error ManifestZero();
    error CallerNotOwner(address caller, address owner);
    error AlreadyDelisted(uint256 dataset);
    error RoyaltyTooHigh(uint16 basisPoints, uint16 most);

    error OfferExpired(uint40 expiry, uint256 time);
    error Delisted(uint256 dataset);
    error ManifestChanged(bytes32 manifest);
    error EpochOver(uint64 epoch);
    error OfferNotForYou(address buyer);
    error OfferRevoked(bytes32 offerDigest);
    error OfferUsedUp(bytes32 offerDigest);
    error SignatureInvalid(address owner);
    error SeatsOutOfBounds(uint8 seats, uint8 least, uint8 most);
    error RewardOutOfBounds(uint96 floor, uint96 reward);
    error FillOutOfBounds(uint24 fill, uint24 least, uint24 most);
    error ComputeOutOfBounds(uint24 compute, uint24 least, uint24 most);
    error ReleaseOutOfBounds(uint24 release, uint24 least, uint24 most);
    error BudgetExceeded(uint64 left, uint64 needed);
    error EscrowTooLarge(uint256 escrow);

    error WrongState(State state);
    error SealsIncomplete();
    error NamingOver(uint256 until, uint256 time);
    error NothingOpens(bytes32 digest);
    error ChallengeSealZero();
    error ChallengeOver(uint40 until, uint256 time);
    error FinalizeTooEarly(uint40 from, uint256 time);
    error RoundTwoNotFull();
    error CommitsOpen(uint40 until, uint256 time);
    error TooFewOpen(uint8 open, uint8 needed);
    error OwnerIsBuyer();
    error AlreadyReleased();
    error ReleaseOver(uint40 until, uint256 time);
    error RefundTooEarly(uint40 from, uint256 time);

    // ------------------------------------------------------------------------------------------------- datasets

    /// @notice Lists a dataset: mints its token to the caller. The budgets are fixed for good.
    /// Emits {DatasetListed}. Requirements:
    /// - the manifest is not zero ({ManifestZero}).
    function listDataset(bytes32 manifest, uint64 epsilonBudget, uint64 exactReleases)
        external
        returns (uint256 dataset);

    /// @notice Replaces the manifest; offers that name the former one open no more jobs. Open jobs are not touched.
    /// Emits {ManifestUpdated} and ERC-4906's MetadataUpdate. Requirements:
    /// - the caller owns the dataset ({CallerNotOwner});
    /// - the manifest is not zero ({ManifestZero}).
    function updateManifest(uint256 dataset, bytes32 manifest) external;

    /// @notice Ends the sale of a dataset for good. Open jobs are not touched.
    /// Emits {DatasetDelisted}. Requirements:
    /// - the caller owns the dataset ({CallerNotOwner});
    /// - it is listed ({AlreadyDelisted}).
    function delist(uint256 dataset) external;

    /// @notice Says what a resale of the dataset's token shall pay to whom (ERC-2981): `basisPoints` of the price, to
    /// `receiver`, or to the caller if it is 0. Zero basis points end it; without a call there is none.
    /// Emits {RoyaltySet}. Notes: what is sold with the token is the right to sign offers and be paid, under the name
    /// of the dataset. The secret key of its ciphertexts does not move with it: a holder without the key releases
    /// nothing. The market itself neither sells tokens nor collects royalties. A transfer keeps the royalty, because
    /// it is made for the sales that follow, until the holder of the day sets another one. Requirements:
    /// - the caller owns the dataset ({CallerNotOwner});
    /// - at most a tenth of the price ({RoyaltyTooHigh}).
    function setRoyalty(uint256 dataset, address receiver, uint16 basisPoints) external;

    // ------------------------------------------------------------------------------------------------- offers

    /// @notice Asks the owner of a dataset for an offer; `request` is the sha-256 of a document. Anyone.
    /// Emits {OfferRequested}, and changes nothing. Requirements: the dataset exists (ERC721NonexistentToken).
    function requestOffer(uint256 dataset, bytes32 request) external;

    /// @notice Announces signed offers; `offers` is the sha-256 of a document.
    /// Emits {OffersPublished}, and changes nothing. Requirements:
    /// - the caller owns the dataset ({CallerNotOwner}).
    function publishOffers(uint256 dataset, bytes32 offers) external;

    /// @notice Revokes one offer for good.
    /// Emits {OfferCancelled}. Requirements:
    /// - the caller owns the dataset of the offer ({CallerNotOwner}).
    function cancelOffer(Offer calldata offer) external;

    /// @notice Revokes every offer signed so far for a dataset by raising its epoch.
    /// Emits {EpochRaised}. Notes: a transfer of the dataset does the same. Requirements:
    /// - the caller owns the dataset ({CallerNotOwner}).
    function cancelAllOffers(uint256 dataset) external;

    // ------------------------------------------------------------------------------------------------- jobs

    /// @notice Opens a job on an offer: locks P + nR of the caller and G of the owner, reserves the budget, starts
    /// round one.
    /// Emits {JobOpened} here, Deposited and Locked in the ledger. Notes: what the caller's free balance lacks is
    /// pulled from its wallet (the ledger is the spender); G comes from the owner's free balance alone. If the owner
    /// is the buyer, P, G and the budget are left out. Requirements, in this order:
    /// - the dataset exists (ERC721NonexistentToken);
    /// - `now < expiry` ({OfferExpired});
    /// - the dataset is not delisted ({Delisted});
    /// - the offer names the current manifest ({ManifestChanged}) and epoch ({EpochOver});
    /// - the offer is for anybody or the caller ({OfferNotForYou});
    /// - it was not cancelled ({OfferRevoked}) and has uses left ({OfferUsedUp});
    /// - the owner of the dataset signed it, by key or by ERC-1271 ({SignatureInvalid});
    /// - max(1, minSeats) <= seats <= 5 ({SeatsOutOfBounds});
    /// - minReward <= floor <= reward <= maxReward, 1 <= reward <= 2^96 / 24 ({RewardOutOfBounds});
    /// - the windows keep the bounds of market and offer ({FillOutOfBounds}, {ComputeOutOfBounds},
    ///   {ReleaseOutOfBounds});
    /// - the budget covers it ({BudgetExceeded});
    /// - the escrow is less than 2^96 ({EscrowTooLarge});
    /// - caller and owner can pay (FreeBalanceTooLow, ArrivalDiffers).
    function openJob(
        Offer calldata offer,
        bytes calldata signature,
        Terms calldata terms,
        IProviderStake.Permit calldata permit
    ) external returns (uint256 job);

    /// @notice Names the digest of round one. Anyone.
    /// Emits {ResultProposed} if it opens every seal, else {JobEscalated}. Notes: the seals were closed before, so a
    /// name can no longer be copied into one. Requirements:
    /// - Open ({WrongState}), every seat sealed ({SealsIncomplete});
    /// - `now < nameBy` ({NamingOver});
    /// - the digest opens a seal ({NothingOpens}).
    function settle(uint256 job, bytes32 digest) external;

    /// @notice Disputes a proposed digest with a bond B and the seal of another one. Anyone.
    /// Emits {JobEscalated}. Notes: seal = keccak256(abi.encode(chainid, market, job, 0, 0, caller, digest, 0)). What
    /// the free balance lacks is pulled from the wallet. Requirements:
    /// - Proposed ({WrongState}), inside the challenge window ({ChallengeOver});
    /// - the seal is not zero ({ChallengeSealZero});
    /// - the caller can pay the bond (FreeBalanceTooLow, ArrivalDiffers).
    function challenge(uint256 job, bytes32 seal, IProviderStake.Permit calldata permit) external;

    /// @notice Pays an unchallenged round one. Anyone.
    /// Emits {JobSettled}. Requirements:
    /// - Proposed ({WrongState}), the challenge window is over ({FinalizeTooEarly}).
    function finalize(uint256 job) external;

    /// @notice Names digest and trace of round two, which decides the dispute and pays it. Anyone.
    /// Emits {JobSettled}. Requirements:
    /// - Escalated ({WrongState}), round two full ({RoundTwoNotFull});
    /// - all its seats sealed or its commits over ({CommitsOpen});
    /// - `now < nameBy` ({NamingOver});
    /// - at least t of its seals open with it ({TooFewOpen}).
    function decide(uint256 job, bytes32 digest, bytes32 salted) external;

    /// @notice Opens the result to the buyer: price to the payee, guarantee to the owner, budget spent.
    /// Emits {ResultReleased}. Notes: possible as soon as a digest is proposed; the state is then Released only after
    /// `finalize`, `decide` or `refund`. Requirements:
    /// - Proposed or Settled ({WrongState});
    /// - the caller is the owner copied at opening ({CallerNotOwner}) and not the buyer ({OwnerIsBuyer});
    /// - not released before ({AlreadyReleased});
    /// - Settled: `now < settledAt + L` ({ReleaseOver}).
    function release(uint256 job, bytes32 result, bytes calldata sealedKey) external;

    /// @notice Ends a job whose deadline passed, or that its owner declines.
    /// Emits {JobRefunded}. Notes: see {Outcome} for who is paid. The owner may decline until the first pass of round
    /// one is full and its contest over, and again between settlement and the end of the release window.
    /// Requirements:
    /// - the state has such an exit ({WrongState});
    /// - it is due ({RefundTooEarly}), or the caller is the owner and may decline.
    function refund(uint256 job) external;

    // ------------------------------------------------------------------------------------------------- views

    /// @notice The ledger: all tokens, stakes and rounds of this market.
    function stake() external view returns (IProviderStake);

    /// @notice What the collection of datasets is called (ERC-7572): JSON in a data address.
    function contractURI() external pure returns (string memory);

    function bounds() external view returns (Bounds memory);
    function datasetCount() external view returns (uint256);
    function jobCount() external view returns (uint256);
    function datasetOf(uint256 dataset) external view returns (Dataset memory);
    function jobOf(uint256 job) external view returns (JobView memory);
    function offerUseOf(bytes32 offerDigest) external view returns (OfferUse memory);

    /// @notice The EIP-712 digest of an offer: what the owner signs, and the key of its uses.
    function offerDigestOf(Offer calldata offer) external view returns (bytes32);
}
