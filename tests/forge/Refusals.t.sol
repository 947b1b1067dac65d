// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";

import {Market} from "./Market.sol";

/// @title Each refusal with its exact words, on both sides of its limit
contract RefusalsTest is Market {
    function setUp() public {
        deploy();
    }

    function refuse(bytes memory reason, address who, address where, bytes memory call) private {
        vm.prank(who);
        (bool ok, bytes memory answer) = where.call(call);
        vm.assertFalse(ok, "refused");
        vm.assertEq(answer, reason, "with these words");
    }

    function refuseRound(bytes memory reason, address who, bytes memory call) private {
        refuse(reason, who, address(stake), call);
    }

    function refuseJob(bytes memory reason, address who, bytes memory call) private {
        refuse(reason, who, address(market), call);
    }

    function drawCall(uint256 job) private view returns (bytes memory) {
        return abi.encodeCall(stake.draw, (job));
    }

    function sitCall(uint256 job, uint256 unit) private view returns (bytes memory) {
        return abi.encodeCall(stake.takeSeat, (job, unit));
    }

    function commitCall(uint256 job, uint8 seat) private view returns (bytes memory) {
        return abi.encodeCall(stake.commit, (job, seat, RIGHT));
    }

    function redrawCall(uint256 job) private view returns (bytes memory) {
        return abi.encodeCall(stake.redraw, (job));
    }

    // ------------------------------------------------------------------------------------------------- rounds

    function test_a_job_without_a_round_is_neither_drawn_nor_sat_in_nor_sealed_nor_redrawn() public {
        bytes memory reason = abi.encodeWithSelector(IProviderStake.RoundNotOpen.selector, 9);
        refuseRound(reason, stranger, drawCall(9));
        refuseRound(reason, providers[0], sitCall(9, 0));
        refuseRound(reason, providers[0], commitCall(9, 0));
        refuseRound(reason, stranger, redrawCall(9));
    }

    function test_a_round_is_drawn_once_from_its_second_block_until_the_fill_window_ends() public {
        uint256 job = open(1);
        uint256 from = height + 2;
        for (uint256 i = 0; i < 2; ++i) {
            refuseRound(
                abi.encodeWithSelector(IProviderStake.DrawTooEarly.selector, from, height), stranger, drawCall(job)
            );
            pass(12);
        }
        uint256 until = time - 24 + FILL;
        setTime(until);
        refuseRound(abi.encodeWithSelector(IProviderStake.DrawOver.selector, until, until), stranger, drawCall(job));
        setTime(until - 1);
        refuseRound(abi.encodeWithSelector(IProviderStake.NotDrawn.selector), providers[0], sitCall(job, 0));
        vm.prank(stranger);
        stake.draw(job);
        refuseRound(abi.encodeWithSelector(IProviderStake.AlreadyDrawn.selector), stranger, drawCall(job));
        vm.assertEq(stake.roundOf(job, 1).contestEnd, until - 1 + FILL, "the contest ends one fill window later");
    }

    function test_an_empty_seat_is_taken_until_two_fill_windows_are_over() public {
        uint256 job = drawnJob(1);
        uint256 until = time + 2 * FILL;
        setTime(until);
        refuseRound(
            abi.encodeWithSelector(IProviderStake.SeatsOver.selector, until, until), providers[0], sitCall(job, 0)
        );
        setTime(until - 1);
        sit(job, providers[0], 0);
        IProviderStake.Round memory round = stake.roundOf(job, 1);
        vm.assertEq(round.commitBy, until - 1 + COMPUTE, "commits are open for one compute window");
        vm.assertEq(round.late, FILL - 1, "the lateness");
    }

    function test_stake_of_the_opening_second_does_not_sit_and_that_of_the_second_before_does() public {
        fund(stranger, 20_000 * ONE);
        vm.prank(stranger);
        stake.stake(1_000 * ONE);
        uint256 young = open(1);
        uint256 since = time;
        setTime(time + 1);
        uint256 old = open(1);
        draw(old);
        vm.prank(stranger);
        stake.draw(young);
        refuseRound(
            abi.encodeWithSelector(IProviderStake.StakeTooYoung.selector, since, since), stranger, sitCall(young, 0)
        );
        sit(old, stranger, 0);
    }

    function test_only_whole_staked_units_have_tickets() public {
        uint256 job = drawnJob(1);
        refuseRound(
            abi.encodeWithSelector(IProviderStake.UnitNotStaked.selector, 100, 100), providers[0], sitCall(job, 100)
        );
        sit(job, providers[0], 99);
    }

    function test_stake_that_is_bonded_bonds_nothing_else() public {
        uint256 job = drawnJob(2);
        uint96 bond = bondOf(2, REWARD);
        vm.prank(providers[0]);
        stake.unstake(10_000 * ONE - 2 * bond + 1);
        sit(job, providers[0], 0);
        refuseRound(
            abi.encodeWithSelector(IProviderStake.FreeStakeTooLow.selector, bond - 1, bond),
            providers[0],
            sitCall(job, 0)
        );
        refuseRound(
            abi.encodeWithSelector(IProviderStake.FreeStakeTooLow.selector, bond - 1, bond),
            providers[0],
            abi.encodeCall(stake.unstake, (bond))
        );
        vm.prank(providers[0]);
        stake.unstake(bond - 1);
    }

    function test_a_ticket_sits_once_and_a_higher_one_displaces_nobody() public {
        uint256 job = drawnJob(1);
        bytes32 seed = stake.roundOf(job, 1).seed;
        (uint256 low, uint256 high) = (0, 1);
        (uint96 lowest, uint96 highest) =
            (stake.ticketOf(seed, providers[0], low), stake.ticketOf(seed, providers[0], high));
        if (lowest > highest) (low, high, lowest, highest) = (high, low, highest, lowest);
        sit(job, providers[0], low);
        refuseRound(abi.encodeWithSelector(IProviderStake.AlreadySeated.selector, 0), providers[0], sitCall(job, low));
        refuseRound(
            abi.encodeWithSelector(IProviderStake.TicketTooHigh.selector, highest, lowest),
            providers[0],
            sitCall(job, high)
        );
        pass(FILL);
        refuseRound(abi.encodeWithSelector(IProviderStake.RoundFull.selector), providers[0], sitCall(job, high));
    }

    function test_the_lower_ticket_gets_the_seat_and_the_displaced_bond_returns() public {
        uint256 job = drawnJob(1);
        bytes32 seed = stake.roundOf(job, 1).seed;
        (address first, address second) = (providers[0], providers[1]);
        if (stake.ticketOf(seed, first, 0) < stake.ticketOf(seed, second, 0)) (first, second) = (second, first);
        sit(job, first, 0);
        vm.assertEq(stake.accountOf(first).locked, bondOf(1, REWARD), "bonded");
        sit(job, second, 0);
        vm.assertEq(stake.accountOf(first).locked, 0, "free again");
        vm.assertEq(stake.accountOf(second).locked, bondOf(1, REWARD), "bonded instead");
        vm.assertEq(stake.seatsOf(job, 1)[0].provider, second, "seated");
    }

    function test_a_seat_is_sealed_once_by_its_provider_while_commits_are_open() public {
        uint256 job = drawnJob(2);
        uint256 opens = time + FILL;
        refuseRound(abi.encodeWithSelector(IProviderStake.NotFull.selector), providers[0], commitCall(job, 0));
        refuseRound(abi.encodeWithSelector(IProviderStake.NotFull.selector), stranger, redrawCall(job));
        sit(job, providers[0], 0);
        sit(job, providers[1], 0);
        setTime(opens - 1);
        refuseRound(
            abi.encodeWithSelector(IProviderStake.CommitTooEarly.selector, opens, opens - 1),
            providers[0],
            commitCall(job, 0)
        );
        setTime(opens);
        refuseRound(
            abi.encodeWithSelector(IProviderStake.NotYourSeat.selector, 2, address(0)), providers[0], commitCall(job, 2)
        );
        refuseRound(
            abi.encodeWithSelector(IProviderStake.NotYourSeat.selector, 0, providers[0]),
            providers[1],
            commitCall(job, 0)
        );
        commit(job, 0, RIGHT, 0);
        refuseRound(abi.encodeWithSelector(IProviderStake.AlreadySealed.selector, 0), providers[0], commitCall(job, 0));
        setTime(opens + COMPUTE);
        refuseRound(
            abi.encodeWithSelector(IProviderStake.CommitOver.selector, opens + COMPUTE, opens + COMPUTE),
            providers[1],
            commitCall(job, 1)
        );
        setTime(opens + COMPUTE - 1);
        commit(job, 1, RIGHT, 0);
        refuseRound(abi.encodeWithSelector(IProviderStake.AllSealed.selector), stranger, redrawCall(job));
    }

    function test_the_seat_after_the_last_of_the_largest_round_is_nobodys() public {
        uint256 job = disputedJob(5);
        bytes memory reason = abi.encodeWithSelector(IProviderStake.NotYourSeat.selector, 15, address(0));
        refuseRound(reason, providers[0], commitCall(job, 15));
    }

    function test_silent_seats_are_redrawn_once_within_one_fill_window() public {
        uint256 job = fullJob(2);
        commit(job, 1, RIGHT, 0);
        uint256 from = stake.roundOf(job, 1).commitBy;
        setTime(from - 1);
        refuseRound(
            abi.encodeWithSelector(IProviderStake.RedrawTooEarly.selector, from, from - 1), stranger, redrawCall(job)
        );
        setTime(from + FILL);
        refuseRound(
            abi.encodeWithSelector(IProviderStake.RedrawOver.selector, from + FILL, from + FILL),
            stranger,
            redrawCall(job)
        );
        setTime(from + FILL - 1);
        vm.prank(stranger);
        stake.redraw(job);
        vm.assertEq(stake.accountOf(providers[0]).staked, 10_000 * ONE - bondOf(2, REWARD) / 3, "fined");
        vm.assertEq(stake.accountOf(providers[0]).locked, 0, "the bond returned");
        sit(job, providers[2], 0);
        pass(FILL + COMPUTE);
        refuseRound(abi.encodeWithSelector(IProviderStake.AlreadyRedrawn.selector), stranger, redrawCall(job));
    }

    /// @dev Of a provider's first hundred units, the one with the lowest or highest ticket.
    function unitOf(address who, bytes32 seed, bool lowest) private view returns (uint256 best) {
        for (uint256 unit = 1; unit < 100; ++unit) {
            bool below = stake.ticketOf(seed, who, unit) < stake.ticketOf(seed, who, best);
            if (below == lowest) best = unit;
        }
    }

    function test_a_sealed_seat_is_not_displaced_in_the_contest_of_a_redraw() public {
        for (uint8 kept = 0; kept < 2; ++kept) {
            uint256 job = drawnJob(2);
            bytes32 seed = stake.roundOf(job, 1).seed;
            for (uint256 i = 0; i < 2; ++i) {
                sit(job, providers[i], unitOf(providers[i], seed, i != kept));
            }
            pass(FILL);
            commit(job, kept, RIGHT, 0);
            pass(COMPUTE);
            vm.prank(stranger);
            stake.redraw(job);
            seed = stake.roundOf(job, 1).seed;
            uint256 low = unitOf(providers[2], seed, true);
            uint96 ticket = stake.ticketOf(seed, providers[2], low);
            sit(job, providers[2], low);
            uint256 high = unitOf(providers[3], seed, false);
            uint96 above = stake.ticketOf(seed, providers[3], high);
            bytes memory reason = abi.encodeWithSelector(IProviderStake.TicketTooHigh.selector, above, ticket);
            refuseRound(reason, providers[3], sitCall(job, high));
            vm.assertGt(stake.seatsOf(job, 1)[kept].ticket, ticket, "the sealed seat has the highest ticket");
            vm.assertEq(stake.seatsOf(job, 1)[kept].provider, providers[kept], "and stays");
        }
    }

    // ------------------------------------------------------------------------------------------------- jobs

    function test_a_digest_is_named_when_all_are_sealed_until_the_naming_ends() public {
        uint256 job = fullJob(2);
        bytes memory call = abi.encodeCall(market.settle, (job, RIGHT));
        commit(job, 0, RIGHT, 0);
        refuseJob(abi.encodeWithSelector(IDataMarket.SealsIncomplete.selector), stranger, call);
        commit(job, 1, RIGHT, 0);
        uint256 until = stake.roundOf(job, 1).commitBy + NAMING;
        refuseJob(
            abi.encodeWithSelector(IDataMarket.NothingOpens.selector, WRONG),
            stranger,
            abi.encodeCall(market.settle, (job, WRONG))
        );
        setTime(until);
        refuseJob(abi.encodeWithSelector(IDataMarket.NamingOver.selector, until, until), stranger, call);
        setTime(until - 1);
        refuseJob(
            abi.encodeWithSelector(IDataMarket.RefundTooEarly.selector, until, until - 1),
            stranger,
            abi.encodeCall(market.refund, (job))
        );
        settle(job, RIGHT);
        refuseJob(
            abi.encodeWithSelector(IDataMarket.WrongState.selector, IDataMarket.State.Proposed),
            stranger,
            abi.encodeCall(market.refund, (job))
        );
    }

    function test_a_proposal_is_challenged_before_and_finalized_from_the_end_of_its_window() public {
        uint256 job = proposedJob(1, RIGHT);
        uint256 until = time + COMPUTE;
        setTime(until - 1);
        refuseJob(
            abi.encodeWithSelector(IDataMarket.FinalizeTooEarly.selector, until, until - 1),
            stranger,
            abi.encodeCall(market.finalize, (job))
        );
        refuseJob(
            abi.encodeWithSelector(IDataMarket.ChallengeSealZero.selector),
            challenger,
            abi.encodeCall(market.challenge, (job, 0, noPermit))
        );
        setTime(until);
        refuseJob(
            abi.encodeWithSelector(IDataMarket.ChallengeOver.selector, until, until),
            challenger,
            abi.encodeCall(market.challenge, (job, RIGHT, noPermit))
        );
    }

    function test_a_dispute_is_decided_by_two_thirds_after_the_commits_and_before_the_naming_ends() public {
        uint256 job = proposedJob(1, WRONG);
        challenge(job, RIGHT);
        bytes memory call = abi.encodeCall(market.decide, (job, RIGHT, TRACE));
        refuseJob(abi.encodeWithSelector(IDataMarket.RoundTwoNotFull.selector), stranger, call);
        draw(job);
        fill(job);
        for (uint8 i = 0; i < 4; ++i) {
            commit(job, i, RIGHT, TRACE);
        }
        uint256 commitBy = stake.roundOf(job, 2).commitBy;
        setTime(commitBy - 1);
        refuseJob(abi.encodeWithSelector(IDataMarket.CommitsOpen.selector, commitBy, commitBy - 1), stranger, call);
        setTime(commitBy);
        refuseJob(abi.encodeWithSelector(IDataMarket.TooFewOpen.selector, 4, 5), stranger, call);
        setTime(commitBy - 1);
        commit(job, 4, RIGHT, TRACE);
        setTime(commitBy + NAMING);
        refuseJob(
            abi.encodeWithSelector(IDataMarket.NamingOver.selector, commitBy + NAMING, commitBy + NAMING),
            stranger,
            call
        );
        setTime(commitBy + NAMING - 1);
        decide(job, RIGHT, TRACE);
    }

    function test_a_release_is_the_owners_once_and_in_time() public {
        uint256 job = settledJob(1);
        uint256 until = time + RELEASE;
        bytes memory call = abi.encodeCall(market.release, (job, RIGHT, ""));
        refuseJob(abi.encodeWithSelector(IDataMarket.CallerNotOwner.selector, buyer, owner), buyer, call);
        setTime(until);
        refuseJob(abi.encodeWithSelector(IDataMarket.ReleaseOver.selector, until, until), owner, call);
        setTime(until - 1);
        refuseJob(
            abi.encodeWithSelector(IDataMarket.RefundTooEarly.selector, until, until - 1),
            stranger,
            abi.encodeCall(market.refund, (job))
        );
        release(job);
        refuseJob(
            abi.encodeWithSelector(IDataMarket.WrongState.selector, IDataMarket.State.Released), owner, call
        );
        uint256 early = proposedJob(1, RIGHT);
        release(early);
        refuseJob(
            abi.encodeWithSelector(IDataMarket.AlreadyReleased.selector),
            owner,
            abi.encodeCall(market.release, (early, RIGHT, ""))
        );
    }

    function test_an_owner_declines_until_the_contest_of_a_full_round_is_over() public {
        uint256 job = drawnJob(1);
        uint256 contestEnd = time + FILL;
        sit(job, providers[0], 0);
        bytes memory call = abi.encodeCall(market.refund, (job));
        uint256 from = contestEnd + COMPUTE + FILL;
        setTime(contestEnd);
        refuseJob(abi.encodeWithSelector(IDataMarket.RefundTooEarly.selector, from, contestEnd), owner, call);
        setTime(contestEnd - 1);
        refuseJob(abi.encodeWithSelector(IDataMarket.RefundTooEarly.selector, from, contestEnd - 1), stranger, call);
        vm.prank(owner);
        market.refund(job);
        vm.assertTrue(market.jobOf(job).job.state == IDataMarket.State.Refunded, "declined");
    }

    // ------------------------------------------------------------------------------------------------- offers

    function refuseOffer(bytes memory reason, IDataMarket.Offer memory o, IDataMarket.Terms memory t) private {
        refuseJob(reason, buyer, abi.encodeCall(market.openJob, (o, sign(o), t, noPermit)));
    }

    function takes(IDataMarket.Offer memory o, IDataMarket.Terms memory t) private {
        openAs(buyer, o, t);
    }

    function test_an_offer_opens_jobs_until_it_expires_is_used_up_or_its_dataset_changes() public {
        IDataMarket.Offer memory o = offer();
        o.expiry = uint40(time);
        refuseOffer(abi.encodeWithSelector(IDataMarket.OfferExpired.selector, time, time), o, terms(1));
        o.expiry = uint40(time + 1);
        o.maxUses = 1;
        takes(o, terms(1));
        refuseOffer(
            abi.encodeWithSelector(IDataMarket.OfferUsedUp.selector, market.offerDigestOf(o)), o, terms(1)
        );
        o = offer();
        o.buyer = stranger;
        refuseOffer(abi.encodeWithSelector(IDataMarket.OfferNotForYou.selector, stranger), o, terms(1));
        o = offer();
        o.manifest = RIGHT;
        refuseOffer(abi.encodeWithSelector(IDataMarket.ManifestChanged.selector, MANIFEST), o, terms(1));
        o = offer();
        o.epoch = 1;
        refuseOffer(abi.encodeWithSelector(IDataMarket.EpochOver.selector, 0), o, terms(1));
        o = offer();
        vm.prank(owner);
        market.cancelOffer(o);
        refuseOffer(
            abi.encodeWithSelector(IDataMarket.OfferRevoked.selector, market.offerDigestOf(o)), o, terms(1)
        );
        o.salt = RIGHT;
        takes(o, terms(1));
        vm.prank(owner);
        market.delist(1);
        refuseOffer(abi.encodeWithSelector(IDataMarket.Delisted.selector, 1), o, terms(1));
    }

    function refuseSignature(bytes memory signature) private {
        bytes memory reason = abi.encodeWithSelector(IDataMarket.SignatureInvalid.selector, owner);
        refuseJob(reason, buyer, abi.encodeCall(market.openJob, (offer(), signature, terms(1), noPermit)));
    }

    function test_an_offer_is_signed_by_its_owner_in_one_way() public {
        bytes32 digest = market.offerDigestOf(offer());
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY + 1, digest);
        refuseSignature(abi.encodePacked(r, s, v));
        (v, r, s) = vm.sign(OWNER_KEY, digest);
        // The order of the curve less s: the same point, and as good a signature to a careless reader.
        uint256 high = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141 - uint256(s);
        refuseSignature(abi.encodePacked(r, high, v == 27 ? uint8(28) : uint8(27)));
        refuseSignature(abi.encodePacked(r, uint256(s) | (uint256(v - 27) << 255)));
        refuseSignature(abi.encodePacked(r, s, v, uint8(0)));
        takes(offer(), terms(1));
    }

    function test_terms_keep_the_seats_and_rewards_of_offer_and_market() public {
        IDataMarket.Offer memory o = offer();
        o.minSeats = 2;
        refuseOffer(abi.encodeWithSelector(IDataMarket.SeatsOutOfBounds.selector, 1, 2, 5), o, terms(1));
        refuseOffer(abi.encodeWithSelector(IDataMarket.SeatsOutOfBounds.selector, 6, 2, 5), o, terms(6));
        takes(o, terms(2));
        takes(o, terms(5));
        IDataMarket.Terms memory t = terms(2);
        t.floor = FLOOR - 1;
        refuseOffer(abi.encodeWithSelector(IDataMarket.RewardOutOfBounds.selector, t.floor, t.reward), o, t);
        t = terms(2);
        t.reward = REWARD + 1;
        refuseOffer(abi.encodeWithSelector(IDataMarket.RewardOutOfBounds.selector, t.floor, t.reward), o, t);
        t = terms(2);
        (t.floor, t.reward) = (FLOOR + 1, FLOOR);
        refuseOffer(abi.encodeWithSelector(IDataMarket.RewardOutOfBounds.selector, t.floor, t.reward), o, t);
        t.floor = FLOOR;
        takes(o, t);
        (o.minReward, o.maxReward) = (0, type(uint96).max);
        (t.floor, t.reward) = (0, 0);
        refuseOffer(abi.encodeWithSelector(IDataMarket.RewardOutOfBounds.selector, 0, 0), o, t);
        t.reward = 1;
        takes(o, t);
        t.reward = type(uint96).max / 24 + 1;
        refuseOffer(abi.encodeWithSelector(IDataMarket.RewardOutOfBounds.selector, 0, t.reward), o, t);
        (o.minSeats, t.seats) = (1, 1);
        --t.reward;
        token.mint(buyer, t.reward);
        takes(o, t);
    }

    function test_terms_keep_the_windows_of_offer_and_market_on_both_ends() public {
        IDataMarket.Offer memory o = offer();
        (o.minFill, o.minCompute) = (0, 0);
        for (uint256 i = 0; i < 6; ++i) {
            IDataMarket.Terms memory t = terms(1);
            bytes4 reason = i < 2
                ? IDataMarket.FillOutOfBounds.selector
                : i < 4 ? IDataMarket.ComputeOutOfBounds.selector : IDataMarket.ReleaseOutOfBounds.selector;
            (uint24 least, uint24 most) = i < 2
                ? (uint24(5 minutes), uint24(1 days))
                : i < 4 ? (uint24(10 minutes), uint24(7 days)) : (uint24(1 days), uint24(30 days));
            uint24 bad = i % 2 == 0 ? least - 1 : most + 1;
            uint24 good = i % 2 == 0 ? least : most;
            set(t, i, bad);
            refuseOffer(abi.encodeWithSelector(reason, bad, least, most), o, t);
            set(t, i, good);
            takes(o, t);
        }
    }

    function set(IDataMarket.Terms memory t, uint256 which, uint24 value) private pure {
        if (which < 2) t.fill = value;
        else if (which < 4) t.compute = value;
        else t.release = value;
    }

    function test_a_budget_is_spent_to_its_last_unit_and_not_beyond() public {
        IDataMarket.Offer memory o = offer();
        o.epsilon = EPSILON_BUDGET - EPSILON + 1;
        takes(offer(), terms(1));
        refuseOffer(
            abi.encodeWithSelector(IDataMarket.BudgetExceeded.selector, EPSILON_BUDGET - EPSILON, o.epsilon),
            o,
            terms(1)
        );
        o.epsilon = EPSILON_BUDGET - EPSILON;
        takes(o, terms(1));
        vm.assertEq(market.datasetOf(1).epsilon.reserved, EPSILON_BUDGET, "all of it");
        o.epsilon = 1;
        refuseOffer(abi.encodeWithSelector(IDataMarket.BudgetExceeded.selector, 0, 1), o, terms(1));
        o.epsilon = 0;
        takes(o, terms(1));
        vm.assertEq(market.datasetOf(1).exact.reserved, 1, "an exact release");
    }

    function test_what_is_spent_of_a_budget_is_gone() public {
        release(proposedJob(1, RIGHT));
        takes(offer(), terms(1));
        IDataMarket.Offer memory o = offer();
        uint64 left = EPSILON_BUDGET - 2 * EPSILON;
        o.epsilon = left + 1;
        refuseOffer(abi.encodeWithSelector(IDataMarket.BudgetExceeded.selector, left, o.epsilon), o, terms(1));
        o.epsilon = left;
        takes(o, terms(1));
    }

    function test_an_escrow_is_any_amount_that_the_ledger_can_count() public {
        IDataMarket.Offer memory o = offer();
        o.price = type(uint96).max;
        IDataMarket.Terms memory t = terms(1);
        refuseOffer(
            abi.encodeWithSelector(IDataMarket.EscrowTooLarge.selector, uint256(o.price) + t.reward), o, t
        );
        o.price -= t.reward;
        refuseOffer(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector, buyer, token.balanceOf(buyer), type(uint96).max - stake.accountOf(buyer).free
            ),
            o,
            t
        );
    }

    function test_the_ledger_takes_tokens_until_its_balance_is_the_largest_that_it_can_count() public {
        token.mint(address(stake), type(uint96).max - 1 - token.balanceOf(address(stake)));
        vm.prank(buyer);
        stake.deposit(1, noPermit);
        bytes memory reason = abi.encodeWithSelector(IProviderStake.SupplyTooLarge.selector, uint256(1) << 96);
        refuseRound(reason, buyer, abi.encodeCall(stake.deposit, (1, noPermit)));
    }

    function test_only_the_owner_of_a_dataset_changes_it() public {
        bytes memory reason = abi.encodeWithSelector(IDataMarket.CallerNotOwner.selector, stranger, owner);
        refuseJob(reason, stranger, abi.encodeCall(market.updateManifest, (1, RIGHT)));
        refuseJob(reason, stranger, abi.encodeCall(market.delist, (1)));
        refuseJob(reason, stranger, abi.encodeCall(market.publishOffers, (1, RIGHT)));
        refuseJob(reason, stranger, abi.encodeCall(market.cancelOffer, (offer())));
        refuseJob(reason, stranger, abi.encodeCall(market.cancelAllOffers, (1)));
        refuseJob(reason, stranger, abi.encodeCall(market.setRoyalty, (1, stranger, 1)));
        bytes memory high = abi.encodeWithSelector(IDataMarket.RoyaltyTooHigh.selector, 1_001, 1_000);
        refuseJob(high, owner, abi.encodeCall(market.setRoyalty, (1, stranger, 1_001)));
        bytes memory zero = abi.encodeWithSelector(IDataMarket.ManifestZero.selector);
        refuseJob(zero, owner, abi.encodeCall(market.updateManifest, (1, 0)));
        refuseJob(zero, owner, abi.encodeCall(market.listDataset, (0, 1, 1)));
        bytes memory none = abi.encodeWithSelector(bytes4(keccak256("ERC721NonexistentToken(uint256)")), 2);
        refuseJob(none, stranger, abi.encodeCall(market.requestOffer, (2, RIGHT)));
    }

    function test_a_job_without_a_guarantee_locks_nothing_of_its_owner_and_says_so() public {
        IDataMarket.Offer memory o = offer();
        o.guarantee = 0;
        vm.recordLogs();
        takes(o, terms(1));
        vm.assertEq(vm.getRecordedLogs().length, 2, "the escrow is locked, the job is open");
    }

    function test_paying_and_burning_nothing_is_silent() public {
        uint256 job = open(1);
        vm.recordLogs();
        vm.prank(address(market));
        stake.pay(job, buyer, 0);
        vm.prank(address(market));
        stake.divide(job, buyer, 0, owner, 0, PRICE + GUARANTEE + REWARD);
        vm.assertEq(vm.getRecordedLogs().length, 0, "events");
    }

    function test_only_the_market_moves_what_is_held_for_a_job() public {
        bytes memory reason = abi.encodeWithSelector(IProviderStake.CallerNotMarket.selector, stranger);
        IProviderStake.Closing memory closing;
        refuseRound(reason, stranger, abi.encodeCall(stake.pay, (1, stranger, 1)));
        refuseRound(reason, stranger, abi.encodeCall(stake.lock, (1, stranger, 1, noPermit)));
        refuseRound(reason, stranger, abi.encodeCall(stake.divide, (1, stranger, 1, stranger, 1, 0)));
        IProviderStake.Opening memory opening;
        refuseRound(reason, stranger, abi.encodeCall(stake.openRoundOne, (2, opening, noPermit)));
        refuseRound(reason, stranger, abi.encodeCall(stake.openRoundTwo, (1, 7)));
        refuseRound(reason, stranger, abi.encodeCall(stake.closeRound, (1, 1, RIGHT, 0, closing)));
    }
}
