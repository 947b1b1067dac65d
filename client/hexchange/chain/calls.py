"""Every external function of the contracts as a call ready to be sent. No I/O.

Function names equal the contracts' in snake case. Amounts are base units, times seconds, digests 32 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from web3 import Web3
from web3.contract import Contract

from hexchange.chain.artifacts import artifact
from hexchange.chain.deployment import Deployment
from hexchange.chain.events import NO_PERMIT, Offer, Permit, Terms


@dataclass(frozen=True, slots=True)
class Call:
    """One function of one contract with its arguments encoded; `value` in wei."""

    function: str
    to: str
    data: bytes
    value: int = 0

    def fields(self, sender: str) -> dict[str, Any]:
        """The call as a node wants it."""
        return {"from": sender, "to": self.to, "data": f"0x{self.data.hex()}", "value": self.value}


class Calls:
    """Builders for one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        eth = Web3().eth
        self._market: Contract = _contract(eth, deployment.market, "DataMarket")
        self._stake: Contract = _contract(eth, deployment.stake, "ProviderStake")
        self._token: Contract = _contract(eth, deployment.token, "MockToken")

    # --- datasets and offers ----------------------------------------------------------------------

    def list_dataset(self, manifest: bytes, epsilon_budget: int, exact_releases: int) -> Call:
        """`epsilon_budget` in millionths."""
        return _call(self._market, "listDataset", manifest, epsilon_budget, exact_releases)

    def update_manifest(self, dataset: int, manifest: bytes) -> Call:
        return _call(self._market, "updateManifest", dataset, manifest)

    def delist(self, dataset: int) -> Call:
        return _call(self._market, "delist", dataset)

    def transfer_dataset(self, owner: str, to: str, dataset: int) -> Call:
        return _call(self._market, "transferFrom", owner, to, dataset)

    def request_offer(self, dataset: int, request: bytes) -> Call:
        return _call(self._market, "requestOffer", dataset, request)

    def publish_offers(self, dataset: int, offers: bytes) -> Call:
        return _call(self._market, "publishOffers", dataset, offers)

    def cancel_offer(self, offer: Offer) -> Call:
        return _call(self._market, "cancelOffer", astuple(offer))

    def cancel_all_offers(self, dataset: int) -> Call:
        return _call(self._market, "cancelAllOffers", dataset)

    # --- jobs -------------------------------------------------------------------------------------

    def open_job(self, offer: Offer, signature: bytes, terms: Terms, permit: Permit = NO_PERMIT) -> Call:
        return _call(self._market, "openJob", astuple(offer), signature, astuple(terms), astuple(permit))

    def settle(self, job: int, digest: bytes) -> Call:
        return _call(self._market, "settle", job, digest)

    def challenge(self, job: int, seal: bytes, permit: Permit = NO_PERMIT) -> Call:
        return _call(self._market, "challenge", job, seal, astuple(permit))

    def finalize(self, job: int) -> Call:
        return _call(self._market, "finalize", job)

    def decide(self, job: int, digest: bytes, salted: bytes) -> Call:
        return _call(self._market, "decide", job, digest, salted)

    def release(self, job: int, result: bytes, sealed_key: bytes) -> Call:
        return _call(self._market, "release", job, result, sealed_key)

    def refund(self, job: int) -> Call:
        return _call(self._market, "refund", job)

    # --- money and stake --------------------------------------------------------------------------

    def deposit(self, amount: int, permit: Permit = NO_PERMIT) -> Call:
        return _call(self._stake, "deposit", amount, astuple(permit))

    def withdraw(self, amount: int, to: str) -> Call:
        return _call(self._stake, "withdraw", amount, to)

    def stake(self, amount: int) -> Call:
        return _call(self._stake, "stake", amount)

    def unstake(self, amount: int) -> Call:
        return _call(self._stake, "unstake", amount)

    def collect(self) -> Call:
        return _call(self._stake, "collect")

    def approve(self, amount: int) -> Call:
        """Let the ledger pull exactly `amount` from the wallet, for tokens without permits."""
        return _call(self._token, "approve", self._stake.address, amount)

    def transfer(self, to: str, amount: int) -> Call:
        """Tokens from wallet to wallet."""
        return _call(self._token, "transfer", to, amount)

    # --- rounds -----------------------------------------------------------------------------------

    def draw(self, job: int) -> Call:
        return _call(self._stake, "draw", job)

    def take_seat(self, job: int, unit: int) -> Call:
        return _call(self._stake, "takeSeat", job, unit)

    def commit(self, job: int, seat: int, seal: bytes) -> Call:
        return _call(self._stake, "commit", job, seat, seal)

    def redraw(self, job: int) -> Call:
        return _call(self._stake, "redraw", job)

    # --- several ----------------------------------------------------------------------------------

    def multicall(self, calls: Sequence[Call]) -> Call:
        """Several calls of one contract in one transaction; one that fails leaves a CallFailed event."""
        (target,) = {each.to for each in calls}
        contract = self._market if target == self._market.address else self._stake
        return _call(contract, "multicall", [each.data for each in calls])


def _contract(eth: Any, address: str, name: str) -> Contract:
    contract: Contract = eth.contract(address=Web3.to_checksum_address(address), abi=artifact(name).abi)
    return contract


def _call(contract: Contract, function: str, *arguments: Any) -> Call:
    data = contract.encode_abi(function, args=list(arguments))
    return Call(function, contract.address, bytes.fromhex(data[2:]))
