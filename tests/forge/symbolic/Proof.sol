// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

import {DataMarket} from "contracts/DataMarket.sol";
import {ProviderStake} from "contracts/ProviderStake.sol";
import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";
import {MockToken} from "contracts/mocks/MockToken.sol";

import {Cheats} from "../Cheats.sol";

/// @dev Says which address the next contract gets: the symbolic machine counts them upwards.
contract Probe {}

/// @title The real contracts under a symbolic machine, their people and the steps of a job
/// @notice Every argument of a `check_` function is symbolic, which means: proved for all of its values within the
/// assumptions that the function states. What holds everywhere:
/// - loops are unrolled to the bound that the run names; the seats of a job are a concrete number in every property;
/// - hashes are taken as injective and never zero, tickets and seeds come from a concrete chain;
/// - a symbolic amount has the width that the property's argument states;
/// - the owner of the dataset is this contract, which consents to every offer by ERC-1271;
/// - a transaction that reverts changes nothing, and proves nothing unless the property asks for its success.
abstract contract Proof is IERC1271 {
    Cheats internal constant vm = Cheats(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint96 internal constant UNIT = 1 << 88;
    uint24 internal constant FILL = 600;
    uint24 internal constant COMPUTE = 3_600;
    uint24 internal constant RELEASE = 1 days;
    uint24 internal constant NAMING = 6 hours;
    uint40 internal constant START = 1_700_000_000;
    bytes32 internal constant MANIFEST = bytes32(uint256(0xda7a));
    bytes32 internal constant RIGHT = bytes32(uint256(0x4197));
    bytes32 internal constant WRONG = bytes32(uint256(0x3209));
    bytes32 internal constant TRACE = bytes32(uint256(0x74ace));

    MockToken internal token;
    ProviderStake internal stake;
    DataMarket internal market;

    address internal owner = address(this);
    address internal buyer = address(0xb1);
    address internal payee = address(0xfee);
    address internal challenger = address(0xc1);
    address internal stranger = address(0x57a);
    address[3] internal providers = [address(0xa1), address(0xa2), address(0xa3)];

    IProviderStake.Permit internal noPermit;

    // ------------------------------------------------------------------------------------------------- set-up

    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return IERC1271.isValidSignature.selector;
    }

    /// @dev A token, a ledger and its market, and dataset 1; every person has stake and money for whatever a job asks.
    function deploy() internal {
        clock(START, 1_000);
        token = new MockToken("Dollar", "USD", 6);
        uint160 last = uint160(address(new Probe()));
        stake = new ProviderStake(address(token), address(last + 2), UNIT, 7 days);
        market = new DataMarket(stake, bounds());
        fund(owner);
        fund(buyer);
        fund(challenger);
        for (uint256 i = 0; i < 3; ++i) {
            fund(providers[i]);
            vm.prank(providers[i]);
            stake.stake(8 * UNIT);
        }
        market.listDataset(MANIFEST, 1_000, 2);
        clock(START + 12, 1_001);
    }

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

    function fund(address who) internal {
        token.mint(who, 8 * UNIT);
        vm.prank(who);
        token.approve(address(stake), type(uint256).max);
        vm.prank(who);
        stake.deposit(8 * UNIT, noPermit);
    }

    function clock(uint256 time, uint256 height) internal {
        vm.warp(time);
        vm.roll(height);
    }

    // ------------------------------------------------------------------------------------------------- documents

    function offer() internal view returns (IDataMarket.Offer memory) {
        return IDataMarket.Offer({
            dataset: 1,
            epoch: 0,
            manifest: MANIFEST,
            circuit: bytes32(uint256(0xc1c)),
            buyer: address(0),
            payee: payee,
            price: 40,
            guarantee: 10,
            epsilon: 7,
            minSeats: 1,
            minReward: 0,
            maxReward: type(uint96).max,
            minFill: 0,
            minCompute: 0,
            expiry: type(uint40).max,
            maxUses: type(uint32).max,
            salt: 0
        });
    }

    function terms(uint8 seats, uint96 floor, uint96 reward) internal pure returns (IDataMarket.Terms memory) {
        return IDataMarket.Terms({
            seats: seats,
            floor: floor,
            reward: reward,
            fill: FILL,
            compute: COMPUTE,
            release: RELEASE,
            resultKey: 0
        });
    }

    function sealOf(uint256 job, uint8 round, uint8 seat, address who, bytes32 digest, bytes32 salted)
        internal
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(block.chainid, address(market), job, round, seat, who, digest, salted));
    }

    // ------------------------------------------------------------------------------------------------- steps

    function open(IDataMarket.Offer memory offer_, IDataMarket.Terms memory terms_) internal returns (uint256) {
        vm.prank(buyer);
        return market.openJob(offer_, "", terms_, noPermit);
    }

    function draw(uint256 job) internal {
        clock(block.timestamp + 24, block.number + 2);
        stake.draw(job);
    }

    /// @dev All seats by the providers in turn, each with fresh units, in the second the contest is drawn.
    function sit(uint256 job, uint256 seats) internal {
        for (uint256 i = 0; i < seats; ++i) {
            vm.prank(providers[i % 3]);
            stake.takeSeat(job, i / 3);
        }
    }

    function commit(uint256 job, uint8 round, uint8 seat, bytes32 digest, bytes32 salted) internal {
        address who = providers[seat % 3];
        bytes32 seal = sealOf(job, round, seat, who, digest, salted);
        vm.prank(who);
        stake.commit(job, seat, seal);
    }

    /// @dev Full, the contest over, no seal yet.
    function fullJob(IDataMarket.Offer memory offer_, IDataMarket.Terms memory terms_) internal returns (uint256 job) {
        job = open(offer_, terms_);
        draw(job);
        sit(job, terms_.seats);
        clock(block.timestamp + FILL, block.number + FILL / 12);
    }

    /// @dev RIGHT is in every seal.
    function sealedJob(IDataMarket.Offer memory offer_, IDataMarket.Terms memory terms_)
        internal
        returns (uint256 job)
    {
        job = fullJob(offer_, terms_);
        for (uint8 i = 0; i < terms_.seats; ++i) {
            commit(job, 1, i, RIGHT, 0);
        }
    }

    function proposedJob(IDataMarket.Offer memory offer_, IDataMarket.Terms memory terms_)
        internal
        returns (uint256 job)
    {
        job = sealedJob(offer_, terms_);
        market.settle(job, RIGHT);
    }

    function settledJob(IDataMarket.Offer memory offer_, IDataMarket.Terms memory terms_)
        internal
        returns (uint256 job)
    {
        job = proposedJob(offer_, terms_);
        clock(block.timestamp + COMPUTE, block.number + COMPUTE / 12);
        market.finalize(job);
    }

    /// @dev The challenger seals another digest than the one proposed; round two is full, no seal of it yet.
    function disputedJob(IDataMarket.Offer memory offer_, IDataMarket.Terms memory terms_)
        internal
        returns (uint256 job)
    {
        job = proposedJob(offer_, terms_);
        bytes32 seal = sealOf(job, 0, 0, challenger, WRONG, 0);
        vm.prank(challenger);
        market.challenge(job, seal, noPermit);
        draw(job);
        sit(job, 2 * terms_.seats + 5);
        clock(block.timestamp + FILL, block.number + FILL / 12);
    }

    // ------------------------------------------------------------------------------------------------- balances

    /// @dev Everything of one account.
    function wealth(address who) internal view returns (uint256) {
        IProviderStake.Account memory account = stake.accountOf(who);
        return uint256(account.free) + account.staked + account.leaving;
    }

    function free(address who) internal view returns (uint256) {
        return stake.accountOf(who).free;
    }

    /// @dev Everything of everybody, what is held for the job, and what was burnt.
    function total(uint256 job) internal view returns (uint256 sum) {
        sum = wealth(owner) + wealth(buyer) + wealth(payee) + wealth(challenger) + wealth(stranger);
        for (uint256 i = 0; i < 3; ++i) {
            sum += wealth(providers[i]);
        }
        sum += uint256(stake.ledgerOf(job).held) + stake.burnt();
    }
}
