"""A fold of the ledger's events: every balance from what was emitted, without a single rule about money."""

from __future__ import annotations

from collections import defaultdict
from copy import deepcopy

from brownie import web3


class Ledger:
    """Balances by address, sums held by job, and what was burnt."""

    def __init__(self):
        self.free = defaultdict(int)
        self.staked = defaultdict(int)
        self.locked = defaultdict(int)
        self.leaving = defaultdict(int)
        self.held = defaultdict(int)
        self.burnt = 0

    def replay(self, stage, since: int = 0) -> Ledger:
        """What the events from this block on did to this ledger, as another one."""
        ledger = deepcopy(self)
        contract = web3.eth.contract(address=stage.stake.address, abi=stage.stake.abi)
        topics = {web3.to_hex(web3.keccak(text=event.signature)): event for event in contract.events}
        for log in web3.eth.get_logs({"address": stage.stake.address, "fromBlock": since}):
            event = topics[web3.to_hex(log["topics"][0])].process_log(log)
            getattr(ledger, event["event"], lambda **_: None)(**event["args"])
        return ledger

    def Deposited(self, account, amount):
        self.free[account] += amount

    def Withdrawn(self, account, to, amount):
        self.free[account] -= amount

    def Staked(self, provider, amount, since):
        self.free[provider] -= amount
        self.staked[provider] += amount

    def Unstaked(self, provider, amount, availableAt):
        self.staked[provider] -= amount
        self.leaving[provider] += amount

    def Collected(self, provider, amount):
        self.leaving[provider] -= amount
        self.free[provider] += amount

    def Locked(self, job, account, amount):
        self.free[account] -= amount
        self.held[job] += amount

    def Paid(self, job, account, amount):
        self.held[job] -= amount
        self.free[account] += amount

    def Burnt(self, job, amount):
        self.held[job] -= amount
        self.burnt += amount

    def SeatTaken(self, provider, bond, displaced, **_):
        self.locked[provider] += bond
        if int(displaced, 16):
            self.locked[displaced] -= bond

    def SeatClosed(self, job, provider, bond, fine, reward, **_):
        self.locked[provider] -= bond
        self.staked[provider] -= fine
        self.held[job] += fine - reward
        self.free[provider] += reward

    def compare(self, stage) -> None:
        """Equal to the contract at every address and job; nothing created, nothing forgotten."""
        stake = stage.stake
        known = {*self.free, *self.staked, *self.locked, *self.leaving}
        for address in known:
            staked, locked, _, free, leaving, _ = stake.accountOf(address)
            folded = (self.staked[address], self.locked[address], self.free[address], self.leaving[address])
            assert folded == (staked, locked, free, leaving), address
            assert 0 <= locked <= staked
        for job in range(1, stage.market.jobCount() + 1):
            held = stake.ledgerOf(job)[1]
            assert held == self.held[job]
            if stage.state(job) in ("Released", "Refunded"):
                assert held == 0
        assert stake.burnt() == self.burnt
        total = sum(map(sum, (d.values() for d in (self.free, self.staked, self.leaving, self.held))))
        assert total + self.burnt == stage.token.balanceOf(stake)
