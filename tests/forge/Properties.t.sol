// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";

import {Market} from "./Market.sol";

/// @title Rules that hold for every number, each tried with random ones
contract PropertiesTest is Market {
    uint256 private constant MAX_REWARD = type(uint96).max / 24;

    function setUp() external {
        deploy();
    }

    // ------------------------------------------------------------------------------------------------- money

    function testFuzz_theBondCoversRoundTwoABountyAndABurntReward(uint8 seats, uint96 reward) external pure {
        (uint256 n, uint256 r) = (1 + seats % 5, 1 + uint256(reward) % MAX_REWARD);
        uint256 bond = bondOf(uint8(n), uint96(r));
        vm.assertEq(bond, (2 * n + 5) * r + (n + 3) * r + r, "bond");
        vm.assertEq(bond / 3 * 3, bond, "a fine is a third, without a rest");
        vm.assertGe(bond / 3, (n - 1) * r, "a fine pays every other seat");
        vm.assertLe(bond, type(uint96).max, "bond fits");
    }

    /// @dev The reward is the floor while the contest runs, climbs with the second, and never passes the ceiling.
    function testFuzz_theRewardClimbsFromTheFloorAndTheRestReturns(uint96 floor, uint96 reward, uint24 late) external {
        IDataMarket.Terms memory t = terms(1);
        t.reward = uint96(1 + reward % (20 * ONE));
        t.floor = uint96(floor % (t.reward + 1));
        late = late % t.fill;
        IDataMarket.Offer memory o = offer();
        (o.minReward, o.maxReward) = (0, t.reward);
        uint96 free = stake.accountOf(buyer).free;
        uint256 job = openAs(buyer, o, t);
        draw(job);
        pass(t.fill + late);
        sit(job, providers[0], 0);
        commit(job, 0, RIGHT, 0);
        settle(job, RIGHT);
        finalize(job);
        uint96 paid = stake.accountOf(providers[0]).free;
        vm.assertEq(paid, t.floor + uint256(t.reward - t.floor) * late / t.fill, "reward");
        vm.assertLe(paid, t.reward, "never above the ceiling");
        vm.assertEq(free - stake.accountOf(buyer).free, PRICE + paid, "what the auction did not use returned");
    }

    /// @dev Whatever the seats sealed and whoever was silent: what came in is paid, burnt or still held.
    function testFuzz_aDecisionPaysOutWhatCameInAndBurnsAReward(uint8 seats, uint32 wrong, uint32 silent) external {
        uint8 n = 1 + seats % 3;
        uint256 before = _owned();
        uint256 job = disputedJob(n);
        uint256 m = 2 * uint256(n) + 5;
        uint256 spare = m - (2 * m + 2) / 3;
        for (uint8 i = 0; i < m; ++i) {
            bool faulty = spare != 0 && ((wrong | silent) >> i) & 1 == 1;
            if (faulty) --spare;
            if (!faulty || (wrong >> i) & 1 == 1) commit(job, i, faulty ? WRONG : RIGHT, TRACE);
        }
        pass(COMPUTE);
        uint96 burnt = stake.burnt();
        decide(job, RIGHT, TRACE);
        vm.assertGe(stake.burnt() - burnt, REWARD, "at least a reward is burnt");
        vm.assertEq(stake.ledgerOf(job).held, PRICE + GUARANTEE, "price and guarantee wait for the release");
        vm.assertEq(_owned() + stake.ledgerOf(job).held + stake.burnt(), before, "parts are the whole");
        release(job);
        vm.assertEq(stake.ledgerOf(job).held, 0, "nothing is left");
        vm.assertEq(_owned() + stake.burnt(), before, "parts are the whole");
    }

    function testFuzz_aLapseReturnsThePriceAndAtMostTheRewardsPaid(uint96 guarantee, bool declined) external {
        IDataMarket.Offer memory o = offer();
        o.guarantee = guarantee % (100 * ONE);
        uint256 before = stake.accountOf(buyer).free;
        uint256 job = openAs(buyer, o, terms(2));
        draw(job);
        fill(job);
        commitAll(job, RIGHT, 0);
        settle(job, RIGHT);
        finalize(job);
        if (!declined) pass(RELEASE);
        vm.prank(declined ? owner : stranger);
        market.refund(job);
        uint256 made = o.guarantee < 2 * FLOOR ? o.guarantee : 2 * FLOOR;
        vm.assertEq(before - stake.accountOf(buyer).free, 2 * FLOOR - made, "the buyer never gains");
        vm.assertEq(stake.accountOf(owner).free, 1_000 * ONE - made, "the owner loses what it makes good");
    }

    function _owned() private view returns (uint256 sum) {
        address[10] memory all = [
            owner, buyer, challenger, payee, stranger,
            providers[0], providers[1], providers[2], providers[3], providers[4]
        ];
        for (uint256 i = 0; i < all.length; ++i) {
            IProviderStake.Account memory a = stake.accountOf(all[i]);
            sum += uint256(a.free) + a.staked + a.leaving;
        }
        sum += token.balanceOf(challenger) + token.balanceOf(buyer);
    }

    // ------------------------------------------------------------------------------------------------- documents

    function testFuzz_anOfferDigestIsThatOfEip712(IDataMarket.Offer memory o) external view {
        bytes32 typehash = keccak256(
            "Offer(uint256 dataset,uint64 epoch,bytes32 manifest,bytes32 circuit,address buyer,address payee,"
            "uint96 price,uint96 guarantee,uint64 epsilon,uint8 minSeats,uint96 minReward,uint96 maxReward,"
            "uint24 minFill,uint24 minCompute,uint40 expiry,uint32 maxUses,bytes32 salt)"
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Hexchange"),
                keccak256("1"),
                block.chainid,
                address(market)
            )
        );
        bytes memory first = abi.encode(
            typehash, o.dataset, o.epoch, o.manifest, o.circuit, o.buyer, o.payee, o.price, o.guarantee
        );
        bytes memory rest = abi.encode(
            o.epsilon, o.minSeats, o.minReward, o.maxReward, o.minFill, o.minCompute, o.expiry, o.maxUses, o.salt
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, keccak256(abi.encodePacked(first, rest))));
        vm.assertEq(market.offerDigestOf(o), digest, "digest");
    }

    /// @dev A seal made for another job, round, seat, provider, digest or trace opens nothing.
    function testFuzz_aSealOpensOnlyWhereItWasMade(uint8 which, bytes32 other) external {
        uint256 job = fullJob(1);
        bytes32 seal = sealOf(
            which % 6 == 0 ? job + 1 : job,
            which % 6 == 1 ? 2 : 1,
            which % 6 == 2 ? 1 : 0,
            which % 6 == 3 ? stranger : providers[0],
            which % 6 == 4 ? other : RIGHT,
            which % 6 == 5 ? other : bytes32(0)
        );
        bool same = (which % 6 == 4 && other == RIGHT) || (which % 6 == 5 && other == 0);
        vm.prank(providers[0]);
        stake.commit(job, 0, seal);
        vm.assertEq(stake.matches(job, 1, RIGHT, 0), same ? 1 : 0, "opens");
    }

    function testFuzz_aTicketIsOfProviderAndUnitAlone(bytes32 seed, address who, uint256 unit) external view {
        uint256 ticket = uint256(keccak256(abi.encode(seed, who, unit))) & type(uint96).max;
        vm.assertEq(stake.ticketOf(seed, who, unit), ticket, "ticket");
    }

    // ------------------------------------------------------------------------------------------------- strangers

    function testFuzz_namingARandomDigestChangesNothing(bytes32 digest, bytes32 salted, bool second) external {
        if (digest == RIGHT || digest == WRONG) return;
        uint256 job = second ? disputedJob(1) : sealedJob(2, RIGHT);
        if (second) commitAll(job, RIGHT, TRACE);
        bytes32 before = keccak256(abi.encode(market.jobOf(job), stake.seatsOf(job, 1), stake.seatsOf(job, 2)));
        bytes memory data = second
            ? abi.encodeCall(market.decide, (job, digest, salted))
            : abi.encodeCall(market.settle, (job, digest));
        vm.prank(stranger);
        (bool ok,) = address(market).call(data);
        vm.assertFalse(ok, "refused");
        bytes32 afterwards = keccak256(abi.encode(market.jobOf(job), stake.seatsOf(job, 1), stake.seatsOf(job, 2)));
        vm.assertEq(afterwards, before, "nothing changed");
    }

    // ------------------------------------------------------------------------------------------------- any input

    /// @dev Half of the offers are good enough to come as far as the terms and the money.
    function testFuzz_openingWithAnythingHasAnEffectOrATypedError(
        IDataMarket.Offer memory o,
        IDataMarket.Terms memory t,
        bytes memory signature,
        uint256 shape
    ) external {
        if (shape & 1 == 1) {
            (o.dataset, o.epoch, o.manifest, o.buyer) = (1, 0, MANIFEST, address(0));
            (o.expiry, o.maxUses) = (type(uint40).max, 1 + o.maxUses / 2);
            if (shape & 2 == 2) (t.seats, o.minSeats) = (1 + t.seats % 5, 1);
            if (shape & 4 == 4) (t.fill, t.compute, t.release, o.minFill, o.minCompute) = (600, 3_600, 1 days, 0, 0);
            if (shape & 8 == 8) (o.minReward, o.maxReward, t.floor) = (0, type(uint96).max, t.reward / 2);
            signature = sign(o);
        }
        (uint256 jobs, uint256 tokens) = (market.jobCount(), token.balanceOf(address(stake)));
        vm.prank(buyer);
        (bool ok, bytes memory answer) =
            address(market).call(abi.encodeCall(market.openJob, (o, signature, t, noPermit)));
        if (ok) {
            vm.assertEq(market.jobCount(), jobs + 1, "a job is open");
            vm.assertEq(stake.ledgerOf(jobs + 1).held, uint256(o.price) + o.guarantee + t.seats * t.reward, "held");
            vm.assertLe(market.datasetOf(1).epsilon.reserved, EPSILON_BUDGET, "the budget is kept");
            vm.assertLe(market.datasetOf(1).exact.reserved, EXACT, "the count is kept");
            return;
        }
        vm.assertGe(answer.length, 4, "an error");
        vm.assertTrue(bytes4(answer) != 0x4e487b71 && bytes4(answer) != 0x08c379a0, "a typed error");
        vm.assertEq(market.jobCount(), jobs, "no job");
        vm.assertEq(token.balanceOf(address(stake)), tokens, "no tokens moved");
    }

    // ------------------------------------------------------------------------------------------------- windows

    /// @dev [from, until), 0 for an open end: `from - 1` and `until` are refused, `from` and `until - 1` are not.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_theFirstAndTheLastSecondOfEachWindow(uint8 which) external {
        which = which % 8;
        if (which == 0) _window(open(1), _draw, 0, time + FILL);
        if (which == 1) _window(drawnJob(1), _sit, 0, time + 2 * FILL);
        if (which == 2) {
            uint256 job = drawnJob(1);
            uint256 contestEnd = time + FILL;
            sit(job, providers[0], 0);
            _window(job, _commit, contestEnd, contestEnd + COMPUTE);
        }
        if (which == 3) _window(fullJob(1), _redraw, time + COMPUTE, time + COMPUTE + FILL);
        if (which == 4) _window(sealedJob(1, RIGHT), _settle, 0, time + COMPUTE + NAMING);
        if (which == 5) _window(proposedJob(1, RIGHT), _challenge, 0, time + COMPUTE);
        if (which == 6) _window(proposedJob(1, RIGHT), _finalize, time + COMPUTE, 0);
        if (which == 7) _window(settledJob(1), _release, 0, time + RELEASE);
    }

    function _window(
        uint256 job,
        function(uint256) internal returns (bool) due,
        uint256 from,
        uint256 until
    ) private {
        if (from != 0) {
            setTime(from - 1);
            vm.assertFalse(_tried(job, due), "a second too early");
            setTime(from);
            vm.assertTrue(_tried(job, due), "the first second");
        }
        if (until == 0) return;
        height += 2;
        setTime(until - 1);
        vm.assertTrue(_tried(job, due), "the last second");
        setTime(until);
        vm.assertFalse(_tried(job, due), "a second too late");
    }

    function _tried(uint256 job, function(uint256) internal returns (bool) due) private returns (bool ok) {
        uint256 here = vm.snapshotState();
        ok = due(job);
        vm.revertToStateAndDelete(here);
    }

    function _made(address who, address to, bytes memory data) private returns (bool ok) {
        vm.prank(who);
        (ok,) = to.call(data);
    }

    function _draw(uint256 job) private returns (bool) {
        return _made(stranger, address(stake), abi.encodeCall(stake.draw, (job)));
    }

    function _sit(uint256 job) private returns (bool) {
        return _made(providers[0], address(stake), abi.encodeCall(stake.takeSeat, (job, 0)));
    }

    function _commit(uint256 job) private returns (bool) {
        return _made(providers[0], address(stake), abi.encodeCall(stake.commit, (job, 0, RIGHT)));
    }

    function _redraw(uint256 job) private returns (bool) {
        return _made(stranger, address(stake), abi.encodeCall(stake.redraw, (job)));
    }

    function _settle(uint256 job) private returns (bool) {
        return _made(stranger, address(market), abi.encodeCall(market.settle, (job, RIGHT)));
    }

    function _challenge(uint256 job) private returns (bool) {
        return _made(challenger, address(market), abi.encodeCall(market.challenge, (job, WRONG, noPermit)));
    }

    function _finalize(uint256 job) private returns (bool) {
        return _made(stranger, address(market), abi.encodeCall(market.finalize, (job)));
    }

    function _release(uint256 job) private returns (bool) {
        return _made(owner, address(market), abi.encodeCall(market.release, (job, RIGHT, "key")));
    }
}
