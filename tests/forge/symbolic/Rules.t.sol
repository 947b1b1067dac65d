// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";
import {Seal} from "contracts/libraries/Seal.sol";

import {Proof} from "./Proof.sol";

/// @title What an offer, a seal and a settlement may do once, and who may do it
contract RulesProof is Proof {
    function setUp() public {
        deploy();
    }

    function did(address who, address where, bytes memory call) internal returns (bool ok) {
        vm.prank(who);
        (ok,) = where.call(call);
    }

    /// @notice Two equal seals are of the same market, job, round, seat, provider, digest and trace. Any values.
    function check_a_seal_binds_all_that_it_names(
        address[2] calldata markets,
        uint256[2] calldata jobs,
        uint8[2] calldata rounds,
        uint8[2] calldata seats,
        address[2] calldata people,
        bytes32[2] calldata digests,
        bytes32[2] calldata traces
    ) public view {
        bytes32 a = Seal.hash(markets[0], jobs[0], rounds[0], seats[0], people[0], digests[0], traces[0]);
        bytes32 b = Seal.hash(markets[1], jobs[1], rounds[1], seats[1], people[1], digests[1], traces[1]);
        if (a != b) return;
        assert(markets[0] == markets[1] && jobs[0] == jobs[1] && rounds[0] == rounds[1] && seats[0] == seats[1]);
        assert(people[0] == people[1] && digests[0] == digests[1] && traces[0] == traces[1]);
    }

    /// @notice Two offers with one digest ask for the same money and uses: what is signed cannot be changed.
    function check_the_digest_of_an_offer_binds_its_money(uint96[2] calldata prices, uint32[2] calldata uses)
        public
        view
    {
        IDataMarket.Offer memory offer_ = offer();
        (offer_.price, offer_.maxUses) = (prices[0], uses[0]);
        bytes32 a = market.offerDigestOf(offer_);
        (offer_.price, offer_.maxUses) = (prices[1], uses[1]);
        if (a == market.offerDigestOf(offer_)) assert(prices[0] == prices[1] && uses[0] == uses[1]);
    }

    /// @notice An offer opens as many jobs as it says, not one more. Any count of uses, three tries.
    function check_an_offer_opens_no_more_jobs_than_it_says(uint32 maxUses) public {
        IDataMarket.Offer memory offer_ = offer();
        (offer_.maxUses, offer_.epsilon) = (maxUses, 1);
        bytes memory call = abi.encodeCall(market.openJob, (offer_, "", terms(1, 2, 5), noPermit));
        for (uint256 i = 0; i < 3; ++i) {
            assert(did(buyer, address(market), call) == (i < maxUses));
        }
    }

    /// @notice A cancelled offer, and one of a former epoch, opens no job. Any caller, either way, any time below 2^32.
    function check_a_cancelled_offer_opens_nothing(address caller, bool all, uint32 later) public {
        if (all) market.cancelAllOffers(1);
        else market.cancelOffer(offer());
        clock(block.timestamp + later, block.number + 1);
        assert(!did(caller, address(market), abi.encodeCall(market.openJob, (offer(), "", terms(1, 2, 5), noPermit))));
    }

    /// @notice Reserved and spent never exceed the budget, whatever the jobs ask for and however the first one ends.
    /// Two jobs of any epsilon on one dataset of any budget; the first is declined or stays open.
    function check_reserved_and_spent_stay_within_the_budget(uint64 budget, uint64[2] calldata asked, bool declined)
        public
    {
        uint256 dataset = market.listDataset(MANIFEST, budget, 1);
        IDataMarket.Offer memory offer_ = offer();
        offer_.dataset = dataset;
        offer_.epsilon = asked[0];
        uint256 job = open(offer_, terms(1, 2, 5));
        if (declined) market.refund(job);
        offer_.epsilon = asked[1];
        open(offer_, terms(1, 2, 5));
        IDataMarket.Dataset memory listed = market.datasetOf(dataset);
        assert(uint256(listed.epsilon.reserved) + listed.epsilon.spent <= listed.epsilon.limit);
        assert(uint256(listed.exact.reserved) + listed.exact.spent <= listed.exact.limit);
        assert(listed.epsilon.limit == budget && listed.epsilon.spent == 0);
    }

    /// @notice Only the provider of a seat seals it, only once, and only while commits are open. Any caller, seat, seal
    /// and time below 2^32; two seats.
    function check_a_seal_is_written_once_by_its_seat_in_its_window(
        address caller,
        uint8 seat,
        bytes32 seal,
        uint32 later
    ) public {
        uint256 job = open(offer(), terms(2, 2, 5));
        draw(job);
        sit(job, 2);
        clock(block.timestamp + later, block.number + 1);
        // A concrete number for each way: the first, the second, and none.
        uint8 index = seat == 0 ? 0 : seat == 1 ? 1 : 2;
        if (!did(caller, address(stake), abi.encodeCall(stake.commit, (job, index, seal)))) return;
        assert(index < 2 && caller == providers[index] && seal != 0 && later >= FILL && later < FILL + COMPUTE);
        assert(!did(caller, address(stake), abi.encodeCall(stake.commit, (job, index, bytes32(uint256(1))))));
    }

    /// @notice A settled job is not proposed, challenged, finalized or decided again. Any caller, digest and time.
    function check_a_job_is_settled_once(address caller, bytes32 digest, uint32 later, uint8 call) public {
        uint256 job = settledJob(offer(), terms(1, 2, 5));
        clock(block.timestamp + later, block.number + 1);
        vm.assume(call < 4);
        bytes memory data = abi.encodeCall(market.finalize, (job));
        if (call == 1) data = abi.encodeCall(market.settle, (job, digest));
        if (call == 2) data = abi.encodeCall(market.challenge, (job, digest, noPermit));
        if (call == 3) data = abi.encodeCall(market.decide, (job, digest, digest));
        assert(!did(caller, address(market), data));
    }

    /// @notice Released or refunded, a job is neither released nor refunded again. Any caller and time.
    function check_a_job_is_released_or_refunded_once(address caller, uint32 later, bool released, bool again) public {
        uint256 job = settledJob(offer(), terms(1, 2, 5));
        if (released) market.release(job, bytes32(uint256(1)), "");
        else market.refund(job);
        clock(block.timestamp + later, block.number + 1);
        bytes memory data = abi.encodeCall(market.refund, (job));
        if (again) data = abi.encodeCall(market.release, (job, bytes32(uint256(1)), ""));
        assert(!did(caller, address(market), data));
    }

    /// @notice The bond pays round two, the bounty and the burnt reward. Any reward; one to five seats.
    function check_the_bond_covers_round_two_the_bounty_and_what_is_burnt(uint96 reward, uint8 seats) public {
        vm.assume(seats >= 1 && seats <= 5);
        for (uint8 n = 1; n <= 5; ++n) {
            if (seats != n) continue;
            uint256 job = open(offer(), terms(n, 0, reward));
            uint256 bond = stake.ledgerOf(job).bond;
            assert(bond == (2 * uint256(n) + 5) * reward + (uint256(n) + 3) * reward + reward);
        }
    }

    /// @notice However late the round is full, a seat is paid at least the floor and at most R. Any second of the fill
    /// window; a floor of 200 and R of 500 units.
    function check_the_reward_lies_between_floor_and_most(uint16 late) public {
        uint256 job = open(offer(), terms(1, 200, 500));
        draw(job);
        clock(block.timestamp + FILL + late, block.number + 1);
        sit(job, 1);
        uint96 paid = market.jobOf(job).rewardPaid;
        assert(late < FILL && paid >= 200 && paid <= 500);
    }

    /// @notice No call of somebody else lowers what a bystander has or blocks what it may withdraw. Any caller,
    /// amounts and time below 2^32; a job whose seat is silent; the bystander has stake, a free balance and no seat.
    function check_nobody_else_lowers_a_balance(address caller, uint96 amount, uint32 later, uint8 call) public {
        uint256 job = open(offer(), terms(1, 2, 5));
        draw(job);
        sit(job, 1);
        address bystander = providers[1];
        vm.assume(caller != bystander && call < 8);
        IProviderStake.Account memory before = stake.accountOf(bystander);
        clock(block.timestamp + later, block.number + 1);
        bytes memory data = abi.encodeCall(stake.draw, (job));
        if (call == 1) data = abi.encodeCall(stake.withdraw, (amount, caller));
        if (call == 2) data = abi.encodeCall(stake.stake, (amount));
        if (call == 3) data = abi.encodeCall(stake.unstake, (amount));
        if (call == 4) data = abi.encodeCall(stake.collect, ());
        if (call == 5) data = abi.encodeCall(stake.redraw, (job));
        if (call == 6) data = abi.encodeCall(stake.deposit, (amount, noPermit));
        if (call == 7) data = abi.encodeCall(stake.pay, (job, caller, amount));
        did(caller, address(stake), data);
        IProviderStake.Account memory then = stake.accountOf(bystander);
        assert(then.free == before.free && then.staked == before.staked && then.locked == before.locked);
        assert(did(bystander, address(stake), abi.encodeCall(stake.withdraw, (before.free, bystander))));
    }

    /// @notice What is locked is staked, and is neither unstaked nor withdrawn. Any two amounts, on a seat held.
    function check_locked_stake_stays(uint96 unstaked, uint96 withdrawn) public {
        uint256 job = open(offer(), terms(1, 2, 5));
        draw(job);
        sit(job, 1);
        uint256 wealthBefore = wealth(providers[0]);
        did(providers[0], address(stake), abi.encodeCall(stake.unstake, (unstaked)));
        bool left = did(providers[0], address(stake), abi.encodeCall(stake.withdraw, (withdrawn, providers[0])));
        IProviderStake.Account memory account = stake.accountOf(providers[0]);
        assert(account.locked == 60 && account.locked <= account.staked);
        assert(wealth(providers[0]) == wealthBefore - (left ? withdrawn : 0));
    }
}

/// @title What must not be provable: if it is, the proofs prove nothing
contract PlantedProof is Proof {
    function setUp() public {
        deploy();
    }

    /// @notice False one second in 2^32: the last one of the challenge window still belongs to it.
    function check_planted(uint32 later) public {
        uint256 job = proposedJob(offer(), terms(1, 2, 5));
        clock(block.timestamp + later, block.number + 1);
        vm.prank(challenger);
        (bool ok,) = address(market).call(abi.encodeCall(market.challenge, (job, bytes32(uint256(1)), noPermit)));
        assert(ok == (later < COMPUTE - 1));
    }
}
