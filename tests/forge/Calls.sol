// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";

import {Ghost} from "./Ghost.sol";

/// @title Every call of the market with what the rules say about it
/// @notice Each function here says first whether the call is due, then makes it, fails if the contracts see it
/// otherwise, and tells the ghost. So a call that succeeds when it must not, that is refused when it is due, or that is
/// refused by a panic instead of a typed error, is a failure wherever it comes from.
abstract contract Calls is Ghost {
    error Differs(string what, bool due, bytes answer);
    error Untyped(string what, bytes answer);

    /// @dev The last job that was touched, to be compared with the contracts.
    uint256 internal touched;

    function _call(address who, address to, bytes memory data, bool due, string memory what) internal returns (bool) {
        vm.prank(who);
        (bool ok, bytes memory answer) = to.call(data);
        return _answered(ok, answer, due, what);
    }

    function _answered(bool ok, bytes memory answer, bool due, string memory what) internal returns (bool) {
        if (ok != due) revert Differs(what, due, answer);
        if (ok) return true;
        bytes4 kind = bytes4(answer);
        // Panic(uint256) and Error(string)
        if (answer.length < 4 || kind == 0x4e487b71 || kind == 0x08c379a0) revert Untyped(what, answer);
        _reach(kind);
        return false;
    }

    // ------------------------------------------------------------------------------------------------- rules

    function _running(Deal storage d) internal view returns (bool) {
        return d.state == IDataMarket.State.Open || d.state == IDataMarket.State.Escalated;
    }

    function _mask(uint8 seats) internal pure returns (uint16) {
        return uint16((1 << seats) - 1);
    }

    function _allSealed(IProviderStake.Round storage r) internal view returns (bool) {
        return r.commitBy != 0 && r.sealedMask == _mask(r.seats);
    }

    function _openings(uint256 id, uint8 number, bytes32 digest, bytes32 salted) internal view returns (uint256 k) {
        for (uint256 i = 0; i < rounds[id][number].seats; ++i) {
            Chair storage chair = chairs[id][number][i];
            if (digest != 0 && chair.digest == digest && chair.salted == salted) ++k;
        }
    }

    function _drawDue(uint256 id) internal view returns (bool) {
        Deal storage d = deal[id];
        IProviderStake.Round storage r = rounds[id][d.round];
        return _running(d) && r.contestEnd == 0 && height >= r.startBlock + 2 && time < r.start + d.fill;
    }

    function _commitsOpen(uint256 id) internal view returns (bool) {
        Deal storage d = deal[id];
        IProviderStake.Round storage r = rounds[id][d.round];
        return _running(d) && r.commitBy != 0 && time >= r.contestEnd && time < r.commitBy;
    }

    function _redrawDue(uint256 id) internal view returns (bool) {
        Deal storage d = deal[id];
        IProviderStake.Round storage r = rounds[id][1];
        return d.state == IDataMarket.State.Open && r.commitBy != 0 && !r.redrawn && !_allSealed(r)
            && time >= r.commitBy && time < r.commitBy + d.fill;
    }

    function _namingOpen(uint256 id) internal view returns (bool) {
        Deal storage d = deal[id];
        IProviderStake.Round storage r = rounds[id][d.round];
        if (!_running(d) || r.commitBy == 0 || time >= r.commitBy + NAMING) return false;
        return _allSealed(r) || (d.round == 2 && time >= r.commitBy);
    }

    /// @dev What a refund by this caller ends in now; None if it is refused.
    function _exit(uint256 id, address who) internal view returns (IDataMarket.Outcome) {
        Deal storage d = deal[id];
        bool byOwner = who == d.owner;
        if (d.state == IDataMarket.State.Settled) {
            if (time >= d.deadline) return IDataMarket.Outcome.ReleaseLapsed;
            return byOwner ? IDataMarket.Outcome.ReleaseDeclined : IDataMarket.Outcome.None;
        }
        IProviderStake.Round storage r = rounds[id][d.round];
        if (d.state == IDataMarket.State.Open && byOwner) {
            if (!r.redrawn && (r.commitBy == 0 || time < r.contestEnd)) return IDataMarket.Outcome.Declined;
        }
        (IDataMarket.Outcome outcome, uint256 from) = _lastExit(id);
        return time >= from ? outcome : IDataMarket.Outcome.None;
    }

    /// @dev The exit for everybody, and from when.
    function _lastExit(uint256 id) internal view returns (IDataMarket.Outcome, uint256) {
        Deal storage d = deal[id];
        if (d.state == IDataMarket.State.Settled) return (IDataMarket.Outcome.ReleaseLapsed, d.deadline);
        if (!_running(d)) return (IDataMarket.Outcome.None, 0);
        IProviderStake.Round storage r = rounds[id][d.round];
        if (d.round == 2) {
            if (r.contestEnd == 0) return (IDataMarket.Outcome.JuryUnfilled, r.start + d.fill);
            if (r.commitBy == 0) return (IDataMarket.Outcome.JuryUnfilled, r.contestEnd + d.fill);
            return (IDataMarket.Outcome.Undecided, r.commitBy + NAMING);
        }
        if (r.contestEnd == 0) return (IDataMarket.Outcome.Undrawn, r.start + d.fill);
        if (r.commitBy == 0) {
            return (r.redrawn ? IDataMarket.Outcome.RefillFailed : IDataMarket.Outcome.Unfilled, r.contestEnd + d.fill);
        }
        if (_allSealed(r)) return (IDataMarket.Outcome.Unnamed, r.commitBy + NAMING);
        return (IDataMarket.Outcome.SealsMissing, r.redrawn ? r.commitBy : r.commitBy + d.fill);
    }

    // ------------------------------------------------------------------------------------------------- the ledger

    function tryDeposit(address who, uint96 amount) internal {
        bytes memory data = abi.encodeCall(stake.deposit, (amount, noPermit));
        if (_call(who, address(stake), data, wallet[who] >= amount, "deposit")) _deposit(who, amount);
    }

    /// @dev Free balances can be withdrawn in every state of every job.
    function tryWithdraw(address who, uint96 amount, address to) internal {
        bool due = purse[who].free >= amount && to != address(0) && to != address(stake) && to != address(market);
        if (!_call(who, address(stake), abi.encodeCall(stake.withdraw, (amount, to)), due, "withdraw")) return;
        purse[who].free -= amount;
        wallet[to] += amount;
        withdrawn += amount;
    }

    function tryStake(address who, uint96 amount) internal {
        bool due = purse[who].free >= amount;
        if (!_call(who, address(stake), abi.encodeCall(stake.stake, (amount)), due, "stake")) return;
        purse[who].free -= amount;
        purse[who].staked += amount;
        purse[who].since = uint40(time);
    }

    function tryUnstake(address who, uint96 amount) internal {
        bool due = purse[who].staked - purse[who].locked >= amount;
        if (!_call(who, address(stake), abi.encodeCall(stake.unstake, (amount)), due, "unstake")) return;
        purse[who].staked -= amount;
        purse[who].leaving += amount;
        purse[who].availableAt = uint40(time) + EXIT;
    }

    function tryCollect(address who) internal {
        bool due = purse[who].leaving != 0 && time >= purse[who].availableAt;
        if (!_call(who, address(stake), abi.encodeCall(stake.collect, ()), due, "collect")) return;
        purse[who].free += purse[who].leaving;
        purse[who].leaving = 0;
    }

    // ------------------------------------------------------------------------------------------------- datasets

    function tryList(address who, bytes32 manifest, uint64 epsilonBudget, uint64 exactReleases) internal {
        bytes memory data = abi.encodeCall(market.listDataset, (manifest, epsilonBudget, exactReleases));
        if (!_call(who, address(market), data, manifest != 0, "listDataset")) return;
        Paper storage p = paper[++papers];
        (p.holder, p.manifest, p.epsilon.limit, p.exact.limit) = (who, manifest, epsilonBudget, exactReleases);
    }

    function tryUpdateManifest(address who, uint256 dataset, bytes32 manifest) internal {
        bool due = _holds(who, dataset) && manifest != 0;
        bytes memory data = abi.encodeCall(market.updateManifest, (dataset, manifest));
        if (_call(who, address(market), data, due, "updateManifest")) paper[dataset].manifest = manifest;
    }

    function tryDelist(address who, uint256 dataset) internal {
        bool due = _holds(who, dataset) && !paper[dataset].delisted;
        if (_call(who, address(market), abi.encodeCall(market.delist, (dataset)), due, "delist")) {
            paper[dataset].delisted = true;
        }
    }

    function tryTransfer(address who, uint256 dataset, address to) internal {
        bytes memory data = abi.encodeCall(market.transferFrom, (who, to, dataset));
        if (!_call(who, address(market), data, _holds(who, dataset), "transferFrom")) return;
        paper[dataset].holder = to;
        ++paper[dataset].epoch;
    }

    function tryCancelAll(address who, uint256 dataset) internal {
        bool due = _holds(who, dataset);
        bytes memory data = abi.encodeCall(market.cancelAllOffers, (dataset));
        if (_call(who, address(market), data, due, "cancelAllOffers")) ++paper[dataset].epoch;
    }

    function tryCancel(address who, IDataMarket.Offer memory offer_) internal {
        bool due = _holds(who, offer_.dataset);
        bytes memory data = abi.encodeCall(market.cancelOffer, (offer_));
        if (_call(who, address(market), data, due, "cancelOffer")) offerCancelled[market.offerDigestOf(offer_)] = true;
    }

    function _holds(address who, uint256 dataset) internal view returns (bool) {
        return dataset != 0 && dataset <= papers && paper[dataset].holder == who;
    }

    // ------------------------------------------------------------------------------------------------- opening

    function tryOpen(
        address who,
        IDataMarket.Offer memory offer_,
        address signer,
        bytes memory signature,
        IDataMarket.Terms memory t
    ) internal returns (uint256 id) {
        bytes32 digest = market.offerDigestOf(offer_);
        address holder = paper[offer_.dataset].holder;
        uint96 escrow = t.seats * t.reward + (who == holder ? 0 : offer_.price);
        bool due = signer == holder && _offerHolds(who, offer_, digest) && _termsFit(offer_, t)
            && (who == holder || _budgetHolds(offer_)) && purse[who].free + wallet[who] >= escrow
            && (who == holder || purse[holder].free >= offer_.guarantee);
        bytes memory data = abi.encodeCall(market.openJob, (offer_, signature, t, noPermit));
        if (!_call(who, address(market), data, due, "openJob")) return 0;

        id = ++deals;
        require(market.jobCount() == id, "jobs are not counted by one");
        require(++offerUses[digest] <= offer_.maxUses, "an offer was used too often");
        _begin(deal[id], offer_, t, who, holder);
        rounds[id][1].start = uint40(time);
        rounds[id][1].startBlock = uint40(height);
        rounds[id][1].seats = t.seats;
        live.push(id);
        touched = id;
        _move(id, IDataMarket.State.Open);
        _escrow(id, escrow);
        if (_own(deal[id])) _reach("an own job is opened");
    }

    function _offerHolds(address who, IDataMarket.Offer memory offer_, bytes32 digest) private view returns (bool) {
        Paper storage p = paper[offer_.dataset];
        return p.holder != address(0) && time < offer_.expiry && !p.delisted && offer_.manifest == p.manifest
            && offer_.epoch == p.epoch && (offer_.buyer == address(0) || offer_.buyer == who)
            && !offerCancelled[digest] && offerUses[digest] < offer_.maxUses;
    }

    function _termsFit(IDataMarket.Offer memory offer_, IDataMarket.Terms memory t) private pure returns (bool) {
        IDataMarket.Bounds memory b = bounds();
        return t.seats >= 1 && t.seats >= offer_.minSeats && t.seats <= 5 && t.reward >= 1
            && t.floor >= offer_.minReward && t.reward >= t.floor && t.reward <= offer_.maxReward
            && t.fill >= b.minFill && t.fill >= offer_.minFill && t.fill <= b.maxFill
            && t.compute >= b.minCompute && t.compute >= offer_.minCompute && t.compute <= b.maxCompute
            && t.release >= b.minRelease && t.release <= b.maxRelease;
    }

    function _budgetHolds(IDataMarket.Offer memory offer_) private view returns (bool) {
        Paper storage p = paper[offer_.dataset];
        IDataMarket.Budget memory budget = offer_.epsilon == 0 ? p.exact : p.epsilon;
        uint64 amount = offer_.epsilon == 0 ? 1 : offer_.epsilon;
        return uint256(budget.reserved) + budget.spent + amount <= budget.limit;
    }

    function _begin(
        Deal storage d,
        IDataMarket.Offer memory offer_,
        IDataMarket.Terms memory t,
        address who,
        address holder
    ) private {
        (d.buyer, d.owner, d.payee) = (who, holder, offer_.payee == address(0) ? holder : offer_.payee);
        (d.seats, d.floor, d.reward) = (t.seats, t.floor, t.reward);
        (d.fill, d.compute, d.release) = (t.fill, t.compute, t.release);
        (d.dataset, d.epsilon, d.opened, d.round) = (uint64(offer_.dataset), offer_.epsilon, uint40(time), 1);
        if (who == holder) return;
        (d.price, d.guarantee) = (offer_.price, offer_.guarantee);
        (IDataMarket.Budget storage budget, uint64 amount) = _budget(d);
        budget.reserved += amount;
    }

    function _escrow(uint256 id, uint96 escrow) private {
        Deal storage d = deal[id];
        _pull(d.buyer, escrow);
        _lock(d, d.buyer, escrow, d.buyer);
        (d.escrow, d.buyerPut) = (escrow, escrow);
        require(escrow <= d.price + d.seats * d.reward, "the buyer paid more than price and rewards");
        if (d.guarantee != 0) _lock(d, d.owner, d.guarantee, d.buyer);
        d.pledge = d.guarantee;
    }

    /// @dev What the free balance lacks comes from the caller's wallet.
    function _pull(address who, uint96 amount) private {
        if (purse[who].free < amount) _deposit(who, amount - purse[who].free);
    }

    // ------------------------------------------------------------------------------------------------- rounds

    function tryDraw(address who, uint256 id) internal {
        if (!_call(who, address(stake), abi.encodeCall(stake.draw, (id)), _drawDue(id), "draw")) return;
        Deal storage d = deal[id];
        IProviderStake.Round storage r = rounds[id][d.round];
        require(height >= r.startBlock + 2, "a seed was drawn that could be known at the start");
        r.seed = keccak256(abi.encode(keccak256(abi.encode(time, height)), address(market), id, d.round));
        r.contestEnd = uint40(time) + d.fill;
        touched = id;
    }

    function tryTakeSeat(address who, uint256 id, uint256 unit) internal returns (bool) {
        Deal storage d = deal[id];
        IProviderStake.Round storage r = rounds[id][d.round];
        uint96 ticket = uint96(uint256(keccak256(abi.encode(r.seed, who, unit))));
        (bool due, uint8 index) = _seatDue(id, who, unit, ticket);
        if (!_call(who, address(stake), abi.encodeCall(stake.takeSeat, (id, unit)), due, "takeSeat")) return false;

        require(purse[who].since < d.opened, "a seat was taken with stake younger than the job");
        Chair storage chair = chairs[id][d.round][index];
        if (chair.who != address(0)) {
            require(ticket < chair.ticket && time < r.contestEnd, "a seat was displaced wrongly");
            purse[chair.who].locked -= _bond(d);
            _reach(d.round == 1 ? bytes32("displaced in round one") : bytes32("displaced in round two"));
        }
        (chair.who, chair.ticket) = (who, ticket);
        purse[who].locked += _bond(d);
        r.takenMask |= uint16(1 << index);
        touched = id;
        if (r.commitBy == 0 && r.takenMask == _mask(r.seats)) _full(d, r);
        return true;
    }

    function _full(Deal storage d, IProviderStake.Round storage r) private {
        uint40 from = time > r.contestEnd ? uint40(time) : r.contestEnd;
        uint24 late = uint24(from - r.contestEnd);
        if (late > r.late) r.late = late;
        if (late != 0) _reach(r.redrawn ? bytes32("filled late again") : bytes32("filled late"));
        r.commitBy = from + d.compute;
    }

    /// @return due whether the seat is given, and which
    function _seatDue(uint256 id, address who, uint256 unit, uint96 ticket) private returns (bool due, uint8 index) {
        Deal storage d = deal[id];
        IProviderStake.Round storage r = rounds[id][d.round];
        IProviderStake.Account storage a = purse[who];
        if (!_running(d) || r.contestEnd == 0 || time >= r.contestEnd + d.fill) return (false, 0);
        if (a.since >= d.opened || unit >= a.staked / UNIT || a.staked - a.locked < _bond(d)) return (false, 0);
        uint96 highest;
        uint8 empty = type(uint8).max;
        for (uint8 i = 0; i < r.seats; ++i) {
            Chair storage chair = chairs[id][d.round][i];
            if (chair.who == who && chair.ticket == ticket) return (false, 0);
            if (chair.who == address(0) && empty == type(uint8).max) empty = i;
            if (chair.who != address(0) && chair.seal == 0 && chair.ticket > highest) {
                (highest, index) = (chair.ticket, i);
            }
        }
        if (empty != type(uint8).max) return (true, empty);
        if (time >= r.contestEnd) return (false, index);
        due = ticket < highest;
        uint96 loser = due ? highest : ticket;
        if (loser < lowestLeft[id][d.round] || lowestLeft[id][d.round] == 0) lowestLeft[id][d.round] = loser;
    }

    function tryCommit(address who, uint256 id, uint8 seat, bytes32 seal, bytes32 digest, bytes32 salted) internal {
        Deal storage d = deal[id];
        IProviderStake.Round storage r = rounds[id][d.round];
        bool due = _commitsOpen(id) && seal != 0 && seat < r.seats && chairs[id][d.round][seat].who == who
            && chairs[id][d.round][seat].seal == 0;
        if (!_call(who, address(stake), abi.encodeCall(stake.commit, (id, seat, seal)), due, "commit")) return;
        Chair storage chair = chairs[id][d.round][seat];
        require(chair.seal == 0 && time >= r.contestEnd && time < r.commitBy, "a seal was written wrongly");
        (chair.seal, chair.digest, chair.salted) = (seal, digest, salted);
        r.sealedMask |= uint16(1 << seat);
        touched = id;
    }

    function tryRedraw(address who, uint256 id) internal {
        bool due = _redrawDue(id);
        if (!_call(who, address(stake), abi.encodeCall(stake.redraw, (id)), due, "redraw")) return;
        Deal storage d = deal[id];
        IProviderStake.Round storage r = rounds[id][1];
        for (uint256 i = 0; i < r.seats; ++i) {
            if (chairs[id][1][i].seal == 0) _unseat(id, 1, i, _fine(d));
        }
        require(!r.redrawn, "a round was redrawn twice");
        lowestLeft[id][1] = 0;
        r.seed = keccak256(abi.encode(r.seed));
        r.takenMask = r.sealedMask;
        (r.redrawn, r.commitBy, r.contestEnd) = (true, 0, uint40(time) + d.fill);
        touched = id;
        _reach("redrawn");
    }

    // ------------------------------------------------------------------------------------------------- decisions

    function trySettle(address who, uint256 id, bytes32 digest) internal {
        Deal storage d = deal[id];
        uint256 k = d.round == 1 ? _openings(id, 1, digest, 0) : 0;
        bool due = d.state == IDataMarket.State.Open && _namingOpen(id) && k != 0;
        if (!_call(who, address(market), abi.encodeCall(market.settle, (id, digest)), due, "settle")) return;
        require(_allSealed(rounds[id][1]), "a digest was named before every seat had sealed");
        touched = id;
        if (k < d.seats) return _escalate(id);
        (d.proposed, d.deadline) = (digest, uint40(time) + d.compute);
        _move(id, IDataMarket.State.Proposed);
        if (_own(d)) _reach("an own job is proposed");
    }

    function tryChallenge(address who, uint256 id, bytes32 seal, bytes32 digest) internal {
        Deal storage d = deal[id];
        uint96 bond = _bond(d);
        bool due = d.state == IDataMarket.State.Proposed && time < d.deadline && seal != 0
            && purse[who].free + wallet[who] >= bond;
        bytes memory data = abi.encodeCall(market.challenge, (id, seal, noPermit));
        if (!_call(who, address(market), data, due, "challenge")) return;
        require(d.challenger == address(0), "a job was challenged twice");
        _pull(who, bond);
        _lock(d, who, bond, who);
        (d.bail, d.challenger, d.challengeSeal, d.challengeDigest) = (bond, who, seal, digest);
        touched = id;
        _escalate(id);
    }

    function _finalizeDue(uint256 id) internal view returns (bool) {
        return deal[id].state == IDataMarket.State.Proposed && time >= deal[id].deadline;
    }

    function tryFinalize(address who, uint256 id) internal {
        bytes memory data = abi.encodeCall(market.finalize, (id));
        if (_call(who, address(market), data, _finalizeDue(id), "finalize")) _finalized(id);
    }

    function _finalized(uint256 id) internal {
        deal[id].waited += uint40(time) - deal[id].deadline;
        touched = id;
        _payUnchallenged(id);
    }

    function tryDecide(address who, uint256 id, bytes32 digest, bytes32 salted) internal {
        Deal storage d = deal[id];
        uint256 m = rounds[id][2].seats;
        uint256 k = d.round == 2 ? _openings(id, 2, digest, salted) : 0;
        bool due = d.state == IDataMarket.State.Escalated && _namingOpen(id) && 3 * k >= 2 * m;
        bytes memory data = abi.encodeCall(market.decide, (id, digest, salted));
        if (!_call(who, address(market), data, due, "decide")) return;
        touched = id;
        _payDecided(id, digest, salted);
    }

    function tryRelease(address who, uint256 id) internal {
        Deal storage d = deal[id];
        bool due = who == d.owner && !_own(d) && !d.released
            && (d.state == IDataMarket.State.Proposed || (d.state == IDataMarket.State.Settled && time < d.deadline));
        bytes memory data = abi.encodeCall(market.release, (id, keccak256("sealed result"), "sealed key"));
        if (!_call(who, address(market), data, due, "release")) return;
        touched = id;
        _payRelease(id);
    }

    function tryRefund(address who, uint256 id) internal {
        IDataMarket.Outcome outcome = _exit(id, who);
        bool due = outcome != IDataMarket.Outcome.None;
        if (!_call(who, address(market), abi.encodeCall(market.refund, (id)), due, "refund")) return;
        touched = id;
        _payRefund(id, outcome);
    }

    /// @dev A stranger ends what is due, many jobs in one transaction; what is not due does not undo the rest.
    function tryMany(address who, uint256[] memory ids) internal {
        bytes[] memory calls = new bytes[](2 * ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            calls[2 * i] = abi.encodeCall(market.finalize, (ids[i]));
            calls[2 * i + 1] = abi.encodeCall(market.refund, (ids[i]));
        }
        vm.prank(who);
        (bool[] memory ok, bytes[] memory answers) = market.multicall(calls);
        for (uint256 i = 0; i < ids.length; ++i) {
            if (_answered(ok[2 * i], answers[2 * i], _finalizeDue(ids[i]), "finalize of many")) _finalized(ids[i]);
            IDataMarket.Outcome outcome = _exit(ids[i], who);
            bool due = outcome != IDataMarket.Outcome.None;
            if (!_answered(ok[2 * i + 1], answers[2 * i + 1], due, "refund of many")) continue;
            touched = ids[i];
            _payRefund(ids[i], outcome);
        }
    }
}
