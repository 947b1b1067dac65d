// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";

import {Market} from "./Market.sol";

/// @title What everybody has after each way in which a job ends, to the unit
/// @notice The money table in figures: a job of two seats has a bond of 75 and a fine of 25, one of one seat 60 and 20.
/// Each of `providers` sits in seat i and, in a round of more than five, in seat i + 5.
contract MoneyTest is Market {
    bytes32 private constant OTHER = keccak256("other");
    int256 private constant UNITS = int256(uint256(ONE));

    mapping(address => IProviderStake.Account) private before;

    function setUp() public {
        deploy();
        address[4] memory wallets = [owner, buyer, challenger, payee];
        for (uint256 i = 0; i < 4; ++i) {
            before[wallets[i]] = stake.accountOf(wallets[i]);
        }
        for (uint256 i = 0; i < 5; ++i) {
            before[providers[i]] = stake.accountOf(providers[i]);
        }
    }

    /// @dev In tokens: what the free balance and the stake of somebody gained. Nobody has a bond left.
    function gained(address who, int256 free, int256 staked) private view {
        IProviderStake.Account memory a = stake.accountOf(who);
        IProviderStake.Account memory b = before[who];
        string memory name = vm.toString(who);
        vm.assertEq(int256(uint256(a.free)) - int256(uint256(b.free)), free * UNITS, string.concat("free: ", name));
        vm.assertEq(
            int256(uint256(a.staked)) - int256(uint256(b.staked)), staked * UNITS, string.concat("staked: ", name)
        );
        vm.assertEq(a.locked, 0, string.concat("locked: ", name));
    }

    function burnt(uint256 tokens) private view {
        vm.assertEq(stake.burnt(), tokens * ONE, "burnt");
    }

    /// @dev In tokens; and the state that goes with it.
    function held(uint256 job, uint256 tokens, IDataMarket.State state) private view {
        vm.assertEq(stake.ledgerOf(job).held, tokens * ONE, "held");
        vm.assertEq(uint8(market.jobOf(job).job.state), uint8(state), "state");
    }

    function epsilon(uint64 reserved, uint64 spent) private view {
        IDataMarket.Budget memory budget = market.datasetOf(1).epsilon;
        vm.assertEq(budget.reserved, reserved, "reserved");
        vm.assertEq(budget.spent, spent, "spent");
    }

    function refundBy(address who, uint256 job) private {
        vm.prank(who);
        market.refund(job);
    }

    // ------------------------------------------------------------------------------------------------- settled

    function test_seats_that_agree_are_paid_and_the_release_pays_the_owner() public {
        uint256 job = settledJob(2);
        gained(buyer, -44, 0);
        gained(owner, -10, 0);
        gained(providers[0], 2, 0);
        gained(providers[1], 2, 0);
        epsilon(EPSILON, 0);
        held(job, 50, IDataMarket.State.Settled);
        release(job);
        gained(buyer, -44, 0);
        gained(owner, 0, 0);
        gained(payee, 40, 0);
        epsilon(0, EPSILON);
        held(job, 0, IDataMarket.State.Released);
        burnt(0);
    }

    function test_a_settlement_says_what_it_paid_to_how_many_and_until_when_the_owner_may_release() public {
        uint256 job = proposedJob(2, RIGHT);
        pass(COMPUTE);
        vm.expectEmit();
        emit IDataMarket.JobSettled(job, 0, 2, FLOOR, uint40(time) + RELEASE);
        finalize(job);
    }

    function test_no_digest_means_something_to_the_market() public {
        bytes32 one = bytes32(uint256(1));
        uint256 job = proposedJob(1, one);
        finalize(job);
        gained(providers[0], 2, 0);
        job = sealedJob(1, one);
        refund(job);
        gained(providers[0], 2, -20);
    }

    function test_an_owner_that_is_the_buyer_pays_its_seats_alone() public {
        uint256 job = openAs(owner, offer(), terms(2));
        epsilon(0, 0);
        draw(job);
        fill(job);
        commitAll(job, RIGHT, 0);
        settle(job, RIGHT);
        finalize(job);
        gained(owner, -4, 0);
        gained(payee, 0, 0);
        gained(providers[0], 2, 0);
        gained(providers[1], 2, 0);
        epsilon(0, 0);
        held(job, 0, IDataMarket.State.Released);
        burnt(0);
    }

    function test_a_jury_pays_the_right_and_takes_the_bond_of_the_wrong_and_a_fine_of_the_silent() public {
        uint256 job = fullJob(2);
        commit(job, 0, RIGHT, 0);
        commit(job, 1, WRONG, 0);
        settle(job, WRONG);
        draw(job);
        fill(job);
        for (uint8 i = 0; i < 9; ++i) {
            if (i != 6) commit(job, i, i == 5 ? WRONG : RIGHT, i == 8 ? OTHER : TRACE);
        }
        pass(COMPUTE);
        decide(job, RIGHT, TRACE);
        gained(buyer, -42, 0);
        gained(owner, -10, 0);
        gained(providers[0], 2 + 5, -75);
        gained(providers[1], 5, -75 - 25);
        gained(providers[2], 5 + 5, 0);
        gained(providers[3], 5, -75);
        gained(providers[4], 5, 0);
        held(job, 50, IDataMarket.State.Settled);
        burnt(3 * 75 + 25 - 6 * 5);
        refundBy(owner, job);
        gained(buyer, 0, 0);
        gained(owner, -2, 0);
    }

    /// @dev One seat, a jury of seven whose sixth is wrong and whose seventh is silent; RIGHT is decided.
    function decided(bytes32 proposed, bytes32 challenged) private returns (uint256 job) {
        job = proposedJob(1, proposed);
        challenge(job, challenged);
        draw(job);
        fill(job);
        for (uint8 i = 0; i < 6; ++i) {
            commit(job, i, i == 5 ? OTHER : RIGHT, TRACE);
        }
        pass(COMPUTE);
        decide(job, RIGHT, TRACE);
    }

    function test_a_challenger_that_was_right_gets_its_bond_and_a_third_of_one() public {
        uint256 job = decided(WRONG, RIGHT);
        gained(challenger, 20, 0);
        gained(providers[0], 5, -60 - 60);
        gained(providers[1], 5, -20);
        gained(providers[4], 5, 0);
        gained(buyer, -40, 0);
        held(job, 50, IDataMarket.State.Settled);
        burnt(60 + 60 + 20 - 5 * 5 - 20);
        pass(RELEASE);
        refund(job);
        gained(buyer, 0, 0);
        gained(owner, 0, 0);
    }

    function test_a_challenger_that_was_wrong_loses_its_bond_and_so_does_one_that_challenged_the_right() public {
        bytes32[2][3] memory lost = [[RIGHT, WRONG], [RIGHT, RIGHT], [WRONG, OTHER]];
        for (uint256 i = 0; i < 3; ++i) {
            uint256 here = vm.snapshotState();
            decided(lost[i][0], lost[i][1]);
            bool right = lost[i][0] == RIGHT;
            gained(challenger, -60, 0);
            gained(providers[0], right ? int256(5 + 2) : int256(5), right ? -60 : int256(-60 - 60));
            gained(buyer, right ? -42 : int256(-40), 0);
            burnt(right ? 60 + 60 + 20 - 5 * 5 : 60 + 60 + 60 + 20 - 5 * 5);
            vm.revertToState(here);
        }
    }

    // ------------------------------------------------------------------------------------------------- released late

    function test_an_owner_declines_before_the_end_of_its_window_and_lapses_from_there() public {
        uint256 job = settledJob(2);
        uint256 until = time + RELEASE;
        for (uint256 i = 0; i < 2; ++i) {
            uint256 here = vm.snapshotState();
            setTime(until - 1 + i);
            refundBy(owner, job);
            gained(buyer, 0, 0);
            gained(owner, -4, 0);
            gained(payee, 0, 0);
            epsilon(0, i == 0 ? 0 : EPSILON);
            held(job, 0, IDataMarket.State.Refunded);
            burnt(0);
            vm.revertToState(here);
        }
    }

    // ------------------------------------------------------------------------------------------------- refunded

    function nobodyLost(uint256 job) private view {
        gained(buyer, 0, 0);
        gained(owner, 0, 0);
        for (uint256 i = 0; i < 5; ++i) {
            gained(providers[i], 0, 0);
        }
        epsilon(0, 0);
        held(job, 0, IDataMarket.State.Refunded);
        burnt(0);
    }

    function test_all_is_returned_of_a_job_that_is_declined_undrawn_or_unfilled() public {
        uint256 job = open(2);
        refundBy(owner, job);
        nobodyLost(job);
        job = drawnJob(2);
        sit(job, providers[0], 0);
        refundBy(owner, job);
        nobodyLost(job);
        job = open(2);
        refund(job);
        nobodyLost(job);
        job = drawnJob(2);
        sit(job, providers[0], 0);
        refund(job);
        nobodyLost(job);
    }

    /// @dev Of two seats the second is sealed and the first is not.
    function halfSealedJob() private returns (uint256 job) {
        job = fullJob(2);
        commit(job, 1, RIGHT, 0);
        pass(COMPUTE);
    }

    function test_silent_seats_pay_a_fine_of_which_sealed_ones_get_their_reward() public {
        uint256 job = halfSealedJob();
        refund(job);
        gained(buyer, 0, 0);
        gained(owner, 0, 0);
        gained(providers[0], 0, -25);
        gained(providers[1], 5, 0);
        epsilon(0, 0);
        held(job, 0, IDataMarket.State.Refunded);
        burnt(25 - 5);
    }

    function test_sealed_seats_get_their_reward_if_a_redraw_fills_no_seat_or_is_silent_again() public {
        for (uint256 i = 0; i < 2; ++i) {
            uint256 here = vm.snapshotState();
            uint256 job = halfSealedJob();
            vm.prank(stranger);
            stake.redraw(job);
            if (i == 1) sit(job, providers[2], 0);
            refund(job);
            gained(buyer, 0, 0);
            gained(providers[0], 0, -25);
            gained(providers[1], 5, 0);
            gained(providers[2], 0, i == 0 ? int256(0) : -25);
            held(job, 0, IDataMarket.State.Refunded);
            burnt(25 + i * 25 - 5);
            vm.revertToState(here);
        }
    }

    function test_seats_whose_digest_nobody_names_pay_a_fine() public {
        uint256 job = sealedJob(2, RIGHT);
        refund(job);
        gained(buyer, 0, 0);
        gained(owner, 0, 0);
        gained(providers[0], 0, -25);
        gained(providers[1], 0, -25);
        epsilon(0, 0);
        held(job, 0, IDataMarket.State.Refunded);
        burnt(50);
    }

    function test_a_jury_without_two_thirds_costs_its_silent_seats_a_fine() public {
        uint256 job = disputedJob(1);
        for (uint8 i = 0; i < 6; ++i) {
            commit(job, i, i < 4 ? RIGHT : WRONG, TRACE);
        }
        refund(job);
        gained(buyer, 0, 0);
        gained(owner, 0, 0);
        gained(challenger, 0, 0);
        gained(providers[0], 0, 0);
        gained(providers[1], 0, -20);
        gained(providers[4], 0, 0);
        epsilon(0, 0);
        held(job, 0, IDataMarket.State.Refunded);
        burnt(20);
    }

    function test_a_challenge_for_which_no_jury_comes_pays_round_one_and_burns_the_rest_of_a_fine() public {
        for (uint256 i = 0; i < 2; ++i) {
            uint256 here = vm.snapshotState();
            uint256 job = proposedJob(2, RIGHT);
            challenge(job, WRONG);
            if (i == 1) {
                draw(job);
                sit(job, providers[4], 0);
            }
            refund(job);
            gained(buyer, 0, 0);
            gained(owner, 0, 0);
            gained(challenger, -25, 0);
            gained(providers[0], 5, 0);
            gained(providers[1], 5, 0);
            gained(providers[4], 0, 0);
            epsilon(0, 0);
            held(job, 0, IDataMarket.State.Refunded);
            burnt(25 - 10);
            vm.revertToState(here);
        }
    }

    function test_seats_that_disagree_and_for_which_no_jury_comes_get_nothing_and_lose_nothing() public {
        uint256 job = fullJob(2);
        commit(job, 0, RIGHT, 0);
        commit(job, 1, WRONG, 0);
        settle(job, RIGHT);
        refund(job);
        nobodyLost(job);
    }

    function test_a_job_released_before_its_dispute_fails_leaves_price_guarantee_and_budget_where_they_went() public {
        uint256 job = proposedJob(1, RIGHT);
        release(job);
        challenge(job, WRONG);
        refund(job);
        gained(buyer, -40, 0);
        gained(owner, 0, 0);
        gained(payee, 40, 0);
        gained(challenger, -20, 0);
        gained(providers[0], 5, 0);
        epsilon(0, EPSILON);
        held(job, 0, IDataMarket.State.Released);
        burnt(20 - 5);
    }
}
