// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Actors} from "./Actors.sol";
import {Cheats} from "./Cheats.sol";

/// @title Everybody acts at random, and after each action every sentence of the rules must hold
/// @dev Two markets, so that two cores are used: forge runs contracts side by side.
abstract contract Invariants {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Actors internal actors;

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(actors);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(actors), actions());
    }

    function invariant_everySentenceOfTheRulesHolds() external view {
        actors.checkSums();
    }

    function afterInvariant() external {
        actors.everybodyLeaves();
    }
}

/// @dev All actions that a fuzzer chooses among.
function actions() pure returns (bytes4[] memory all) {
    all = new bytes4[](27);
    all[0] = Actors.buyerOpensAJob.selector;
    all[1] = Actors.hoarderOpensAJob.selector;
    all[2] = Actors.providersDrawASeed.selector;
    all[3] = Actors.providersTakeSeats.selector;
    all[4] = Actors.honestProvidersCommit.selector;
    all[5] = Actors.copierCommits.selector;
    all[6] = Actors.lazyProviderCommits.selector;
    all[7] = Actors.colludersCommit.selector;
    all[8] = Actors.garbageSealerCommits.selector;
    all[9] = Actors.providerMovesStake.selector;
    all[10] = Actors.somebodyNamesADigest.selector;
    all[11] = Actors.ownerChallengesALie.selector;
    all[12] = Actors.grieferChallengesTheTruth.selector;
    all[13] = Actors.wrongProviderChallengesItself.selector;
    all[14] = Actors.echoChallengerSealsWhatWasProposed.selector;
    all[15] = Actors.somebodyFinalizes.selector;
    all[16] = Actors.somebodyRedraws.selector;
    all[17] = Actors.somebodyRefunds.selector;
    all[18] = Actors.strangerEndsManyJobs.selector;
    all[19] = Actors.ownerReleases.selector;
    all[20] = Actors.ownerDeclines.selector;
    all[21] = Actors.ownerMoves.selector;
    all[22] = Actors.donorGives.selector;
    all[23] = Actors.strangerPokes.selector;
    all[24] = Actors.clockMeetsADeadline.selector;
    all[25] = Actors.clockRunsFar.selector;
    all[26] = Actors.followerHelps.selector;
}

contract RichMarketInvariants is Invariants {
    function setUp() external {
        actors = new Actors(60);
    }
}

/// @dev Juries often stay empty and seats unfilled here.
contract ThinMarketInvariants is Invariants {
    function setUp() external {
        actors = new Actors(6);
    }
}
