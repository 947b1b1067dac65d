// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";

import {Market} from "./Market.sol";

/// @title What a client is told of a job, from its first block to its last
/// @notice `told` is what it must be told next; each step changes what the step must change.
contract ViewsTest is Market {
    uint40 private constant LATE = 60;
    /// @dev The floor and a tenth of the rest: the round was full a tenth of the fill window after its contest.
    uint96 private constant LATE_REWARD = FLOOR + (REWARD - FLOOR) / 10;

    IDataMarket.JobView private told;

    function setUp() public {
        deploy();
    }

    function check(uint256 job, string memory step) private view {
        IDataMarket.JobView memory seen = market.jobOf(job);
        vm.assertEq(keccak256(abi.encode(seen.ledger)), keccak256(abi.encode(stake.ledgerOf(job))), step);
        vm.assertEq(keccak256(abi.encode(seen.roundOne)), keccak256(abi.encode(stake.roundOf(job, 1))), step);
        vm.assertEq(keccak256(abi.encode(seen.roundTwo)), keccak256(abi.encode(stake.roundOf(job, 2))), step);
        vm.assertEq(seen.fine, told.fine, string.concat("fine: ", step));
        vm.assertEq(seen.rewardPaid, told.rewardPaid, string.concat("rewardPaid: ", step));
        vm.assertEq(seen.pot, told.pot, string.concat("pot: ", step));
        vm.assertEq(seen.drawFromBlock, told.drawFromBlock, string.concat("drawFromBlock: ", step));
        vm.assertEq(seen.drawBy, told.drawBy, string.concat("drawBy: ", step));
        vm.assertEq(seen.contestEnd, told.contestEnd, string.concat("contestEnd: ", step));
        vm.assertEq(seen.fillBy, told.fillBy, string.concat("fillBy: ", step));
        vm.assertEq(seen.commitBy, told.commitBy, string.concat("commitBy: ", step));
        vm.assertEq(seen.redrawBy, told.redrawBy, string.concat("redrawBy: ", step));
        vm.assertEq(seen.nameBy, told.nameBy, string.concat("nameBy: ", step));
        vm.assertEq(seen.challengeBy, told.challengeBy, string.concat("challengeBy: ", step));
        vm.assertEq(seen.releaseBy, told.releaseBy, string.concat("releaseBy: ", step));
        vm.assertEq(uint8(seen.exit), uint8(told.exit), string.concat("exit: ", step));
        vm.assertEq(seen.exitFrom, told.exitFrom, string.concat("exitFrom: ", step));
    }

    // ------------------------------------------------------------------------------------------------- what is told

    function tellOfTheDraw(IDataMarket.Outcome exit) private {
        (told.drawFromBlock, told.drawBy) = (uint40(height) + 2, uint40(time) + FILL);
        (told.exit, told.exitFrom) = (exit, told.drawBy);
    }

    function tellOfTheContest(IDataMarket.Outcome exit) private {
        (told.contestEnd, told.fillBy) = (uint40(time) + FILL, uint40(time) + 2 * FILL);
        (told.exit, told.exitFrom) = (exit, told.fillBy);
    }

    function tellOfTheCommits(uint40 from) private {
        (told.commitBy, told.nameBy) = (from + COMPUTE, from + COMPUTE + NAMING);
    }

    function tellOfNoDeadline() private {
        (told.drawFromBlock, told.drawBy, told.contestEnd, told.fillBy) = (0, 0, 0, 0);
        (told.commitBy, told.redrawBy, told.nameBy, told.challengeBy, told.releaseBy) = (0, 0, 0, 0, 0);
        (told.exit, told.exitFrom) = (IDataMarket.Outcome.None, 0);
    }

    // ------------------------------------------------------------------------------------------------- jobs

    function test_nothing_is_told_of_a_job_that_is_not_open() public view {
        check(9, "not opened");
    }

    function test_a_client_is_told_every_deadline_and_amount_of_a_job_that_is_filled_late_and_redrawn() public {
        uint256 job = open(2);
        told.fine = 5 * REWARD;
        tellOfTheDraw(IDataMarket.Outcome.Undrawn);
        check(job, "opened");

        draw(job);
        tellOfTheContest(IDataMarket.Outcome.Unfilled);
        check(job, "drawn");

        pass(FILL + LATE);
        sit(job, providers[0], 0);
        check(job, "half full");
        sit(job, providers[1], 0);
        tellOfTheCommits(uint40(time));
        told.redrawBy = told.commitBy + FILL;
        told.rewardPaid = LATE_REWARD;
        (told.exit, told.exitFrom) = (IDataMarket.Outcome.SealsMissing, told.redrawBy);
        check(job, "full");

        commit(job, 1, RIGHT, 0);
        check(job, "half sealed");
        pass(COMPUTE);
        vm.prank(stranger);
        stake.redraw(job);
        tellOfTheContest(IDataMarket.Outcome.RefillFailed);
        (told.commitBy, told.redrawBy, told.nameBy, told.rewardPaid) = (0, 0, 0, 0);
        told.pot = told.fine;
        check(job, "redrawn");

        sit(job, providers[2], 0);
        tellOfTheCommits(told.contestEnd);
        told.rewardPaid = LATE_REWARD;
        (told.exit, told.exitFrom) = (IDataMarket.Outcome.SealsMissing, told.commitBy);
        check(job, "full again");

        pass(FILL);
        commit(job, 0, RIGHT, 0);
        (told.exit, told.exitFrom) = (IDataMarket.Outcome.Unnamed, told.nameBy);
        check(job, "sealed");

        settle(job, RIGHT);
        told.challengeBy = uint40(time) + COMPUTE;
        (told.exit, told.exitFrom) = (IDataMarket.Outcome.None, 0);
        check(job, "proposed");

        release(job);
        check(job, "released early");
        finalize(job);
        tellOfNoDeadline();
        (told.rewardPaid, told.pot) = (0, 0);
        check(job, "over");
    }

    function test_a_client_is_told_every_deadline_and_amount_of_a_job_that_waits_for_its_release() public {
        uint256 job = drawnJob(1);
        pass(FILL + LATE);
        sit(job, providers[0], 0);
        commit(job, 0, RIGHT, 0);
        settle(job, RIGHT);
        finalize(job);
        (told.fine, told.rewardPaid) = (4 * REWARD, LATE_REWARD);
        told.releaseBy = uint40(time) + RELEASE;
        (told.exit, told.exitFrom) = (IDataMarket.Outcome.ReleaseLapsed, told.releaseBy);
        check(job, "settled");

        refund(job);
        tellOfNoDeadline();
        told.rewardPaid = 0;
        check(job, "lapsed");
    }

    function test_a_client_is_told_every_deadline_and_amount_of_a_job_that_is_challenged() public {
        uint256 job = proposedJob(1, WRONG);
        release(job);
        challenge(job, RIGHT);
        (told.fine, told.rewardPaid) = (4 * REWARD, FLOOR);
        tellOfTheDraw(IDataMarket.Outcome.JuryUnfilled);
        check(job, "challenged");

        draw(job);
        tellOfTheContest(IDataMarket.Outcome.JuryUnfilled);
        check(job, "the jury is drawn");
        fill(job);
        tellOfTheCommits(told.contestEnd);
        (told.exit, told.exitFrom) = (IDataMarket.Outcome.Undecided, told.nameBy);
        check(job, "the jury is full");

        commitAll(job, RIGHT, TRACE);
        check(job, "the jury has sealed");
        decide(job, RIGHT, TRACE);
        tellOfNoDeadline();
        told.rewardPaid = 0;
        check(job, "decided and over");
    }

    function test_a_client_is_told_every_deadline_and_amount_of_a_job_whose_seats_disagree() public {
        uint256 job = fullJob(2);
        commit(job, 0, RIGHT, 0);
        commit(job, 1, WRONG, 0);
        settle(job, RIGHT);
        (told.fine, told.rewardPaid) = (5 * REWARD, FLOOR);
        tellOfTheDraw(IDataMarket.Outcome.JuryUnfilled);
        check(job, "disputed");

        draw(job);
        fill(job);
        commitAll(job, RIGHT, TRACE);
        decide(job, RIGHT, TRACE);
        tellOfNoDeadline();
        told.releaseBy = uint40(time) + RELEASE;
        (told.exit, told.exitFrom) = (IDataMarket.Outcome.ReleaseLapsed, told.releaseBy);
        check(job, "decided");
    }
}
