// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Market} from "./Market.sol";

/// @title Whoever has twice the stake sits twice as often, however it is split
contract DrawTest is Market {
    /// @dev 99.9 % points of chi-square with 4 and with 15 degrees of freedom, in thousandths.
    uint256 private constant MOST_FOR_5 = 18_467;
    uint256 private constant MOST_FOR_16 = 37_697;

    function setUp() external {
        deploy();
    }

    /// @dev Units 1, 2, 4, 8 and 1; the lowest ticket of all units sits. DRAWS is 10,000, and 100,000 at night.
    function test_theDrawIsProportionalToStake() external view {
        uint256[5] memory units = [uint256(1), 2, 4, 8, 1];
        uint256[5] memory won;
        uint256 draws = vm.envOr("DRAWS", 10_000);
        for (uint256 i = 0; i < draws; ++i) {
            ++won[_winner(keccak256(abi.encode("seed", i)), units)];
        }
        uint256 chi;
        for (uint256 k = 0; k < 5; ++k) {
            chi += _deviation(won[k], draws * units[k] * 1_000 / 16);
        }
        vm.assertLt(chi, MOST_FOR_5, "seats are not in proportion to stake");
    }

    /// @dev The low bits of tickets are uniform too, so no unit number is better than another.
    function test_noUnitIsBetterThanAnother() external view {
        uint256[16] memory hits;
        uint256 draws = vm.envOr("DRAWS", 10_000);
        for (uint256 i = 0; i < draws; ++i) {
            ++hits[stake.ticketOf(keccak256(abi.encode("unit", i / 64)), providers[0], i % 64) >> 92];
        }
        uint256 chi;
        for (uint256 k = 0; k < 16; ++k) {
            chi += _deviation(hits[k], draws * 1_000 / 16);
        }
        vm.assertLt(chi, MOST_FOR_16, "tickets are not uniform");
    }

    /// @dev The whole way: random units enter a real contest; the lowest ticket that entered is the one that sits.
    function testFuzz_theLowestTicketThatEnteredSits(uint256 random) external {
        uint256 job = drawnJob(1);
        uint96 lowest = type(uint96).max;
        for (uint256 i = 0; i < 8; ++i) {
            random = uint256(keccak256(abi.encode(random)));
            (address who, uint256 unit) = (providers[random % 5], (random >> 8) % 100);
            uint96 ticket = stake.ticketOf(stake.roundOf(job, 1).seed, who, unit);
            vm.prank(who);
            (bool seated,) = address(stake).call(abi.encodeCall(stake.takeSeat, (job, unit)));
            vm.assertTrue(seated == (ticket < lowest), "a seat is taken by a lower ticket, and by no other");
            if (seated) lowest = ticket;
            vm.assertEq(stake.seatsOf(job, 1)[0].ticket, lowest, "the lowest ticket sits");
        }
    }

    /// @dev In thousandths, of `expected` in thousandths.
    function _deviation(uint256 seen, uint256 expected) private pure returns (uint256) {
        uint256 off = seen * 1_000 > expected ? seen * 1_000 - expected : expected - seen * 1_000;
        return off * off / expected;
    }

    function _winner(bytes32 seed, uint256[5] memory units) private view returns (uint256 winner) {
        uint96 lowest = type(uint96).max;
        for (uint256 k = 0; k < 5; ++k) {
            for (uint256 u = 0; u < units[k]; ++u) {
                uint96 ticket = stake.ticketOf(seed, providers[k], u);
                if (ticket < lowest) (lowest, winner) = (ticket, k);
            }
        }
    }
}
