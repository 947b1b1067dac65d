// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Proof} from "./Proof.sol";

/// @title What excludes each other in time, shown on twins: two jobs with the same past, and one moment for both
/// @notice In every property `later` is any number of seconds below 2^32 after the twins reached their state; one seat.
contract WindowsProof is Proof {
    uint256 internal one;
    uint256 internal two;

    function setUp() public {
        deploy();
        one = open(offer(), terms(1, 2, 5));
        two = open(offer(), terms(1, 2, 5));
    }

    function drawn() internal {
        draw(one);
        stake.draw(two);
    }

    function full() internal {
        drawn();
        sit(one, 1);
        sit(two, 1);
        clock(block.timestamp + FILL, block.number + 50);
    }

    function allSealed() internal {
        full();
        commit(one, 1, 0, RIGHT, 0);
        commit(two, 1, 0, RIGHT, 0);
        clock(block.timestamp + COMPUTE, block.number + 300);
    }

    function proposed() internal {
        allSealed();
        market.settle(one, RIGHT);
        market.settle(two, RIGHT);
    }

    function moment(uint32 later) internal {
        clock(block.timestamp + later, block.number + 2);
    }

    function did(address who, address where, bytes memory call) internal returns (bool ok) {
        vm.prank(who);
        (ok,) = where.call(call);
    }

    /// @notice At every moment after the proposal exactly one of `challenge` and `finalize` is possible.
    function check_challenge_and_finalize_exclude_each_other_and_leave_no_gap(uint32 later) public {
        proposed();
        moment(later);
        bool challenged =
            did(challenger, address(market), abi.encodeCall(market.challenge, (one, bytes32(uint256(1)), noPermit)));
        bool finalized = did(stranger, address(market), abi.encodeCall(market.finalize, (two)));
        assert(challenged != finalized);
    }

    /// @notice At every moment after the settlement exactly one of `release` by the owner and the lapse by anybody.
    function check_release_and_lapse_exclude_each_other_and_leave_no_gap(uint32 later) public {
        proposed();
        clock(block.timestamp + COMPUTE, block.number + 300);
        market.finalize(one);
        market.finalize(two);
        moment(later);
        bool released = did(owner, address(market), abi.encodeCall(market.release, (one, bytes32(uint256(1)), "")));
        bool lapsed = did(stranger, address(market), abi.encodeCall(market.refund, (two)));
        assert(released != lapsed);
    }

    /// @notice While seats are silent exactly one of `commit` and `redraw` or, later, only the refund is possible.
    function check_commit_and_redraw_exclude_each_other(uint32 later) public {
        full();
        moment(later);
        bytes memory commit_ = abi.encodeCall(stake.commit, (one, 0, bytes32(uint256(1))));
        bool committed = did(providers[0], address(stake), commit_);
        bool redrawn = did(stranger, address(stake), abi.encodeCall(stake.redraw, (two)));
        assert(!(committed && redrawn));
        if (!committed && !redrawn) assert(did(stranger, address(market), abi.encodeCall(market.refund, (two))));
    }

    /// @notice Between the end of the naming and its begin there is no moment without exactly one of the two: a digest
    /// may be named, or the job is refunded.
    function check_settle_and_refund_exclude_each_other_and_leave_no_gap(uint32 later) public {
        allSealed();
        moment(later);
        bool settled = did(stranger, address(market), abi.encodeCall(market.settle, (one, RIGHT)));
        bool refunded = did(stranger, address(market), abi.encodeCall(market.refund, (two)));
        assert(settled != refunded);
    }

    /// @notice Two blocks after the opening, exactly one of `draw` and the refund of an undrawn job is possible.
    function check_draw_and_refund_exclude_each_other_and_leave_no_gap(uint32 later) public {
        moment(later);
        bool drew = did(stranger, address(stake), abi.encodeCall(stake.draw, (one)));
        bool refunded = did(stranger, address(market), abi.encodeCall(market.refund, (two)));
        assert(drew != refunded);
    }

    /// @notice While a seat is empty exactly one of `takeSeat` and the refund of an unfilled job is possible.
    function check_taking_a_seat_and_refund_exclude_each_other_and_leave_no_gap(uint32 later) public {
        drawn();
        moment(later);
        bool sat = did(providers[0], address(stake), abi.encodeCall(stake.takeSeat, (one, 0)));
        bool refunded = did(stranger, address(market), abi.encodeCall(market.refund, (two)));
        assert(sat != refunded);
    }
}
