// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {ProviderStake} from "contracts/ProviderStake.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";
import {MockToken} from "contracts/mocks/MockToken.sol";

import {BlocklistToken} from "./tokens/BlocklistToken.sol";
import {DaiPermitToken} from "./tokens/DaiPermitToken.sol";
import {DoubleEntryToken, OldEntry} from "./tokens/DoubleEntryToken.sol";
import {Hook, HookedToken} from "./tokens/HookedToken.sol";
import {NoZeroToken} from "./tokens/NoZeroToken.sol";
import {Busybody, Odd, OddTokens} from "./tokens/OddTokens.sol";
import {PausableToken} from "./tokens/PausableToken.sol";

/// @dev Ok: as with a plain token, and as solvent. Short: it left the ledger exactly, and less arrived. The others name
/// the error with which the call, or in a life of a job the first withdrawal after it, is refused.
enum Cell {
    Missing,
    Ok,
    Short,
    Arrival,
    Departure,
    Supply,
    Failed,
    Allowance,
    Balance,
    Blocked,
    Paused,
    Other
}

Cell constant OK = Cell.Ok;
Cell constant SHORT = Cell.Short;
Cell constant ARRIVE = Cell.Arrival;
Cell constant DEPART = Cell.Departure;
Cell constant SUPPLY = Cell.Supply;
Cell constant FAILED = Cell.Failed;
Cell constant ALLOW = Cell.Allowance;
Cell constant BALANCE = Cell.Balance;
Cell constant BLOCKED = Cell.Blocked;
Cell constant PAUSED = Cell.Paused;

interface Unmetered {
    function pauseGasMetering() external;
}

/// @title Each odd token at each place where the market meets it
/// @notice Three kinds: exact (as a plain one), refused (on arrival; what arrived before can leave), or one that the
/// warnings of {IProviderStake} name, of which {TokenWarningsTest} shows who cannot withdraw what.
contract TokensTest is OddTokens {
    string[9] private _columns =
        ["deploy", "deposit", "permit", "openJob", "challenge", "withdraw", "settled", "disputed", "refunded"];
    string[30] private _rows = [
        "0 decimals",
        "6 decimals",
        "18 decimals",
        "27 decimals",
        "supply of 2^96",
        "fee out of the amount",
        "fee on top",
        "rebases up",
        "rebases down",
        "rebases with rounding",
        "reports twice its balance",
        "moves backwards",
        "returns nothing",
        "returns one byte",
        "returns two words",
        "returns two",
        "returns false",
        "refuses zero",
        "approves once",
        "blocks the people",
        "blocks the ledger",
        "pauses",
        "is upgraded to take a fee",
        "has hooks (ERC-777)",
        "re-enters",
        "takes max for all",
        "has an empty permit",
        "has Dai's permit",
        "has an old entry",
        "is an old entry"
    ];
    string[12] private _words = [
        "MISSING",
        "ok",
        "short",
        "ArrivalDiffers",
        "DepartureDiffers",
        "SupplyTooLarge",
        "FailedOperation",
        "no allowance",
        "no balance",
        "Blocked",
        "Paused",
        "OTHER"
    ];
    mapping(bytes4 selector => Cell) private _cells;

    event log(string);

    function setUp() public {
        _cells[IProviderStake.ArrivalDiffers.selector] = ARRIVE;
        _cells[IProviderStake.DepartureDiffers.selector] = DEPART;
        _cells[IProviderStake.SupplyTooLarge.selector] = SUPPLY;
        _cells[SafeERC20.SafeERC20FailedOperation.selector] = FAILED;
        _cells[IERC20Errors.ERC20InsufficientAllowance.selector] = ALLOW;
        _cells[IERC20Errors.ERC20InsufficientBalance.selector] = BALANCE;
        _cells[BlocklistToken.Blocked.selector] = BLOCKED;
        _cells[PausableToken.Paused.selector] = PAUSED;
    }

    // ------------------------------------------------------------------------------------------------- the table

    /// @dev A token that turns back gives back what it held up.
    function _expected(Odd odd) private pure returns (Cell[9] memory) {
        //       deploy  deposit permit  openJob chall.  withdr. settled disput. refunded
        if (odd == Odd.ZeroDecimals) return [OK, OK, OK, OK, OK, OK, OK, OK, OK];
        if (odd == Odd.SixDecimals) return [OK, OK, OK, OK, OK, OK, OK, OK, OK];
        if (odd == Odd.EighteenDecimals) return [OK, OK, OK, OK, OK, OK, OK, OK, OK];
        if (odd == Odd.TwentySevenDecimals) return [OK, OK, OK, OK, OK, OK, OK, OK, OK];
        if (odd == Odd.SupplyTooLarge) return [SUPPLY, SUPPLY, SUPPLY, SUPPLY, SUPPLY, OK, OK, OK, OK];
        if (odd == Odd.FeeOutOfAmount) return [OK, ARRIVE, ARRIVE, ARRIVE, ARRIVE, SHORT, SHORT, SHORT, SHORT];
        if (odd == Odd.FeeOnTop) return [OK, OK, OK, OK, OK, DEPART, DEPART, DEPART, DEPART];
        if (odd == Odd.RebasesUp) return [OK, OK, OK, OK, OK, OK, OK, OK, OK];
        if (odd == Odd.RebasesDown) return [OK, OK, OK, OK, OK, OK, BALANCE, BALANCE, BALANCE];
        if (odd == Odd.RebasesWithRounding) return [OK, ARRIVE, ARRIVE, ARRIVE, ARRIVE, SHORT, SHORT, SHORT, SHORT];
        if (odd == Odd.ReportsTwice) return [OK, ARRIVE, ARRIVE, ARRIVE, ARRIVE, DEPART, DEPART, DEPART, DEPART];
        if (odd == Odd.MovesBackwards) return [OK, ARRIVE, ARRIVE, ARRIVE, ARRIVE, DEPART, DEPART, DEPART, DEPART];
        if (odd == Odd.ReturnsNothing) return [OK, OK, OK, OK, OK, OK, OK, OK, OK];
        if (odd == Odd.ReturnsOneByte) return [OK, FAILED, FAILED, FAILED, FAILED, FAILED, FAILED, FAILED, FAILED];
        if (odd == Odd.ReturnsTwoWords) return [OK, OK, OK, OK, OK, OK, OK, OK, OK];
        if (odd == Odd.ReturnsTwo) return [OK, FAILED, FAILED, FAILED, FAILED, FAILED, FAILED, FAILED, FAILED];
        if (odd == Odd.ReturnsFalse) return [OK, FAILED, FAILED, FAILED, FAILED, FAILED, FAILED, FAILED, FAILED];
        if (odd == Odd.RefusesZero) return [OK, OK, OK, OK, OK, OK, OK, OK, OK];
        if (odd == Odd.ApprovesOnce) return [OK, OK, OK, OK, OK, OK, OK, OK, OK];
        if (odd == Odd.BlocksThePeople) {
            return [OK, BLOCKED, BLOCKED, BLOCKED, BLOCKED, BLOCKED, BLOCKED, BLOCKED, BLOCKED];
        }
        if (odd == Odd.BlocksTheLedger) {
            return [OK, BLOCKED, BLOCKED, BLOCKED, BLOCKED, BLOCKED, BLOCKED, BLOCKED, BLOCKED];
        }
        if (odd == Odd.Pauses) return [OK, PAUSED, PAUSED, PAUSED, PAUSED, PAUSED, PAUSED, PAUSED, PAUSED];
        if (odd == Odd.IsUpgraded) return [OK, ARRIVE, ARRIVE, ARRIVE, ARRIVE, SHORT, SHORT, SHORT, SHORT];
        if (odd == Odd.HasHooks) return [OK, OK, OK, OK, OK, OK, OK, OK, OK];
        if (odd == Odd.Reenters) return [OK, OK, ALLOW, OK, OK, OK, OK, OK, OK];
        if (odd == Odd.TakesMaxForAll) return [OK, OK, OK, OK, OK, OK, OK, OK, OK];
        if (odd == Odd.HasEmptyPermit) return [OK, OK, ALLOW, OK, OK, OK, OK, OK, OK];
        if (odd == Odd.HasOtherPermit) return [OK, OK, ALLOW, OK, OK, OK, OK, OK, OK];
        if (odd == Odd.HasOldEntry) return [OK, OK, OK, OK, OK, OK, OK, OK, OK];
        if (odd == Odd.IsOldEntry) return [OK, OK, ALLOW, OK, OK, OK, OK, OK, OK];
        revert("a token without a row");
    }

    function test_every_token_at_every_place_does_what_the_table_says() public {
        Unmetered(address(vm)).pauseGasMetering();
        _print("", _columns, "verdict");
        string memory wrong;
        for (uint256 i = 0; i <= uint256(type(Odd).max); ++i) {
            Cell[9] memory expected = _expected(Odd(i));
            Cell[9] memory found = _meet(Odd(i));
            string[9] memory words;
            for (uint256 j = 0; j < 9; ++j) {
                words[j] = _words[uint256(found[j])];
                if (found[j] == expected[j] && found[j] != Cell.Missing) continue;
                wrong = string.concat(wrong, _rows[i], " at ", _columns[j], "; ");
            }
            _print(_rows[i], words, _verdict(found));
        }
        vm.assertTrue(bytes(wrong).length == 0, wrong);
    }

    function _verdict(Cell[9] memory cells) private pure returns (string memory) {
        for (uint256 j = 5; j < 9; ++j) {
            if (cells[j] != OK) return "warned of";
        }
        for (uint256 j = 0; j < 5; ++j) {
            if (cells[j] != OK) return "refused";
        }
        return "exact";
    }

    function _print(string memory name, string[9] memory words, string memory verdict) private {
        string memory line = _padded(name, 28);
        for (uint256 j = 0; j < 9; ++j) {
            line = string.concat(line, _padded(words[j], 17));
        }
        emit log(string.concat(line, verdict));
    }

    function _padded(string memory word, uint256 width) private pure returns (string memory) {
        bytes memory line = new bytes(width);
        for (uint256 i = 0; i < width; ++i) {
            line[i] = i < bytes(word).length ? bytes(word)[i] : bytes1(" ");
        }
        return string(line);
    }

    // ------------------------------------------------------------------------------------------------- the places

    function _meet(Odd odd) private returns (Cell[9] memory cells) {
        if (odd <= Odd.TwentySevenDecimals) one = [1, 1e6, 1e18, 1e24][uint256(odd)];
        else one = ONE;
        prepare(make(odd));
        uint256 job = openScaled();
        uint256 prepared = vm.snapshotState();
        for (uint256 place = 0; place < 9; ++place) {
            if (place == 4) _propose(job, RIGHT);
            turn(odd, true);
            cells[place] = _meetAt(place, job);
            vm.revertToState(prepared);
            (time, height) = (block.timestamp, block.number);
        }
    }

    function _meetAt(uint256 place, uint256 job) private returns (Cell) {
        if (place == 0) return _deploy();
        if (place == 1) return _call(owner, abi.encodeCall(stake.deposit, (30 * one, noPermit)), 30);
        if (place == 2) {
            IProviderStake.Permit memory permit;
            // Tokens without the views that a permit is signed with get one that nobody signed.
            try this.permitOfNewcomer() returns (IProviderStake.Permit memory signed) {
                permit = signed;
            } catch {
                permit.deadline = 1;
            }
            return _call(newcomer, abi.encodeCall(stake.deposit, (30 * one, permit)), 30);
        }
        if (place == 3) {
            bytes memory signature = sign(scaledOffer());
            return _call(
                address(market),
                buyer,
                abi.encodeCall(market.openJob, (scaledOffer(), signature, scaledTerms(), noPermit)),
                30
            );
        }
        if (place == 4) {
            bytes memory call = abi.encodeCall(market.challenge, (job, bytes32(uint256(1)), noPermit));
            return _call(address(market), stranger, call, 60);
        }
        if (place == 5) return _withdraw(buyer, 10 * one);
        if (place == 6) return _settled(job);
        if (place == 7) return _disputed(job);
        return _refunded(job);
    }

    function permitOfNewcomer() external view returns (IProviderStake.Permit memory) {
        return permitOf(NEWCOMER_KEY, 30 * one);
    }

    function _deploy() private returns (Cell) {
        try new ProviderStake(address(token), address(this), one, EXIT) {
            return OK;
        } catch (bytes memory reason) {
            return _cellOf(reason);
        }
    }

    function _call(address who, bytes memory data, uint256 tokens) private returns (Cell) {
        return _call(address(stake), who, data, tokens);
    }

    /// @dev Exactly so many tokens arrive in the ledger and in its books, or nothing moves.
    function _call(address target, address who, bytes memory data, uint256 tokens) private returns (Cell) {
        (uint256 owedBefore, uint256 heldBefore) = (owed(), held());
        vm.prank(who);
        (bool ok, bytes memory reason) = target.call(data);
        uint256 moved = ok ? tokens * one : 0;
        vm.assertEq(owed(), owedBefore + moved, "books");
        vm.assertEq(held(), heldBefore + moved, "tokens held");
        return ok ? OK : _cellOf(reason);
    }

    /// @dev Exactly so many tokens leave the ledger and its books, or nothing moves.
    function _withdraw(address who, uint96 amount) private returns (Cell) {
        (uint256 owedBefore, uint256 heldBefore, uint256 before) = (owed(), held(), token.balanceOf(who));
        vm.prank(who);
        try stake.withdraw(amount, who) {
            vm.assertEq(owed() + amount, owedBefore, "books");
            vm.assertEq(held() + amount, heldBefore, "tokens held");
            return token.balanceOf(who) == before + amount ? OK : SHORT;
        } catch (bytes memory reason) {
            vm.assertEq(owed(), owedBefore, "books");
            vm.assertEq(held(), heldBefore, "tokens held");
            return _cellOf(reason);
        }
    }

    function _cellOf(bytes memory reason) private view returns (Cell) {
        Cell cell = _cells[bytes4(reason)];
        return cell == Cell.Missing ? Cell.Other : cell;
    }

    // ------------------------------------------------------------------------------------------------- whole lives

    function _propose(uint256 job, bytes32 digest) private {
        draw(job);
        fill(job);
        commitAll(job, digest, 0);
        settle(job, digest);
    }

    /// @dev The odd token meets the whole job, which moves no token and pays everybody in the books.
    function _settled(uint256 job) private returns (Cell) {
        (uint256 owedBefore, uint256 heldBefore) = (owed(), held());
        _propose(job, RIGHT);
        finalize(job);
        release(job);
        vm.assertEq(owed(), owedBefore, "books");
        vm.assertEq(held(), heldBefore, "tokens held");
        _gains([int256(0), -42, 40, 0, 2, 0, 0]);
        return _leave(0);
    }

    function _disputed(uint256 job) private returns (Cell) {
        (uint256 owedBefore, uint256 heldBefore) = (owed(), held());
        _propose(job, WRONG);
        challenge(job, RIGHT);
        draw(job);
        fill(job);
        commitAll(job, RIGHT, TRACE);
        decide(job, RIGHT, TRACE);
        release(job);
        vm.assertEq(owed(), owedBefore, "books");
        vm.assertEq(held(), heldBefore, "tokens held");
        // Seven seats of round two at 5 each, two of them with the loser of round one's bond of 60.
        _gains([int256(0), -40, 40, 20, -50, 10, 5]);
        return _leave(5 * one);
    }

    function _refunded(uint256 job) private returns (Cell) {
        (uint256 owedBefore, uint256 heldBefore) = (owed(), held());
        refund(job);
        vm.assertEq(owed(), owedBefore, "books");
        vm.assertEq(held(), heldBefore, "tokens held");
        _gains([int256(0), 0, 0, 0, 0, 0, 0]);
        return _leave(0);
    }

    /// @dev Of owner, buyer, payee, challenger, the first two providers, and each of the other three.
    function _gains(int256[7] memory tokens) private view {
        address[6] memory named = [owner, buyer, payee, challenger, providers[0], providers[1]];
        for (uint256 i = 0; i < 6; ++i) {
            gained(named[i], tokens[i]);
        }
        for (uint256 i = 2; i < 5; ++i) {
            gained(providers[i], tokens[6]);
        }
    }

    /// @dev Everybody withdraws everything; the first that does not get it all gives the cell.
    function _leave(uint256 burnt) private returns (Cell cell) {
        vm.assertEq(stake.burnt(), burnt, "burnt");
        unstakeAll();
        cell = OK;
        for (uint256 i = 0; i < people.length; ++i) {
            if (freeOf(people[i]) == 0) continue;
            Cell one_ = _withdraw(people[i], freeOf(people[i]));
            if (cell == OK) cell = one_;
        }
        if (cell == OK) vm.assertEq(owed(), burnt, "left in the books");
        if (cell == OK) vm.assertGe(held(), burnt, "left in the ledger");
    }
}

/// @title Who cannot withdraw what when the token does what the warnings name; nobody else is hurt, and jobs end
contract TokenWarningsTest is OddTokens {
    // ------------------------------------------------------------------------------------------------- held up

    function test_while_the_token_pauses_nobody_withdraws_and_afterwards_everybody_does() public {
        _holdsUp(Odd.Pauses, PausableToken.Paused.selector);
    }

    function test_while_the_ledger_is_blocked_nobody_withdraws_and_afterwards_everybody_does() public {
        _holdsUp(Odd.BlocksTheLedger, BlocklistToken.Blocked.selector);
    }

    function test_while_a_fee_comes_on_top_nobody_withdraws_with_the_tokens_of_others() public {
        _holdsUp(Odd.FeeOnTop, IProviderStake.DepartureDiffers.selector);
    }

    function test_while_balances_are_reported_twice_nobody_withdraws() public {
        _holdsUp(Odd.ReportsTwice, IProviderStake.DepartureDiffers.selector);
    }

    function test_while_tokens_move_backwards_nobody_withdraws() public {
        _holdsUp(Odd.MovesBackwards, IProviderStake.DepartureDiffers.selector);
    }

    function test_while_transfers_return_false_nobody_withdraws_and_nobody_loses_its_balance() public {
        _holdsUp(Odd.ReturnsFalse, SafeERC20.SafeERC20FailedOperation.selector);
    }

    function test_while_transfers_return_one_byte_nobody_withdraws() public {
        _holdsUp(Odd.ReturnsOneByte, SafeERC20.SafeERC20FailedOperation.selector);
    }

    function test_while_transfers_return_two_nobody_withdraws() public {
        _holdsUp(Odd.ReturnsTwo, SafeERC20.SafeERC20FailedOperation.selector);
    }

    /// @dev The job ends in the books all the same, and what was held up is whole when the token turns back.
    function _holdsUp(Odd odd, bytes4 error_) private {
        _endWith(odd);
        for (uint256 i = 0; i < people.length; ++i) {
            uint96 free = freeOf(people[i]);
            if (free == 0) continue;
            vm.prank(people[i]);
            vm.expectPartialRevert(error_);
            stake.withdraw(free, people[i]);
            vm.assertEq(freeOf(people[i]), free, "free");
        }
        turn(odd, false);
        for (uint256 i = 0; i < people.length; ++i) {
            _withdrawAll(people[i]);
        }
        vm.assertEq(held(), 0, "all has left");
    }

    /// @dev A job lived its whole life with the odd token; all that everybody owns is free.
    function _endWith(Odd odd) private {
        prepare(make(odd));
        uint256 job = openScaled();
        turn(odd, true);
        draw(job);
        fill(job);
        commitAll(job, RIGHT, 0);
        settle(job, RIGHT);
        finalize(job);
        release(job);
        gained(payee, 40);
        gained(providers[0], 2);
        unstakeAll();
    }

    function _withdrawAll(address who) private {
        uint96 free = freeOf(who);
        uint256 before = token.balanceOf(who);
        vm.prank(who);
        stake.withdraw(free, who);
        vm.assertEq(token.balanceOf(who), before + free, "arrived");
        vm.assertEq(freeOf(who), 0, "left over");
    }

    // ------------------------------------------------------------------------------------------------- short

    function test_a_fee_out_of_the_amount_is_paid_by_who_withdraws_and_by_nobody_else() public {
        _paysTheFee(Odd.FeeOutOfAmount);
    }

    function test_an_upgrade_to_a_fee_is_paid_by_who_withdraws_and_by_nobody_else() public {
        _paysTheFee(Odd.IsUpgraded);
    }

    function _paysTheFee(Odd odd) private {
        _endWith(odd);
        for (uint256 i = 0; i < people.length; ++i) {
            address who = people[i];
            (uint96 free, uint256 before, uint256 heldBefore) = (freeOf(who), token.balanceOf(who), held());
            vm.prank(who);
            stake.withdraw(free, who);
            vm.assertEq(held() + free, heldBefore, "left exactly");
            vm.assertEq(token.balanceOf(who), before + free - free / 100, "arrived");
        }
        vm.assertEq(held(), 0, "enough for the last");
    }

    /// @dev An amount that is whole in parts, a multiple of 107 here, always leaves exactly.
    function test_rounding_refuses_some_amounts_and_takes_a_unit_off_others() public {
        _endWith(Odd.RebasesWithRounding);
        uint256 refused;
        for (uint256 i = 0; i < people.length; ++i) {
            (address who, uint96 free) = (people[i], freeOf(people[i]));
            vm.prank(who);
            try stake.withdraw(free, who) {
                vm.assertGe(token.balanceOf(who) + 1, 107 * one + free, "arrived");
            } catch (bytes memory reason) {
                ++refused;
                vm.assertTrue(bytes4(reason) == IProviderStake.DepartureDiffers.selector, "refused for its departure");
                vm.prank(who);
                stake.withdraw(free - free % 107, who);
            }
        }
        vm.assertGt(refused, 0, "some amounts are refused");
        vm.assertGe(held(), owed(), "solvent");
    }

    // ------------------------------------------------------------------------------------------------- shrunk

    /// @dev 1,650 tokens are owed and 1,320 are there.
    function test_when_balances_shrink_the_first_to_withdraw_get_all_and_the_last_get_nothing() public {
        _endWith(Odd.RebasesDown);
        vm.assertEq(owed(), 1_650 * one, "owed");
        vm.assertEq(held(), 1_320 * one, "held");
        _withdrawAll(challenger);
        _withdrawAll(payee);
        for (uint256 i = 0; i < 4; ++i) {
            _withdrawAll(providers[i]);
        }
        vm.prank(providers[4]);
        vm.expectPartialRevert(IERC20Errors.ERC20InsufficientBalance.selector);
        stake.withdraw(300 * one, providers[4]);
        vm.prank(providers[4]);
        stake.withdraw(18 * one, providers[4]);
        vm.assertEq(held(), 0, "nothing left");
        vm.assertEq(freeOf(buyer), 18 * one, "the buyer is owed");
        vm.assertEq(freeOf(owner), 30 * one, "the owner is owed");
        vm.assertEq(freeOf(providers[4]), 282 * one, "the last provider is owed");
    }

    function test_when_balances_shrank_whoever_pays_in_pays_the_loss_of_others() public {
        _endWith(Odd.RebasesDown);
        for (uint256 i = 0; i < 4; ++i) {
            _withdrawAll(providers[i]);
        }
        vm.startPrank(newcomer);
        token.approve(address(stake), 80 * one);
        stake.deposit(80 * one, noPermit);
        vm.stopPrank();
        vm.prank(providers[4]);
        stake.withdraw(198 * one, providers[4]);
        vm.assertEq(held(), 0, "the newcomer's tokens are gone");
        vm.assertEq(freeOf(newcomer), 80 * one, "the newcomer is owed");
    }

    function test_what_balances_grow_is_nobodys() public {
        _endWith(Odd.RebasesUp);
        for (uint256 i = 0; i < people.length; ++i) {
            _withdrawAll(people[i]);
        }
        vm.assertEq(held(), 412.5e6, "a quarter of 1,650 stays for good");
    }

    // ------------------------------------------------------------------------------------------------- one of many

    function test_a_blocked_person_withdraws_to_another_address() public {
        prepare(make(Odd.BlocksThePeople));
        BlocklistToken(address(token)).list(buyer, true);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(BlocklistToken.Blocked.selector, buyer));
        stake.withdraw(60 * one, buyer);
        vm.prank(buyer);
        stake.withdraw(60 * one, newcomer);
        vm.assertEq(token.balanceOf(newcomer), 160 * one, "arrived");
        _withdrawAll(owner);
    }

    function test_a_receiver_whose_hook_refuses_withdraws_to_another_address() public {
        prepare(make(Odd.HasHooks));
        vm.prank(buyer);
        HookedToken(address(token)).register(Hook(address(token)));
        vm.prank(buyer);
        vm.expectRevert(bytes(""));
        stake.withdraw(60 * one, buyer);
        vm.prank(buyer);
        stake.withdraw(60 * one, newcomer);
        vm.assertEq(token.balanceOf(newcomer), 160 * one, "arrived");
        _withdrawAll(owner);
    }

    function test_a_hook_is_called_for_both_sides_and_finds_the_ledger_closed() public {
        prepare(make(Odd.HasHooks));
        Busybody hook = new Busybody(stake);
        vm.startPrank(buyer);
        HookedToken(address(token)).register(hook);
        stake.deposit(10 * one, noPermit);
        stake.withdraw(10 * one, buyer);
        vm.stopPrank();
        vm.assertEq(hook.calls(), 2, "calls");
        vm.assertEq(freeOf(buyer), 60 * one, "free");
    }

    // ------------------------------------------------------------------------------------------------- supply

    /// @dev Costs whoever does it more than all that the ledger may hold.
    function test_a_donation_of_2_to_the_96_stops_arrivals_and_neither_departures_nor_jobs() public {
        prepare(make(Odd.SupplyTooLarge));
        uint256 job = openScaled();
        draw(job);
        fill(job);
        commitAll(job, WRONG, 0);
        settle(job, WRONG);
        turn(Odd.SupplyTooLarge, true);
        vm.prank(stranger);
        vm.expectPartialRevert(IProviderStake.SupplyTooLarge.selector);
        market.challenge(job, bytes32(uint256(1)), noPermit);
        challenge(job, RIGHT);
        refund(job);
        _withdrawAll(challenger);
        _withdrawAll(buyer);
    }

    function test_the_largest_supply_that_is_counted_is_one_unit_below_2_to_the_96() public {
        MockToken full = new MockToken("Odd", "ODD", 27);
        full.mint(stranger, type(uint96).max);
        new ProviderStake(address(full), address(this), 1, EXIT);
        full.mint(stranger, 1);
        vm.expectRevert(abi.encodeWithSelector(IProviderStake.SupplyTooLarge.selector, 1 << 96));
        new ProviderStake(address(full), address(this), 1, EXIT);
    }

    // ------------------------------------------------------------------------------------------------- amounts

    function test_a_token_that_refuses_zero_is_asked_for_nothing_but_what_a_person_asks() public {
        prepare(make(Odd.RefusesZero));
        openScaled();
        vm.startPrank(buyer);
        vm.expectRevert(NoZeroToken.AmountZero.selector);
        stake.deposit(0, noPermit);
        vm.expectRevert(NoZeroToken.AmountZero.selector);
        stake.withdraw(0, buyer);
        vm.stopPrank();
        vm.assertEq(freeOf(buyer), 15 * one, "paid from the free balance alone");
    }

    function test_the_largest_amount_does_not_stand_for_all_there_is() public {
        prepare(make(Odd.TakesMaxForAll));
        vm.startPrank(buyer);
        vm.expectRevert(
            abi.encodeWithSelector(
                IProviderStake.ArrivalDiffers.selector, held(), held() + 100 * one, type(uint96).max
            )
        );
        stake.deposit(type(uint96).max, noPermit);
        vm.expectRevert(
            abi.encodeWithSelector(
                IProviderStake.FreeBalanceTooLow.selector, buyer, 60 * one, type(uint96).max
            )
        );
        stake.withdraw(type(uint96).max, buyer);
        vm.stopPrank();
    }

    function test_a_transfer_that_returns_false_for_want_of_an_allowance_is_no_deposit() public {
        prepare(make(Odd.ReturnsFalse));
        vm.prank(newcomer);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token)));
        stake.deposit(one, noPermit);
        vm.assertEq(freeOf(newcomer), 0, "free");
    }

    // ------------------------------------------------------------------------------------------------- permits

    function test_an_empty_permit_and_one_of_another_kind_leave_the_decision_to_the_allowance() public {
        Odd[2] memory kinds = [Odd.HasEmptyPermit, Odd.HasOtherPermit];
        for (uint256 i = 0; i < 2; ++i) {
            prepare(make(kinds[i]));
            IProviderStake.Permit memory permit = permitOf(NEWCOMER_KEY, 30 * one);
            vm.startPrank(newcomer);
            vm.expectPartialRevert(IERC20Errors.ERC20InsufficientAllowance.selector);
            stake.deposit(30 * one, permit);
            token.approve(address(stake), 30 * one);
            stake.deposit(30 * one, permit);
            vm.stopPrank();
            vm.assertEq(freeOf(newcomer), 30 * one, "free");
        }
    }

    function test_a_permit_as_dais_that_the_holder_sends_itself_opens_the_deposit() public {
        prepare(make(Odd.HasOtherPermit));
        DaiPermitToken dai = DaiPermitToken(address(token));
        uint256 expiry = block.timestamp + 1;
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(NEWCOMER_KEY, dai.permitDigest(newcomer, address(stake), 0, expiry, true));
        dai.permit(newcomer, address(stake), 0, expiry, true, v, r, s);
        vm.prank(newcomer);
        stake.deposit(30 * one, noPermit);
        vm.assertEq(freeOf(newcomer), 30 * one, "free");
    }

    function test_a_permit_that_a_stranger_used_first_changes_nothing() public {
        prepare(make(Odd.SixDecimals));
        IProviderStake.Permit memory permit = permitOf(NEWCOMER_KEY, 30 * one);
        vm.prank(stranger);
        token.permit(newcomer, address(stake), permit.value, permit.deadline, permit.v, permit.r, permit.s);
        vm.prank(newcomer);
        stake.deposit(30 * one, permit);
        vm.assertEq(freeOf(newcomer), 30 * one, "free");
    }

    // ------------------------------------------------------------------------------------------------- two entries

    function test_what_comes_through_the_old_entry_is_a_donation_and_nothing_leaves_through_it() public {
        prepare(make(Odd.HasOldEntry));
        OldEntry old = DoubleEntryToken(address(token)).oldEntry();
        vm.prank(buyer);
        old.transfer(address(stake), 10 * one);
        vm.assertEq(freeOf(buyer), 60 * one, "free");
        vm.assertEq(held(), owed() + 10 * one, "a donation");
        vm.prank(stranger);
        vm.expectPartialRevert(IERC20Errors.ERC20InsufficientAllowance.selector);
        old.transferFrom(address(stake), stranger, 1);
    }
}
