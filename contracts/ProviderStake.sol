// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IProviderStake} from "./interfaces/IProviderStake.sol";
import {Multicall} from "./libraries/Multicall.sol";
import {Seal} from "./libraries/Seal.sol";

/// @notice See {IProviderStake}, which is the specification.
/// @dev The token is met in `withdraw` and `_pull` alone, and both measure what it moved.
contract ProviderStake is IProviderStake, Multicall, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @dev Seats of the largest round two: 2 * 5 + 5.
    uint256 private constant MAX_SEATS = 15;
    uint8 private constant NO_SEAT = type(uint8).max;

    address public immutable token;
    address public immutable market;
    uint96 public immutable unit;
    uint40 public immutable exitDelay;

    uint96 public burnt;
    mapping(address account => Account) private _accounts;
    mapping(uint256 job => Ledger) private _ledgers;
    mapping(uint256 job => mapping(uint8 number => Round)) private _rounds;
    mapping(uint256 job => mapping(uint8 number => Seat[MAX_SEATS])) private _seats;

    /// @param market_ where the market will be deployed next; its constructor checks it
    constructor(address token_, address market_, uint96 unit_, uint40 exitDelay_) {
        if (token_ == address(0) || market_ == address(0)) revert AddressZero();
        if (unit_ == 0) revert UnitZero();
        if (exitDelay_ == 0) revert ExitZero();
        uint256 supply = IERC20(token_).totalSupply();
        if (supply > type(uint96).max) revert SupplyTooLarge(supply);
        token = token_;
        market = market_;
        unit = unit_;
        exitDelay = exitDelay_;
    }

    modifier onlyMarket() {
        if (msg.sender != market) revert CallerNotMarket(msg.sender);
        _;
    }

    // ------------------------------------------------------------------------------------------------- ledger

    /// @inheritdoc IProviderStake
    function deposit(uint96 amount, Permit calldata permit) external nonReentrant {
        _pull(msg.sender, amount, permit);
    }

    /// @inheritdoc IProviderStake
    function withdraw(uint96 amount, address to) external nonReentrant {
        if (to == address(0) || to == address(this) || to == market) revert RecipientInvalid(to);
        _spend(msg.sender, amount);
        emit Withdrawn(msg.sender, to, amount);
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransfer(to, amount);
        uint256 balance = IERC20(token).balanceOf(address(this));
        // A fee on top of the amount would be paid with the tokens of others.
        if (balance > before || before - balance != amount) revert DepartureDiffers(before, balance, amount);
    }

    // ------------------------------------------------------------------------------------------------- stake

    /// @inheritdoc IProviderStake
    function stake(uint96 amount) external nonReentrant {
        _spend(msg.sender, amount);
        Account storage account = _accounts[msg.sender];
        account.staked += amount;
        account.since = uint40(block.timestamp);
        emit Staked(msg.sender, amount, uint40(block.timestamp));
    }

    /// @inheritdoc IProviderStake
    function unstake(uint96 amount) external nonReentrant {
        Account storage account = _accounts[msg.sender];
        _requireFreeStake(account, amount);
        uint40 availableAt = uint40(block.timestamp) + exitDelay;
        account.staked -= amount;
        account.leaving += amount;
        account.availableAt = availableAt;
        emit Unstaked(msg.sender, amount, availableAt);
    }

    /// @inheritdoc IProviderStake
    function collect() external nonReentrant {
        Account storage account = _accounts[msg.sender];
        uint96 amount = account.leaving;
        if (amount == 0) revert NothingLeaving();
        if (block.timestamp < account.availableAt) revert StillLeaving(account.availableAt, block.timestamp);
        account.leaving = 0;
        account.free += amount;
        emit Collected(msg.sender, amount);
    }

    // ------------------------------------------------------------------------------------------------- rounds

    /// @inheritdoc IProviderStake
    function draw(uint256 job) external nonReentrant {
        (uint8 number, Round storage round) = _openRound(job);
        uint24 fill = _ledgers[job].fill;
        if (round.contestEnd != 0) revert AlreadyDrawn();
        if (block.number < round.startBlock + 2) revert DrawTooEarly(round.startBlock + 2, block.number);
        if (block.timestamp >= round.start + fill) revert DrawOver(round.start + fill, block.timestamp);

        bytes32 seed = keccak256(abi.encode(block.prevrandao, market, job, number));
        round.seed = seed;
        round.contestEnd = uint40(block.timestamp) + fill;
        emit SeedDrawn(job, number, seed, round.contestEnd);
    }

    /// @inheritdoc IProviderStake
    function takeSeat(uint256 job, uint256 unit_) external nonReentrant {
        (uint8 number, Round storage round) = _openRound(job);
        if (round.contestEnd == 0) revert NotDrawn();
        uint256 fillEnd = round.contestEnd + _ledgers[job].fill;
        if (block.timestamp >= fillEnd) revert SeatsOver(fillEnd, block.timestamp);
        uint96 bond = _ledgers[job].bond;
        _requireEntrant(_accounts[msg.sender], job, unit_, bond);
        uint96 ticket = ticketOf(round.seed, msg.sender, unit_);
        (uint8 index, address displaced) = _place(job, number, round, ticket);

        if (displaced != address(0)) _accounts[displaced].locked -= bond;
        _accounts[msg.sender].locked += bond;
        Seat storage seat = _seats[job][number][index];
        seat.provider = msg.sender;
        seat.ticket = ticket;
        round.takenMask |= uint16(1 << index);
        emit SeatTaken(job, number, index, msg.sender, unit_, ticket, bond, displaced);
        if (round.commitBy == 0 && round.takenMask == _allSeats(round)) _fill(job, number, round);
    }

    /// @inheritdoc IProviderStake
    function commit(uint256 job, uint8 seat, bytes32 seal) external nonReentrant {
        (uint8 number, Round storage round) = _openRound(job);
        if (round.commitBy == 0) revert NotFull();
        if (block.timestamp < round.contestEnd) revert CommitTooEarly(round.contestEnd, block.timestamp);
        if (block.timestamp >= round.commitBy) revert CommitOver(round.commitBy, block.timestamp);
        if (seal == 0) revert SealZero();
        if (seat >= round.seats) revert NotYourSeat(seat, address(0));
        Seat storage taken = _seats[job][number][seat];
        if (taken.provider != msg.sender) revert NotYourSeat(seat, taken.provider);
        if (taken.seal != 0) revert AlreadySealed(seat);

        taken.seal = seal;
        round.sealedMask |= uint16(1 << seat);
        emit SealCommitted(job, number, seat, seal);
    }

    /// @inheritdoc IProviderStake
    function redraw(uint256 job) external nonReentrant {
        (uint8 number, Round storage round) = _openRound(job);
        uint256 until = round.commitBy + _ledgers[job].fill;
        if (number != 1) revert RoundTwoOpen();
        if (round.commitBy == 0) revert NotFull();
        if (round.redrawn) revert AlreadyRedrawn();
        if (round.sealedMask == _allSeats(round)) revert AllSealed();
        if (block.timestamp < round.commitBy) revert RedrawTooEarly(round.commitBy, block.timestamp);
        if (block.timestamp >= until) revert RedrawOver(until, block.timestamp);

        uint96 fine = _ledgers[job].bond / 3;
        for (uint8 i = 0; i < round.seats; ++i) {
            if (round.sealedMask & (1 << i) == 0) _closeSeat(job, number, i, fine, 0);
        }
        bytes32 seed = keccak256(abi.encode(round.seed));
        round.seed = seed;
        round.takenMask = round.sealedMask;
        round.redrawn = true;
        round.commitBy = 0;
        round.contestEnd = uint40(block.timestamp) + _ledgers[job].fill;
        emit RoundRedrawn(job, seed, round.contestEnd);
    }

    // ------------------------------------------------------------------------------------------------- market only

    /// @inheritdoc IProviderStake
    function lock(uint256 job, address account, uint96 amount, Permit calldata permit)
        external
        onlyMarket
        nonReentrant
    {
        _topUp(account, amount, permit);
        _lock(job, account, amount);
    }

    /// @inheritdoc IProviderStake
    function pay(uint256 job, address account, uint96 amount) external onlyMarket nonReentrant {
        _pay(job, account, amount);
    }

    /// @inheritdoc IProviderStake
    function divide(uint256 job, address buyer, uint96 toBuyer, address owner, uint96 toOwner, uint96 keep)
        external
        onlyMarket
        nonReentrant
    {
        _pay(job, buyer, toBuyer);
        _pay(job, owner, toOwner);
        uint96 held = _ledgers[job].held;
        if (held < keep) revert HeldTooLow(job, held, keep);
        if (held == keep) return;
        _ledgers[job].held = keep;
        burnt += held - keep;
        emit Burnt(job, held - keep);
    }

    /// @inheritdoc IProviderStake
    function openRoundOne(uint256 job, Opening calldata opening, Permit calldata permit)
        external
        onlyMarket
        nonReentrant
    {
        _ledgers[job] =
            Ledger({bond: opening.bond, held: 0, fill: opening.fill, compute: opening.compute, round: 1});
        _start(_rounds[job][1], opening.seats);
        _topUp(opening.buyer, opening.escrow, permit);
        _lock(job, opening.buyer, opening.escrow);
        if (opening.guarantee != 0) _lock(job, opening.owner, opening.guarantee);
    }

    /// @inheritdoc IProviderStake
    function openRoundTwo(uint256 job, uint8 seats) external onlyMarket nonReentrant {
        _ledgers[job].round = 2;
        _start(_rounds[job][2], seats);
    }

    /// @inheritdoc IProviderStake
    function closeRound(uint256 job, uint8 number, bytes32 digest, bytes32 salted, Closing calldata closing)
        external
        onlyMarket
        nonReentrant
        returns (uint8 right)
    {
        Round memory round = _rounds[job][number];
        for (uint8 i = 0; i < round.seats; ++i) {
            if (round.takenMask & (1 << i) == 0) continue;
            if (round.sealedMask & (1 << i) == 0) {
                _closeSeat(job, number, i, closing.silentFine, 0);
            } else if (_opens(job, number, i, digest, salted)) {
                ++right;
                _closeSeat(job, number, i, 0, closing.rightReward);
            } else {
                _closeSeat(job, number, i, closing.otherFine, closing.otherReward);
            }
        }
        delete _rounds[job][number];
    }

    // ------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IProviderStake
    function accountOf(address account) external view returns (Account memory) {
        return _accounts[account];
    }

    /// @inheritdoc IProviderStake
    function ledgerOf(uint256 job) external view returns (Ledger memory) {
        return _ledgers[job];
    }

    /// @inheritdoc IProviderStake
    function roundOf(uint256 job, uint8 number) external view returns (Round memory) {
        return _rounds[job][number];
    }

    /// @inheritdoc IProviderStake
    function seatsOf(uint256 job, uint8 number) external view returns (Seat[] memory seats) {
        seats = new Seat[](_rounds[job][number].seats);
        for (uint256 i = 0; i < seats.length; ++i) {
            seats[i] = _seats[job][number][i];
        }
    }

    /// @inheritdoc IProviderStake
    function ticketOf(bytes32 seed, address provider, uint256 unit_) public pure returns (uint96) {
        return uint96(uint256(keccak256(abi.encode(seed, provider, unit_))));
    }

    /// @inheritdoc IProviderStake
    function matches(uint256 job, uint8 number, bytes32 digest, bytes32 salted) external view returns (uint8 count) {
        uint8 seats = _rounds[job][number].seats;
        for (uint8 i = 0; i < seats; ++i) {
            if (_opens(job, number, i, digest, salted)) ++count;
        }
    }

    // ------------------------------------------------------------------------------------------------- seats

    function _openRound(uint256 job) private view returns (uint8 number, Round storage round) {
        number = _ledgers[job].round;
        round = _rounds[job][number];
        if (round.start == 0) revert RoundNotOpen(job);
    }

    function _start(Round storage round, uint8 seats) private {
        round.start = uint40(block.timestamp);
        round.startBlock = uint40(block.number);
        round.seats = seats;
    }

    function _allSeats(Round storage round) private view returns (uint16) {
        return uint16((1 << round.seats) - 1);
    }

    /// @dev Both rounds measure `since` against the opening of the job, the start of round one.
    function _requireEntrant(Account storage account, uint256 job, uint256 unit_, uint96 bond) private view {
        uint40 openedAt = _rounds[job][1].start;
        if (account.since >= openedAt) revert StakeTooYoung(account.since, openedAt);
        uint256 units = account.staked / unit;
        if (unit_ >= units) revert UnitNotStaked(unit_, units);
        _requireFreeStake(account, bond);
    }

    function _requireFreeStake(Account storage account, uint96 needed) private view {
        uint96 free = account.staked - account.locked;
        if (free < needed) revert FreeStakeTooLow(free, needed);
    }

    /// @dev The contest: the first empty seat, else the seat of the highest ticket without a seal.
    function _place(uint256 job, uint8 number, Round storage round, uint96 ticket)
        private
        view
        returns (uint8 index, address displaced)
    {
        uint8 empty = NO_SEAT;
        uint96 highest;
        for (uint8 i = 0; i < round.seats; ++i) {
            if (round.takenMask & (1 << i) == 0) {
                if (empty == NO_SEAT) empty = i;
                continue;
            }
            Seat storage seat = _seats[job][number][i];
            if (seat.ticket == ticket && seat.provider == msg.sender) revert AlreadySeated(i);
            if (seat.ticket > highest && round.sealedMask & (1 << i) == 0) {
                (index, displaced, highest) = (i, seat.provider, seat.ticket);
            }
        }
        if (empty != NO_SEAT) return (empty, address(0));
        if (block.timestamp >= round.contestEnd) revert RoundFull();
        if (ticket >= highest) revert TicketTooHigh(ticket, highest);
    }

    /// @dev Commits open at the end of the contest or, if the round fills later, at once. What comes after
    /// `contestEnd` raises the reward, the larger of both passes.
    function _fill(uint256 job, uint8 number, Round storage round) private {
        uint40 time = uint40(block.timestamp);
        uint40 from = time > round.contestEnd ? time : round.contestEnd;
        // Less than the fill window, which is a uint24.
        uint24 late = uint24(from - round.contestEnd);
        if (late > round.late) round.late = late;
        round.commitBy = from + _ledgers[job].compute;
        emit RoundFilled(job, number, round.commitBy, round.late);
    }

    function _opens(uint256 job, uint8 number, uint8 index, bytes32 digest, bytes32 salted)
        private
        view
        returns (bool)
    {
        Seat storage seat = _seats[job][number][index];
        return digest != 0 && seat.seal == Seal.hash(market, job, number, index, seat.provider, digest, salted);
    }

    // ------------------------------------------------------------------------------------------------- money

    /// @dev Wallet to free. Measures what arrived: a fee on transfer would break the ledger.
    function _pull(address account, uint96 amount, Permit calldata permit) private {
        if (permit.deadline != 0) {
            // Best effort: anybody may have used the permit already, the transfer decides.
            try IERC20Permit(token).permit(
                account, address(this), permit.value, permit.deadline, permit.v, permit.r, permit.s
            ) {} catch {}
        }
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(account, address(this), amount);
        uint256 balance = IERC20(token).balanceOf(address(this));
        if (balance < before || balance - before != amount) revert ArrivalDiffers(before, balance, amount);
        // Every sum of the ledger is a part of this balance, so none of them overflows.
        if (balance > type(uint96).max) revert SupplyTooLarge(balance);
        _accounts[account].free += amount;
        emit Deposited(account, amount);
    }

    /// @dev Wallet to free, what is missing there.
    function _topUp(address account, uint96 amount, Permit calldata permit) private {
        uint96 free = _accounts[account].free;
        if (free < amount) _pull(account, amount - free, permit);
    }

    /// @dev Out of free.
    function _spend(address account, uint96 amount) private {
        uint96 free = _accounts[account].free;
        if (free < amount) revert FreeBalanceTooLow(account, free, amount);
        _accounts[account].free = free - amount;
    }

    /// @dev Free to held.
    function _lock(uint256 job, address account, uint96 amount) private {
        _spend(account, amount);
        _ledgers[job].held += amount;
        emit Locked(job, account, amount);
    }

    /// @dev Held to free.
    function _pay(uint256 job, address account, uint96 amount) private {
        if (amount == 0) return;
        _reward(job, account, amount);
        emit Paid(job, account, amount);
    }

    function _reward(uint256 job, address account, uint96 amount) private {
        uint96 held = _ledgers[job].held;
        if (held < amount) revert HeldTooLow(job, held, amount);
        _ledgers[job].held = held - amount;
        _accounts[account].free += amount;
    }

    /// @dev Bond back to free stake, less the fine, which goes from stake to held; the reward from held to free.
    function _closeSeat(uint256 job, uint8 number, uint8 index, uint96 fine, uint96 reward) private {
        address provider = _seats[job][number][index].provider;
        uint96 bond = _ledgers[job].bond;
        delete _seats[job][number][index];
        Account storage account = _accounts[provider];
        account.locked -= bond;
        account.staked -= fine;
        _ledgers[job].held += fine;
        _reward(job, provider, reward);
        emit SeatClosed(job, number, index, provider, bond, fine, reward);
    }
}
