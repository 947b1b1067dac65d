// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DataMarket} from "contracts/DataMarket.sol";
import {ProviderStake} from "contracts/ProviderStake.sol";
import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";
import {MockToken} from "contracts/mocks/MockToken.sol";

import {Market} from "../Market.sol";

interface PermitToken {
    function nonces(address account) external view returns (uint256);
    function DOMAIN_SEPARATOR() external view returns (bytes32);
}

/// @title A market that is paid in any token, in amounts of its own scale, and what everybody has in it
abstract contract OddMarket is Market {
    bytes32 private constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    uint256 internal constant NEWCOMER_KEY = uint256(keccak256("newcomer"));

    /// @dev Has tokens and no allowance.
    address internal newcomer = vm.addr(NEWCOMER_KEY);
    /// @dev Base units of one whole token.
    uint96 internal one = ONE;
    address[] internal people = [owner, buyer, challenger, payee, stranger, newcomer];
    mapping(address account => uint256) internal start;

    // ------------------------------------------------------------------------------------------------- set-up

    /// @dev The buyer and the challenger can pay one job and one bond from their free balance, and no second one.
    function prepare(address token_) internal {
        setTime(time);
        token = MockToken(token_);
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        stake = new ProviderStake(token_, next, 100 * one, EXIT);
        market = new DataMarket(stake, bounds());
        enter(owner, 30);
        enter(buyer, 60);
        enter(challenger, 60);
        enter(stranger, 0);
        token.mint(newcomer, 100 * one);
        for (uint256 i = 0; i < providers.length; ++i) {
            enter(providers[i], 300);
            if (people.length < 11) people.push(providers[i]);
            vm.prank(providers[i]);
            stake.stake(300 * one);
        }
        vm.prank(owner);
        market.listDataset(MANIFEST, EPSILON_BUDGET, EXACT);
        pass(12);
        for (uint256 i = 0; i < people.length; ++i) {
            start[people[i]] = inLedger(people[i]);
        }
    }

    /// @dev Leaves 100 tokens in the wallet and `free` tokens in the ledger.
    function enter(address who, uint96 free) internal {
        token.mint(who, (100 + free) * one);
        vm.startPrank(who);
        token.approve(address(stake), type(uint256).max);
        if (free != 0) stake.deposit(free * one, noPermit);
        vm.stopPrank();
    }

    function scaledOffer() internal view returns (IDataMarket.Offer memory scaled) {
        scaled = offer();
        (scaled.price, scaled.guarantee) = (40 * one, 10 * one);
        (scaled.minReward, scaled.maxReward) = (2 * one, 5 * one);
    }

    function scaledTerms() internal view returns (IDataMarket.Terms memory scaled) {
        scaled = terms(1);
        (scaled.floor, scaled.reward) = (2 * one, 5 * one);
    }

    function openScaled() internal returns (uint256) {
        return openAs(buyer, scaledOffer(), scaledTerms());
    }

    function permitOf(uint256 key, uint256 value) internal view returns (IProviderStake.Permit memory permit) {
        permit.value = value;
        permit.deadline = block.timestamp + 1 hours;
        PermitToken signed = PermitToken(address(token));
        uint256 nonce = signed.nonces(vm.addr(key));
        bytes32 content =
            keccak256(abi.encode(PERMIT_TYPEHASH, vm.addr(key), address(stake), value, nonce, permit.deadline));
        (permit.v, permit.r, permit.s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", signed.DOMAIN_SEPARATOR(), content)));
    }

    // ------------------------------------------------------------------------------------------------- books

    /// @dev All that is somebody's in the ledger.
    function inLedger(address who) internal view returns (uint256) {
        IProviderStake.Account memory account = stake.accountOf(who);
        return uint256(account.staked) + account.free + account.leaving;
    }

    function freeOf(address who) internal view returns (uint96) {
        return stake.accountOf(who).free;
    }

    /// @dev All that the ledger counts.
    function owed() internal view returns (uint256 sum) {
        sum = stake.burnt();
        for (uint256 i = 0; i < people.length; ++i) {
            sum += inLedger(people[i]);
        }
        for (uint256 job = 1; job <= market.jobCount(); ++job) {
            sum += stake.ledgerOf(job).held;
        }
    }

    function held() internal view returns (uint256) {
        return token.balanceOf(address(stake));
    }

    function gained(address who, int256 tokens) internal view {
        int256 change = int256(inLedger(who)) - int256(start[who]);
        vm.assertEq(change, tokens * int256(uint256(one)), string.concat("gained by ", vm.toString(who)));
    }

    /// @dev Everything that is staked becomes free.
    function unstakeAll() internal {
        for (uint256 i = 0; i < providers.length; ++i) {
            uint96 staked = stake.accountOf(providers[i]).staked;
            vm.prank(providers[i]);
            stake.unstake(staked);
        }
        pass(EXIT);
        for (uint256 i = 0; i < providers.length; ++i) {
            vm.prank(providers[i]);
            stake.collect();
        }
    }
}
