// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";

import {Actors} from "./Actors.sol";
import {actions} from "./Invariants.t.sol";
import {Cheats} from "./Cheats.sol";

/// @title The random walks really get everywhere: each thing counted here happened at least once
contract CoverageTest {
    Cheats private constant vm = Cheats(address(uint160(uint256(keccak256("hevm cheat code")))));

    Actors[] private markets;

    function test_everyOutcomeTransitionAndRefusalIsReached() external {
        bytes4[] memory all = actions();
        for (uint256 k = 0; k < 120; ++k) {
            vm.warp(1_700_000_000);
            Actors actors = new Actors(k % 2 == 0 ? 60 : 6);
            markets.push(actors);
            for (uint256 i = 0; i < 200; ++i) {
                uint256 seed = uint256(keccak256(abi.encode(k, i)));
                bytes memory action = abi.encodeWithSelector(all[seed % all.length], seed);
                (bool ok, bytes memory why) = address(actors).call(action);
                require(ok, string(abi.encodePacked("action failed: ", why)));
            }
            actors.checkSums();
            actors.everybodyLeaves();
        }
        _outcomes();
        _transitions();
        _events();
        _refusals();
    }

    function _outcomes() private view {
        for (uint256 i = 1; i <= uint256(type(IDataMarket.Outcome).max); ++i) {
            _isReached(keccak256(abi.encode(i)), string.concat("outcome ", vm.toString(i)));
        }
    }

    function _transitions() private view {
        uint8[2][12] memory pairs = [
            [0, 1], [1, 2], [1, 3], [1, 6], [2, 3], [2, 4], [2, 5], [3, 4], [3, 5], [3, 6], [4, 5], [4, 6]
        ];
        for (uint256 i = 0; i < pairs.length; ++i) {
            string memory name = string.concat(vm.toString(pairs[i][0]), " to ", vm.toString(pairs[i][1]));
            _isReached(keccak256(abi.encode(pairs[i][0], pairs[i][1])), string.concat("state ", name));
        }
    }

    function _events() private view {
        bytes32[15] memory names = [
            bytes32("displaced in round one"), "displaced in round two", "filled late", "filled late again",
            "redrawn", "released while proposed", "decided challenged", "decided unchallenged", "a bounty is paid",
            "a challenge bond is lost", "an echo challenge is lost", "undecided, challenged", "unfilled, challenged",
            "an own job is opened", "an own job is proposed"
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            _isReached(names[i], string(abi.encodePacked(names[i])));
        }
    }

    /// @dev Every error that a call by its right or its wrong caller may meet on a token that behaves.
    function _refusals() private view {
        bytes4[42] memory errors = [
            IDataMarket.ManifestZero.selector, IDataMarket.CallerNotOwner.selector,
            IDataMarket.AlreadyDelisted.selector, IDataMarket.OfferExpired.selector, IDataMarket.Delisted.selector,
            IDataMarket.ManifestChanged.selector, IDataMarket.EpochOver.selector, IDataMarket.OfferNotForYou.selector,
            IDataMarket.OfferRevoked.selector, IDataMarket.OfferUsedUp.selector, IDataMarket.SignatureInvalid.selector,
            IDataMarket.SeatsOutOfBounds.selector, IDataMarket.RewardOutOfBounds.selector,
            IDataMarket.FillOutOfBounds.selector, IDataMarket.ComputeOutOfBounds.selector,
            IDataMarket.ReleaseOutOfBounds.selector, IDataMarket.BudgetExceeded.selector,
            IDataMarket.WrongState.selector, IDataMarket.SealsIncomplete.selector, IDataMarket.NamingOver.selector,
            IDataMarket.NothingOpens.selector, IDataMarket.ChallengeSealZero.selector,
            IDataMarket.ChallengeOver.selector, IDataMarket.FinalizeTooEarly.selector,
            IDataMarket.RoundTwoNotFull.selector, IDataMarket.CommitsOpen.selector, IDataMarket.TooFewOpen.selector,
            IDataMarket.OwnerIsBuyer.selector, IDataMarket.AlreadyReleased.selector, IDataMarket.ReleaseOver.selector,
            IDataMarket.RefundTooEarly.selector, IProviderStake.FreeBalanceTooLow.selector,
            IProviderStake.FreeStakeTooLow.selector, IProviderStake.NothingLeaving.selector,
            IProviderStake.StillLeaving.selector, IProviderStake.RoundNotOpen.selector,
            IProviderStake.StakeTooYoung.selector, IProviderStake.UnitNotStaked.selector,
            IProviderStake.AlreadySeated.selector, IProviderStake.TicketTooHigh.selector,
            IProviderStake.CommitOver.selector, IProviderStake.RedrawTooEarly.selector
        ];
        for (uint256 i = 0; i < errors.length; ++i) {
            _isReached(errors[i], string.concat("error ", vm.toString(abi.encodePacked(errors[i]))));
        }
    }

    function _isReached(bytes32 what, string memory name) private view {
        uint256 count;
        for (uint256 i = 0; i < markets.length; ++i) {
            count += markets[i].reached(what);
        }
        vm.assertGt(count, 0, string.concat("never reached: ", name));
    }
}
