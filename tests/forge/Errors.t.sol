// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {DataMarket} from "contracts/DataMarket.sol";
import {ProviderStake} from "contracts/ProviderStake.sol";
import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";

import {Market} from "./Market.sol";

/// @title Refusals and views that no walk and no dispute of the other tests meets
contract ErrorsTest is Market {
    function setUp() public {
        deploy();
    }

    function marketAddress() private view returns (address) {
        return vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
    }

    function test_a_ledger_needs_a_token_a_market_a_unit_and_a_delay() public {
        vm.expectRevert(IProviderStake.AddressZero.selector);
        new ProviderStake(address(0), address(market), UNIT, EXIT);
        vm.expectRevert(IProviderStake.AddressZero.selector);
        new ProviderStake(address(token), address(0), UNIT, EXIT);
        vm.expectRevert(IProviderStake.UnitZero.selector);
        new ProviderStake(address(token), address(market), 0, EXIT);
        vm.expectRevert(IProviderStake.ExitZero.selector);
        new ProviderStake(address(token), address(market), UNIT, 0);
    }

    function test_a_market_refuses_a_ledger_of_another_market() public {
        vm.expectRevert(abi.encodeWithSelector(IDataMarket.StakeMismatch.selector, address(stake)));
        new DataMarket(stake, bounds());
    }

    function refuseBounds(IDataMarket.Bounds memory limits) private {
        ProviderStake fresh = new ProviderStake(address(token), marketAddress(), UNIT, EXIT);
        vm.expectRevert(IDataMarket.BoundsInvalid.selector);
        new DataMarket(fresh, limits);
    }

    function test_a_market_refuses_each_bound_that_is_zero_or_above_its_upper_one() public {
        for (uint256 i = 0; i < 7; ++i) {
            IDataMarket.Bounds memory limits = bounds();
            if (i == 0) limits.minFill = 0;
            if (i == 1) limits.minFill = limits.maxFill + 1;
            if (i == 2) limits.minCompute = 0;
            if (i == 3) limits.minCompute = limits.maxCompute + 1;
            if (i == 4) limits.minRelease = 0;
            if (i == 5) limits.minRelease = limits.maxRelease + 1;
            if (i == 6) limits.naming = 0;
            refuseBounds(limits);
        }
    }

    function test_a_market_takes_bounds_that_leave_no_choice() public {
        IDataMarket.Bounds memory limits = bounds();
        (limits.maxFill, limits.maxCompute, limits.maxRelease) = (limits.minFill, limits.minCompute, limits.minRelease);
        ProviderStake fresh = new ProviderStake(address(token), marketAddress(), UNIT, EXIT);
        DataMarket strict = new DataMarket(fresh, limits);
        vm.assertEq(keccak256(abi.encode(strict.bounds())), keccak256(abi.encode(limits)), "the bounds are kept");
    }

    function test_a_dataset_is_delisted_once() public {
        vm.startPrank(owner);
        market.delist(1);
        vm.expectRevert(abi.encodeWithSelector(IDataMarket.AlreadyDelisted.selector, 1));
        market.delist(1);
        vm.stopPrank();
    }

    function test_the_address_of_a_dataset_is_its_manifest_as_a_cid() public {
        bytes32 manifest = 0x00ff10a95b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f506;
        vm.prank(owner);
        market.updateManifest(1, manifest);
        string memory text = "ipfs://f0155122000ff10a95b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f506";
        vm.assertEq(bytes(market.tokenURI(1)), bytes(text), "the address");
        vm.expectPartialRevert(bytes4(keccak256("ERC721NonexistentToken(uint256)")));
        market.tokenURI(2);
    }

    function test_the_collection_says_its_name() public view {
        string memory text = 'data:application/json;utf8,{"name":"Hexchange datasets"}';
        vm.assertEq(bytes(market.contractURI()), bytes(text), "the collection");
    }

    function test_the_market_names_its_interfaces() public view {
        vm.assertTrue(market.supportsInterface(0x01ffc9a7), "ERC-165");
        vm.assertTrue(market.supportsInterface(0x80ac58cd), "ERC-721");
        vm.assertTrue(market.supportsInterface(0x5b5e139f), "ERC-721 metadata");
        vm.assertTrue(market.supportsInterface(0x49064906), "ERC-4906");
        vm.assertTrue(market.supportsInterface(0x2a55205a), "ERC-2981");
        vm.assertFalse(market.supportsInterface(0xffffffff), "none");
    }

    function test_an_offer_without_least_seats_asks_for_one_and_its_own_windows_hold() public {
        IDataMarket.Offer memory asked = offer();
        (asked.minSeats, asked.minFill, asked.minCompute) = (0, FILL + 1, COMPUTE);
        bytes memory signature = sign(asked);
        IDataMarket.Terms memory none = terms(0);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IDataMarket.SeatsOutOfBounds.selector, 0, 1, 5));
        market.openJob(asked, signature, none, noPermit);
        IDataMarket.Terms memory short = terms(1);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IDataMarket.FillOutOfBounds.selector, FILL, FILL + 1, 1 days));
        market.openJob(asked, signature, short, noPermit);
    }

    function test_an_owner_that_is_the_buyer_releases_nothing() public {
        uint256 job = openAs(owner, offer(), terms(1));
        draw(job);
        fill(job);
        commitAll(job, RIGHT, 0);
        settle(job, RIGHT);
        vm.prank(owner);
        vm.expectRevert(IDataMarket.OwnerIsBuyer.selector);
        market.release(job, RIGHT, "");
    }

    function test_nothing_is_withdrawn_to_zero_the_ledger_or_the_market() public {
        address[3] memory places = [address(0), address(stake), address(market)];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(buyer);
            vm.expectRevert(abi.encodeWithSelector(IProviderStake.RecipientInvalid.selector, places[i]));
            stake.withdraw(1, places[i]);
        }
    }

    function test_leaving_stake_is_collected_from_the_end_of_its_delay() public {
        vm.startPrank(providers[0]);
        stake.unstake(ONE);
        uint40 availableAt = uint40(time) + EXIT;
        setTime(availableAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IProviderStake.StillLeaving.selector, availableAt, availableAt - 1));
        stake.collect();
        setTime(availableAt);
        stake.collect();
        vm.stopPrank();
        vm.assertEq(stake.accountOf(providers[0]).free, ONE, "free again");
    }

    function test_a_seal_is_not_zero() public {
        uint256 job = fullJob(1);
        vm.prank(providers[0]);
        vm.expectRevert(IProviderStake.SealZero.selector);
        stake.commit(job, 0, 0);
    }

    function test_round_two_is_never_redrawn() public {
        uint256 job = disputedJob(1);
        pass(COMPUTE);
        vm.expectRevert(IProviderStake.RoundTwoOpen.selector);
        stake.redraw(job);
    }

    /// @dev The market never asks for that much; the ledger would not give it either.
    function test_the_ledger_pays_and_keeps_no_more_than_is_held_for_a_job() public {
        uint256 job = open(1);
        uint96 held = PRICE + GUARANTEE + REWARD;
        vm.startPrank(address(market));
        vm.expectRevert(abi.encodeWithSelector(IProviderStake.HeldTooLow.selector, job, held, held + 1));
        stake.pay(job, buyer, held + 1);
        vm.expectRevert(abi.encodeWithSelector(IProviderStake.HeldTooLow.selector, job, held, held + 1));
        stake.divide(job, buyer, held + 1, owner, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IProviderStake.HeldTooLow.selector, job, held - 2, held - 1));
        stake.divide(job, buyer, 2, owner, held - 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IProviderStake.HeldTooLow.selector, job, held - 3, held - 2));
        stake.divide(job, buyer, 2, owner, 1, held - 2);
        stake.divide(job, buyer, 2, owner, 1, held - 3);
        vm.assertEq(stake.ledgerOf(job).held, held - 3, "what is kept");
        vm.assertEq(stake.burnt(), 0, "nothing is left to burn");
        stake.pay(job, buyer, held - 3);
        vm.stopPrank();
        vm.assertEq(stake.ledgerOf(job).held, 0, "all of it");
    }

    function test_a_royalty_is_its_part_of_the_price_whoever_holds_the_dataset(uint256 price, uint16 points) public {
        points %= 1_001;
        (address receiver, uint256 amount) = market.royaltyInfo(1, price);
        vm.assertEq(receiver, address(0), "none is set");
        vm.assertEq(amount, 0, "none is owed");
        vm.prank(owner);
        market.setRoyalty(1, payee, points);
        vm.prank(owner);
        market.transferFrom(owner, stranger, 1);
        (receiver, amount) = market.royaltyInfo(1, price);
        vm.assertEq(receiver, payee, "the receiver");
        vm.assertEq(amount, Math.mulDiv(price, points, 10_000), "the amount");
        vm.prank(stranger);
        market.setRoyalty(1, address(0), 1_000);
        (receiver, amount) = market.royaltyInfo(1, 19);
        vm.assertEq(receiver, stranger, "the holder, if nobody is named");
        vm.assertEq(amount, 1, "a tenth, rounded down");
        (, amount) = market.royaltyInfo(1, type(uint256).max);
        vm.assertEq(amount, type(uint256).max / 10, "a tenth of the highest price");
        (receiver, amount) = market.royaltyInfo(2, price);
        vm.assertEq(amount, 0, "of that dataset alone");
    }

    function test_a_ticket_is_the_low_end_of_a_hash_of_seed_provider_and_unit() public view {
        uint96 ticket = uint96(uint256(keccak256(abi.encode(RIGHT, providers[0], 3))));
        vm.assertEq(stake.ticketOf(RIGHT, providers[0], 3), ticket, "the ticket");
    }
}
