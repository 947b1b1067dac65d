"""The attacker wants seats that its stake does not give it."""

from __future__ import annotations

from itertools import product

import pytest
from brownie import chain, web3
from eth_abi import encode
from plays import BOND, FINE, HONEST
from stage import FILL, FLOOR, ONE, PRICE, REWARD, RIGHT, TRACE, WRONG, ZERO, at, digest, reverts


def seed_of(play, job: int, block: int, number: int = 1) -> bytes:
    """What the seed must be: the beacon of the block in which it is drawn, the market, the job and the round."""
    prevrandao = int(web3.eth.get_block(block)["mixHash"].hex(), 16)
    kinds = ["uint256", "address", "uint256", "uint8"]
    return bytes(web3.keccak(encode(kinds, [prevrandao, play.market.address, job, number])))


def ranked(play, job: int, name: str) -> list[int]:
    """The units of a provider of 40, the lowest ticket first."""
    seed = bytes(play.round(job)["seed"])
    return sorted(range(40), key=lambda unit: play.ticket(seed, play.people[name], unit))


def test_chooses_the_second_of_the_draw_and_who_sends_it(play):
    job = play.open()
    chain.mine(1)
    drawn = play.stake.draw(job, play.by("bob"))
    assert bytes(play.round(job)["seed"]) == seed_of(play, job, drawn.block_number)
    chain.undo(1)
    at(play.round(job)["start"] + FILL - 1)
    drawn = play.stake.draw(job, play.by("ann"))
    assert bytes(play.round(job)["seed"]) == seed_of(play, job, drawn.block_number)
    with reverts("AlreadyDrawn"):
        play.stake.draw(job, play.by("bob"))
    play.sit(job, "ann")
    play.seal(job, 1, {0: RIGHT})
    play.finish(job)
    play.ends(**HONEST)


@pytest.mark.parametrize("blocks", [255, 256, 257, 1_000])
def test_waits_until_the_chain_forgets_the_block_of_the_seed(play, blocks):
    job = play.open(terms={"fill": 86_400})
    web3.provider.make_request("anvil_mine", [hex(blocks)])
    drawn = play.stake.draw(job, play.by("bob"))
    seed = bytes(play.round(job)["seed"])
    assert seed == seed_of(play, job, drawn.block_number) != ZERO
    with reverts("AlreadyDrawn"):
        play.stake.draw(job, play.by("bob"))
    play.sit(job, "ann")
    play.seal(job, 1, {0: RIGHT})
    play.finish(job)
    play.ends(**HONEST)


def test_races_for_a_seat_instead_of_being_drawn(play):
    job = play.open()
    play.draw(job)
    best, worst = ranked(play, job, "ann")[0], ranked(play, job, "bob")[-1]
    play.stake.takeSeat(job, worst, play.by("bob"))
    done = play.stake.takeSeat(job, best, play.by("ann"))
    assert done.events["SeatTaken"]["displaced"] == play.people["bob"]
    seed = bytes(play.round(job)["seed"])
    tickets = [play.ticket(seed, play.people[name], unit) for name, unit in (("bob", worst), ("ann", best))]
    with reverts("TicketTooHigh", *tickets):
        play.stake.takeSeat(job, worst, play.by("bob"))
    play.seal(job, 1, {0: RIGHT})
    play.finish(job)
    play.ends(**HONEST)


def test_wants_a_second_throw_of_the_dice(play):
    job = play.open()
    early = play.round(job)["startBlock"] + 2
    with reverts("DrawTooEarly", early, early - 1):
        play.stake.draw(job, play.by("ann"))
    play.draw(job)
    play.sit(job, "ann")  # and stays silent, because it did not like the seed
    seed = bytes(play.round(job)["seed"])
    play.redraw(job, "bob")
    assert bytes(play.round(job)["seed"]) == bytes(web3.keccak(encode(["bytes32"], [seed])))
    with reverts("AlreadyDrawn"):
        play.stake.draw(job, play.by("ann"))
    play.seal(job, 1, {0: RIGHT})
    play.finish(job)
    play.ends(buyer=-PRICE - FLOOR, payee=PRICE, ann=-FINE[1], bob=FLOOR, burnt=FINE[1])


def test_splits_its_stake_to_be_drawn_more_often(play):
    """Four units of ann against two of bob and two of cai, who are one party: each side wins half of the draws."""
    jobs, won = 4_000, 0
    units = [("ann", range(4)), ("bob", range(2)), ("cai", range(2))]
    entries = [(name, unit) for name, own in units for unit in own]
    for job in range(jobs):
        seed = digest(f"seed {job}")
        won += min((play.ticket(seed, play.people[n], u), n) for n, u in entries)[1] != "ann"
    assert (2 * won - jobs) ** 2 < 9 * jobs  # three standard deviations of a fair coin
    job = play.open()
    play.draw(job)
    for name, unit in sorted(product(("ann", "bob", "cai"), range(5))):
        seat = play.stake.seatsOf(job, 1)[0]
        ticket = play.ticket(bytes(play.round(job)["seed"]), play.people[name], unit)
        if seat[0] == "0x" + "00" * 20 or ticket < seat[1]:
            play.stake.takeSeat(job, unit, play.by(name))
    winner = play.names[play.stake.seatsOf(job, 1)[0][0]]
    play.seal(job, 1, {0: RIGHT})
    play.finish(job)
    play.ends(buyer=-PRICE - FLOOR, payee=PRICE, **{winner: FLOOR})


def test_sits_in_both_rounds_and_is_neither_barred_nor_preferred(play):
    job = play.split([("ann", RIGHT), ("bob", WRONG)])
    play.court(job, ann=[RIGHT] * 6, bob=[WRONG] * 3)
    play.decided(job)
    play.release(job)
    loss = 4 * BOND[2]
    play.ends(buyer=-PRICE - FLOOR, payee=PRICE, ann=FLOOR + 6 * REWARD, bob=-loss, burnt=loss - 6 * REWARD)


def test_waits_for_a_higher_reward_before_it_sits(play):
    job = play.open()
    play.draw(job)
    end = play.round(job)["contestEnd"]
    at(end)
    play.sit(job, "bob")  # anybody may sit from here on, so nobody can wait
    at(end + FILL - 1)
    with reverts("RoundFull"):
        play.stake.takeSeat(job, 0, play.by("ann"))
    play.seal(job, 1, {0: RIGHT})
    play.finish(job)
    play.ends(buyer=-PRICE - FLOOR, payee=PRICE, bob=FLOOR)


def test_reads_the_seed_before_choosing_to_stake(play):
    play.deposit(play.people["bob"], 100 * ONE)
    job = play.open()
    play.draw(job)
    opened = play.round(job)["start"]
    young = play.stake.stake(100 * ONE, play.by("bob")).timestamp
    with reverts("StakeTooYoung", young, opened):
        play.stake.takeSeat(job, 40, play.by("bob"))
    play.sit(job, "ann")
    play.seal(job, 1, {0: RIGHT})
    play.name(job)
    play.accuse(job, sealed=WRONG)
    play.court(job, cai=[RIGHT] * 7)
    with reverts("StakeTooYoung", young, opened):
        play.stake.takeSeat(job, 0, play.by("bob"))
    play.decided(job, RIGHT, TRACE)
    play.release(job)
    play.ends(**HONEST, challenger=-BOND[1], cai=7 * REWARD, burnt=BOND[1] - 7 * REWARD)


def test_moves_its_stake_to_an_address_with_a_better_ticket(play):
    job = play.open()
    play.draw(job)
    left = play.stake.unstake(4_000 * ONE, play.by("bob"))
    with reverts("StillLeaving", left.events["Unstaked"]["availableAt"], left.timestamp):
        at(left.timestamp)
        play.stake.collect(play.by("bob"))
    with reverts("UnitNotStaked", 0, 0):
        play.stake.takeSeat(job, 0, play.by("bob"))
    play.sit(job, "ann")
    play.seal(job, 1, {0: RIGHT})
    play.finish(job)
    play.ends(**HONEST)
