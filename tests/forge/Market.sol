// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DataMarket} from "contracts/DataMarket.sol";
import {ProviderStake} from "contracts/ProviderStake.sol";
import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";
import {MockToken} from "contracts/mocks/MockToken.sol";

import {Cheats} from "./Cheats.sol";

/// @title The market of a public chain with one dataset, its people, and the steps of a job
/// @notice What a test builds on:
/// - people: `owner` (signs with OWNER_KEY), `buyer`, `challenger`, `payee`, `stranger`, `providers[0..4]`;
/// - `deploy()` builds a token of 6 decimals, the ledger, the market and dataset 1, and gives everybody money;
///   `deployOn(token)` builds the contracts alone, on another token;
/// - `fund(who, amount)` mints, approves and deposits; `fundStake` stakes it too;
/// - `offer()`, `terms(seats)`, `sign(offer)`, `sealOf(...)`: what is signed and sealed, from the rules of the market;
/// - `pass(seconds)` and `setTime(time)` move time, blocks and randomness together;
/// - steps of a job: `open`, `draw`, `sit`, `fill`, `commit`, `commitAll`, `settle`, `challenge`, `decide`, `finalize`,
///   `release`, `refund`; each is one call by whom it concerns, `fill` and `commitAll` are one for each seat;
/// - states in one call: `drawnJob`, `fullJob`, `sealedJob`, `proposedJob`, `disputedJob`, `settledJob`.
abstract contract Market {
    Cheats internal constant vm = Cheats(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint96 internal constant ONE = 1e6;
    uint96 internal constant UNIT = 100 * ONE;
    uint96 internal constant PRICE = 40 * ONE;
    uint96 internal constant GUARANTEE = 10 * ONE;
    uint96 internal constant FLOOR = 2 * ONE;
    uint96 internal constant REWARD = 5 * ONE;
    uint64 internal constant EPSILON = 1_000;
    uint64 internal constant EPSILON_BUDGET = 1_000_000;
    uint64 internal constant EXACT = 100;
    uint24 internal constant FILL = 600;
    uint24 internal constant COMPUTE = 3_600;
    uint24 internal constant RELEASE = 1 days;
    uint24 internal constant NAMING = 6 hours;
    uint40 internal constant EXIT = 7 days;

    bytes32 internal constant MANIFEST = keccak256("manifest");
    bytes32 internal constant CIRCUIT = keccak256("circuit");
    bytes32 internal constant RIGHT = keccak256("right");
    bytes32 internal constant WRONG = keccak256("wrong");
    bytes32 internal constant TRACE = keccak256("trace");

    uint256 internal constant OWNER_KEY = uint256(keccak256("owner"));

    MockToken internal token;
    ProviderStake internal stake;
    DataMarket internal market;

    address internal owner = vm.addr(OWNER_KEY);
    address internal buyer = address(0xb1);
    address internal challenger = address(0xc1);
    address internal payee = address(0xfee);
    address internal stranger = address(0x57a);
    address[5] internal providers = [address(0xa1), address(0xa2), address(0xa3), address(0xa4), address(0xa5)];

    IProviderStake.Permit internal noPermit;
    /// @dev Kept here, because the block of a test and that of its handlers may differ.
    uint256 internal time = 1_700_000_000;
    uint256 internal height = 1_000;

    // ------------------------------------------------------------------------------------------------- set-up

    function deploy() internal {
        deployOn(address(new MockToken("Dollar", "USD", 6)));
        (address[5] memory wallets, uint96[5] memory amounts) =
            ([owner, buyer, challenger, payee, stranger], [1_000 * ONE, 10_000 * ONE, 1_000 * ONE, 0, 0]);
        for (uint256 i = 0; i < wallets.length; ++i) {
            fund(wallets[i], amounts[i]);
        }
        for (uint256 i = 0; i < providers.length; ++i) {
            fundStake(providers[i], 10_000 * ONE);
        }
        vm.prank(owner);
        market.listDataset(MANIFEST, EPSILON_BUDGET, EXACT);
        pass(12);
    }

    function deployOn(address token_) internal {
        setTime(time);
        token = MockToken(token_);
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        stake = new ProviderStake(token_, next, UNIT, EXIT);
        market = new DataMarket(stake, bounds());
    }

    /// @dev Those of a public chain.
    function bounds() internal pure returns (IDataMarket.Bounds memory) {
        return IDataMarket.Bounds({
            minFill: 5 minutes,
            maxFill: 1 days,
            minCompute: 10 minutes,
            maxCompute: 7 days,
            minRelease: 1 days,
            maxRelease: 30 days,
            naming: NAMING
        });
    }

    /// @dev Leaves a million in the wallet and `free` in the ledger.
    function fund(address who, uint96 free) internal {
        token.mint(who, 1_000_000 * ONE + free);
        vm.startPrank(who);
        token.approve(address(stake), type(uint256).max);
        if (free != 0) stake.deposit(free, noPermit);
        vm.stopPrank();
    }

    function fundStake(address who, uint96 amount) internal {
        fund(who, amount);
        vm.prank(who);
        stake.stake(amount);
    }

    // ------------------------------------------------------------------------------------------------- time

    /// @dev Blocks of 12 seconds, at least one.
    function pass(uint256 secs) internal {
        height += secs < 12 ? 1 : secs / 12;
        setTime(time + secs);
    }

    /// @dev A moment of the present block height.
    function setTime(uint256 time_) internal {
        time = time_;
        vm.warp(time);
        vm.roll(height);
        vm.prevrandao(keccak256(abi.encode(time, height)));
    }

    // ------------------------------------------------------------------------------------------------- documents

    /// @dev For anybody, of dataset 1 as it is now, often usable.
    function offer() internal view returns (IDataMarket.Offer memory) {
        return IDataMarket.Offer({
            dataset: 1,
            epoch: market.datasetOf(1).epoch,
            manifest: market.datasetOf(1).manifest,
            circuit: CIRCUIT,
            buyer: address(0),
            payee: payee,
            price: PRICE,
            guarantee: GUARANTEE,
            epsilon: EPSILON,
            minSeats: 1,
            minReward: FLOOR,
            maxReward: REWARD,
            minFill: 5 minutes,
            minCompute: 10 minutes,
            expiry: type(uint40).max,
            maxUses: type(uint32).max,
            salt: 0
        });
    }

    function terms(uint8 seats) internal pure returns (IDataMarket.Terms memory) {
        return IDataMarket.Terms({
            seats: seats,
            floor: FLOOR,
            reward: REWARD,
            fill: FILL,
            compute: COMPUTE,
            release: RELEASE,
            resultKey: bytes32(uint256(9))
        });
    }

    /// @dev By the owner.
    function sign(IDataMarket.Offer memory offer_) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY, market.offerDigestOf(offer_));
        return abi.encodePacked(r, s, v);
    }

    function sealOf(uint256 job, uint8 round, uint8 seat, address who, bytes32 digest, bytes32 salted)
        internal
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(block.chainid, address(market), job, round, seat, who, digest, salted));
    }

    /// @dev 3 (n + 3) R.
    function bondOf(uint8 seats, uint96 reward) internal pure returns (uint96) {
        return 3 * (uint96(seats) + 3) * reward;
    }

    // ------------------------------------------------------------------------------------------------- steps

    function open(uint8 seats) internal returns (uint256) {
        return openAs(buyer, offer(), terms(seats));
    }

    function openAs(address who, IDataMarket.Offer memory offer_, IDataMarket.Terms memory terms_)
        internal
        returns (uint256)
    {
        bytes memory signature = sign(offer_);
        vm.prank(who);
        return market.openJob(offer_, signature, terms_, noPermit);
    }

    /// @dev In the first block allowed.
    function draw(uint256 job) internal {
        pass(24);
        vm.prank(stranger);
        stake.draw(job);
    }

    function sit(uint256 job, address who, uint256 unit) internal {
        vm.prank(who);
        stake.takeSeat(job, unit);
    }

    /// @dev All seats, by the providers in turn with fresh units, until the contest is over.
    function fill(uint256 job) internal {
        uint8 round = stake.ledgerOf(job).round;
        uint256 contestEnd = stake.roundOf(job, round).contestEnd;
        uint256 seats = stake.roundOf(job, round).seats;
        for (uint256 i = 0; i < seats; ++i) {
            sit(job, providers[i % 5], i / 5);
        }
        if (time < contestEnd) pass(contestEnd - time);
    }

    function commit(uint256 job, uint8 seat, bytes32 digest, bytes32 salted) internal {
        uint8 round = stake.ledgerOf(job).round;
        address who = stake.seatsOf(job, round)[seat].provider;
        bytes32 seal = sealOf(job, round, seat, who, digest, salted);
        vm.prank(who);
        stake.commit(job, seat, seal);
    }

    function commitAll(uint256 job, bytes32 digest, bytes32 salted) internal {
        uint8 seats = stake.roundOf(job, stake.ledgerOf(job).round).seats;
        for (uint8 i = 0; i < seats; ++i) {
            commit(job, i, digest, salted);
        }
    }

    function settle(uint256 job, bytes32 digest) internal {
        vm.prank(stranger);
        market.settle(job, digest);
    }

    function challenge(uint256 job, bytes32 digest) internal {
        bytes32 seal = sealOf(job, 0, 0, challenger, digest, 0);
        vm.prank(challenger);
        market.challenge(job, seal, noPermit);
    }

    function decide(uint256 job, bytes32 digest, bytes32 salted) internal {
        vm.prank(stranger);
        market.decide(job, digest, salted);
    }

    /// @dev At the end of the challenge window.
    function finalize(uint256 job) internal {
        uint256 from = market.jobOf(job).challengeBy;
        if (time < from) pass(from - time);
        vm.prank(stranger);
        market.finalize(job);
    }

    function release(uint256 job) internal {
        vm.prank(owner);
        market.release(job, keccak256("sealed result"), "sealed key");
    }

    /// @dev By a stranger, when it is due.
    function refund(uint256 job) internal {
        uint256 from = market.jobOf(job).exitFrom;
        if (time < from) pass(from - time);
        vm.prank(stranger);
        market.refund(job);
    }

    // ------------------------------------------------------------------------------------------------- states

    function drawnJob(uint8 seats) internal returns (uint256 job) {
        job = open(seats);
        draw(job);
    }

    /// @dev Commits are open.
    function fullJob(uint8 seats) internal returns (uint256 job) {
        job = drawnJob(seats);
        fill(job);
    }

    function sealedJob(uint8 seats, bytes32 digest) internal returns (uint256 job) {
        job = fullJob(seats);
        commitAll(job, digest, 0);
    }

    function proposedJob(uint8 seats, bytes32 digest) internal returns (uint256 job) {
        job = sealedJob(seats, digest);
        settle(job, digest);
    }

    /// @dev WRONG was proposed and challenged with RIGHT; the commits of round two are open.
    function disputedJob(uint8 seats) internal returns (uint256 job) {
        job = proposedJob(seats, WRONG);
        challenge(job, RIGHT);
        draw(job);
        fill(job);
    }

    /// @dev RIGHT was paid, and waits for its release.
    function settledJob(uint8 seats) internal returns (uint256 job) {
        job = proposedJob(seats, RIGHT);
        finalize(job);
    }
}
