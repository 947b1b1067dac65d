// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";

import {Calls} from "./Calls.sol";

/// @title What must be true of the contracts after every call, one sentence a function
/// @notice Those about a call (what it may change, and when it may succeed) are in {Calls} and {Ghost}, beside it.
/// Two are proven elsewhere: the gas of each function, and the fold of the events, which clients use as their ledger.
abstract contract Sentences is Calls {
    struct Seen {
        uint256 tokens;
        uint256 free;
        uint256 staked;
        uint256 locked;
        uint256 leaving;
        uint256 held;
        uint256 burnt;
        uint256 bonds; // of the seats of all live jobs
    }

    /// @dev Reads the contracts once for all sentences about sums.
    function _look() internal view returns (Seen memory seen) {
        seen.tokens = token.balanceOf(address(stake));
        seen.burnt = stake.burnt();
        for (uint256 i = 0; i < people.length; ++i) {
            IProviderStake.Account memory a = stake.accountOf(people[i]);
            _everyBalanceIsThatOfTheRules(people[i], a);
            _freeAndBondedStakeAreTheStake(a);
            seen.free += a.free;
            seen.staked += a.staked;
            seen.locked += a.locked;
            seen.leaving += a.leaving;
        }
        for (uint256 i = 0; i < live.length; ++i) {
            uint256 id = live[i];
            seen.held += stake.ledgerOf(id).held;
            seen.bonds += _taken(id) * _bond(deal[id]);
        }
    }

    function checkSums() public view {
        Seen memory seen = _look();
        _tokensCoverEveryLedgerAndExceedItByGiftsOnly(seen);
        _depositsLessWithdrawalsAreAllLedgers(seen);
        _bondedStakeIsTheBondsOfLiveSeats(seen);
        _burntIsCounted(seen);
        _budgetsAreNeverExceeded();
    }

    /// @notice The job that was touched last, and the money held for it.
    function checkJob(uint256 id) public view {
        Deal storage d = deal[id];
        if (d.state == IDataMarket.State.None) return;
        IDataMarket.JobView memory seen = market.jobOf(id);
        _statesMoveAsTheRulesSay(d, seen);
        _whatCameInIsPaidBurntOrStillHeld(d, seen);
        _aFinishedJobHoldsNothing(id, d, seen);
        _theBondCoversRoundTwoABountyAndABurntReward(d, seen);
        _deadlinesAreOrderedAndBounded(id, d, seen);
        _roundsAreThoseOfTheRules(id, seen);
        if (!_running(d)) return;
        _seatsAreThoseOfTheRules(id, 1);
        if (d.round == 2) _seatsAreThoseOfTheRules(id, 2);
        _noLowerTicketStandsOutside(id);
        _noTwoCallsThatExcludeEachOtherAreDueAtOnce(id);
    }

    // ------------------------------------------------------------------------------------------------- sums

    function _tokensCoverEveryLedgerAndExceedItByGiftsOnly(Seen memory seen) private view {
        uint256 owed = seen.free + seen.staked + seen.leaving + seen.held + seen.burnt;
        vm.assertEq(seen.tokens, owed + donated, "tokens are not the sum of all ledgers and gifts");
    }

    function _depositsLessWithdrawalsAreAllLedgers(Seen memory seen) private view {
        uint256 owed = seen.free + seen.staked + seen.leaving + seen.held + seen.burnt;
        vm.assertEq(deposited - withdrawn, owed, "something was created or forgotten");
    }

    function _everyBalanceIsThatOfTheRules(address who, IProviderStake.Account memory a) private view {
        IProviderStake.Account storage p = purse[who];
        bool same = a.free == p.free && a.staked == p.staked && a.locked == p.locked && a.leaving == p.leaving
            && a.since == p.since && a.availableAt == p.availableAt;
        if (same) return;
        vm.assertEq(a.free, p.free, "free balance is not that of the rules");
        vm.assertEq(a.staked, p.staked, "stake is not that of the rules");
        vm.assertEq(a.locked, p.locked, "locked stake is not that of the rules");
        vm.assertEq(a.leaving, p.leaving, "leaving stake is not that of the rules");
        revert("the times of an account are not those of the rules");
    }

    function _freeAndBondedStakeAreTheStake(IProviderStake.Account memory a) private pure {
        require(a.locked <= a.staked, "more stake is bonded than staked");
    }

    function _bondedStakeIsTheBondsOfLiveSeats(Seen memory seen) private pure {
        vm.assertEq(seen.locked, seen.bonds, "bonded stake is not the bonds of live seats");
    }

    function _burntIsCounted(Seen memory seen) private view {
        vm.assertEq(seen.burnt, burntSum, "burnt is not that of the rules");
    }

    function _budgetsAreNeverExceeded() private view {
        for (uint256 i = 1; i <= papers; ++i) {
            IDataMarket.Dataset memory seen = market.datasetOf(i);
            _budgetIsThatOfTheRules(seen.epsilon, paper[i].epsilon);
            _budgetIsThatOfTheRules(seen.exact, paper[i].exact);
            require(seen.epoch == paper[i].epoch && seen.delisted == paper[i].delisted, "a dataset differs");
            require(seen.manifest == paper[i].manifest, "a manifest differs");
        }
    }

    /// @dev What the rules reserve becomes spent or returns once, so equality says that spent never falls either.
    function _budgetIsThatOfTheRules(IDataMarket.Budget memory seen, IDataMarket.Budget storage b) private view {
        require(uint256(seen.reserved) + seen.spent <= seen.limit, "a budget is exceeded");
        require(seen.reserved == b.reserved && seen.spent == b.spent && seen.limit == b.limit, "a budget differs");
    }

    // ------------------------------------------------------------------------------------------------- a job

    function _taken(uint256 id) internal view returns (uint256 count) {
        for (uint8 number = 1; number <= deal[id].round; ++number) {
            uint16 mask = stake.roundOf(id, number).takenMask;
            for (; mask != 0; mask &= mask - 1) ++count;
        }
    }

    function _statesMoveAsTheRulesSay(Deal storage d, IDataMarket.JobView memory seen) private view {
        vm.assertEq(uint256(seen.job.state), uint256(d.state), "the state is not that of the rules");
        require(seen.job.released == d.released && seen.job.right == d.right, "released or right seats differ");
        require(seen.job.deadline == d.deadline && seen.ledger.round == d.round, "deadline or round differ");
        require(seen.job.challenger == d.challenger && seen.job.challengeSeal == d.challengeSeal, "challenge differs");
        require(
            seen.job.owner == d.owner && seen.job.buyer == d.buyer && seen.job.payee == d.payee,
            "a party of a job changed"
        );
    }

    function _whatCameInIsPaidBurntOrStillHeld(Deal storage d, IDataMarket.JobView memory seen) private view {
        vm.assertEq(seen.ledger.held, d.put - d.out, "what came in is not paid, burnt or held");
        vm.assertEq(seen.ledger.held, d.escrow + d.pledge + d.bail + d.pot, "held is not escrow, pledge, bond and pot");
        if (d.state != IDataMarket.State.Settled) vm.assertEq(seen.pot, d.pot, "the pot is not that of the rules");
    }

    function _aFinishedJobHoldsNothing(uint256 id, Deal storage d, IDataMarket.JobView memory seen) private view {
        if (d.state != IDataMarket.State.Released && d.state != IDataMarket.State.Refunded) return;
        require(seen.ledger.held == 0, "a job that is over holds money");
        require(seen.roundOne.start == 0 && seen.roundTwo.start == 0, "a job that is over has an open round");
        require(stake.seatsOf(id, 1).length == 0 && stake.seatsOf(id, 2).length == 0, "a job that is over has seats");
    }

    function _theBondCoversRoundTwoABountyAndABurntReward(Deal storage d, IDataMarket.JobView memory seen)
        private
        view
    {
        uint256 n = d.seats;
        uint256 r = d.reward;
        require(n >= 1 && n <= 5, "a job has between one and five seats");
        require(seen.ledger.bond == 3 * (n + 3) * r, "the bond is not three times (n + 3) rewards");
        require(seen.ledger.bond == (2 * n + 5) * r + (n + 3) * r + r, "the bond does not cover what it must pay");
        require(uint256(seen.fine) * 3 == seen.ledger.bond && seen.fine >= (n - 1) * r, "the fine covers no others");
    }

    function _deadlinesAreOrderedAndBounded(uint256 id, Deal storage d, IDataMarket.JobView memory seen) private view {
        (IDataMarket.Outcome outcome, uint256 from) = _lastExit(id);
        require(seen.exit == outcome && seen.exitFrom == from, "the exit shown is not that of the rules");
        if (d.state == IDataMarket.State.Proposed) from = seen.challengeBy;
        uint256 most = d.opened + 9 * uint256(d.fill) + 4 * uint256(d.compute) + 2 * uint256(NAMING) + d.release;
        require(from <= most + d.waited, "a job may last longer than the rules say");
        if (_over(d)) return;
        require(from > d.opened, "a job has no next deadline");
        if (seen.drawBy == 0 || seen.contestEnd == 0) return;
        require(seen.contestEnd < seen.fillBy, "contest and filling are out of order");
        if (seen.commitBy == 0) return;
        require(seen.contestEnd < seen.commitBy && seen.commitBy < seen.nameBy, "commits and naming are out of order");
        require(seen.redrawBy == 0 || seen.commitBy < seen.redrawBy, "commits and redraw are out of order");
    }

    function _over(Deal storage d) internal view returns (bool) {
        return d.state == IDataMarket.State.Released || d.state == IDataMarket.State.Refunded;
    }

    function _roundsAreThoseOfTheRules(uint256 id, IDataMarket.JobView memory seen) private view {
        _roundIsThatOfTheRules(seen.roundOne, rounds[id][1]);
        _roundIsThatOfTheRules(seen.roundTwo, rounds[id][2]);
        uint8 n = deal[id].seats;
        require(seen.roundTwo.start == 0 || seen.roundTwo.seats == 2 * n + 5, "round two has not 2n + 5 seats");
        require(seen.roundOne.start == 0 || seen.roundOne.seats == n, "round one has not n seats");
    }

    function _roundIsThatOfTheRules(IProviderStake.Round memory seen, IProviderStake.Round storage r) private view {
        require(seen.start == r.start && seen.startBlock == r.startBlock, "a round starts at another time");
        require(seen.contestEnd == r.contestEnd && seen.commitBy == r.commitBy, "a window of a round differs");
        require(seen.takenMask == r.takenMask && seen.sealedMask == r.sealedMask, "taken or sealed seats differ");
        require(seen.seed == r.seed && seen.redrawn == r.redrawn && seen.late == r.late, "seed or lateness differ");
        require(seen.sealedMask & ~seen.takenMask == 0, "an empty seat is sealed");
    }

    /// @dev So a seal is written once, by its seat, inside the window, and no pair of provider and ticket sits twice.
    function _seatsAreThoseOfTheRules(uint256 id, uint8 number) private view {
        IProviderStake.Seat[] memory seats = stake.seatsOf(id, number);
        for (uint256 i = 0; i < seats.length; ++i) {
            Chair storage chair = chairs[id][number][i];
            require(seats[i].provider == chair.who && seats[i].ticket == chair.ticket, "a seat is held by another");
            require(seats[i].seal == chair.seal, "a seal is not the one that was committed");
            if (chair.who == address(0)) continue;
            for (uint256 k = 0; k < i; ++k) {
                require(
                    seats[k].ticket != seats[i].ticket || seats[k].provider != seats[i].provider, "a ticket sits twice"
                );
            }
        }
    }

    function _noLowerTicketStandsOutside(uint256 id) private view {
        uint8 number = deal[id].round;
        uint96 left = lowestLeft[id][number];
        if (left == 0) return;
        bool redrawn = rounds[id][number].redrawn;
        for (uint256 i = 0; i < rounds[id][number].seats; ++i) {
            Chair storage chair = chairs[id][number][i];
            if (redrawn && chair.seal != 0) continue;
            require(chair.ticket <= left, "a lower ticket than a seated one was left outside");
        }
    }

    function _noTwoCallsThatExcludeEachOtherAreDueAtOnce(uint256 id) private view {
        Deal storage d = deal[id];
        bool exit = _exit(id, address(1)) != IDataMarket.Outcome.None;
        bool commits = _commitsOpen(id) && !_allSealed(rounds[id][d.round]);
        require(!(commits && _redrawDue(id)), "commit and redraw are due at once");
        require(!(commits && _namingOpen(id)), "commit and naming are due at once");
        require(!(exit && (commits || _redrawDue(id) || _namingOpen(id) || _drawDue(id))), "refund and another call");
        bool proposed = d.state == IDataMarket.State.Proposed;
        require(!(proposed && time < d.deadline && _finalizeDue(id)), "challenge and finalize are due at once");
    }
}
