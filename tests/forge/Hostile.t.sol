// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

import {IDataMarket} from "contracts/interfaces/IDataMarket.sol";
import {IProviderStake} from "contracts/interfaces/IProviderStake.sol";

import {Market} from "./Market.sol";
import {BlocklistToken} from "./tokens/BlocklistToken.sol";
import {OddMarket} from "./tokens/OddMarket.sol";
import {VisitedToken, Visitor} from "./tokens/VisitedToken.sol";

/// @title A contract that owns datasets, buys, stakes, and makes one call when something calls it
contract Intruder is Visitor, IERC1271 {
    address private _target;
    bytes private _data;
    uint256 public visits;
    bool public entered;

    function arm(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    /// @dev Acts on the first visit.
    function visit() external {
        ++visits;
        if (_target == address(0)) return;
        address target = _target;
        _target = address(0);
        (entered,) = target.call(_data);
    }

    /// @dev Consents, after it tried.
    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        if (_target != address(0)) {
            (bool ok,) = _target.staticcall(_data);
            require(!ok, "a view of the market changed something");
        }
        return IERC1271.isValidSignature.selector;
    }
}

/// @title Every function of both contracts, called from inside every call that goes out
/// @notice The call inside is refused, or the end is as if it had come just before or just after the call outside.
contract HostileTest is Market {
    enum Outer {
        DepositTransfer,
        DepositPermit,
        OpenTransfer,
        OpenPermit,
        OpenSignature,
        ChallengeTransfer,
        ChallengePermit,
        Withdraw
    }

    struct Inner {
        string name;
        address target;
        bytes data;
        bool through; // does not touch the ledger, so it goes through; but not from a signature check, which is static
    }

    Intruder private _intruder;
    Inner[] private _inners;
    address[] private _people;
    uint256 private _jobToDraw;
    uint256 private _jobToSit;
    uint256 private _jobToCommit;
    uint256 private _jobToSettle;
    uint256 private _jobToChallenge;
    uint256 private _jobChallenged;
    uint256 private _jobToFinalize;
    uint256 private _jobToDecide;
    uint256 private _jobToRelease;
    uint256 private _jobToRefund;
    uint256 private _jobToRedraw;

    // ------------------------------------------------------------------------------------------------- the tests

    function test_inside_the_transfer_of_a_deposit() public {
        _enterFrom(Outer.DepositTransfer);
    }

    function test_inside_the_permit_of_a_deposit() public {
        _enterFrom(Outer.DepositPermit);
    }

    function test_inside_the_transfer_that_pays_for_a_job() public {
        _enterFrom(Outer.OpenTransfer);
    }

    function test_inside_the_permit_that_pays_for_a_job() public {
        _enterFrom(Outer.OpenPermit);
    }

    function test_inside_the_check_of_the_signature_of_an_offer() public {
        _enterFrom(Outer.OpenSignature);
    }

    function test_inside_the_transfer_that_pays_for_a_challenge() public {
        _enterFrom(Outer.ChallengeTransfer);
    }

    function test_inside_the_permit_that_pays_for_a_challenge() public {
        _enterFrom(Outer.ChallengePermit);
    }

    function test_inside_a_withdrawal() public {
        _enterFrom(Outer.Withdraw);
    }

    /// @dev Else "refused" would say nothing.
    function test_each_call_that_is_tried_inside_works_outside() public {
        for (uint256 i = 0; i < _inners.length; ++i) {
            uint256 before = vm.snapshotState();
            bool marketOnly = bytes(_inners[i].name)[0] == "_";
            vm.assertTrue(_inner(_inners[i]) != marketOnly, _inners[i].name);
            vm.revertToStateAndDelete(before);
        }
    }

    function test_a_multicall_inside_changes_no_more_than_its_calls_could() public {
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(stake.withdraw, (1, address(_intruder)));
        calls[1] = abi.encodeCall(stake.unstake, (1));
        bytes[] memory others = new bytes[](2);
        others[0] = abi.encodeCall(market.finalize, (_jobToFinalize));
        others[1] = abi.encodeCall(market.refund, (_jobToRefund));
        uint256 before = vm.snapshotState();
        for (uint256 i = 0; i <= uint256(Outer.Withdraw); ++i) {
            _outer(Outer(i));
            bytes32 alone = _state();
            vm.revertToState(before);
            for (uint256 j = 0; j < 2; ++j) {
                address target = j == 0 ? address(stake) : address(market);
                _intruder.arm(target, abi.encodeCall(stake.multicall, (j == 0 ? calls : others)));
                _outer(Outer(i));
                vm.assertTrue(_intruder.entered(), "the multicall itself");
                vm.assertEq(_state(), alone, "its calls");
                vm.revertToState(before);
            }
        }
    }

    function _enterFrom(Outer outer) private {
        uint256 before = vm.snapshotState();
        _outer(outer);
        bytes32 alone = _state();
        vm.revertToState(before);
        // The signature is checked first, and leaves no trace of a visit.
        bool quiet = outer == Outer.OpenSignature;
        if (quiet) VisitedToken(address(token)).invite(Visitor(address(0)));
        before = vm.snapshotState();
        for (uint256 i = 0; i < _inners.length; ++i) {
            Inner memory inner = _inners[i];
            _intruder.arm(inner.target, inner.data);
            _outer(outer);
            bytes32 end = _state();
            bool through = inner.through && !quiet;
            vm.assertTrue(quiet || _intruder.visits() != 0, "nobody visited");
            vm.assertTrue(_intruder.entered() == through, inner.name);
            vm.revertToState(before);
            if (through) {
                _outer(outer);
                _inner(inner);
                vm.assertEq(end, _state(), inner.name);
                vm.revertToState(before);
            } else {
                vm.assertEq(end, alone, inner.name);
            }
        }
    }

    // ------------------------------------------------------------------------------------------------- the calls

    function _inner(Inner memory inner) private returns (bool ok) {
        vm.prank(address(_intruder));
        (ok,) = inner.target.call(inner.data);
    }

    function _outer(Outer outer) private {
        IProviderStake.Permit memory permit;
        bool permitted = outer == Outer.DepositPermit || outer == Outer.OpenPermit || outer == Outer.ChallengePermit;
        if (permitted) (permit.value, permit.deadline) = (type(uint256).max, 1);
        IDataMarket.Offer memory offer_ = _offerOf(2);
        IDataMarket.Terms memory terms_ = terms(1);
        vm.startPrank(stranger);
        if (outer <= Outer.DepositPermit) stake.deposit(10 * ONE, permit);
        else if (outer <= Outer.OpenSignature) market.openJob(offer_, "", terms_, permit);
        else if (outer <= Outer.ChallengePermit) market.challenge(_jobChallenged, bytes32(uint256(1)), permit);
        else stake.withdraw(10 * ONE, stranger);
        vm.stopPrank();
    }

    /// @dev All by the intruder, who is who it has to be: owner of datasets 2 and 3, buyer, provider.
    function _list() private {
        _add("deposit", address(stake), abi.encodeCall(stake.deposit, (1, noPermit)), false);
        _add("withdraw", address(stake), abi.encodeCall(stake.withdraw, (1, address(_intruder))), false);
        _add("stake", address(stake), abi.encodeCall(stake.stake, (1)), false);
        _add("unstake", address(stake), abi.encodeCall(stake.unstake, (1)), false);
        _add("collect", address(stake), abi.encodeCall(stake.collect, ()), false);
        _add("draw", address(stake), abi.encodeCall(stake.draw, (_jobToDraw)), false);
        _add("takeSeat", address(stake), abi.encodeCall(stake.takeSeat, (_jobToSit, 1)), false);
        _add("commit", address(stake), abi.encodeCall(stake.commit, (_jobToCommit, 0, RIGHT)), false);
        _add("redraw", address(stake), abi.encodeCall(stake.redraw, (_jobToRedraw)), false);

        _add("listDataset", address(market), abi.encodeCall(market.listDataset, (MANIFEST, 1, 1)), true);
        _add("updateManifest", address(market), abi.encodeCall(market.updateManifest, (3, RIGHT)), true);
        _add("setRoyalty", address(market), abi.encodeCall(market.setRoyalty, (3, stranger, 100)), true);
        _add("delist", address(market), abi.encodeCall(market.delist, (3)), true);
        _add("requestOffer", address(market), abi.encodeCall(market.requestOffer, (1, RIGHT)), true);
        _add("publishOffers", address(market), abi.encodeCall(market.publishOffers, (3, RIGHT)), true);
        _add("cancelOffer", address(market), abi.encodeCall(market.cancelOffer, (_offerOf(2))), true);
        _add("cancelAllOffers", address(market), abi.encodeCall(market.cancelAllOffers, (2)), true);
        _add("openJob", address(market), _opening(), false);
        _add("settle", address(market), abi.encodeCall(market.settle, (_jobToSettle, RIGHT)), true);
        _add("challenge", address(market), abi.encodeCall(market.challenge, (_jobToChallenge, RIGHT, noPermit)), false);
        _add("challenge, the same job", address(market), _challengeOf(_jobChallenged), false);
        _add("finalize", address(market), abi.encodeCall(market.finalize, (_jobToFinalize)), false);
        _add("decide", address(market), abi.encodeCall(market.decide, (_jobToDecide, RIGHT, TRACE)), false);
        _add("release", address(market), abi.encodeCall(market.release, (_jobToRelease, RIGHT, "key")), false);
        bytes memory same = abi.encodeCall(market.release, (_jobChallenged, RIGHT, ""));
        _add("release, the same job", address(market), same, false);
        _add("refund", address(market), abi.encodeCall(market.refund, (_jobToRefund)), false);
        _add("refund, as the owner", address(market), abi.encodeCall(market.refund, (_jobToRelease)), false);

        // Of the market alone, so of nobody inside either.
        _add("_pay", address(stake), abi.encodeCall(stake.pay, (_jobToSettle, address(_intruder), 1)), false);
        _add("_lock", address(stake), abi.encodeCall(stake.lock, (_jobToSettle, buyer, 1, noPermit)), false);
        bytes memory divide = abi.encodeCall(stake.divide, (_jobToSettle, address(_intruder), 1, stranger, 1, 0));
        _add("_divide", address(stake), divide, false);
        IProviderStake.Opening memory opening;
        _add("_openRoundOne", address(stake), abi.encodeCall(stake.openRoundOne, (99, opening, noPermit)), false);
        _add("_openRoundTwo", address(stake), abi.encodeCall(stake.openRoundTwo, (_jobToSettle, 7)), false);
        IProviderStake.Closing memory closing;
        _add("_closeRound", address(stake), abi.encodeCall(stake.closeRound, (_jobToSettle, 1, 0, 0, closing)), false);

        address to = stranger;
        _add("approve", address(market), abi.encodeCall(market.approve, (to, 2)), true);
        _add("setApprovalForAll", address(market), abi.encodeCall(market.setApprovalForAll, (to, true)), true);
        _add("transferFrom", address(market), abi.encodeCall(market.transferFrom, (address(_intruder), to, 2)), true);
        bytes4 safe = bytes4(keccak256("safeTransferFrom(address,address,uint256)"));
        _add("safeTransferFrom", address(market), abi.encodeWithSelector(safe, _intruder, to, 2), true);
        safe = bytes4(keccak256("safeTransferFrom(address,address,uint256,bytes)"));
        _add("safeTransferFrom, data", address(market), abi.encodeWithSelector(safe, _intruder, to, 2, ""), true);
    }

    function _opening() private view returns (bytes memory) {
        IDataMarket.Offer memory offer_ = _offerOf(1);
        return abi.encodeCall(market.openJob, (offer_, sign(offer_), terms(1), noPermit));
    }

    function _challengeOf(uint256 job) private view returns (bytes memory) {
        return abi.encodeCall(market.challenge, (job, RIGHT, noPermit));
    }

    function _add(string memory name, address target, bytes memory data, bool through) private {
        _inners.push(Inner(name, target, data, through));
    }

    // ------------------------------------------------------------------------------------------------- the scene

    /// @dev One job in each state, so that every function has one for which it is due now.
    function setUp() public {
        VisitedToken visited = new VisitedToken();
        _intruder = new Intruder();
        deployOn(address(visited));
        _people = [owner, buyer, challenger, payee, stranger, address(_intruder)];
        for (uint256 i = 0; i < 6; ++i) {
            fund(_people[i], i == 4 ? 20 * ONE : 1_000 * ONE);
        }
        for (uint256 i = 0; i < 5; ++i) {
            fundStake(providers[i], 3_000 * ONE);
            _people.push(providers[i]);
        }
        vm.prank(owner);
        market.listDataset(MANIFEST, EPSILON_BUDGET, EXACT);
        vm.startPrank(address(_intruder));
        market.listDataset(MANIFEST, EPSILON_BUDGET, EXACT);
        market.listDataset(MANIFEST, EPSILON_BUDGET, EXACT);
        stake.stake(500 * ONE);
        stake.unstake(100 * ONE);
        vm.stopPrank();
        pass(EXIT);
        _openAll();
        _fillAll();
        _settleAll();
        pass(1 days);
        _jobToDraw = _open(1, FILL, COMPUTE);
        pass(24);
        visited.invite(_intruder);
        _list();
    }

    function _openAll() private {
        _jobToRefund = _open(1, 5 minutes, 10 minutes);
        _jobToRedraw = _open(1, 1 days, 10 minutes);
        _jobToSit = _open(1, 1 days, 10 minutes);
        _jobToCommit = _open(1, 5 minutes, 7 days);
        _jobToSettle = _open(1, 5 minutes, 7 days);
        _jobToChallenge = _open(1, 5 minutes, 7 days);
        _jobChallenged = _open(2, 5 minutes, 7 days);
        _jobToFinalize = _open(1, 5 minutes, 10 minutes);
        _jobToDecide = _open(1, 5 minutes, 7 days);
        _jobToRelease = _open(2, 5 minutes, 10 minutes);
    }

    function _fillAll() private {
        pass(24);
        for (uint256 job = _jobToRedraw; job <= _jobToRelease; ++job) {
            stake.draw(job);
            if (job == _jobToSit) continue;
            sit(job, job == _jobToCommit ? address(_intruder) : providers[0], 0);
        }
        pass(5 minutes);
        for (uint256 job = _jobToSettle; job <= _jobToRelease; ++job) {
            bytes32 digest = job == _jobToDecide ? WRONG : RIGHT;
            commit(job, 0, digest, 0);
            if (job != _jobToSettle) settle(job, digest);
        }
    }

    function _settleAll() private {
        challenge(_jobToDecide, RIGHT);
        draw(_jobToDecide);
        fill(_jobToDecide);
        commitAll(_jobToDecide, RIGHT, TRACE);
        finalize(_jobToRelease);
    }

    function _offerOf(uint256 dataset) private view returns (IDataMarket.Offer memory offer_) {
        offer_ = offer();
        offer_.dataset = dataset;
        offer_.epoch = market.datasetOf(dataset).epoch;
    }

    function _open(uint256 dataset, uint24 fill_, uint24 compute) private returns (uint256) {
        IDataMarket.Offer memory offer_ = _offerOf(dataset);
        IDataMarket.Terms memory terms_ = terms(1);
        (terms_.fill, terms_.compute, terms_.release) = (fill_, compute, 30 days);
        return openAs(buyer, offer_, terms_);
    }

    // ------------------------------------------------------------------------------------------------- the state

    /// @dev All that both contracts tell of themselves, and everybody's wallet.
    function _state() private view returns (bytes32 state) {
        state = keccak256(abi.encode(stake.burnt(), market.jobCount(), market.datasetCount(), _wallet(address(stake))));
        for (uint256 i = 0; i < _people.length; ++i) {
            address who = _people[i];
            state = keccak256(abi.encode(state, stake.accountOf(who), _wallet(who)));
        }
        for (uint256 job = 1; job <= market.jobCount(); ++job) {
            state = keccak256(abi.encode(state, market.jobOf(job), stake.seatsOf(job, 1), stake.seatsOf(job, 2)));
        }
        for (uint256 dataset = 1; dataset <= market.datasetCount(); ++dataset) {
            state = keccak256(
                abi.encode(state, market.datasetOf(dataset), market.ownerOf(dataset), market.getApproved(dataset))
            );
            (address receiver, uint256 royalty) = market.royaltyInfo(dataset, 10_000);
            state = keccak256(abi.encode(state, receiver, royalty));
        }
        for (uint256 dataset = 1; dataset <= 2; ++dataset) {
            state = keccak256(abi.encode(state, market.offerUseOf(market.offerDigestOf(_offerOf(dataset)))));
        }
        state = keccak256(abi.encode(state, market.isApprovedForAll(address(_intruder), stranger)));
    }

    function _wallet(address who) private view returns (uint256) {
        return token.balanceOf(who);
    }
}

/// @title A wallet that answers a question for a signature with what it was told, and can nothing else
contract MoodyWallet {
    bytes private _answer;
    uint256 private _length;
    bool private _reverts;
    bool private _burns;

    function tell(bytes calldata answer, bool reverts, bool burns) external {
        (_answer, _length, _reverts, _burns) = (answer, answer.length, reverts, burns);
    }

    /// @dev From now on its answer has so many bytes.
    function pad(uint256 length) external {
        _length = length;
    }

    fallback() external {
        require(msg.sig == IERC1271.isValidSignature.selector, "nothing else");
        if (_burns) while (true) {}
        (bytes memory answer, uint256 length) = (_answer, _length);
        if (_reverts) {
            assembly {
                revert(add(answer, 32), length)
            }
        }
        assembly {
            return(add(answer, 32), length)
        }
    }
}

/// @title Wallets that are contracts, in every role, and what is sent by force
contract WalletsTest is OddMarket {
    bytes private constant YES = abi.encode(IERC1271.isValidSignature.selector);

    MoodyWallet private _wallet;

    /// @dev The dataset is the wallet's.
    function setUp() public {
        prepare(address(new BlocklistToken()));
        _wallet = new MoodyWallet();
        people.push(address(_wallet));
        enter(address(_wallet), 30);
        vm.prank(owner);
        market.transferFrom(owner, address(_wallet), 1);
        _wallet.tell(YES, false, false);
    }

    // ------------------------------------------------------------------------------------------------- signatures

    function test_a_wallet_that_consents_opens_a_job() public {
        vm.assertEq(_open(""), 1, "job");
        vm.assertEq(market.jobOf(1).job.owner, address(_wallet), "owner");
    }

    function test_a_wallet_that_answers_anything_but_the_one_word_does_not_consent() public {
        bytes4 yes = IERC1271.isValidSignature.selector;
        bytes[9] memory answers = [
            abi.encode(bytes4(0xffffffff)),
            abi.encode(uint256(1)),
            abi.encode(uint256(uint32(yes))),
            abi.encodePacked(yes),
            abi.encodePacked(yes, bytes27(0)),
            abi.encodePacked(yes, bytes28(uint224(1))),
            abi.encodePacked(abi.encode(yes), bytes1(0)),
            abi.encode(yes, uint256(0)),
            ""
        ];
        for (uint256 i = 0; i < 9; ++i) {
            _wallet.tell(answers[i], false, false);
            _refused("");
        }
    }

    function test_a_wallet_that_reverts_with_the_word_does_not_consent() public {
        _wallet.tell(YES, true, false);
        _refused("");
    }

    function test_a_wallet_that_burns_all_gas_costs_the_buyer_half_a_million_and_no_more() public {
        _wallet.tell(YES, false, true);
        vm.assertLt(_refused(""), 700_000, "gas");
    }

    function test_a_wallet_that_answers_at_length_costs_the_buyer_no_more_than_one_that_burns_gas() public {
        _wallet.pad(440_000);
        vm.assertLt(_refused(""), 700_000, "gas");
        _wallet.tell(YES, true, false);
        _wallet.pad(440_000);
        vm.assertLt(_refused(""), 700_000, "gas");
    }

    function test_a_wallet_that_changes_its_mind_stops_new_jobs_and_none_that_is_open() public {
        uint256 job = _open("");
        _wallet.tell(abi.encode(bytes4(0xffffffff)), false, false);
        _refused("");
        _propose(job);
        vm.prank(address(_wallet));
        market.release(job, RIGHT, "key");
        finalize(job);
        gained(payee, 40);
        _wallet.tell(YES, false, false);
        token.mint(buyer, 100 * one);
        vm.assertEq(_open(""), 2, "job");
    }

    function test_a_wallet_that_reverts_once_its_job_is_open_stops_nobody_else() public {
        uint256 job = _open("");
        _wallet.tell("", true, false);
        _propose(job);
        finalize(job);
        refund(job);
        gained(buyer, 0);
        gained(providers[0], 2);
    }

    /// @dev As ERC-6492 wraps it: what deploys the wallet, its signature, and a mark of 32 bytes.
    function test_a_wallet_that_is_not_deployed_yet_is_refused_until_it_is() public {
        bytes memory code = type(MoodyWallet).creationCode;
        bytes32 hashed = keccak256(abi.encodePacked(bytes1(0xff), address(this), bytes32(0), keccak256(code)));
        address later = address(uint160(uint256(hashed)));
        people.push(later);
        enter(later, 10);
        vm.prank(address(_wallet));
        market.transferFrom(address(_wallet), later, 1);
        bytes32 mark = 0x6492649264926492649264926492649264926492649264926492649264926492;
        bytes memory wrapped = abi.encodePacked(abi.encode(address(this), code, "signature"), mark);
        _refused(wrapped);
        _refused("signature");
        MoodyWallet deployed = new MoodyWallet{salt: 0}();
        vm.assertEq(address(deployed), later, "address");
        deployed.tell(YES, false, false);
        vm.assertEq(_open("signature"), 1, "job");
    }

    function test_a_key_whose_address_has_code_that_refuses_still_signs() public {
        vm.prank(address(_wallet));
        market.transferFrom(address(_wallet), owner, 1);
        vm.etch(owner, address(new MoodyWallet()).code);
        vm.assertEq(openScaled(), 1, "job");
    }

    // ------------------------------------------------------------------------------------------------- roles

    function test_a_wallet_that_receives_no_tokens_safely_lists_and_takes_over_datasets() public {
        vm.startPrank(address(_wallet));
        vm.assertEq(market.listDataset(MANIFEST, 1, 1), 2, "listed");
        bytes memory invalid = abi.encodeWithSignature("ERC721InvalidReceiver(address)", address(market));
        vm.expectRevert(invalid);
        market.safeTransferFrom(address(_wallet), address(market), 2);
        MoodyWallet other = new MoodyWallet();
        vm.expectRevert(bytes("nothing else"));
        market.safeTransferFrom(address(_wallet), address(other), 2);
        market.transferFrom(address(_wallet), address(other), 2);
        vm.stopPrank();
        vm.assertEq(market.ownerOf(2), address(other), "owner");
    }

    /// @dev Owner, buyer, payee, challenger and all providers are contracts that can nothing but be themselves.
    function test_contract_wallets_live_a_whole_disputed_life_in_all_roles() public {
        bytes memory code = address(_wallet).code;
        for (uint256 i = 0; i < people.length; ++i) {
            vm.etch(people[i], code);
        }
        uint256 job = _open("");
        draw(job);
        fill(job);
        commitAll(job, WRONG, 0);
        settle(job, WRONG);
        challenge(job, RIGHT);
        draw(job);
        fill(job);
        commitAll(job, RIGHT, TRACE);
        decide(job, RIGHT, TRACE);
        vm.prank(address(_wallet));
        market.release(job, RIGHT, "key");
        unstakeAll();
        for (uint256 i = 0; i < people.length; ++i) {
            (address who, uint96 free) = (people[i], freeOf(people[i]));
            uint256 before = token.balanceOf(who);
            vm.prank(who);
            stake.withdraw(free, who);
            vm.assertEq(token.balanceOf(who), before + free, "arrived");
        }
        vm.assertEq(held(), 5 * one, "what was burnt");
        vm.assertEq(owed(), 5 * one, "what was burnt");
    }

    function test_a_blocked_payee_stops_nobody_and_withdraws_to_another_address() public {
        uint256 job = _open("");
        BlocklistToken(address(token)).list(payee, true);
        _propose(job);
        finalize(job);
        vm.prank(address(_wallet));
        market.release(job, RIGHT, "key");
        gained(payee, 40);
        vm.startPrank(payee);
        vm.expectRevert(abi.encodeWithSelector(BlocklistToken.Blocked.selector, payee));
        stake.withdraw(40 * one, payee);
        stake.withdraw(40 * one, newcomer);
        vm.stopPrank();
        vm.assertEq(token.balanceOf(newcomer), 140 * one, "arrived");
        vm.prank(providers[0]);
        stake.withdraw(2 * one, providers[0]);
    }

    // ------------------------------------------------------------------------------------------------- by force

    function test_donated_tokens_are_nobodys_and_change_no_ledger() public {
        uint256 job = _open("");
        uint256 owedBefore = owed();
        vm.startPrank(stranger);
        token.transfer(address(stake), 60 * one);
        token.transfer(address(market), 40 * one);
        vm.stopPrank();
        vm.assertEq(owed(), owedBefore, "books");
        _propose(job);
        finalize(job);
        refund(job);
        unstakeAll();
        for (uint256 i = 0; i < people.length; ++i) {
            uint96 free = freeOf(people[i]);
            vm.prank(people[i]);
            stake.withdraw(free, people[i]);
        }
        vm.assertEq(owed(), 0, "books");
        vm.assertEq(held(), 60 * one, "the donation, for good");
    }

    function test_native_coin_is_refused_and_changes_nothing_when_forced() public {
        uint256 job = _open("");
        _propose(job);
        bytes32 before = keccak256(abi.encode(owed(), held(), market.jobOf(job), stake.ledgerOf(job)));
        address[2] memory targets = [address(stake), address(market)];
        for (uint256 i = 0; i < 2; ++i) {
            vm.deal(address(this), 2 ether);
            (bool ok,) = targets[i].call{value: 1 ether}("");
            vm.assertFalse(ok, "sent");
            (ok,) = targets[i].call{value: 1 ether}(abi.encodeCall(market.finalize, (job)));
            vm.assertFalse(ok, "sent with a call");
            _bequeath(targets[i]);
            vm.assertEq(targets[i].balance, 1 ether, "forced");
        }
        bytes32 after_ = keccak256(abi.encode(owed(), held(), market.jobOf(job), stake.ledgerOf(job)));
        vm.assertEq(after_, before, "state");
        finalize(job);
        gained(providers[0], 2);
    }

    /// @dev A contract that ceases to be as it is made, and leaves its coin: PUSH20 heir, SELFDESTRUCT.
    function _bequeath(address heir) private {
        bytes memory will = abi.encodePacked(hex"73", heir, hex"ff");
        assembly {
            pop(create(1000000000000000000, add(will, 32), mload(will)))
        }
    }

    // ------------------------------------------------------------------------------------------------- steps

    function _open(bytes memory signature) private returns (uint256) {
        IDataMarket.Offer memory offer_ = scaledOffer();
        vm.prank(buyer);
        return market.openJob(offer_, signature, scaledTerms(), noPermit);
    }

    /// @return gas what it cost the buyer
    function _refused(bytes memory signature) private returns (uint256 gas) {
        IDataMarket.Offer memory offer_ = scaledOffer();
        IDataMarket.Terms memory terms_ = scaledTerms();
        address signer = market.ownerOf(1);
        vm.prank(buyer);
        gas = gasleft();
        try market.openJob(offer_, signature, terms_, noPermit) {
            revert("opened");
        } catch (bytes memory reason) {
            gas -= gasleft();
            vm.assertEq(reason, abi.encodeWithSelector(IDataMarket.SignatureInvalid.selector, signer), "error");
        }
        vm.assertEq(market.jobCount(), market.offerUseOf(market.offerDigestOf(offer_)).uses, "uses");
    }

    function _propose(uint256 job) private {
        draw(job);
        fill(job);
        commitAll(job, RIGHT, 0);
        settle(job, RIGHT);
    }
}
