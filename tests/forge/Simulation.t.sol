// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";

import {Market} from "./Market.sol";

/// @title Whole jobs between honest and hostile providers, at hostile stake shares of 0 to 49 %
/// @notice A hundred units of stake, lowest tickets sit, three seats, an owner that re-runs every job and challenges
/// what is wrong. One test for each way to be hostile; each job is asserted to conserve money, to take nothing from
/// an honest seat, and to pay nothing wrong, unless two thirds of round two were hostile. The last tests take one
/// seat or nobody that checks, so that what the checker and the seats are for can be seen failing.
/// SIMULATION_JOBS is how many jobs there are in all tests together, SIMULATION_WRITE=1 writes what happened to
/// var/simulation/forge, which must exist, SIMULATION_SEED is another run. scripts/simulation plays the same jobs
/// with many more providers, and compares both with what is to be expected.
contract SimulationTest is Market {
    enum Strategy {
        Honest, // one wallet, the rest of the market's as honest
        Copy, // seals its neighbour's bytes
        Lazy, // does not run: seals and names the digest of the job before, in round two the right one without trace
        Collude, // all hostile seats seal one wrong digest, with a made-up trace
        Silent, // sits and seals nothing
        Garbage, // seals noise
        Late, // seals after the deadline
        Challenge, // round one is right; challenges every result, votes for a wrong one
        Stall // round one is right; challenges every result, votes for nothing
    }

    struct Tally {
        uint256 jobs;
        uint256 disputed;
        uint256 wrongPaid;
        uint256 noResult;
        uint256 honestHit;
        uint256 time; // seconds from opening to settlement or refund
        uint256 buyerPaid; // rewards, net of what came back
        int256 hostileGain;
        int256 honestGain;
        int256 checkerGain; // of the owner, price apart
    }

    struct Setting {
        Strategy strategy;
        uint8 seats;
        bool checked; // the owner has run the job again before half of the challenge window is over
    }

    struct Play {
        Setting setting;
        uint256 job;
        bytes32 right;
        bytes32 wrong; // the one that hostile seats may agree on
        uint256 honestSeats; // of all rounds that were closed with seals
        uint256 hostileJury;
        uint256 end;
        bool ended; // without a result
        bool wrongWon;
    }

    uint256 private constant UNITS = 100;
    uint256 private constant ROWS = 60;
    uint96 private constant MOST = 2 * ONE;
    uint96 private constant LEAST = 1_600_000;
    uint24 private constant WINDOW = 1 days;
    uint24 private constant QUARTER = 6 hours;

    address[] private _hostile;
    address[] private _honest;
    mapping(address who => bool) private _isHostile;
    mapping(address who => uint96) private _stakeOf;
    address[UNITS] private _holder;
    uint256[UNITS] private _unitOf;
    Tally private _tally;

    function testSimulation_honestProvidersAloneAreAllPaid() external {
        _simulate(Setting(Strategy.Honest, 3, true), "honest");
    }

    function testSimulation_copiedSealsLoseTheirBonds() external {
        _simulate(Setting(Strategy.Copy, 3, true), "copy");
    }

    function testSimulation_lazySeatsLoseTheirBonds() external {
        _simulate(Setting(Strategy.Lazy, 3, true), "lazy");
    }

    function testSimulation_colludersPayForEveryWrongDigest() external {
        _simulate(Setting(Strategy.Collude, 3, true), "collude");
    }

    function testSimulation_silentSeatsPayFines() external {
        _simulate(Setting(Strategy.Silent, 3, true), "silent");
    }

    function testSimulation_garbageSealsLoseTheirBonds() external {
        _simulate(Setting(Strategy.Garbage, 3, true), "garbage");
    }

    function testSimulation_lateSeatsPayFines() external {
        _simulate(Setting(Strategy.Late, 3, true), "late");
    }

    function testSimulation_challengesOfRightResultsCostTheirBonds() external {
        _simulate(Setting(Strategy.Challenge, 3, true), "challenge");
    }

    function testSimulation_stallingCostsBonds() external {
        _simulate(Setting(Strategy.Stall, 3, true), "stall");
    }

    function testSimulation_oneSeatAndACheckerPayForEveryWrongDigest() external {
        _simulate(Setting(Strategy.Collude, 1, true), "one_seat");
    }

    function testSimulation_threeSeatsOfColludersAreNotPaidOftenEnough() external {
        _simulate(Setting(Strategy.Collude, 3, false), "unchecked");
    }

    function testSimulation_oneSeatThatNobodyChecksIsPaidForAnything() external {
        _simulate(Setting(Strategy.Collude, 1, false), "one_seat_unchecked");
    }

    // ------------------------------------------------------------------------------------------------- rows

    function _simulate(Setting memory setting, string memory name) private {
        uint8[5] memory shares = [0, 10, 20, 33, 49];
        uint256 jobs = (vm.envOr("SIMULATION_JOBS", uint256(500)) + ROWS - 1) / ROWS;
        bool attack = setting.strategy != Strategy.Honest;
        bool pays = setting.seats == 1 && !setting.checked;
        string memory rows;
        int256 gain;
        for (uint256 i = 0; i < shares.length; ++i) {
            Tally memory seen = this.row(setting, name, shares[i], jobs);
            gain += seen.hostileGain;
            // A row of ten jobs may be without any hostile seat; one of a hundred is not.
            if (attack && shares[i] != 0 && !pays && jobs >= 100) vm.assertLt(seen.hostileGain, int256(0), name);
            if (!attack || shares[i] == 0) vm.assertEq(seen.noResult + seen.disputed, 0, "an honest market disputes");
            rows = string.concat(rows, i == 0 ? "" : ",\n", _json(name, shares[i], seen));
        }
        if (pays) vm.assertLt(int256(0), gain, "a seat that nobody checks need not compute, and this does not show it");
        else if (attack) vm.assertLt(gain, int256(0), string.concat(name, " gains in all"));
        if (vm.envOr("SIMULATION_WRITE", uint256(0)) == 1) {
            vm.writeFile(string.concat("var/simulation/forge/", name, ".json"), string.concat("[\n", rows, "\n]\n"));
        }
    }

    /// @dev A call of its own, so that the memory of one row is free for the next.
    function row(Setting calldata setting, string calldata name, uint8 share, uint256 jobs)
        external
        returns (Tally memory)
    {
        deploy();
        delete _tally;
        height += vm.envOr("SIMULATION_SEED", uint256(7)) * 1_000_000 + uint256(keccak256(bytes(name))) % 1_000_000;
        setTime(time);
        _settleIn(share);
        for (uint256 i = 0; i < jobs; ++i) {
            this.job(setting);
        }
        return _tally;
    }

    /// @dev Hostile units first, in a big wallet and three smaller ones; honest ones in eight.
    function _settleIn(uint8 share) private {
        delete _hostile;
        delete _honest;
        uint256 first;
        for (uint256 i = 0; i < 4; ++i) {
            uint256 left = share - first;
            first = _join(address(uint160(0xbad0 + i)), i == 3 ? left : (left + 1) / 2, first, true);
        }
        for (uint256 i = 0; i < 8; ++i) {
            first = _join(address(uint160(0x600d0 + i)), (UNITS - first) / (8 - i), first, false);
        }
        pass(12);
    }

    /// @dev Nearly one unit above the units it stands for, so that a fine within a job takes no ticket away.
    function _join(address who, uint256 units, uint256 first, bool hostile) private returns (uint256 next) {
        next = first + units;
        if (units == 0) return next;
        (hostile ? _hostile : _honest).push(who);
        _isHostile[who] = hostile;
        _stakeOf[who] = uint96(units) * UNIT + UNIT - 1;
        fund(who, 5_000_000 * ONE);
        vm.prank(who);
        stake.stake(_stakeOf[who]);
        for (uint256 i = first; i < next; ++i) {
            (_holder[i], _unitOf[i]) = (who, i - first);
        }
    }

    // ------------------------------------------------------------------------------------------------- one job

    /// @dev From opening to the last payment, then money is counted and stakes are made whole again.
    function job(Setting calldata setting) external {
        uint256[] memory honest = _worths(_honest);
        int256 hostile = int256(_sum(_worths(_hostile)) + _worth(challenger));
        int256 checker = int256(_worth(owner));
        uint256 paid = _worth(buyer) + _worth(payee);
        uint256 opened = time;

        Play memory play = _play(setting);

        _tally.jobs += 1;
        _tally.time += play.end - opened;
        _tally.hostileGain += int256(_sum(_worths(_hostile)) + _worth(challenger)) - hostile;
        _tally.checkerGain += int256(_worth(owner)) - checker;
        _tally.buyerPaid += paid - _worth(buyer) - _worth(payee);
        _countHonest(play, honest, int256(_worth(owner)) - checker);
        if (play.ended) _tally.noResult += 1;
        if (play.wrongWon) _tally.wrongPaid += 1;
        _assertConserved(play.job);
        _makeWhole();
    }

    function _play(Setting calldata setting) private returns (Play memory play) {
        IDataMarket.Terms memory chosen = terms(setting.seats);
        (chosen.floor, chosen.reward, chosen.fill, chosen.compute) = (LEAST, MOST, QUARTER, WINDOW);
        IDataMarket.Offer memory signed = offer();
        (signed.minReward, signed.epsilon) = (LEAST, 1);
        play.setting = setting;
        play.job = openAs(buyer, signed, chosen);
        play.right = keccak256(abi.encode(RIGHT, play.job));
        bool lazy = setting.strategy == Strategy.Lazy;
        play.wrong = keccak256(lazy ? abi.encode(RIGHT, play.job - 1) : abi.encode(WRONG, play.job));
        draw(play.job);
        _sealRound(play, 1);
        if (!_full(play)) _redraw(play);
        if (!_full(play)) return _refunded(play);
        if (!_named(play)) return _refunded(play);
        if (_disputed(play)) {
            _tally.disputed += 1;
            draw(play.job);
            _sealRound(play, 2);
            if (!_decided(play)) return _refunded(play);
        } else {
            play.wrongWon = stake.matches(play.job, 1, play.right, 0) == 0;
            finalize(play.job);
        }
        play.end = time;
        // The owner's gate: what differs from its own run is never decrypted.
        if (!play.wrongWon) {
            release(play.job);
        } else {
            vm.prank(owner);
            market.refund(play.job);
        }
    }

    function _refunded(Play memory play) private returns (Play memory) {
        refund(play.job);
        play.end = time;
        play.ended = true;
        return play;
    }

    /// @dev Lowest tickets sit, everybody works for half of the compute window, honest seats seal first.
    function _sealRound(Play memory play, uint8 number) private {
        _contest(play.job, number);
        pass(stake.roundOf(play.job, number).contestEnd - time);
        pass(WINDOW / 2);
        IProviderStake.Seat[] memory seats = stake.seatsOf(play.job, number);
        for (uint8 i = 0; i < seats.length; ++i) {
            if (_isHostile[seats[i].provider] || seats[i].seal != 0) continue;
            _commit(play, number, i, seats[i].provider, _honestSeal(play, number, i, seats[i].provider));
        }
        for (uint8 i = 0; i < seats.length; ++i) {
            if (!_isHostile[seats[i].provider] || seats[i].seal != 0) continue;
            bytes32 seal = _hostileSeal(play, number, i, seats[i].provider);
            if (seal != 0) _commit(play, number, i, seats[i].provider, seal);
        }
    }

    function _commit(Play memory play, uint8 number, uint8 seat, address who, bytes32 seal) private {
        if (!_isHostile[who]) ++play.honestSeats;
        else if (number == 2) ++play.hostileJury;
        vm.prank(who);
        stake.commit(play.job, seat, seal);
    }

    /// @dev The lowest tickets, and two above them that were faster and are displaced.
    function _contest(uint256 id, uint8 number) private {
        IProviderStake.Round memory round = stake.roundOf(id, number);
        uint256 empty;
        for (uint256 i = 0; i < round.seats; ++i) {
            if (round.takenMask & (1 << i) == 0) ++empty;
        }
        uint256[] memory first = _lowest(round.seed, empty + 2);
        for (uint256 i = first.length; i > 0; --i) {
            sit(id, _holder[first[i - 1]], _unitOf[first[i - 1]]);
        }
    }

    /// @dev The `count` lowest tickets of all units, lowest first.
    function _lowest(bytes32 seed, uint256 count) private view returns (uint256[] memory first) {
        first = new uint256[](count);
        uint96[] memory tickets = new uint96[](UNITS);
        for (uint256 i = 0; i < UNITS; ++i) {
            tickets[i] = uint96(uint256(keccak256(abi.encode(seed, _holder[i], _unitOf[i]))));
        }
        for (uint256 k = 0; k < count; ++k) {
            uint256 best;
            for (uint256 i = 1; i < UNITS; ++i) {
                if (tickets[i] < tickets[best]) best = i;
            }
            (first[k], tickets[best]) = (best, type(uint96).max);
        }
    }

    function _honestSeal(Play memory play, uint8 number, uint8 seat, address who) private view returns (bytes32) {
        return sealOf(play.job, number, seat, who, play.right, number == 1 ? bytes32(0) : TRACE);
    }

    /// @return seal 0 if it seals nothing now
    function _hostileSeal(Play memory play, uint8 number, uint8 seat, address who)
        private
        view
        returns (bytes32 seal)
    {
        Strategy strategy = play.setting.strategy;
        bytes32 noise = keccak256(abi.encode("noise", play.job, number, seat));
        if (strategy == Strategy.Silent || strategy == Strategy.Late) return 0;
        if (strategy == Strategy.Garbage) return noise;
        if (strategy == Strategy.Copy) {
            IProviderStake.Seat[] memory seats = stake.seatsOf(play.job, number);
            bytes32 neighbour = seats[(seat + 1) % seats.length].seal;
            return neighbour == 0 ? noise : neighbour;
        }
        if (strategy == Strategy.Lazy) {
            bytes32 digest = number == 1 ? play.wrong : play.right;
            return sealOf(play.job, number, seat, who, digest, number == 1 ? bytes32(0) : noise);
        }
        if (strategy == Strategy.Collude) {
            return sealOf(play.job, number, seat, who, play.wrong, number == 1 ? bytes32(0) : WRONG);
        }
        // Who challenges has run round one.
        if (number == 1) return _honestSeal(play, number, seat, who);
        return strategy == Strategy.Stall ? noise : sealOf(play.job, number, seat, who, play.wrong, WRONG);
    }

    function _full(Play memory play) private view returns (bool) {
        return stake.roundOf(play.job, 1).sealedMask == (1 << play.setting.seats) - 1;
    }

    function _redraw(Play memory play) private {
        pass(stake.roundOf(play.job, 1).commitBy - time);
        if (play.setting.strategy == Strategy.Late) _assertTooLate(play);
        vm.prank(stranger);
        stake.redraw(play.job);
        _sealRound(play, 1);
        if (!_full(play)) pass(stake.roundOf(play.job, 1).commitBy - time);
    }

    /// @dev The first seat without a seal comes with the right digest, and is refused.
    function _assertTooLate(Play memory play) private {
        IProviderStake.Seat[] memory seats = stake.seatsOf(play.job, 1);
        for (uint8 i = 0; i < seats.length; ++i) {
            if (seats[i].seal != 0) continue;
            bytes32 seal = _honestSeal(play, 1, i, seats[i].provider);
            vm.expectPartialRevert(IProviderStake.CommitOver.selector);
            vm.prank(seats[i].provider);
            stake.commit(play.job, i, seal);
            return;
        }
    }

    /// @dev By anybody who knows a digest that opens a seal.
    function _named(Play memory play) private returns (bool) {
        bool right = stake.matches(play.job, 1, play.right, 0) != 0;
        if (!right && stake.matches(play.job, 1, play.wrong, 0) == 0) return false;
        settle(play.job, right ? play.right : play.wrong);
        return true;
    }

    /// @dev The owner has its own run at half of the challenge window, and so has the hostile challenger.
    function _disputed(Play memory play) private returns (bool) {
        if (market.jobOf(play.job).job.state == IDataMarket.State.Escalated) return true;
        pass(WINDOW / 2);
        bool wrong = stake.matches(play.job, 1, play.wrong, 0) != 0;
        bool spam = play.setting.strategy == Strategy.Challenge || play.setting.strategy == Strategy.Stall;
        if (wrong ? !play.setting.checked : !spam || _hostile.length == 0) return false;
        address who = wrong ? owner : challenger;
        bytes32 seal = sealOf(play.job, 0, 0, who, wrong ? play.right : play.wrong, 0);
        vm.prank(who);
        market.challenge(play.job, seal, noPermit);
        return true;
    }

    /// @dev Hostile seats name their digest first.
    function _decided(Play memory play) private returns (bool) {
        play.wrongWon = _decides(play, play.wrong, WRONG);
        return play.wrongWon || _decides(play, play.right, TRACE);
    }

    function _decides(Play memory play, bytes32 digest, bytes32 salted) private returns (bool success) {
        uint256 quorum = (2 * (2 * uint256(play.setting.seats) + 5) + 2) / 3;
        bool enough = stake.matches(play.job, 2, digest, salted) >= quorum;
        vm.prank(stranger);
        (success,) = address(market).call(abi.encodeCall(market.decide, (play.job, digest, salted)));
        vm.assertTrue(success == enough, "two thirds of round two decide, and no fewer");
        if (success && digest == play.wrong) vm.assertGe(play.hostileJury, quorum, "honest seats decided wrongly");
    }

    // ------------------------------------------------------------------------------------------------- money

    /// @dev No honest wallet is poorer, unless two thirds of round two were hostile: then each honest seat lost B.
    /// (A wrong result that nobody checked has no honest seat.)
    function _countHonest(Play memory play, uint256[] memory before, int256 checker) private {
        int256 gain;
        for (uint256 i = 0; i < before.length; ++i) {
            uint256 worth = _worth(_honest[i]);
            if (!play.wrongWon) vm.assertGe(worth, before[i], "an honest seat lost");
            gain += int256(worth) - int256(before[i]);
        }
        _tally.honestGain += gain;
        uint256 bond = bondOf(play.setting.seats, MOST);
        bool challenged = market.jobOf(play.job).job.challenger == owner;
        if (!play.wrongWon) {
            uint256 bounty = challenged && !play.ended ? bond / 3 : 0;
            vm.assertEq(checker, int256(bounty), "an honest checker lost, or got another bounty");
            return;
        }
        vm.assertEq(gain, -int256(play.honestSeats * bond), "an honest seat lost more or less than its bond");
        _tally.honestHit += play.honestSeats + (challenged ? 1 : 0);
    }

    function _assertConserved(uint256 id) private view {
        uint256 owed = stake.burnt() + _ledger(owner) + _ledger(buyer) + _ledger(payee) + _ledger(challenger);
        for (uint256 i = 0; i < _hostile.length; ++i) {
            owed += _ledger(_hostile[i]);
            vm.assertEq(stake.accountOf(_hostile[i]).locked, 0, "a job that is over locks stake");
        }
        for (uint256 i = 0; i < _honest.length; ++i) {
            owed += _ledger(_honest[i]);
            vm.assertEq(stake.accountOf(_honest[i]).locked, 0, "a job that is over locks stake");
        }
        // The harness staked for five providers who take no part here.
        for (uint256 i = 0; i < providers.length; ++i) {
            owed += _ledger(providers[i]);
        }
        vm.assertEq(stake.ledgerOf(id).held, 0, "a job that is over holds money");
        vm.assertEq(token.balanceOf(address(stake)), owed, "tokens held differ from what is owed");
    }

    /// @dev So that the hostile share is the same in the next job.
    function _makeWhole() private {
        _topUp(_hostile);
        _topUp(_honest);
        pass(12);
    }

    function _topUp(address[] storage wallets) private {
        for (uint256 i = 0; i < wallets.length; ++i) {
            uint96 lost = _stakeOf[wallets[i]] - stake.accountOf(wallets[i]).staked;
            if (lost == 0) continue;
            vm.prank(wallets[i]);
            stake.stake(lost);
        }
    }

    function _ledger(address who) private view returns (uint256) {
        IProviderStake.Account memory account = stake.accountOf(who);
        return uint256(account.free) + account.staked + account.leaving;
    }

    function _worth(address who) private view returns (uint256) {
        return _ledger(who) + token.balanceOf(who);
    }

    function _worths(address[] storage wallets) private view returns (uint256[] memory worths) {
        worths = new uint256[](wallets.length);
        for (uint256 i = 0; i < worths.length; ++i) {
            worths[i] = _worth(wallets[i]);
        }
    }

    function _sum(uint256[] memory amounts) private pure returns (uint256 total) {
        for (uint256 i = 0; i < amounts.length; ++i) {
            total += amounts[i];
        }
    }

    // ------------------------------------------------------------------------------------------------- results

    /// @dev Amounts in base units, times in seconds, all of them sums over the jobs of the row.
    function _json(string memory name, uint8 share, Tally memory seen) private pure returns (string memory) {
        string memory head = string.concat('{"strategy": "', name, '", "share": ', vm.toString(uint256(share)));
        head = string.concat(head, _number("jobs", int256(seen.jobs)), _number("disputed", int256(seen.disputed)));
        head = string.concat(head, _number("wrong_paid", int256(seen.wrongPaid)));
        head = string.concat(head, _number("no_result", int256(seen.noResult)));
        head = string.concat(head, _number("honest_hit", int256(seen.honestHit)));
        head = string.concat(head, _number("seconds", int256(seen.time)));
        head = string.concat(head, _number("buyer_paid", int256(seen.buyerPaid)));
        head = string.concat(head, _number("hostile_gain", seen.hostileGain));
        head = string.concat(head, _number("honest_gain", seen.honestGain));
        return string.concat(head, _number("checker_gain", seen.checkerGain), "}");
    }

    function _number(string memory name, int256 value) private pure returns (string memory) {
        string memory digits = vm.toString(uint256(value < 0 ? -value : value));
        return string.concat(', "', name, '": ', value < 0 ? "-" : "", digits);
    }
}
