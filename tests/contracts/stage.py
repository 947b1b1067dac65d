"""Brings a job to where a test begins, through the contracts' own functions."""

from __future__ import annotations

from contextlib import contextmanager

import brownie
from brownie import chain, web3
from eth_abi import encode
from eth_account import Account

FILL, COMPUTE, RELEASE, NAMING = 600, 3_600, 86_400, 21_600
MIN_FILL, MAX_FILL, MIN_COMPUTE, MAX_COMPUTE, MIN_RELEASE, MAX_RELEASE = (
    300,
    86_400,
    600,
    604_800,
    86_400,
    2_592_000,
)
BOUNDS = (MIN_FILL, MAX_FILL, MIN_COMPUTE, MAX_COMPUTE, MIN_RELEASE, MAX_RELEASE, NAMING)
EXIT = 604_800
ONE = 10**6
UNIT = 100 * ONE
PRICE, GUARANTEE, FLOOR, REWARD = 40 * ONE, 10 * ONE, 2 * ONE, 5 * ONE
EPSILON, EPSILON_BUDGET, EXACT = 250_000, 1_000_000, 2
NO_PERMIT = (0, 0, 0, b"\0" * 32, b"\0" * 32)
NOBODY = "0x" + "00" * 20
ZERO = b"\0" * 32
STATES = ("None", "Open", "Proposed", "Escalated", "Settled", "Released", "Refunded")
OUTCOMES = (
    "None", "Declined", "Undrawn", "Unfilled", "RefillFailed", "SealsMissing", "Unnamed", "Undecided",
    "JuryUnfilled", "ReleaseDeclined", "ReleaseLapsed",
)  # fmt: skip
OFFER = {
    "dataset": "uint256", "epoch": "uint64", "manifest": "bytes32", "circuit": "bytes32", "buyer": "address",
    "payee": "address", "price": "uint96", "guarantee": "uint96", "epsilon": "uint64", "minSeats": "uint8",
    "minReward": "uint96", "maxReward": "uint96", "minFill": "uint24", "minCompute": "uint24", "expiry": "uint40",
    "maxUses": "uint32", "salt": "bytes32",
}  # fmt: skip


def digest(name: str) -> bytes:
    """A digest with a name, so that a failing test says which one it was."""
    return bytes(web3.keccak(text=name))


MANIFEST, CIRCUIT, RIGHT, WRONG, TRACE = map(digest, ("manifest", "circuit", "right", "wrong", "trace"))


def now() -> int:
    return web3.eth.get_block("latest")["timestamp"]


def at(time: int) -> None:
    """The next block, which holds the next transaction, has this time."""
    answer = web3.provider.make_request("evm_setNextBlockTimestamp", [int(time)])
    assert "error" not in answer, answer


@contextmanager
def reverts(error: str, *arguments):
    """The transaction inside fails with this error and these arguments."""
    shown = ", ".join(str(a).lower() if isinstance(a, str) else str(a) for a in arguments)
    with brownie.reverts(f"{error}: {shown}"):
        yield


class Stage:
    """The contracts, the people and the steps of a job."""

    def __init__(self, people, token, stake, market):
        self.people, self.token, self.stake, self.market = people, token, stake, market
        self.names = {str(account): name for name, account in people.items()}

    def prepare(self) -> None:
        for name, account in self.people.items():
            if name == "deployer":
                continue
            self.token.mint(account, 100_000 * ONE, {"from": account})
            self.token.approve(self.stake, 2**256 - 1, {"from": account})
        for name in ("ann", "bob", "cai"):
            self.deposit(self.people[name], 4_000 * ONE)
            self.stake.stake(4_000 * ONE, {"from": self.people[name]})
        self.deposit(self.people["owner"], 1_000 * ONE)
        self.market.listDataset(MANIFEST, EPSILON_BUDGET, EXACT, {"from": self.people["owner"]})
        at(now() + 100)  # jobs are opened after the providers staked
        chain.mine(1)

    def deposit(self, account, amount: int) -> None:
        self.stake.deposit(amount, NO_PERMIT, {"from": account})

    # ---------------------------------------------------------------------------------------------- offers

    def offer(self, **changes) -> dict:
        offer = {
            "dataset": 1, "epoch": 0, "manifest": MANIFEST, "circuit": CIRCUIT, "buyer": NOBODY,
            "payee": str(self.people["payee"]), "price": PRICE, "guarantee": GUARANTEE, "epsilon": EPSILON,
            "minSeats": 1, "minReward": FLOOR, "maxReward": REWARD, "minFill": FILL, "minCompute": COMPUTE,
            "expiry": now() + 1_000_000, "maxUses": 3, "salt": ZERO,
        }  # fmt: skip
        return offer | changes

    def typed(self, offer: dict) -> dict:
        """The EIP-712 message that the owner's wallet shows."""
        return {
            "domain": {
                "name": "Hexchange",
                "version": "1",
                "chainId": chain.id,
                "verifyingContract": self.market.address,
            },
            "primaryType": "Offer",
            "types": {"Offer": [{"name": name, "type": kind} for name, kind in OFFER.items()]},
            "message": offer,
        }

    def sign(self, offer: dict, key: str | None = None) -> bytes:
        return bytes(
            Account.sign_typed_data(
                key or self.people["owner"].private_key, full_message=self.typed(offer)
            ).signature
        )

    def terms(self, seats: int = 1, **changes) -> tuple:
        terms = {
            "seats": seats, "floor": FLOOR, "reward": REWARD, "fill": FILL, "compute": COMPUTE, "release": RELEASE,
            "resultKey": digest("key"),
        }  # fmt: skip
        return tuple((terms | changes).values())

    # ---------------------------------------------------------------------------------------------- steps of a job

    def open(self, seats: int = 1, buyer=None, terms: dict | None = None, **offer) -> int:
        """A job in Open, not drawn."""
        signed = self.offer(**offer)
        self.market.openJob(
            tuple(signed.values()),
            self.sign(signed),
            self.terms(seats, **(terms or {})),
            NO_PERMIT,
            {"from": buyer or self.people["buyer"]},
        )
        return self.market.jobCount()

    def draw(self, job: int) -> None:
        chain.mine(1)
        self.stake.draw(job, {"from": self.people["stranger"]})

    def sit(self, job: int, *names: str) -> None:
        """Takes seats in this order, each with the next unit of the one who sits."""
        units = dict.fromkeys(names, 0)
        calls = []
        for name in names:
            calls.append((name, self.stake.takeSeat.encode_input(job, units[name])))
            units[name] += 1
        self._batched(self.stake, calls)

    def seal(self, job: int, number: int, seals: dict, salted: bytes = ZERO) -> None:
        """Commits a digest for each seat index given; at `contestEnd` if the contest still runs."""
        self._wait(self.round(job, number)["contestEnd"])
        seats = self.stake.seatsOf(job, number)
        calls = []
        for index, sealed in seals.items():
            seal = self.seal_of(job, number, index, seats[index][0], sealed, salted)
            calls.append((self.names[seats[index][0]], self.stake.commit.encode_input(job, index, seal)))
        self._batched(self.stake, calls)

    def _batched(self, contract, calls) -> None:
        """One multicall for each run of calls by the same person."""
        while calls:
            name = calls[0][0]
            size = next((i for i, call in enumerate(calls) if call[0] != name), len(calls))
            done = contract.multicall([data for _, data in calls[:size]], {"from": self.people[name]})
            assert "CallFailed" not in done.events, done.events
            calls = calls[size:]

    def _wait(self, time: int) -> None:
        if now() < time:
            at(time)

    def sat(self, *names: str, **opening) -> int:
        """A job whose round one is full, the contest still running."""
        job = self.open(len(names), **opening)
        self.draw(job)
        self.sit(job, *names)
        return job

    def committed(self, seats: dict[str, bytes] | list, **opening) -> int:
        """A job whose round one is sealed: a list of (name, digest), None for a silent seat."""
        job = self.sat(*(name for name, _ in seats), **opening)
        self.seal(job, 1, {i: sealed for i, (_, sealed) in enumerate(seats) if sealed is not None})
        return job

    def proposed(self, *names: str, **opening) -> int:
        """A job in Proposed: everybody sealed RIGHT."""
        job = self.committed([(name, RIGHT) for name in names or ("ann",)], **opening)
        self.market.settle(job, RIGHT, {"from": self.people["stranger"]})
        return job

    def settled(self, *names: str, **opening) -> int:
        job = self.proposed(*names, **opening)
        at(self.deadline(job))
        self.market.finalize(job, {"from": self.people["stranger"]})
        return job

    def challenged(self, *names: str, sealed: bytes = WRONG, **opening) -> int:
        """A job in Escalated by the challenger, round two not drawn."""
        job = self.proposed(*names, **opening)
        self.challenge(job, sealed)
        return job

    def challenge(self, job: int, sealed: bytes) -> None:
        challenger = self.people["challenger"]
        seal = self.seal_of(job, 0, 0, str(challenger), sealed, ZERO)
        self.market.challenge(job, seal, NO_PERMIT, {"from": challenger})

    def split(self, seats: list, **opening) -> int:
        """A job in Escalated because round one disagreed."""
        job = self.committed(seats, **opening)
        self.market.settle(job, RIGHT, {"from": self.people["stranger"]})
        return job

    def jury(
        self, job: int, seals: list, salted: bytes = TRACE, names: tuple = ("ann", "bob", "cai")
    ) -> None:
        """Fills round two, the seats shared out in equal blocks, and seals it: one digest a seat, None for silent."""
        self.draw(job)
        block = -(-len(seals) // len(names))
        self.sit(job, *(names[i // block] for i in range(len(seals))))
        self.seal(job, 2, {i: sealed for i, sealed in enumerate(seals) if sealed is not None}, salted)

    def decided(self, job: int, sealed: bytes = RIGHT, salted: bytes = TRACE):
        self._wait(self.round(job, 2)["commitBy"])
        return self.market.decide(job, sealed, salted, {"from": self.people["stranger"]})

    # ---------------------------------------------------------------------------------------------- what is seen

    def seal_of(self, job, number, index, provider, sealed: bytes, salted: bytes) -> bytes:
        kinds = ["uint256", "address", "uint256", "uint8", "uint8", "address", "bytes32", "bytes32"]
        values = [chain.id, self.market.address, job, number, index, provider, sealed, salted]
        return bytes(web3.keccak(encode(kinds, values)))

    def ticket(self, seed: bytes, provider, unit: int) -> int:
        hashed = web3.keccak(encode(["bytes32", "address", "uint256"], [bytes(seed), str(provider), unit]))
        return int.from_bytes(hashed[-12:], "big")

    def view(self, job: int) -> dict:
        return self.market.jobOf(job).dict()

    def state(self, job: int) -> str:
        return STATES[self.view(job)["job"]["state"]]

    def deadline(self, job: int) -> int:
        return self.view(job)["job"]["deadline"]

    def round(self, job: int, number: int = 1) -> dict:
        return self.stake.roundOf(job, number).dict()

    def bond(self, seats: int, reward: int = REWARD) -> int:
        return 3 * (seats + 3) * reward

    def money(self) -> dict[str, int]:
        """What each person owns in all (wallet, free, staked and leaving), and what is held and burnt."""
        owned = {}
        for name, account in self.people.items():
            staked, _, _, free, leaving, _ = self.stake.accountOf(account)
            owned[name] = self.token.balanceOf(account) + staked + free + leaving
        owned["held"] = sum(self.stake.ledgerOf(job)[1] for job in range(1, self.market.jobCount() + 1))
        owned["burnt"] = self.stake.burnt()
        return owned

    def changes(self, before: dict[str, int]) -> dict[str, int]:
        """What changed since, without zeros."""
        return {name: value - before[name] for name, value in self.money().items() if value != before[name]}
