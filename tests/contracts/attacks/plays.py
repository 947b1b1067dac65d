"""The small stage of the attack plays: what both sides do, in one line each, and the table of what everyone got."""

from __future__ import annotations

from brownie import chain
from stage import FLOOR, NO_PERMIT, ONE, PRICE, REWARD, RIGHT, TRACE, ZERO, Stage, at, digest, now

HONEST = {"buyer": -PRICE - FLOOR, "payee": PRICE, "ann": FLOOR}
"""What a job of one seat moves when nobody attacks: the price to the payee, the floor to the seat."""
BOND = {seats: 3 * (seats + 3) * REWARD for seats in range(1, 6)}
FINE = {seats: (seats + 3) * REWARD for seats in range(1, 6)}
"""Of each seat of a job with so many of them."""


class Play(Stage):
    """A stage that remembers what everybody owned when the curtain rose."""

    def __init__(self, people, token, stake, market, title: str, before: dict[str, int] | None = None):
        super().__init__(people, token, stake, market)
        self.title, self.before = title, before

    def by(self, name: str) -> dict:
        return {"from": self.people[name]}

    def _wait(self, time: int) -> None:
        """To the second: the next block does not come before this time."""
        if now() < time:
            at(time)

    # ---------------------------------------------------------------------------------------------- providers

    def enlist(self, name: str, amount: int = 4_000 * ONE) -> None:
        """Somebody stakes in time for the jobs that are opened from now on."""
        self.deposit(self.people[name], amount)
        self.stake.stake(amount, self.by(name))
        at(now() + 10)
        chain.mine(1)

    def commit(self, job: int, seat: int, name: str, seal: bytes):
        """Commits these very bytes, whatever they are."""
        self._wait(self.view(job)["contestEnd"])
        return self.stake.commit(job, seat, seal, self.by(name))

    def redraw(self, job: int, *names: str) -> None:
        """The silent seats are emptied, and these people take them."""
        self._wait(self.round(job)["commitBy"])
        self.stake.redraw(job, self.by("stranger"))
        self.sit(job, *names)

    def court(self, job: int, **votes: list) -> None:
        """Fills round two and seals it. A vote is a digest, a digest with a trace, or None for a silent seat."""
        self.draw(job)
        seats = [(name, vote) for name, cast in votes.items() for vote in cast]
        self.sit(job, *(name for name, _ in seats))
        traces: dict[bytes, dict[int, bytes]] = {}
        for index, (_, vote) in enumerate(seats):
            if vote is not None:
                sealed, trace = vote if isinstance(vote, tuple) else (vote, TRACE)
                traces.setdefault(trace, {})[index] = sealed
        for trace, seals in traces.items():
            self.seal(job, 2, seals, trace)

    # ---------------------------------------------------------------------------------------------- decisions

    def name(self, job: int, sealed: bytes = RIGHT) -> None:
        self.market.settle(job, sealed, self.by("stranger"))

    def accuse(self, job: int, name: str = "challenger", sealed: bytes = RIGHT, permit=NO_PERMIT) -> None:
        """A challenge by anybody, with a seal of its own."""
        seal = self.seal_of(job, 0, 0, str(self.people[name]), sealed, ZERO)
        self.market.challenge(job, seal, permit, self.by(name))

    def finalize(self, job: int) -> None:
        self._wait(self.deadline(job))
        self.market.finalize(job, self.by("stranger"))

    def release(self, job: int):
        return self.market.release(job, digest("sealed result"), b"key", self.by("owner"))

    def refund(self, job: int, by: str = "stranger") -> None:
        """The exit that is due to anybody, at the first second at which it is."""
        self._wait(self.view(job)["exitFrom"])
        self.market.refund(job, self.by(by))

    def finish(self, job: int, named: bytes = RIGHT) -> None:
        """Takes a job whose seals are in to Released, the way it goes when nobody disputes."""
        self.name(job, named)
        self.finalize(job)
        self.release(job)

    # ---------------------------------------------------------------------------------------------- the end

    def ends(self, **expected: int) -> None:
        """Everybody got exactly this (wallet, free, staked and leaving), and all of it together is zero."""
        changes = self.changes(self.before)
        lines = [f"  {name:<12}{change / ONE:>+12.6f}" for name, change in changes.items()]
        print(f"\n{self.title}", *(lines or ["  nobody gained or lost"]), sep="\n")
        assert changes == {name: change for name, change in expected.items() if change}
        assert sum(changes.values()) == 0
