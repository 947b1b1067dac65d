"""jobOf and the other views: every deadline and amount of a job in one call."""

from __future__ import annotations

from stage import (
    COMPUTE,
    FILL,
    FLOOR,
    GUARANTEE,
    NAMING,
    OUTCOMES,
    PRICE,
    RELEASE,
    REWARD,
    RIGHT,
    TRACE,
    WRONG,
    ZERO,
    at,
    digest,
)

DEADLINES = ("drawBy", "contestEnd", "fillBy", "commitBy", "redrawBy", "nameBy", "challengeBy", "releaseBy")


def deadlines(stage, job) -> dict[str, int]:
    """The deadlines that are known."""
    view = stage.view(job)
    return {name: view[name] for name in DEADLINES if view[name]}


def test_an_unknown_job_has_neither_deadlines_nor_money(stage):
    view = stage.view(5)
    assert deadlines(stage, 5) == {}
    assert (view["pot"], view["fine"], view["rewardPaid"], view["exit"]) == (0, 0, 0, 0)


def test_an_open_job_shows_when_it_may_be_drawn(stage):
    job = stage.open()
    round = stage.round(job)
    assert deadlines(stage, job) == {"drawBy": round["start"] + FILL}
    assert stage.view(job)["drawFromBlock"] == round["startBlock"] + 2
    assert stage.view(job)["fine"] == 4 * REWARD


def test_a_drawn_job_shows_when_its_seats_are_taken(stage):
    job = stage.open()
    stage.draw(job)
    end = stage.round(job)["contestEnd"]
    seen = deadlines(stage, job)
    assert (seen["contestEnd"], seen["fillBy"]) == (end, end + FILL)
    assert "commitBy" not in seen


def test_a_full_round_shows_when_to_commit_redraw_and_name(stage):
    job = stage.sat("ann")
    by = stage.round(job)["contestEnd"] + COMPUTE
    seen = deadlines(stage, job)
    assert (seen["commitBy"], seen["redrawBy"], seen["nameBy"]) == (by, by + FILL, by + NAMING)
    assert stage.view(job)["rewardPaid"] == FLOOR


def test_a_redrawn_round_is_not_redrawn_again(stage, stranger):
    job = stage.committed([("ann", RIGHT), ("cai", None)])
    at(stage.round(job)["commitBy"])
    stage.stake.redraw(job, {"from": stranger})
    stage.sit(job, "bob")
    assert "redrawBy" not in deadlines(stage, job)
    assert OUTCOMES[stage.view(job)["exit"]] == "SealsMissing"
    assert stage.view(job)["pot"] == stage.bond(2) // 3


def test_a_proposed_job_shows_when_it_may_be_challenged(stage):
    job = stage.proposed()
    assert deadlines(stage, job)["challengeBy"] == stage.deadline(job)
    assert OUTCOMES[stage.view(job)["exit"]] == "None"
    assert stage.view(job)["pot"] == 0


def test_a_dispute_shows_the_deadlines_of_round_two_and_no_redraw(stage):
    job = stage.challenged()
    start = stage.round(job, 2)["start"]
    assert deadlines(stage, job) == {"drawBy": start + FILL}
    stage.jury(job, [RIGHT] * 6 + [None])
    by = stage.round(job, 2)["contestEnd"] + COMPUTE
    seen = deadlines(stage, job)
    assert (seen["commitBy"], seen["nameBy"]) == (by, by + NAMING)
    assert "redrawBy" not in seen
    assert stage.view(job)["pot"] == 0


def test_a_settled_job_shows_its_release_window_and_nothing_of_its_rounds(stage):
    job = stage.settled()
    assert deadlines(stage, job) == {"releaseBy": stage.deadline(job)}
    view = stage.view(job)
    assert view["ledger"]["held"] == PRICE + GUARANTEE
    assert (view["rewardPaid"], view["pot"], view["job"]["right"]) == (FLOOR, 0, 1)
    assert view["job"]["release"] == RELEASE
    assert stage.stake.seatsOf(job, 1) == ()


def test_the_pot_of_a_released_job_is_counted_without_its_price(stage, owner):
    job = stage.proposed()
    stage.market.release(job, digest("sealed"), b"", {"from": owner})
    assert stage.view(job)["pot"] == 0
    stage.challenge(job, WRONG)
    assert stage.view(job)["pot"] == 0


def test_tickets_are_those_of_the_client(stage, ann):
    seed = digest("seed")
    for unit in (0, 1, 39, 2**64):
        assert stage.stake.ticketOf(seed, ann, unit) == stage.ticket(seed, ann, unit)


def test_seals_can_be_counted_by_anybody(stage):
    job = stage.committed([("ann", RIGHT), ("bob", RIGHT), ("cai", WRONG)])
    assert stage.stake.matches(job, 1, RIGHT, ZERO) == 2
    assert stage.stake.matches(job, 1, WRONG, ZERO) == 1
    assert stage.stake.matches(job, 1, RIGHT, TRACE) == 0
    assert stage.stake.matches(job, 2, RIGHT, ZERO) == 0


def test_seats_are_shown_in_the_order_of_their_index(stage, ann, bob):
    job = stage.committed([("ann", RIGHT), ("bob", None)])
    seats = stage.stake.seatsOf(job, 1)
    assert [seat[0] for seat in seats] == [ann, bob]
    seed = bytes(stage.round(job)["seed"])
    assert [seat[1] for seat in seats] == [stage.ticket(seed, ann, 0), stage.ticket(seed, bob, 0)]
    assert bytes(seats[0][2]) == stage.seal_of(job, 1, 0, str(ann), RIGHT, ZERO)
    assert bytes(seats[1][2]) == ZERO
