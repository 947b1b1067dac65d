// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";
import {MockToken} from "contracts/mocks/MockToken.sol";

import {Sentences} from "./Sentences.sol";

/// @title Everybody who may use or abuse the market, each with its own actions
/// @notice The actions that a fuzzer chooses among are the functions that take a seed. Whoever finds nothing to do
/// helps the market along instead, so that long stories happen. Every call is checked against the rules ({Calls}).
contract Actors is Sentences {
    enum Kind {
        Nobody,
        Honest,
        Copier,
        Lazy,
        Colluder,
        Silent,
        Garbage
    }

    enum Phase {
        Over,
        Undrawn,
        Filling,
        Contest,
        Committing,
        Missing,
        Naming,
        Proposed,
        Settled,
        Due
    }

    struct Signed {
        IDataMarket.Offer offer;
        address signer;
        bytes signature;
    }

    uint256 private constant MOST_LIVE = 4;
    uint256 private constant SELLER_KEY = uint256(keccak256("seller"));

    address private immutable seller = vm.addr(SELLER_KEY);
    address private immutable poorBuyer = address(0xb2);
    address private immutable donor = address(0xd0);
    address[] private crowd;
    mapping(address => Kind) private kindOf;
    Signed[] private offers;
    uint256 private entropy;
    uint256 private bits;

    /// @param wealth stake of each honest provider, in units; others have two thirds of it
    constructor(uint256 wealth) {
        deployOn(address(new MockToken("Dollar", "USD", 6)));
        for (uint160 i = 0; i < 11; ++i) {
            address who = address(0xa1 + i);
            crowd.push(who);
            kindOf[who] = i < 5 ? Kind.Honest : Kind(i < 8 ? i - 3 : i == 8 ? 4 : i - 4);
            _join(who, uint96(UNIT * (i < 5 ? wealth : wealth * 2 / 3)), 10_000 * ONE);
        }
        _join(owner, 0, 10_000 * ONE);
        _join(seller, 0, 1_000 * ONE);
        _join(buyer, 0, 100_000 * ONE);
        _join(poorBuyer, 0, 60 * ONE);
        _join(challenger, 0, 50_000 * ONE);
        _join(payee, 0, 0);
        _join(stranger, 0, 0);
        _join(donor, 0, 1_000 * ONE);
        tryList(owner, MANIFEST, 20 * EPSILON, 8);
        tryList(seller, MANIFEST, 3 * EPSILON, 1);
        tryDeposit(owner, 500 * ONE);
        tryDeposit(seller, 60 * ONE);
        tryDeposit(buyer, 300 * ONE);
        pass(12);
    }

    function _join(address who, uint96 staked, uint96 inWallet) private {
        people.push(who);
        token.mint(who, staked + inWallet);
        wallet[who] = staked + inWallet;
        vm.prank(who);
        token.approve(address(stake), type(uint256).max);
        if (staked == 0) return;
        tryDeposit(who, staked);
        tryStake(who, staked);
    }

    // ------------------------------------------------------------------------------------------------- chance

    /// @dev Mixes the seed, so that small or repeated ones are as good as any; sometimes a block passes.
    modifier acts(uint256 seed) {
        entropy = uint256(keccak256(abi.encode(seed, entropy)));
        bits = entropy;
        touched = 0;
        if (_chance(4)) pass(12 * _below(4));
        _;
        if (touched != 0) checkJob(touched);
    }

    function _below(uint256 n) private returns (uint256) {
        uint256 chosen = bits % n;
        bits = bits / n;
        if (bits < 1 << 64) bits = entropy = uint256(keccak256(abi.encode(entropy, "more")));
        return chosen;
    }

    /// @dev Once in n.
    function _chance(uint256 n) private returns (bool) {
        return _below(n) == 0;
    }

    function _anybody() private returns (address) {
        return people[_below(people.length)];
    }

    function _provider() private returns (address) {
        return crowd[_below(crowd.length)];
    }

    function _truth(uint256 id) private pure returns (bytes32) {
        return keccak256(abi.encode("truth", id));
    }

    function _lie(uint256 id) private pure returns (bytes32) {
        return keccak256(abi.encode("lie", id));
    }

    function _trace(uint256 id) private pure returns (bytes32) {
        return keccak256(abi.encode("trace", id));
    }

    // ------------------------------------------------------------------------------------------------- jobs

    function _phase(uint256 id) private view returns (Phase) {
        Deal storage d = deal[id];
        if (d.state == IDataMarket.State.None || _over(d)) return Phase.Over;
        if (_exit(id, stranger) != IDataMarket.Outcome.None) return Phase.Due;
        if (d.state == IDataMarket.State.Proposed) return Phase.Proposed;
        if (d.state == IDataMarket.State.Settled) return Phase.Settled;
        IProviderStake.Round storage r = rounds[id][d.round];
        if (r.contestEnd == 0) return Phase.Undrawn;
        if (r.commitBy == 0) return Phase.Filling;
        if (time < r.contestEnd) return Phase.Contest;
        if (_namingOpen(id)) return Phase.Naming;
        return time < r.commitBy ? Phase.Committing : Phase.Missing;
    }

    /// @dev Some live job in this phase, or 0.
    function _find(Phase phase) private returns (uint256) {
        if (live.length == 0) return 0;
        uint256 from = _below(live.length);
        for (uint256 i = 0; i < live.length; ++i) {
            uint256 id = live[(from + i) % live.length];
            if (_phase(id) == phase) return id;
        }
        return 0;
    }

    function _someJob() private returns (uint256) {
        if (live.length == 0 || _chance(12)) return _below(deals + 2);
        return live[_below(live.length)];
    }

    // ------------------------------------------------------------------------------------------------- buyers

    function buyerOpensAJob(uint256 seed) external acts(seed) {
        if (live.length >= MOST_LIVE) return _help();
        _open(_chance(6) ? owner : _chance(5) ? poorBuyer : _chance(8) ? _anybody() : buyer, false);
    }

    /// @dev Jobs that hold budget and guarantee as long as they can and pay too little for anybody to run them.
    function hoarderOpensAJob(uint256 seed) external acts(seed) {
        if (live.length >= MOST_LIVE || !_chance(3)) return _help();
        _open(buyer, true);
    }

    function _open(address who, bool hoards) private {
        Signed memory s = _signed();
        IDataMarket.Terms memory t = terms(uint8(_chance(3) ? 1 + _below(5) : 1 + _below(2)));
        t.floor = uint96(FLOOR + _below(ONE));
        t.reward = uint96(t.floor + _below(REWARD - t.floor + 1));
        t.fill = uint24(300 + 60 * _below(10));
        t.compute = uint24(600 + 60 * _below(20));
        if (hoards) (t.fill, t.compute, t.release, t.seats) = (1 days, 7 days, 30 days, 5);
        if (_chance(20)) _spoil(t);
        tryOpen(who, s.offer, s.signer, s.signature, t);
    }

    function _spoil(IDataMarket.Terms memory t) private {
        uint256 which = _below(7);
        if (which == 0) t.seats = _chance(2) ? 0 : 6;
        if (which == 1) t.floor = _chance(2) ? FLOOR - 1 : t.reward + 1;
        if (which == 2) t.reward = _chance(2) ? 0 : REWARD + 1;
        if (which == 3) t.fill = _chance(2) ? 299 : 1 days + 1;
        if (which == 4) t.compute = _chance(2) ? 599 : 7 days + 1;
        if (which == 5) t.release = _chance(2) ? 1 days - 1 : 30 days + 1;
        if (which == 6) t.compute = type(uint24).max;
    }

    /// @dev An offer signed now, or one signed before, which may be used up, revoked, expired, or of a former holder.
    function _signed() private returns (Signed memory s) {
        if (offers.length != 0 && _chance(3)) return offers[_below(offers.length)];
        uint256 dataset = 1 + (_chance(4) ? _below(papers) : 0);
        s.offer = offer();
        Paper storage p = paper[dataset];
        (s.offer.dataset, s.offer.epoch, s.offer.manifest) = (dataset, p.epoch, p.manifest);
        s.offer.price = uint96(_below(3) * 20 * ONE);
        s.offer.guarantee = uint96(_below(4) * 4 * ONE);
        s.offer.payee = [payee, address(0), buyer, crowd[0]][_below(4)];
        if (_chance(4)) s.offer.epsilon = 0;
        if (_chance(8)) s.offer.buyer = buyer;
        if (_chance(5)) s.offer.expiry = uint40(time + _below(3) * 1 hours);
        if (_chance(3)) s.offer.maxUses = uint32(_below(3));
        if (_chance(20)) s.offer.epoch += 1;
        s.offer.salt = bytes32(entropy);
        s.signer = _chance(20) ? owner : p.holder;
        s.signature = _sign(s.signer, s.offer);
        if (offers.length < 4) offers.push(s);
        else offers[_below(4)] = s;
    }

    function _sign(address signer, IDataMarket.Offer memory offer_) private view returns (bytes memory) {
        uint256 key = signer == owner ? OWNER_KEY : SELLER_KEY;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, market.offerDigestOf(offer_));
        return abi.encodePacked(r, s, v);
    }

    // ------------------------------------------------------------------------------------------------- providers

    function providersDrawASeed(uint256 seed) external acts(seed) {
        uint256 id = _find(Phase.Undrawn);
        if (id == 0) return _help();
        if (!_chance(4)) pass(24);
        tryDraw(_provider(), id);
    }

    function providersTakeSeats(uint256 seed) external acts(seed) {
        uint256 id = _find(_chance(3) ? Phase.Contest : Phase.Filling);
        if (id == 0) return _help();
        _enter(id);
    }

    function _enter(uint256 id) private {
        for (uint256 i = 0; i < 3; ++i) {
            address who = _entrant(id);
            tryTakeSeat(who, id, _below(purse[who].staked / UNIT + 1));
        }
    }

    /// @dev Chance alone would hardly ever tell the stories in which a lie is proposed, or round one disagrees, and an
    /// honest jury judges: of four jobs one is met by colluders first, one by everybody first, one by honest providers
    /// alone, and one by everybody in both rounds.
    function _entrant(uint256 id) private returns (address) {
        uint256 story = id % 4;
        if (story == 0) return _provider();
        if (story == 2 || deal[id].round == 2) return crowd[_below(5)];
        return story == 1 ? crowd[7 + _below(2)] : _provider();
    }

    function honestProvidersCommit(uint256 seed) external acts(seed) {
        _commit(Kind.Honest);
    }

    function copierCommits(uint256 seed) external acts(seed) {
        _commit(Kind.Copier);
    }

    function lazyProviderCommits(uint256 seed) external acts(seed) {
        _commit(Kind.Lazy);
    }

    function colludersCommit(uint256 seed) external acts(seed) {
        _commit(Kind.Colluder);
    }

    function garbageSealerCommits(uint256 seed) external acts(seed) {
        _commit(Kind.Garbage);
    }

    function _commit(Kind kind) private {
        uint256 id = _find(Phase.Committing);
        if (id == 0) return _help();
        _commitAs(kind, id);
    }

    /// @dev Every seat of this kind.
    function _commitAs(Kind kind, uint256 id) private {
        uint8 number = deal[id].round;
        for (uint8 i = 0; i < rounds[id][number].seats; ++i) {
            Chair storage chair = chairs[id][number][i];
            if (kindOf[chair.who] == kind && chair.seal == 0) _commitSeat(kind, id, number, i);
        }
    }

    function _commitSeat(Kind kind, uint256 id, uint8 number, uint8 seat) private {
        address who = chairs[id][number][seat].who;
        bytes32 digest = _truth(id);
        bytes32 salted = number == 2 ? _trace(id) : bytes32(0);
        bytes32 seal;
        if (kind == Kind.Colluder) digest = _lie(id);
        if (kind == Kind.Lazy) {
            // An earlier job's result, the digest that everybody can see without its trace, or nothing at all.
            digest = _chance(2) && number == 2 ? deal[id].proposed : _truth(id - 1);
            if (number == 2) salted = bytes32(0);
        }
        if (kind == Kind.Copier) {
            seal = chairs[id][number][(seat + 1) % rounds[id][number].seats].seal;
            if (seal == 0) (digest, salted) = (deal[id].proposed, bytes32(0));
            if (seal == 0 && digest == 0) seal = keccak256(abi.encode(entropy));
        }
        if (kind == Kind.Garbage) seal = keccak256(abi.encode("garbage", entropy));
        if (seal != 0) return tryCommit(who, id, seat, seal, 0, 0);
        // Under number 2 the digest of round one is public, its salted trace is not.
        if (digest == 0) digest = keccak256("failed");
        tryCommit(who, id, seat, sealOf(id, number, seat, who, digest, salted), digest, salted);
    }

    function providerMovesStake(uint256 seed) external acts(seed) {
        address who = _provider();
        uint256 what = _below(6);
        IProviderStake.Account storage a = purse[who];
        if (what == 0) tryUnstake(who, uint96(_chance(4) ? a.staked : _below(2 * UNIT)));
        if (what == 1) tryCollect(who);
        if (what == 2) tryStake(who, uint96(_chance(6) ? a.free + 1 : a.free));
        if (what == 3) tryDeposit(who, uint96(_below(3) * 50 * ONE));
        if (what == 4) tryWithdraw(who, uint96(_chance(6) ? a.free + 1 : a.free / 2), _anybody());
        if (what == 5) tryDeposit(who, uint96(wallet[who] + (_chance(2) ? 1 : 0)));
    }

    // ------------------------------------------------------------------------------------------------- decisions

    function somebodyNamesADigest(uint256 seed) external acts(seed) {
        uint256 id = _find(Phase.Naming);
        if (id == 0) return _help();
        _name(id);
    }

    function _name(uint256 id) private {
        uint8 number = deal[id].round;
        uint256 seat = _below(rounds[id][number].seats);
        Chair storage chair = chairs[id][number][seat];
        bytes32 digest = _chance(10) ? bytes32(entropy) : _chance(4) ? _lie(id) : _truth(id);
        bytes32 salted = _chance(10) ? bytes32(0) : _trace(id);
        if (chair.digest != 0 && _chance(2)) (digest, salted) = (chair.digest, chair.salted);
        if (number == 1) trySettle(_anybody(), id, digest);
        else tryDecide(_anybody(), id, digest, salted);
    }

    /// @dev A re-run, an envious provider, the wrong provider itself, an echo, or garbage.
    function ownerChallengesALie(uint256 seed) external acts(seed) {
        uint256 id = _find(Phase.Proposed);
        if (id == 0 || deal[id].proposed == _truth(id)) return _help();
        _challenge(deal[id].owner, id, _truth(id));
    }

    function grieferChallengesTheTruth(uint256 seed) external acts(seed) {
        uint256 id = _find(Phase.Proposed);
        if (id == 0) return _help();
        if (_chance(2)) return _challenge(challenger, id, _lie(id));
        tryChallenge(challenger, id, _chance(3) ? bytes32(0) : keccak256("garbage"), 0);
    }

    function wrongProviderChallengesItself(uint256 seed) external acts(seed) {
        uint256 id = _find(Phase.Proposed);
        if (id == 0 || deal[id].proposed == _truth(id)) return _help();
        _challenge(crowd[7], id, _truth(id));
    }

    function echoChallengerSealsWhatWasProposed(uint256 seed) external acts(seed) {
        uint256 id = _find(Phase.Proposed);
        if (id == 0 || !_chance(2)) return _help();
        _challenge(challenger, id, deal[id].proposed);
    }

    function _challenge(address who, uint256 id, bytes32 digest) private {
        tryChallenge(who, id, sealOf(id, 0, 0, who, digest, 0), digest);
    }

    function somebodyFinalizes(uint256 seed) external acts(seed) {
        uint256 id = _find(Phase.Proposed);
        if (id == 0) return _help();
        if (_chance(3) && time < deal[id].deadline) pass(deal[id].deadline - time);
        tryFinalize(_anybody(), id);
    }

    function somebodyRedraws(uint256 seed) external acts(seed) {
        uint256 id = _find(Phase.Missing);
        if (id == 0) return _help();
        tryRedraw(_anybody(), id);
    }

    function somebodyRefunds(uint256 seed) external acts(seed) {
        uint256 id = _find(Phase.Due);
        if (id == 0) return _help();
        tryRefund(_anybody(), id);
    }

    function strangerEndsManyJobs(uint256 seed) external acts(seed) {
        uint256[] memory ids = new uint256[](live.length + 1);
        for (uint256 i = 0; i < live.length; ++i) {
            ids[i] = live[i];
        }
        ids[live.length] = deals + 1;
        tryMany(stranger, ids);
    }

    // ------------------------------------------------------------------------------------------------- owners

    function ownerReleases(uint256 seed) external acts(seed) {
        uint256 id = _find(_chance(3) ? Phase.Proposed : Phase.Settled);
        if (id == 0) return _help();
        tryRelease(_chance(8) ? _anybody() : deal[id].owner, id);
    }

    function ownerDeclines(uint256 seed) external acts(seed) {
        uint256 id = _chance(3) ? _find(Phase.Settled) : _someJob();
        if (id == 0 || !_chance(3)) return _help();
        tryRefund(deal[id].owner, id);
    }

    /// @dev Between signing and opening, and under jobs that are open.
    function ownerMoves(uint256 seed) external acts(seed) {
        uint256 dataset = 1 + _below(papers);
        address who = _chance(6) ? _anybody() : paper[dataset].holder;
        uint256 what = _below(9);
        if (what == 0) tryCancelAll(who, dataset);
        if (what == 1) tryUpdateManifest(who, dataset, _chance(6) ? bytes32(0) : keccak256(abi.encode(entropy)));
        if (what == 2) tryTransfer(who, dataset, who == owner ? seller : owner);
        if (what == 3) tryWithdraw(who, purse[who].free, who);
        if (what == 4) tryDeposit(who, uint96(wallet[who] / 4));
        if (what == 5 && offers.length != 0) tryCancel(who, offers[_below(offers.length)].offer);
        if (what == 6 && _chance(2)) tryDelist(who, dataset);
        if (what == 7 && papers < 6) tryList(owner, _chance(6) ? bytes32(0) : MANIFEST, 3 * EPSILON, 1);
        if (what == 8) tryDeposit(who, 20 * ONE);
    }

    // ------------------------------------------------------------------------------------------------- strangers

    function donorGives(uint256 seed) external acts(seed) {
        uint256 what = _below(4);
        if (what == 0 && wallet[donor] != 0) {
            uint256 amount = 1 + _below(wallet[donor] > ONE ? ONE : wallet[donor]);
            wallet[donor] -= amount;
            donated += amount;
            vm.prank(donor);
            token.transfer(address(stake), amount);
        }
        if (what == 1) vm.deal(address(stake), 1 ether);
        if (what == 2) vm.deal(address(market), 1 ether);
        if (what != 3) return;
        (bool taken,) = address(stake).call{value: 0}("");
        require(!taken, "the ledger takes native coin");
    }

    function strangerPokes(uint256 seed) external acts(seed) {
        _poke(_someJob(), _chance(4) ? _anybody() : stranger);
    }

    /// @dev Some call of some job by anybody: due or not, the rules know.
    function _poke(uint256 id, address who) private {
        uint256 what = _below(10);
        bytes32 digest = _chance(3) ? bytes32(0) : _chance(2) ? bytes32(entropy) : _truth(id);
        uint8 seat = uint8(_chance(4) ? _below(256) : _below(3));
        if (what == 0) tryDraw(who, id);
        if (what == 1) tryTakeSeat(_provider(), id, _chance(8) ? type(uint256).max : _below(20));
        if (what == 2) tryCommit(_provider(), id, seat, keccak256(abi.encode(entropy)), 0, 0);
        if (what == 3) tryRedraw(who, id);
        if (what == 4) trySettle(who, id, digest);
        if (what == 5) tryChallenge(who, id, _chance(2) ? bytes32(0) : digest, 0);
        if (what == 6) tryFinalize(who, id);
        if (what == 7) tryDecide(who, id, digest, _trace(id));
        if (what == 8) tryRelease(_chance(2) ? deal[id].owner : who, id);
        if (what == 9) tryRefund(_chance(2) ? deal[id].owner : who, id);
    }

    // ------------------------------------------------------------------------------------------------- the clock

    /// @dev To the second before, the second of, and the second after a deadline, with calls at each.
    function clockMeetsADeadline(uint256 seed) external acts(seed) {
        uint256 id = live.length == 0 ? 0 : live[_below(live.length)];
        uint256 deadline = _deadline(id);
        if (deadline <= time) return _help();
        pass(deadline - 1 - time);
        _around(id);
        if (_chance(3)) return;
        pass(1);
        _around(id);
        if (_chance(2)) return;
        pass(1);
        _around(id);
    }

    /// @dev One of the two calls between which the deadline decides.
    function _around(uint256 id) private {
        Deal storage d = deal[id];
        bool first = _chance(2);
        if (d.state == IDataMarket.State.Proposed) {
            if (first) tryFinalize(stranger, id);
            else _challenge(challenger, id, _lie(id));
            return;
        }
        if (d.state == IDataMarket.State.Settled && first) return tryRelease(d.owner, id);
        if (first || !_running(d)) return tryRefund(stranger, id);
        IProviderStake.Round storage r = rounds[id][d.round];
        if (r.contestEnd == 0) return tryDraw(stranger, id);
        if (r.commitBy == 0 || _chance(6)) {
            tryTakeSeat(_entrant(id), id, _below(6));
            return;
        }
        if (_chance(3)) return tryRedraw(stranger, id);
        if (_allSealed(r) || _chance(3)) return _name(id);
        uint8 seat = uint8(_below(r.seats));
        Chair storage chair = chairs[id][d.round][seat];
        if (kindOf[chair.who] != Kind.Nobody) _commitSeat(kindOf[chair.who], id, d.round, seat);
    }

    function _deadline(uint256 id) private returns (uint256) {
        Deal storage d = deal[id];
        if (id == 0 || _chance(20)) return purse[_provider()].availableAt;
        if (d.deadline != 0) return d.deadline;
        IProviderStake.Round storage r = rounds[id][d.round];
        if (r.contestEnd == 0) return r.start + d.fill;
        if (time < r.contestEnd && _chance(2)) return r.contestEnd;
        if (r.commitBy == 0) return r.contestEnd + d.fill;
        if (time < r.commitBy) return r.commitBy;
        return _chance(2) ? r.commitBy + d.fill : r.commitBy + NAMING;
    }

    /// @dev Further than a block hash can be read.
    function clockRunsFar(uint256 seed) external acts(seed) {
        if (!_chance(4)) return _help();
        pass(12 * (257 + _below(100)) + (_chance(3) ? 7 days : 0));
    }

    // ------------------------------------------------------------------------------------------------- progress

    /// @dev What a diligent follower of the market does: opens a job, or makes the next call of one.
    function followerHelps(uint256 seed) external acts(seed) {
        _help();
    }

    function _help() private {
        if (live.length == 0 || (live.length < MOST_LIVE && _chance(6))) return _open(buyer, false);
        uint256 id = live[_below(live.length)];
        Phase phase = _phase(id);
        if (phase == Phase.Undrawn) {
            pass(24);
            tryDraw(stranger, id);
        } else if (phase == Phase.Filling) {
            _enter(id);
            if (rounds[id][deal[id].round].commitBy == 0 && _chance(6)) _waitFor(rounds[id][deal[id].round].contestEnd);
        } else if (phase == Phase.Contest) {
            if (_chance(3)) _enter(id);
            _waitFor(rounds[id][deal[id].round].contestEnd);
        } else if (phase == Phase.Committing) {
            _commitAs(_chance(2) ? Kind.Honest : Kind(1 + _below(6)), id);
            if (_chance(8)) _waitFor(rounds[id][deal[id].round].commitBy);
        } else if (phase == Phase.Naming) {
            _name(id);
            if (_phase(id) != Phase.Naming || !_chance(12)) return;
            _waitFor(rounds[id][deal[id].round].commitBy + NAMING);
            // Too late.
            _name(id);
        } else {
            _helpToEnd(id, phase);
        }
    }

    function _helpToEnd(uint256 id, Phase phase) private {
        if (phase == Phase.Missing) {
            if (_chance(4)) {
                _waitFor(rounds[id][1].commitBy + deal[id].fill);
                tryRefund(stranger, id);
            } else {
                tryRedraw(stranger, id);
            }
        } else if (phase == Phase.Proposed) {
            // Between an owner and itself there is nothing to release.
            if (_own(deal[id])) tryRelease(deal[id].owner, id);
            else if (_chance(3)) return tryRelease(deal[id].owner, id);
            if (_chance(3)) return _challenge(deal[id].owner, id, _truth(id));
            _waitFor(deal[id].deadline);
            tryFinalize(stranger, id);
        } else if (phase == Phase.Settled) {
            if (!_chance(4)) return tryRelease(deal[id].owner, id);
            _waitFor(deal[id].deadline);
            // Too late.
            tryRelease(deal[id].owner, id);
            tryRefund(stranger, id);
        } else {
            tryRefund(stranger, id);
        }
    }

    function _waitFor(uint256 moment) private {
        if (moment > time) pass(moment - time);
    }

    // ------------------------------------------------------------------------------------------------- the end

    /// @notice From wherever the market is, a stranger ends every job at its deadline; then everybody leaves with all
    /// it has, and only gifts and what was burnt stay.
    function everybodyLeaves() external {
        while (live.length != 0) {
            uint256 id = live[0];
            if (deal[id].state == IDataMarket.State.Proposed) {
                _waitFor(deal[id].deadline);
                tryFinalize(stranger, id);
            } else {
                (, uint256 from) = _lastExit(id);
                _waitFor(from);
                tryRefund(stranger, id);
            }
            checkJob(id);
        }
        checkSums();
        for (uint256 i = 0; i < people.length; ++i) {
            tryUnstake(people[i], purse[people[i]].staked);
        }
        pass(EXIT);
        for (uint256 i = 0; i < people.length; ++i) {
            address who = people[i];
            tryCollect(who);
            tryWithdraw(who, purse[who].free, who);
            vm.assertEq(token.balanceOf(who), wallet[who], "a wallet is not that of the rules");
        }
        checkSums();
        vm.assertEq(token.balanceOf(address(stake)), burntSum + donated, "more than burnt tokens and gifts stays");
    }
}
