// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";

import {Market} from "./Market.sol";

/// @title The ledger of the market kept a second time, from the money table alone
/// @notice It knows what every seal opens with, which the contracts do not, and so computes who must be paid before
/// they do. Escrow, guarantee, challenge bond and fines of a job are four sums here, and one in the contracts.
abstract contract Ghost is Market {
    struct Deal {
        IDataMarket.State state;
        uint8 seats;
        uint8 right;
        bool released;
        uint40 opened;
        uint40 deadline; // of the challenge window, then of the release window
        uint40 waited; // seconds that `finalize` was called later than possible
        uint24 fill;
        uint24 compute;
        uint24 release;
        uint24 late;
        uint8 round;
        address buyer;
        address owner;
        address payee;
        address challenger;
        uint64 dataset;
        uint64 epsilon;
        uint96 floor;
        uint96 reward;
        uint96 price;
        uint96 guarantee;
        uint96 escrow; // held of the buyer
        uint96 pledge; // held of the owner
        uint96 bail; // held of the challenger
        uint96 pot; // fines
        uint96 put; // all that ever came in, and went out
        uint96 out;
        uint96 buyerPut;
        uint96 buyerGot;
        bytes32 proposed;
        bytes32 challengeDigest; // 0: nobody can open its seal
        bytes32 challengeSeal;
    }

    struct Chair {
        address who;
        uint96 ticket;
        bytes32 seal;
        bytes32 digest; // what the seal opens with; 0: nobody can open it
        bytes32 salted;
    }

    struct Paper {
        address holder;
        bytes32 manifest;
        uint64 epoch;
        bool delisted;
        IDataMarket.Budget epsilon;
        IDataMarket.Budget exact;
    }

    address[] internal people;
    mapping(address => IProviderStake.Account) internal purse;
    mapping(address => uint256) internal wallet;
    uint256 internal deposited;
    uint256 internal withdrawn;
    uint256 internal donated;
    uint256 internal burntSum;

    uint256 internal papers;
    mapping(uint256 => Paper) internal paper;
    mapping(bytes32 => uint256) internal offerUses;
    mapping(bytes32 => bool) internal offerCancelled;

    uint256 internal deals;
    uint256[] internal live;
    mapping(uint256 => Deal) internal deal;
    mapping(uint256 => mapping(uint8 => IProviderStake.Round)) internal rounds;
    mapping(uint256 => mapping(uint8 => Chair[15])) internal chairs;
    /// @dev The lowest ticket of an entrant that the contest of this pass left without a seat; 0: none.
    mapping(uint256 => mapping(uint8 => uint96)) internal lowestLeft;

    /// @dev How often something worth seeing happened, by its name.
    mapping(bytes32 => uint256) public reached;

    function _reach(bytes32 what) internal {
        ++reached[what];
    }

    // ------------------------------------------------------------------------------------------------- quantities

    function _bond(Deal storage d) internal view returns (uint96) {
        return bondOf(d.seats, d.reward);
    }

    function _fine(Deal storage d) internal view returns (uint96) {
        return (uint96(d.seats) + 3) * d.reward;
    }

    function _rewardPaid(Deal storage d, uint24 late) internal view returns (uint96) {
        return d.floor + uint96(uint256(d.reward - d.floor) * late / d.fill);
    }

    function _own(Deal storage d) internal view returns (bool) {
        return d.owner == d.buyer;
    }

    /// @dev The budget of the job and its part of it.
    function _budget(Deal storage d) internal view returns (IDataMarket.Budget storage, uint64) {
        Paper storage p = paper[d.dataset];
        return d.epsilon == 0 ? (p.exact, 1) : (p.epsilon, d.epsilon);
    }

    // ------------------------------------------------------------------------------------------------- money verbs

    function _deposit(address who, uint256 amount) internal {
        wallet[who] -= amount;
        purse[who].free += uint96(amount);
        deposited += amount;
    }

    /// @dev Nobody's balance is lowered by a call of somebody else, but for the guarantee that an owner signed.
    function _lock(Deal storage d, address who, uint96 amount, address caller) internal {
        require(who == caller || (who == d.owner && amount == d.guarantee), "a balance fell without its owner's will");
        purse[who].free -= amount;
        d.put += amount;
    }

    function _pay(Deal storage d, address who, uint96 amount) internal {
        purse[who].free += amount;
        d.out += amount;
    }

    function _payBuyer(Deal storage d, uint96 amount) internal {
        _pay(d, d.buyer, amount);
        d.buyerGot += amount;
        require(d.buyerGot <= d.buyerPut, "the buyer got more for a job than it escrowed");
    }

    /// @dev Ends a seat; the caller of this has decided that there is a fault if there is a fine.
    function _unseat(uint256 id, uint8 number, uint256 index, uint96 fine) internal returns (address who) {
        Deal storage d = deal[id];
        who = chairs[id][number][index].who;
        delete chairs[id][number][index];
        purse[who].locked -= _bond(d);
        purse[who].staked -= fine;
        d.pot += fine;
        d.put += fine;
    }

    function _burnPot(Deal storage d) internal returns (uint96 burnt) {
        burnt = d.pot;
        burntSum += burnt;
        d.out += burnt;
        d.pot = 0;
    }

    // ------------------------------------------------------------------------------------------------- the table

    /// @dev No outcome but these. Each job is settled once, released once, refunded once, because no pair repeats.
    function _move(uint256 id, IDataMarket.State to) internal {
        Deal storage d = deal[id];
        IDataMarket.State from = d.state;
        require(_listed(from, to), "a transition that is not listed");
        d.state = to;
        _reach(keccak256(abi.encode(from, to)));
        if (to != IDataMarket.State.Released && to != IDataMarket.State.Refunded) return;
        require(d.escrow + d.pledge + d.bail + d.pot == 0 && d.put == d.out, "a job that is over holds money");
        for (uint256 i = 0; i < live.length; ++i) {
            if (live[i] == id) live[i] = live[live.length - 1];
        }
        live.pop();
    }

    function _listed(IDataMarket.State from, IDataMarket.State to) internal pure returns (bool) {
        if (from == IDataMarket.State.None) return to == IDataMarket.State.Open;
        if (from == IDataMarket.State.Open) {
            return to == IDataMarket.State.Proposed || to == IDataMarket.State.Escalated
                || to == IDataMarket.State.Refunded;
        }
        if (from == IDataMarket.State.Proposed) {
            return to == IDataMarket.State.Escalated || to == IDataMarket.State.Settled
                || to == IDataMarket.State.Released;
        }
        if (from == IDataMarket.State.Escalated) {
            return to == IDataMarket.State.Settled || to == IDataMarket.State.Released
                || to == IDataMarket.State.Refunded;
        }
        if (from == IDataMarket.State.Settled) {
            return to == IDataMarket.State.Released || to == IDataMarket.State.Refunded;
        }
        return false;
    }

    function _escalate(uint256 id) internal {
        Deal storage d = deal[id];
        d.round = 2;
        d.deadline = 0;
        IProviderStake.Round storage two = rounds[id][2];
        two.start = uint40(time);
        two.startBlock = uint40(height);
        two.seats = 2 * d.seats + 5;
        _move(id, IDataMarket.State.Escalated);
    }

    /// @dev Unchallenged: every seat gets its bond and r, the buyer what the auction did not use.
    function _payUnchallenged(uint256 id) internal {
        Deal storage d = deal[id];
        d.late = rounds[id][1].late;
        uint96 r = _rewardPaid(d, d.late);
        for (uint256 i = 0; i < d.seats; ++i) {
            require(chairs[id][1][i].digest == d.proposed, "a seat was paid that did not seal the digest");
            _pay(d, _unseat(id, 1, i, 0), r);
        }
        d.escrow -= d.seats * r;
        _settled(id, d.seats, r);
    }

    /// @dev Decided: who sealed the digest is paid, who sealed another loses its bond, who was silent a fine.
    function _payDecided(uint256 id, bytes32 digest, bytes32 salted) internal {
        Deal storage d = deal[id];
        d.late = rounds[id][1].late;
        uint96 r = _rewardPaid(d, d.late);
        uint96 bond = _bond(d);
        d.pot += d.bail;
        uint8 w = _payRound(id, 1, digest, 0, r);
        d.escrow -= w * r;
        uint8 jury = _payRound(id, 2, digest, salted, d.reward);
        d.pot -= jury * d.reward;
        if (d.bail != 0 && d.challengeDigest == digest && w < d.seats) {
            uint96 bounty = bond + (uint96(d.seats) + 3) * d.reward;
            d.pot -= bounty;
            _pay(d, d.challenger, bounty);
            _reach("a bounty is paid");
        } else if (d.bail != 0 && d.challengeDigest == d.proposed && w == d.seats) {
            _reach("an echo challenge is lost");
        } else if (d.bail != 0) {
            _reach("a challenge bond is lost");
        }
        _reach(d.bail == 0 ? bytes32("decided unchallenged") : bytes32("decided challenged"));
        d.bail = 0;
        require(d.pot >= d.reward, "a decided dispute burnt less than a reward");
        _settled(id, w, r);
    }

    /// @return right seats whose seal opens with both; each of them got `reward`
    function _payRound(uint256 id, uint8 number, bytes32 digest, bytes32 salted, uint96 reward)
        private
        returns (uint8 right)
    {
        Deal storage d = deal[id];
        uint96 bond = _bond(d);
        for (uint256 i = 0; i < rounds[id][number].seats; ++i) {
            Chair storage chair = chairs[id][number][i];
            if (chair.seal != 0 && chair.digest == digest && chair.salted == salted) {
                ++right;
                _pay(d, _unseat(id, number, i, 0), reward);
            } else {
                _unseat(id, number, i, chair.seal == 0 ? _fine(d) : bond);
            }
        }
    }

    function _settled(uint256 id, uint8 right, uint96 r) private {
        Deal storage d = deal[id];
        d.right = right;
        uint96 unused = d.seats * d.reward - right * r;
        d.escrow -= unused;
        _payBuyer(d, unused);
        _burnPot(d);
        delete rounds[id][1];
        delete rounds[id][2];
        bool over = d.released || _own(d);
        d.deadline = over ? 0 : uint40(time) + d.release;
        if (!over) require(d.escrow == d.price && d.pledge == d.guarantee, "price or guarantee left before release");
        _move(id, over ? IDataMarket.State.Released : IDataMarket.State.Settled);
    }

    /// @dev Price to the payee, guarantee to the owner; what was reserved is spent.
    function _payRelease(uint256 id) internal {
        Deal storage d = deal[id];
        d.released = true;
        _pay(d, d.payee, d.price);
        _pay(d, d.owner, d.guarantee);
        d.escrow -= d.price;
        d.pledge = 0;
        _endReservation(d, true);
        if (d.state == IDataMarket.State.Proposed) return _reach("released while proposed");
        d.deadline = 0;
        _move(id, IDataMarket.State.Released);
    }

    function _endReservation(Deal storage d, bool spent) private {
        (IDataMarket.Budget storage budget, uint64 amount) = _budget(d);
        budget.reserved -= amount;
        if (spent) budget.spent += amount;
    }

    function _payRefund(uint256 id, IDataMarket.Outcome outcome) internal {
        Deal storage d = deal[id];
        d.deadline = 0;
        if (outcome == IDataMarket.Outcome.ReleaseDeclined || outcome == IDataMarket.Outcome.ReleaseLapsed) {
            uint96 spent = d.right * _rewardPaid(d, d.late);
            uint96 made = spent < d.guarantee ? spent : d.guarantee;
            d.pledge -= d.guarantee;
            d.escrow -= d.price;
            _payBuyer(d, d.price + made);
            _pay(d, d.owner, d.guarantee - made);
        } else {
            _refundRoundOne(id, outcome);
            if (d.round == 2) _refundRoundTwo(id, outcome);
            _payBuyer(d, d.escrow);
            _pay(d, d.owner, d.pledge);
            (d.escrow, d.pledge) = (0, 0);
        }
        _burnPot(d);
        delete rounds[id][1];
        delete rounds[id][2];
        _reach(keccak256(abi.encode(outcome)));
        if (!_own(d) && !d.released) _endReservation(d, outcome == IDataMarket.Outcome.ReleaseLapsed);
        _move(id, d.released ? IDataMarket.State.Released : IDataMarket.State.Refunded);
    }

    function _refundRoundOne(uint256 id, IDataMarket.Outcome outcome) private {
        Deal storage d = deal[id];
        bool missing = outcome == IDataMarket.Outcome.SealsMissing;
        bool starved = outcome == IDataMarket.Outcome.JuryUnfilled && d.bail != 0;
        if (starved) {
            // The challenger pays a fine, of which every seat of round one gets R.
            d.pot += _fine(d);
            d.bail -= _fine(d);
        }
        uint96 spent;
        for (uint256 i = 0; i < d.seats; ++i) {
            Chair storage chair = chairs[id][1][i];
            if (chair.who == address(0)) continue;
            bool silent = chair.seal == 0;
            bool paid = !silent && (missing || starved || outcome == IDataMarket.Outcome.RefillFailed);
            bool fined = (silent && missing) || outcome == IDataMarket.Outcome.Unnamed;
            address who = _unseat(id, 1, i, fined ? _fine(d) : 0);
            if (!paid) continue;
            _pay(d, who, d.reward);
            spent += d.reward;
        }
        d.pot -= spent;
    }

    function _refundRoundTwo(uint256 id, IDataMarket.Outcome outcome) private {
        Deal storage d = deal[id];
        bool full = outcome == IDataMarket.Outcome.Undecided;
        for (uint256 i = 0; i < rounds[id][2].seats; ++i) {
            Chair storage chair = chairs[id][2][i];
            if (chair.who == address(0)) continue;
            _unseat(id, 2, i, full && chair.seal == 0 ? _fine(d) : 0);
        }
        if (d.bail != 0) _reach(full ? bytes32("undecided, challenged") : bytes32("unfilled, challenged"));
        _pay(d, d.challenger, d.bail);
        d.bail = 0;
    }
}
