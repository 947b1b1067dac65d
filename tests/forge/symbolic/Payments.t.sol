// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";

import {Proof} from "./Proof.sol";

/// @title What a job pays: first for every price and guarantee below 2^64 at a floor of 200 and R of 500 units, then
/// for every floor and R below 2^16 at one price
/// @dev In two steps, because the solver takes minutes for products and quotients of all four at once.
contract PaymentsProof is Proof {
    function setUp() public {
        deploy();
    }

    function priced(uint96 price, uint96 guarantee) internal view returns (IDataMarket.Offer memory offer_) {
        offer_ = offer();
        (offer_.price, offer_.guarantee) = (price, guarantee);
    }

    function rewarded(uint8 seats, uint96 floor, uint96 reward) internal pure returns (IDataMarket.Terms memory) {
        vm.assume(floor <= reward && reward != 0);
        return terms(seats, floor, reward);
    }

    /// @notice Unchallenged (M4): the seats get their reward, the buyer the rest of the rewards, nobody anything else,
    /// price and guarantee stay held. One seat, full within the contest.
    function check_an_unchallenged_job_pays_each_seat_and_the_rest_to_the_buyer(uint64 price, uint64 guarantee) public {
        _an_unchallenged_job_pays_each_seat_and_the_rest_to_the_buyer(price, guarantee, 200, 500);
    }

    /// @notice The same for every floor and reward below 2^16, with a price of 40 and a guarantee of 10.
    function check_nightly_rewards_an_unchallenged_job_pays_each_seat_and_the_rest_to_the_buyer(
        uint16 floor,
        uint16 reward
    ) public {
        _an_unchallenged_job_pays_each_seat_and_the_rest_to_the_buyer(40, 10, floor, reward);
    }

    function _an_unchallenged_job_pays_each_seat_and_the_rest_to_the_buyer(
        uint96 price,
        uint96 guarantee,
        uint96 floor,
        uint96 reward
    ) private {
        uint256 job = proposedJob(priced(price, guarantee), rewarded(1, floor, reward));
        clock(block.timestamp + COMPUTE, block.number + 300);
        uint256 before = total(job);
        uint256[3] memory wealths = [wealth(buyer), wealth(providers[0]), wealth(owner)];
        market.finalize(job);
        assert(wealth(providers[0]) == wealths[1] + floor);
        assert(wealth(buyer) == wealths[0] + uint256(reward) - floor);
        assert(wealth(owner) == wealths[2]);
        assert(stake.ledgerOf(job).held == uint256(price) + guarantee);
        assert(stake.burnt() == 0);
        assert(total(job) == before);
    }

    /// @notice Decided (M5): the right seats of both rounds and nobody else are paid, the challenger who sealed
    /// another digest and the wrong and silent seats of round two lose what the table says, R at least is burnt, and
    /// all sums match. One seat in round one, seven in round two: five right, one wrong, one silent.
    function check_nightly_a_decision_pays_the_right_and_takes_from_the_wrong(uint64 price, uint64 guarantee) public {
        _a_decision_pays_the_right_and_takes_from_the_wrong(price, guarantee, 200, 500);
    }

    /// @notice The same for every floor and reward below 2^16, with a price of 40 and a guarantee of 10.
    function check_nightly_rewards_a_decision_pays_the_right_and_takes_from_the_wrong(uint16 floor, uint16 reward)
        public
    {
        _a_decision_pays_the_right_and_takes_from_the_wrong(40, 10, floor, reward);
    }

    function _a_decision_pays_the_right_and_takes_from_the_wrong(
        uint96 price,
        uint96 guarantee,
        uint96 floor,
        uint96 reward
    ) private {
        uint256 job = disputedJob(priced(price, guarantee), rewarded(1, floor, reward));
        for (uint8 i = 0; i < 6; ++i) {
            commit(job, 2, i, i < 5 ? RIGHT : WRONG, TRACE);
        }
        clock(block.timestamp + COMPUTE, block.number + 300);
        uint256 before = total(job);
        uint256[5] memory wealths =
            [wealth(buyer), wealth(providers[0]), wealth(providers[1]), wealth(providers[2]), wealth(challenger)];
        market.decide(job, RIGHT, TRACE);
        uint256 bond = 12 * uint256(reward);
        // Seats 0 and 3 of round two, and the only one of round one; the silent one is seat 6.
        assert(wealth(providers[0]) + bond / 3 == wealths[1] + floor + 2 * uint256(reward));
        assert(wealth(providers[1]) == wealths[2] + 2 * uint256(reward));
        assert(wealth(providers[2]) + bond == wealths[3] + reward);
        assert(wealth(buyer) == wealths[0] + reward - floor);
        assert(wealth(challenger) == wealths[4]);
        assert(stake.burnt() >= reward);
        assert(stake.ledgerOf(job).held == uint256(price) + guarantee);
        assert(total(job) == before);
    }

    /// @notice Undecided (M6): the buyer gets its escrow, the owner its guarantee, the challenger its bond, and only
    /// the silent seats of a full round two are fined, which is burnt. One seat; all seven of round two are silent.
    function check_nightly_an_undecided_job_returns_all_but_the_fines(uint64 price, uint64 guarantee) public {
        _an_undecided_job_returns_all_but_the_fines(price, guarantee, 200, 500);
    }

    /// @notice The same for every floor and reward below 2^16, with a price of 40 and a guarantee of 10.
    function check_nightly_rewards_an_undecided_job_returns_all_but_the_fines(uint16 floor, uint16 reward) public {
        _an_undecided_job_returns_all_but_the_fines(40, 10, floor, reward);
    }

    function _an_undecided_job_returns_all_but_the_fines(uint96 price, uint96 guarantee, uint96 floor, uint96 reward)
        private
    {
        IDataMarket.Offer memory offer_ = priced(price, guarantee);
        IDataMarket.Terms memory terms_ = rewarded(1, floor, reward);
        uint256[3] memory wealths = [wealth(buyer), wealth(owner), wealth(challenger)];
        uint256 job = disputedJob(offer_, terms_);
        uint256 before = total(job);
        clock(block.timestamp + COMPUTE + NAMING, block.number + 2_000);
        vm.prank(stranger);
        market.refund(job);
        assert(wealth(buyer) == wealths[0]);
        assert(wealth(owner) == wealths[1]);
        assert(wealth(challenger) == wealths[2]);
        assert(stake.burnt() == 7 * 4 * uint256(reward));
        assert(stake.ledgerOf(job).held == 0);
        assert(total(job) == before);
    }

    /// @notice Lapsed or declined (M8): the buyer gets the price and, of the guarantee, at most what it spent on
    /// rewards; the owner the rest of it. One seat; both ways to end.
    function check_nightly_a_job_without_release_costs_the_owner_at_most_the_rewards(
        uint64 price,
        uint64 guarantee,
        bool declined
    ) public {
        _a_job_without_release_costs_the_owner_at_most_the_rewards(price, guarantee, 200, 500, declined);
    }

    /// @notice The same for every floor and reward below 2^16, with a price of 40 and a guarantee of 10.
    function check_nightly_rewards_a_job_without_release_costs_the_owner_at_most_the_rewards(
        uint16 floor,
        uint16 reward,
        bool declined
    ) public {
        _a_job_without_release_costs_the_owner_at_most_the_rewards(40, 10, floor, reward, declined);
    }

    function _a_job_without_release_costs_the_owner_at_most_the_rewards(
        uint96 price,
        uint96 guarantee,
        uint96 floor,
        uint96 reward,
        bool declined
    ) private {
        IDataMarket.Offer memory offer_ = priced(price, guarantee);
        IDataMarket.Terms memory terms_ = rewarded(1, floor, reward);
        uint256[2] memory wealths = [wealth(buyer), wealth(owner)];
        uint256 job = settledJob(offer_, terms_);
        uint256 before = total(job);
        if (!declined) {
            clock(block.timestamp + RELEASE, block.number + 7_200);
            vm.prank(stranger);
        }
        market.refund(job);
        uint256 made = floor < guarantee ? floor : guarantee;
        assert(wealth(buyer) + floor == wealths[0] + made);
        assert(wealth(owner) == wealths[1] - made);
        assert(stake.ledgerOf(job).held == 0);
        assert(stake.burnt() == 0);
        assert(total(job) == before);
    }

    /// @notice Never filled (M1): everybody has what it had before. One seat, drawn, nobody sat; any time from the end.
    function check_an_unfilled_job_returns_everything(uint64 price, uint64 guarantee, uint32 later) public {
        _an_unfilled_job_returns_everything(price, guarantee, 200, 500, later);
    }

    /// @notice The same for every floor and reward below 2^16, with a price of 40 and a guarantee of 10.
    function check_nightly_rewards_an_unfilled_job_returns_everything(uint16 floor, uint16 reward, uint32 later)
        public
    {
        _an_unfilled_job_returns_everything(40, 10, floor, reward, later);
    }

    function _an_unfilled_job_returns_everything(
        uint96 price,
        uint96 guarantee,
        uint96 floor,
        uint96 reward,
        uint32 later
    ) private {
        IDataMarket.Offer memory offer_ = priced(price, guarantee);
        IDataMarket.Terms memory terms_ = rewarded(1, floor, reward);
        uint256[2] memory wealths = [wealth(buyer), wealth(owner)];
        uint256 job = open(offer_, terms_);
        draw(job);
        clock(block.timestamp + 2 * FILL + later, block.number + 100);
        vm.prank(stranger);
        (bool ok,) = address(market).call(abi.encodeCall(market.refund, (job)));
        assert(ok);
        assert(wealth(buyer) == wealths[0]);
        assert(wealth(owner) == wealths[1]);
        assert(stake.ledgerOf(job).held == 0);
    }

    /// @notice Released (M7): the price goes to the payee of the offer and the guarantee back to the owner, whole.
    /// One seat; early, while the challenge window runs, or after the settlement.
    function check_nightly_a_release_pays_the_payee_the_signed_price(uint64 price, uint64 guarantee, bool early)
        public
    {
        _a_release_pays_the_payee_the_signed_price(price, guarantee, 200, 500, early);
    }

    /// @notice The same for every floor and reward below 2^16, with a price of 40 and a guarantee of 10.
    function check_nightly_rewards_a_release_pays_the_payee_the_signed_price(uint16 floor, uint16 reward, bool early)
        public
    {
        _a_release_pays_the_payee_the_signed_price(40, 10, floor, reward, early);
    }

    function _a_release_pays_the_payee_the_signed_price(
        uint96 price,
        uint96 guarantee,
        uint96 floor,
        uint96 reward,
        bool early
    ) private {
        IDataMarket.Offer memory offer_ = priced(price, guarantee);
        IDataMarket.Terms memory terms_ = rewarded(1, floor, reward);
        uint256[2] memory wealths = [wealth(payee), wealth(owner)];
        uint256 job = early ? proposedJob(offer_, terms_) : settledJob(offer_, terms_);
        uint256 before = total(job);
        market.release(job, bytes32(uint256(1)), "");
        assert(wealth(payee) == wealths[0] + price);
        assert(wealth(owner) == wealths[1]);
        assert(total(job) == before);
        assert(stake.ledgerOf(job).held == (early ? reward : 0));
    }
}
