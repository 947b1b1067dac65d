// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";
import {MockHookToken} from "contracts/mocks/MockHookToken.sol";
import {MockToken} from "contracts/mocks/MockToken.sol";

import {ApproveOnceToken} from "./ApproveOnceToken.sol";
import {BackwardsToken} from "./BackwardsToken.sol";
import {BlocklistToken} from "./BlocklistToken.sol";
import {DaiPermitToken} from "./DaiPermitToken.sol";
import {DoubleEntryToken} from "./DoubleEntryToken.sol";
import {EmptyPermitToken} from "./EmptyPermitToken.sol";
import {FalseReturnToken} from "./FalseReturnToken.sol";
import {FeeOnTopToken} from "./FeeOnTopToken.sol";
import {FeeOutToken} from "./FeeOutToken.sol";
import {Hook, HookedToken} from "./HookedToken.sol";
import {LyingToken} from "./LyingToken.sol";
import {MaxMeansAllToken} from "./MaxMeansAllToken.sol";
import {NoReturnToken} from "./NoReturnToken.sol";
import {NoZeroToken} from "./NoZeroToken.sol";
import {OddMarket} from "./OddMarket.sol";
import {OddToken} from "./OddToken.sol";
import {OtherReturnToken} from "./OtherReturnToken.sol";
import {PausableToken} from "./PausableToken.sol";
import {RebasingToken} from "./RebasingToken.sol";
import {UpgradeableToken} from "./UpgradeableToken.sol";

/// @dev Plain tokens turn odd after everybody paid in; some are odd from the start.
enum Odd {
    ZeroDecimals,
    SixDecimals,
    EighteenDecimals,
    TwentySevenDecimals,
    SupplyTooLarge,
    FeeOutOfAmount,
    FeeOnTop,
    RebasesUp,
    RebasesDown,
    RebasesWithRounding,
    ReportsTwice,
    MovesBackwards,
    ReturnsNothing,
    ReturnsOneByte,
    ReturnsTwoWords,
    ReturnsTwo,
    ReturnsFalse,
    RefusesZero,
    ApprovesOnce,
    BlocksThePeople,
    BlocksTheLedger,
    Pauses,
    IsUpgraded,
    HasHooks,
    Reenters,
    TakesMaxForAll,
    HasEmptyPermit,
    HasOtherPermit,
    HasOldEntry,
    IsOldEntry
}

/// @dev Goes for the ledger whenever a token tells it of a transfer.
contract Busybody is Hook {
    IProviderStake private immutable _stake;
    uint256 public calls;

    constructor(IProviderStake stake) {
        _stake = stake;
    }

    function tokensToSend(address, address, uint256) external {
        _enter();
    }

    function tokensReceived(address, address, uint256) external {
        _enter();
    }

    function _enter() private {
        ++calls;
        (bool open,) = address(_stake).call(abi.encodeCall(_stake.withdraw, (0, address(1))));
        require(!open, "the ledger is open");
    }
}

/// @title Makes the odd tokens, and turns them
abstract contract OddTokens is OddMarket {
    function make(Odd odd) internal returns (address) {
        if (odd == Odd.ZeroDecimals) return address(new MockToken("Odd", "ODD", 0));
        if (odd == Odd.EighteenDecimals) return address(new MockToken("Odd", "ODD", 18));
        if (odd == Odd.TwentySevenDecimals) return address(new MockToken("Odd", "ODD", 27));
        if (odd == Odd.FeeOutOfAmount) return address(new FeeOutToken());
        if (odd == Odd.FeeOnTop) return address(new FeeOnTopToken());
        if (odd == Odd.RebasesUp) return address(new RebasingToken(125));
        if (odd == Odd.RebasesDown) return address(new RebasingToken(80));
        if (odd == Odd.RebasesWithRounding) return address(new RebasingToken(107));
        if (odd == Odd.ReportsTwice) return address(new LyingToken(2, 0));
        if (odd == Odd.MovesBackwards) return address(new BackwardsToken());
        if (odd == Odd.ReturnsNothing) return address(new NoReturnToken());
        if (odd == Odd.ReturnsOneByte) return address(new OtherReturnToken(1, 1 << 248));
        if (odd == Odd.ReturnsTwoWords) return address(new OtherReturnToken(64, 1));
        if (odd == Odd.ReturnsTwo) return address(new OtherReturnToken(32, 2));
        if (odd == Odd.ReturnsFalse) return address(new FalseReturnToken());
        if (odd == Odd.RefusesZero) return address(new NoZeroToken());
        if (odd == Odd.ApprovesOnce) return address(new ApproveOnceToken());
        if (odd == Odd.BlocksThePeople || odd == Odd.BlocksTheLedger) return address(new BlocklistToken());
        if (odd == Odd.Pauses) return address(new PausableToken());
        if (odd == Odd.IsUpgraded) return address(new UpgradeableToken(address(new NoZeroToken())));
        if (odd == Odd.HasHooks) return address(new HookedToken());
        if (odd == Odd.Reenters) return address(new MockHookToken());
        if (odd == Odd.TakesMaxForAll) return address(new MaxMeansAllToken());
        if (odd == Odd.HasEmptyPermit) return address(new EmptyPermitToken());
        if (odd == Odd.HasOtherPermit) return address(new DaiPermitToken());
        if (odd == Odd.HasOldEntry) return address(new DoubleEntryToken());
        if (odd == Odd.IsOldEntry) return address(new DoubleEntryToken().oldEntry());
        return address(new MockToken("Odd", "ODD", 6));
    }

    /// @dev What is odd from the start has nothing to turn.
    function turn(Odd odd, bool on) internal {
        if (odd == Odd.SupplyTooLarge) token.mint(address(stake), 1 << 96);
        if (odd == Odd.BlocksTheLedger) BlocklistToken(address(token)).list(address(stake), on);
        if (odd == Odd.BlocksThePeople || odd == Odd.HasHooks) _turnPeople(odd, on);
        if (odd == Odd.IsUpgraded) UpgradeableToken(payable(address(token))).upgrade(address(new FeeOutToken()));
        if (odd == Odd.Reenters) {
            MockHookToken(address(token)).hook(address(stake), abi.encodeCall(stake.deposit, (0, noPermit)));
        }
        if (odd < Odd.FeeOutOfAmount || odd == Odd.Reenters || odd == Odd.IsOldEntry) return;
        OddToken(address(token)).turn(on);
    }

    function _turnPeople(Odd odd, bool on) private {
        Hook hook = new Busybody(stake);
        for (uint256 i = 0; i < people.length; ++i) {
            address who = people[i];
            if (odd == Odd.BlocksThePeople) {
                BlocklistToken(address(token)).list(who, on);
            } else {
                vm.prank(who);
                HookedToken(address(token)).register(hook);
            }
        }
    }
}
