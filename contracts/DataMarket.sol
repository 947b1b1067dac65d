// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC2981} from "@openzeppelin/contracts/interfaces/IERC2981.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IDataMarket} from "./interfaces/IDataMarket.sol";
import {IProviderStake} from "./interfaces/IProviderStake.sol";
import {Cid} from "./libraries/Cid.sol";
import {JobViews} from "./libraries/JobViews.sol";
import {Multicall} from "./libraries/Multicall.sol";
import {Offers} from "./libraries/Offers.sol";
import {Quantities} from "./libraries/Quantities.sol";
import {Seal} from "./libraries/Seal.sol";

/// @notice See {IDataMarket}, which is the specification.
/// @dev The ledger alone meets the token, in `openJob` and `challenge`, which write what they change here before it.
contract DataMarket is IDataMarket, ERC721, EIP712, IERC4906, IERC2981, Multicall {
    uint16 private constant MAX_ROYALTY = 1_000;
    uint16 private constant BASIS_POINTS = 10_000;
    uint8 private constant MAX_SEATS = 5;
    /// @dev The bond of the largest job, 3 * (MAX_SEATS + 3) rewards, fits in 96 bits.
    uint96 private constant MAX_REWARD = type(uint96).max / 24;

    struct Royalty {
        address receiver;
        uint16 basisPoints;
    }

    IProviderStake public immutable stake;
    /// @dev Written once, here, in one slot.
    Bounds private _bounds;

    uint256 public datasetCount;
    uint256 public jobCount;
    mapping(uint256 dataset => Dataset) private _datasets;
    mapping(uint256 dataset => Royalty) private _royalties;
    mapping(bytes32 offerDigest => OfferUse) private _offerUses;
    mapping(uint256 job => Job) private _jobs;

    constructor(IProviderStake stake_, Bounds memory limits)
        ERC721("Hexchange Dataset", "HEXD")
        EIP712("Hexchange", "1")
    {
        if (stake_.market() != address(this)) revert StakeMismatch(address(stake_));
        if (
            limits.minFill == 0 || limits.minFill > limits.maxFill || limits.minCompute == 0
                || limits.minCompute > limits.maxCompute || limits.minRelease == 0
                || limits.minRelease > limits.maxRelease || limits.naming == 0
        ) revert BoundsInvalid();
        stake = stake_;
        _bounds = limits;
    }

    // ------------------------------------------------------------------------------------------------- datasets

    /// @inheritdoc IDataMarket
    function listDataset(bytes32 manifest, uint64 epsilonBudget, uint64 exactReleases)
        external
        returns (uint256 dataset)
    {
        if (manifest == 0) revert ManifestZero();
        dataset = ++datasetCount;
        Dataset storage listed = _datasets[dataset];
        listed.manifest = manifest;
        listed.epsilon.limit = epsilonBudget;
        listed.exact.limit = exactReleases;
        _mint(msg.sender, dataset);
        emit DatasetListed(dataset, msg.sender, manifest, epsilonBudget, exactReleases);
    }

    /// @inheritdoc IDataMarket
    function updateManifest(uint256 dataset, bytes32 manifest) external {
        _requireDatasetOwner(dataset);
        if (manifest == 0) revert ManifestZero();
        _datasets[dataset].manifest = manifest;
        emit ManifestUpdated(dataset, manifest);
        emit MetadataUpdate(dataset);
    }

    /// @inheritdoc IDataMarket
    function delist(uint256 dataset) external {
        _requireDatasetOwner(dataset);
        if (_datasets[dataset].delisted) revert AlreadyDelisted(dataset);
        _datasets[dataset].delisted = true;
        emit DatasetDelisted(dataset);
    }

    /// @inheritdoc IDataMarket
    function setRoyalty(uint256 dataset, address receiver, uint16 basisPoints) external {
        _requireDatasetOwner(dataset);
        if (basisPoints > MAX_ROYALTY) revert RoyaltyTooHigh(basisPoints, MAX_ROYALTY);
        if (receiver == address(0)) receiver = msg.sender;
        Royalty storage royalty = _royalties[dataset];
        (royalty.receiver, royalty.basisPoints) = (receiver, basisPoints);
        emit RoyaltySet(dataset, receiver, basisPoints);
    }

    // ------------------------------------------------------------------------------------------------- offers

    /// @inheritdoc IDataMarket
    function requestOffer(uint256 dataset, bytes32 request) external {
        _requireOwned(dataset);
        emit OfferRequested(dataset, msg.sender, request);
    }

    /// @inheritdoc IDataMarket
    function publishOffers(uint256 dataset, bytes32 offers) external {
        _requireDatasetOwner(dataset);
        emit OffersPublished(dataset, offers);
    }

    /// @inheritdoc IDataMarket
    function cancelOffer(Offer calldata offer) external {
        _requireDatasetOwner(offer.dataset);
        bytes32 offerDigest = offerDigestOf(offer);
        _offerUses[offerDigest].cancelled = true;
        emit OfferCancelled(offer.dataset, offerDigest);
    }

    /// @inheritdoc IDataMarket
    function cancelAllOffers(uint256 dataset) external {
        _requireDatasetOwner(dataset);
        _raiseEpoch(dataset);
    }

    // ------------------------------------------------------------------------------------------------- open

    /// @inheritdoc IDataMarket
    function openJob(
        Offer calldata offer,
        bytes calldata signature,
        Terms calldata terms,
        IProviderStake.Permit calldata permit
    ) external returns (uint256 job) {
        address owner = _requireOwned(offer.dataset);
        bytes32 offerDigest = offerDigestOf(offer);
        _requireOffer(offer, offerDigest, owner, signature);
        _requireTerms(offer, terms);

        job = ++jobCount;
        ++_offerUses[offerDigest].uses;
        _store(_jobs[job], offer, terms, owner);
        _lockEscrow(job, terms, permit);
        emit JobOpened(job, offer.dataset, msg.sender, offerDigest, owner, offer, terms);
    }

    function _requireOffer(Offer calldata offer, bytes32 offerDigest, address owner, bytes calldata signature)
        private
        view
    {
        Dataset storage dataset = _datasets[offer.dataset];
        OfferUse storage used = _offerUses[offerDigest];
        if (block.timestamp >= offer.expiry) revert OfferExpired(offer.expiry, block.timestamp);
        if (dataset.delisted) revert Delisted(offer.dataset);
        if (offer.manifest != dataset.manifest) revert ManifestChanged(dataset.manifest);
        if (offer.epoch != dataset.epoch) revert EpochOver(dataset.epoch);
        if (offer.buyer != address(0) && offer.buyer != msg.sender) revert OfferNotForYou(offer.buyer);
        if (used.cancelled) revert OfferRevoked(offerDigest);
        if (used.uses >= offer.maxUses) revert OfferUsedUp(offerDigest);
        if (!Offers.signed(owner, offerDigest, signature)) revert SignatureInvalid(owner);
    }

    function _requireTerms(Offer calldata offer, Terms calldata terms) private view {
        Bounds memory limits = _bounds;
        (uint8 seats, uint8 leastSeats) = (terms.seats, offer.minSeats);
        if (leastSeats == 0) leastSeats = 1;
        if (seats < leastSeats || seats > MAX_SEATS) revert SeatsOutOfBounds(seats, leastSeats, MAX_SEATS);
        (uint96 floor, uint96 reward) = (terms.floor, terms.reward);
        if (
            floor < offer.minReward || floor > reward || reward > offer.maxReward || reward == 0
                || reward > MAX_REWARD
        ) revert RewardOutOfBounds(floor, reward);
        (bool fits, uint24 least) = _fits(terms.fill, offer.minFill, limits.minFill, limits.maxFill);
        if (!fits) revert FillOutOfBounds(terms.fill, least, limits.maxFill);
        (fits, least) = _fits(terms.compute, offer.minCompute, limits.minCompute, limits.maxCompute);
        if (!fits) revert ComputeOutOfBounds(terms.compute, least, limits.maxCompute);
        (fits, least) = _fits(terms.release, 0, limits.minRelease, limits.maxRelease);
        if (!fits) revert ReleaseOutOfBounds(terms.release, least, limits.maxRelease);
    }

    /// @dev The owner is copied: a sale of the dataset changes nothing for a job that is open. Between an owner and
    /// itself there is no price, no guarantee and no release.
    function _store(Job storage job, Offer calldata offer, Terms calldata terms, address owner) private {
        job.buyer = msg.sender;
        job.state = State.Open;
        job.seats = terms.seats;
        job.release = terms.release;
        job.owner = owner;
        job.payee = offer.payee == address(0) ? owner : offer.payee;
        job.floor = terms.floor;
        job.reward = terms.reward;
        // Fits, because the dataset exists and they are counted from 1.
        job.dataset = uint64(offer.dataset);
        job.epsilon = offer.epsilon;
        if (owner == msg.sender) return;
        job.price = offer.price;
        job.guarantee = offer.guarantee;
        (Budget storage budget, uint64 amount) = _budgetOf(job);
        uint64 left = budget.limit - budget.reserved - budget.spent;
        if (left < amount) revert BudgetExceeded(left, amount);
        budget.reserved += amount;
    }

    function _lockEscrow(uint256 id, Terms calldata terms, IProviderStake.Permit calldata permit) private {
        Job storage job = _jobs[id];
        uint256 escrow = uint256(job.price) + job.seats * job.reward;
        if (escrow > type(uint96).max) revert EscrowTooLarge(escrow);
        IProviderStake.Opening memory opening = IProviderStake.Opening({
            seats: terms.seats,
            bond: _bondOf(job),
            fill: terms.fill,
            compute: terms.compute,
            buyer: msg.sender,
            escrow: uint96(escrow),
            owner: job.owner,
            guarantee: job.guarantee
        });
        stake.openRoundOne(id, opening, permit);
    }

    // ------------------------------------------------------------------------------------------------- settle

    /// @inheritdoc IDataMarket
    function settle(uint256 id, bytes32 digest) external {
        Job storage job = _requireState(id, State.Open);
        IProviderStake.Round memory round = _roundOf(id, 1);
        if (!_allSealed(round)) revert SealsIncomplete();
        _requireNaming(round);
        uint8 open = _openingsOf(id, 1, digest, 0);
        if (open == 0) revert NothingOpens(digest);
        if (open < job.seats) {
            _escalate(id, job);
            return;
        }

        uint40 challengeBy = uint40(block.timestamp) + _ledgerOf(id).compute;
        job.state = State.Proposed;
        job.deadline = challengeBy;
        emit ResultProposed(id, digest, challengeBy);
    }

    /// @inheritdoc IDataMarket
    function challenge(uint256 id, bytes32 seal, IProviderStake.Permit calldata permit) external {
        Job storage job = _requireState(id, State.Proposed);
        if (block.timestamp >= job.deadline) revert ChallengeOver(job.deadline, block.timestamp);
        if (seal == 0) revert ChallengeSealZero();
        job.challenger = msg.sender;
        job.challengeSeal = seal;
        _escalate(id, job);
        stake.lock(id, msg.sender, _bondOf(job), permit);
    }

    /// @inheritdoc IDataMarket
    function finalize(uint256 id) external {
        Job storage job = _requireState(id, State.Proposed);
        if (block.timestamp < job.deadline) revert FinalizeTooEarly(job.deadline, block.timestamp);
        uint96 reward = _recordReward(id, job);
        job.right = job.seats;
        // Every seal opens with the proposed digest: without naming it again, all seats are of one kind.
        _close(id, 1, 0, 0, IProviderStake.Closing({rightReward: 0, otherReward: reward, otherFine: 0, silentFine: 0}));
        _settled(id, job, 0, reward);
    }

    /// @inheritdoc IDataMarket
    function decide(uint256 id, bytes32 digest, bytes32 salted) external {
        Job storage job = _requireState(id, State.Escalated);
        _requireVerdict(id, digest, salted);
        uint96 bond = _bondOf(job);
        uint96 reward = _recordReward(id, job);
        // Every seat of round one is sealed, so the fine for silence meets nobody there.
        IProviderStake.Closing memory closing = IProviderStake.Closing({
            rightReward: reward,
            otherReward: 0,
            otherFine: bond,
            silentFine: bond / 3
        });
        job.right = _close(id, 1, digest, 0, closing);
        closing.rightReward = job.reward;
        _close(id, 2, digest, salted, closing);
        if (
            job.challenger != address(0) && job.right < job.seats
                && job.challengeSeal == Seal.hash(address(this), id, 0, 0, job.challenger, digest, 0)
        ) _pay(id, job.challenger, bond + bond / 3);
        _settled(id, job, digest, reward);
    }

    function _requireVerdict(uint256 id, bytes32 digest, bytes32 salted) private view {
        IProviderStake.Round memory round = _roundOf(id, 2);
        if (round.commitBy == 0) revert RoundTwoNotFull();
        if (!_allSealed(round) && block.timestamp < round.commitBy) revert CommitsOpen(round.commitBy, block.timestamp);
        _requireNaming(round);
        uint8 open = _openingsOf(id, 2, digest, salted);
        uint8 needed = (2 * round.seats + 2) / 3;
        if (open < needed) revert TooFewOpen(open, needed);
    }

    /// @dev The lateness leaves the ledger with round one; a lapse needs it later.
    function _recordReward(uint256 id, Job storage job) private returns (uint96) {
        uint24 late = _roundOf(id, 1).late;
        job.late = late;
        return _rewardPaid(id, job, late);
    }

    function _escalate(uint256 id, Job storage job) private {
        job.state = State.Escalated;
        job.deadline = 0;
        stake.openRoundTwo(id, 2 * job.seats + 5);
        emit JobEscalated(id, job.challenger, job.challengeSeal);
    }

    /// @dev M4 and M5 after the seats: the buyer gets what the rewards did not use, the rest of the pot is burnt.
    function _settled(uint256 id, Job storage job, bytes32 digest, uint96 reward) private {
        bool over = job.released || job.owner == job.buyer;
        uint40 releaseBy = over ? 0 : uint40(block.timestamp) + job.release;
        job.state = over ? State.Released : State.Settled;
        job.deadline = releaseBy;
        _divide(id, job, job.seats * job.reward - job.right * reward, 0, over ? 0 : job.price + job.guarantee);
        emit JobSettled(id, digest, job.right, reward, releaseBy);
    }

    // ------------------------------------------------------------------------------------------------- release

    /// @inheritdoc IDataMarket
    function release(uint256 id, bytes32 result, bytes calldata sealedKey) external {
        Job storage job = _jobs[id];
        State state = job.state;
        if (state != State.Proposed && state != State.Settled) revert WrongState(state);
        if (msg.sender != job.owner) revert CallerNotOwner(msg.sender, job.owner);
        if (job.owner == job.buyer) revert OwnerIsBuyer();
        if (job.released) revert AlreadyReleased();
        if (state == State.Settled) {
            if (block.timestamp >= job.deadline) revert ReleaseOver(job.deadline, block.timestamp);
            job.state = State.Released;
            job.deadline = 0;
        }
        job.released = true;
        _endReservation(job, true);
        _pay(id, job.payee, job.price);
        _pay(id, job.owner, job.guarantee);
        emit ResultReleased(id, result, sealedKey);
    }

    // ------------------------------------------------------------------------------------------------- refund

    /// @inheritdoc IDataMarket
    function refund(uint256 id) external {
        Job storage job = _jobs[id];
        Outcome outcome = _dueOutcome(id, job);
        job.state = job.released ? State.Released : State.Refunded;
        job.deadline = 0;
        if (!job.released && job.owner != job.buyer) _endReservation(job, outcome == Outcome.ReleaseLapsed);

        (uint96 toBuyer, uint96 toOwner) = job.released ? (0, 0) : (job.price, job.guarantee);
        if (outcome == Outcome.ReleaseDeclined || outcome == Outcome.ReleaseLapsed) {
            // M8: the guarantee makes good what the buyer spent on rewards, never more.
            uint96 rewards = job.right * _rewardPaid(id, job, job.late);
            uint96 made = rewards < toOwner ? rewards : toOwner;
            toBuyer += made;
            toOwner -= made;
        } else {
            _closeRounds(id, job, outcome);
            toBuyer += job.seats * job.reward;
        }
        _divide(id, job, toBuyer, toOwner, 0);
        emit JobRefunded(id, outcome);
    }

    /// @dev The outcome of a refund by this caller at this time; reverts if there is none.
    function _dueOutcome(uint256 id, Job storage job) private view returns (Outcome) {
        IProviderStake.Round memory one = _roundOf(id, 1);
        (Outcome outcome, uint40 from) = _exit(id, job, one);
        if (outcome == Outcome.None) revert WrongState(job.state);
        if (msg.sender == job.owner) {
            // Nothing is computed before the first pass is full and its contest over.
            bool computing = one.redrawn || (one.commitBy != 0 && block.timestamp >= one.contestEnd);
            if (job.state == State.Open && !computing) return Outcome.Declined;
            if (job.state == State.Settled && block.timestamp < from) return Outcome.ReleaseDeclined;
        }
        if (block.timestamp < from) revert RefundTooEarly(from, block.timestamp);
        return outcome;
    }

    /// @dev What a refund by anybody ends in, and from when, unless another call comes first.
    function _exit(uint256 id, Job storage job, IProviderStake.Round memory one)
        private
        view
        returns (Outcome, uint40 from)
    {
        State state = job.state;
        if (state == State.Settled) return (Outcome.ReleaseLapsed, job.deadline);
        if (state != State.Open && state != State.Escalated) return (Outcome.None, 0);
        bool jury = state == State.Escalated;
        IProviderStake.Round memory round = jury ? _roundOf(id, 2) : one;
        uint24 fill = _ledgerOf(id).fill;
        if (round.contestEnd == 0) return (jury ? Outcome.JuryUnfilled : Outcome.Undrawn, round.start + fill);
        if (round.commitBy == 0) {
            if (jury) return (Outcome.JuryUnfilled, round.contestEnd + fill);
            return (round.redrawn ? Outcome.RefillFailed : Outcome.Unfilled, round.contestEnd + fill);
        }
        if (jury) return (Outcome.Undecided, _nameBy(round));
        if (_allSealed(round)) return (Outcome.Unnamed, _nameBy(round));
        return (Outcome.SealsMissing, round.redrawn ? round.commitBy : round.commitBy + fill);
    }

    /// @dev The seats' and the challenger's part of M1, M2, M3, M6 and M6'.
    function _closeRounds(uint256 id, Job storage job, Outcome outcome) private {
        uint96 bond = _bondOf(job);
        uint96 fine = bond / 3;
        IProviderStake.Closing memory one;
        IProviderStake.Closing memory two;
        uint96 back = job.challenger == address(0) ? 0 : bond;
        if (outcome == Outcome.RefillFailed) {
            one.otherReward = job.reward;
        } else if (outcome == Outcome.SealsMissing) {
            (one.otherReward, one.silentFine) = (job.reward, fine);
        } else if (outcome == Outcome.Unnamed) {
            one.otherFine = fine;
        } else if (outcome == Outcome.Undecided) {
            two.silentFine = fine;
        } else if (outcome == Outcome.JuryUnfilled && back != 0) {
            // A challenge for which no jury came costs the challenger a fine, of which round one is paid.
            (one.otherReward, back) = (job.reward, bond - fine);
        }
        _close(id, 1, 0, 0, one);
        // Closes nothing if there was no round two.
        _close(id, 2, 0, 0, two);
        _pay(id, job.challenger, back);
    }

    // ------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IDataMarket
    function bounds() external view returns (Bounds memory) {
        return _bounds;
    }

    /// @inheritdoc IDataMarket
    function datasetOf(uint256 dataset) external view returns (Dataset memory) {
        return _datasets[dataset];
    }

    /// @inheritdoc IDataMarket
    function offerUseOf(bytes32 offerDigest) external view returns (OfferUse memory) {
        return _offerUses[offerDigest];
    }

    /// @inheritdoc IDataMarket
    function offerDigestOf(Offer calldata offer) public view returns (bytes32) {
        return _hashTypedDataV4(Offers.hash(offer));
    }

    /// @inheritdoc IDataMarket
    function jobOf(uint256 id) external view returns (JobView memory seen) {
        Job storage job = _jobs[id];
        seen.job = job;
        seen.ledger = _ledgerOf(id);
        seen.roundOne = _roundOf(id, 1);
        seen.roundTwo = _roundOf(id, 2);
        (seen.exit, seen.exitFrom) = _exit(id, job, seen.roundOne);
        JobViews.complete(seen, _bounds.naming);
    }

    /// @notice The address of the manifest in IPFS.
    function tokenURI(uint256 dataset) public view override returns (string memory) {
        _requireOwned(dataset);
        return Cid.uri(_datasets[dataset].manifest);
    }

    /// @inheritdoc IERC2981
    function royaltyInfo(uint256 dataset, uint256 salePrice) external view returns (address, uint256) {
        Royalty storage royalty = _royalties[dataset];
        uint256 points = royalty.basisPoints;
        // In two parts, because the product of the highest prices has no room.
        uint256 amount = salePrice / BASIS_POINTS * points + salePrice % BASIS_POINTS * points / BASIS_POINTS;
        return (royalty.receiver, amount);
    }

    /// @inheritdoc IDataMarket
    function contractURI() external pure returns (string memory) {
        return 'data:application/json;utf8,{"name":"Hexchange datasets"}';
    }

    function supportsInterface(bytes4 interfaceId) public view override(ERC721, IERC165) returns (bool) {
        // The number of ERC-4906, which has no functions to take one from.
        return interfaceId == bytes4(0x49064906) || interfaceId == type(IERC2981).interfaceId
            || super.supportsInterface(interfaceId);
    }

    // ------------------------------------------------------------------------------------------------- rules

    function _requireDatasetOwner(uint256 dataset) private view {
        address owner = _requireOwned(dataset);
        if (msg.sender != owner) revert CallerNotOwner(msg.sender, owner);
    }

    function _requireState(uint256 id, State state) private view returns (Job storage job) {
        job = _jobs[id];
        if (job.state != state) revert WrongState(job.state);
    }

    /// @dev Whether a window keeps the market's bounds and the least that the offer asks for.
    function _fits(uint24 window, uint24 asked, uint24 least, uint24 most) private pure returns (bool, uint24) {
        if (asked > least) least = asked;
        return (window >= least && window <= most, least);
    }

    function _nameBy(IProviderStake.Round memory round) private view returns (uint40) {
        return round.commitBy + _bounds.naming;
    }

    function _requireNaming(IProviderStake.Round memory round) private view {
        uint40 nameBy = _nameBy(round);
        if (block.timestamp >= nameBy) revert NamingOver(nameBy, block.timestamp);
    }

    function _allSealed(IProviderStake.Round memory round) private pure returns (bool) {
        return round.commitBy != 0 && round.sealedMask == (1 << round.seats) - 1;
    }

    function _bondOf(Job storage job) private view returns (uint96) {
        return Quantities.bond(job.seats, job.reward);
    }

    function _rewardPaid(uint256 id, Job storage job, uint24 late) private view returns (uint96) {
        return Quantities.rewardPaid(job.floor, job.reward, late, _ledgerOf(id).fill);
    }

    // One place for each call of the ledger keeps the code small.

    function _ledgerOf(uint256 id) private view returns (IProviderStake.Ledger memory) {
        return stake.ledgerOf(id);
    }

    function _roundOf(uint256 id, uint8 number) private view returns (IProviderStake.Round memory) {
        return stake.roundOf(id, number);
    }

    function _openingsOf(uint256 id, uint8 number, bytes32 digest, bytes32 salted) private view returns (uint8) {
        return stake.matches(id, number, digest, salted);
    }

    function _pay(uint256 id, address account, uint96 amount) private {
        stake.pay(id, account, amount);
    }

    /// @dev What is neither paid nor kept is burnt.
    function _divide(uint256 id, Job storage job, uint96 toBuyer, uint96 toOwner, uint96 keep) private {
        stake.divide(id, job.buyer, toBuyer, job.owner, toOwner, keep);
    }

    function _close(
        uint256 id,
        uint8 number,
        bytes32 digest,
        bytes32 salted,
        IProviderStake.Closing memory closing
    ) private returns (uint8 right) {
        return stake.closeRound(id, number, digest, salted, closing);
    }

    /// @dev An offer without epsilon uses one exact release.
    function _budgetOf(Job storage job) private view returns (Budget storage budget, uint64 amount) {
        Dataset storage dataset = _datasets[job.dataset];
        return job.epsilon == 0 ? (dataset.exact, 1) : (dataset.epsilon, job.epsilon);
    }

    function _endReservation(Job storage job, bool spent) private {
        (Budget storage budget, uint64 amount) = _budgetOf(job);
        budget.reserved -= amount;
        if (spent) budget.spent += amount;
    }

    /// @dev Offers of a former holder never revive, not even when it buys the dataset back.
    function _update(address to, uint256 dataset, address auth) internal override returns (address from) {
        from = super._update(to, dataset, auth);
        if (from != address(0)) _raiseEpoch(dataset);
    }

    function _raiseEpoch(uint256 dataset) private {
        emit EpochRaised(dataset, ++_datasets[dataset].epoch);
    }
}
