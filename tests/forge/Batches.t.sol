// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";
import {Multicall} from "contracts/libraries/Multicall.sol";

import {Cheats} from "./Cheats.sol";
import {Market} from "./Market.sol";

/// @title What a bad item does to a transaction of many calls
contract BatchesTest is Market {
    function setUp() public {
        deploy();
    }

    function test_a_bad_item_is_announced_with_its_reason_and_undoes_no_other() public {
        bytes[] memory calls = new bytes[](3);
        calls[0] = abi.encodeCall(stake.withdraw, (1, buyer));
        calls[1] = abi.encodeCall(stake.withdraw, (1, address(0)));
        calls[2] = abi.encodeCall(stake.withdraw, (2, buyer));
        bytes memory reason = abi.encodeWithSelector(IProviderStake.RecipientInvalid.selector, address(0));
        uint256 free = stake.accountOf(buyer).free;
        vm.recordLogs();
        vm.prank(buyer);
        (bool[] memory ok, bytes[] memory results) = stake.multicall(calls);
        vm.assertTrue(ok[0] && !ok[1] && ok[2], "the first and the last");
        vm.assertEq(results[1], reason, "the reason");
        vm.assertEq(stake.accountOf(buyer).free, free - 3, "what they did");
        uint256 told;
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != Multicall.CallFailed.selector) continue;
            ++told;
            vm.assertEq(logs[i].data, abi.encode(1, reason), "the one that failed");
        }
        vm.assertEq(told, 1, "announced once");
    }

    /// @dev Whoever estimates the gas of a transaction looks for the least with which it succeeds.
    function test_with_too_little_gas_for_an_item_nothing_happens_at_all() public {
        uint256 job = disputedJob(5);
        commitAll(job, RIGHT, TRACE);
        bytes[] memory calls = new bytes[](1);
        calls[0] = abi.encodeCall(market.decide, (job, RIGHT, TRACE));
        bytes memory data = abi.encodeCall(market.multicall, (calls));
        bytes memory short = abi.encodeWithSelector(Multicall.OutOfGas.selector, 0);
        uint256 refused;
        for (uint256 gas = 100_000; gas <= 800_000; gas += 5_000) {
            uint256 here = vm.snapshotState();
            (bool ok, bytes memory answer) = address(market).call{gas: gas}(data);
            if (ok) {
                (bool[] memory done,) = abi.decode(answer, (bool[], bytes[]));
                vm.assertTrue(done[0], "the item, if the whole");
            } else if (keccak256(answer) == keccak256(short)) {
                ++refused;
            }
            vm.assertTrue(ok || gas < 700_000, "enough is enough");
            vm.revertToStateAndDelete(here);
        }
        vm.assertGt(refused, 0, "refused by name");
    }
}
