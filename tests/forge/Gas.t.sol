// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";

import {Market} from "./Market.sol";

/// @title What each call costs, as contracts/gas.json says it: a changed figure fails, `make gas` writes it anew
/// @notice Every call is a transaction of its own with its 21,000, on a market that was used before: accounts have
/// balances, and the escrow comes from the buyer's free balance.
/// forge-config: default.isolate = true
contract GasTest is Market {
    uint8 private constant MOST = 5;
    uint256 private constant HALF_A_BLOCK = 15_000_000;

    uint256 private _largest;

    function setUp() public {
        deploy();
        for (uint8 seats = 1; seats <= MOST; seats += MOST - 1) {
            release(settledJob(seats));
        }
        uint256 job = disputedJob(MOST);
        commitAll(job, RIGHT, TRACE);
        decide(job, RIGHT, TRACE);
        release(job);
    }

    /// @dev Of the last call.
    function _used() private returns (uint256 gas) {
        gas = vm.lastCallGas().gasTotalUsed;
        if (gas > _largest) _largest = gas;
    }

    function _note(string memory sentence) private returns (uint256 gas) {
        gas = _used();
        vm.snapshotValue("gas", sentence, gas);
    }

    function _noteIf(bool wanted, string memory sentence) private returns (uint256) {
        return wanted ? _note(sentence) : _used();
    }

    // ------------------------------------------------------------------------------------------------- a whole life

    function test_a_whole_life_costs_at_most_its_ceiling() public {
        IDataMarket.Offer memory fresh = offer();
        fresh.salt = RIGHT;
        uint256 first = _life(fresh, 1, true);
        uint256 repeated = _life(fresh, 1, false);
        uint256 further = (_life(fresh, MOST, false) - repeated) / (MOST - 1);
        vm.snapshotValue("gas", "whole life of a job, one seat", first);
        vm.snapshotValue("gas", "whole life of a job, one seat, repeated offer", repeated);
        vm.snapshotValue("gas", "each further seat", further);
        vm.assertLe(first, 700_000, "a first job");
    }

    /// @dev From `openJob` to `release`, every call by its own caller.
    function _life(IDataMarket.Offer memory o, uint8 seats, bool noted) private returns (uint256 sum) {
        uint256 job = openAs(buyer, o, terms(seats));
        sum += _noteIf(noted || seats == MOST, seats == 1 ? "openJob" : "openJob, 5 seats, repeated offer");
        if (!noted && seats == 1) vm.snapshotValue("gas", "openJob, repeated offer", sum);
        draw(job);
        sum += _noteIf(noted, "draw");
        for (uint256 i = 0; i < seats; ++i) {
            sit(job, providers[i], 0);
            sum += i == 0 ? _noteIf(noted, "takeSeat") : _used();
        }
        pass(FILL);
        for (uint8 i = 0; i < seats; ++i) {
            commit(job, i, RIGHT, 0);
            sum += i == 0 ? _noteIf(noted, "commit") : _used();
        }
        settle(job, RIGHT);
        sum += _noteIf(noted || seats == MOST, seats == 1 ? "settle" : "settle, 5 seats");
        finalize(job);
        sum += _noteIf(noted || seats == MOST, seats == 1 ? "finalize" : "finalize, 5 seats");
        release(job);
        sum += _noteIf(noted, "release");
    }

    // ------------------------------------------------------------------------------------------------- other calls

    function test_what_people_do_with_their_money() public {
        vm.prank(buyer);
        stake.deposit(ONE, noPermit);
        _note("deposit");
        vm.prank(buyer);
        stake.withdraw(ONE, buyer);
        _note("withdraw");
        vm.startPrank(providers[0]);
        stake.deposit(2 * ONE, noPermit);
        stake.stake(ONE);
        _note("stake");
        stake.unstake(ONE);
        _note("unstake");
        pass(EXIT);
        stake.collect();
        _note("collect");
        vm.stopPrank();
        vm.prank(owner);
        market.listDataset(MANIFEST, EPSILON_BUDGET, EXACT);
        _note("listDataset");
    }

    function test_an_escrow_from_the_wallet_costs_a_transfer_more() public {
        uint96 free = stake.accountOf(buyer).free;
        vm.prank(buyer);
        stake.withdraw(free, buyer);
        open(1);
        _note("openJob, repeated offer, escrow from the wallet");
    }

    function test_disputes_and_refunds() public {
        for (uint8 seats = 1; seats <= MOST; seats += MOST - 1) {
            string memory many = seats == 1 ? "" : ", 5 seats";
            uint256 job = proposedJob(seats, WRONG);
            challenge(job, RIGHT);
            _note(string.concat("challenge", many));
            draw(job);
            fill(job);
            commitAll(job, RIGHT, TRACE);
            decide(job, RIGHT, TRACE);
            _note(string.concat("decide", many));
            job = open(seats);
            vm.prank(owner);
            market.refund(job);
            _note(string.concat("refund, declined", many));
            job = fullJob(seats);
            pass(COMPUTE);
            vm.prank(stranger);
            stake.redraw(job);
            _note(string.concat("redraw", many));
            job = disputedJob(seats);
            refund(job);
            _note(string.concat("refund, undecided", many));
        }
        vm.snapshotValue("gas", "most of any call", _largest);
        vm.assertLe(_largest, HALF_A_BLOCK, "no call fills half a block");
    }

    // ------------------------------------------------------------------------------------------------- many at once

    function test_many_at_once_cost_less_each() public {
        uint8[5] memory counts = [1, 2, 5, 10, 20];
        uint256 before = type(uint256).max;
        for (uint256 i = 0; i < counts.length; ++i) {
            uint256 each = _settleMany(counts[i]);
            vm.assertLt(each, before, "the more, the cheaper");
            before = each;
        }
    }

    /// @return each of settling, finalizing and releasing a job among `count` of them
    function _settleMany(uint8 count) private returns (uint256 each) {
        uint256[] memory jobs = new uint256[](count);
        bytes[] memory calls = new bytes[](count);
        for (uint256 i = 0; i < count; ++i) {
            jobs[i] = sealedJob(1, RIGHT);
        }
        for (uint256 i = 0; i < count; ++i) {
            calls[i] = abi.encodeCall(market.settle, (jobs[i], RIGHT));
        }
        each = _many(stranger, calls, "settle");
        pass(COMPUTE);
        for (uint256 i = 0; i < count; ++i) {
            calls[i] = abi.encodeCall(market.finalize, (jobs[i]));
        }
        each += _many(stranger, calls, "finalize");
        for (uint256 i = 0; i < count; ++i) {
            calls[i] = abi.encodeCall(market.release, (jobs[i], keccak256("sealed result"), "sealed key"));
        }
        each += _many(owner, calls, "release");
    }

    function _many(address who, bytes[] memory calls, string memory name) private returns (uint256 each) {
        vm.prank(who);
        (bool[] memory ok,) = market.multicall(calls);
        each = _used() / calls.length;
        for (uint256 i = 0; i < ok.length; ++i) {
            vm.assertTrue(ok[i], name);
        }
        string memory padded = calls.length < 10 ? " " : "";
        vm.snapshotValue("gas", string.concat(name, ", each of ", padded, vm.toString(calls.length), " at once"), each);
    }
}
