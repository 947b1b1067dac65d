"""One market on one node: checked on connecting, then calls to send, events to read and views to ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from eth_abi.abi import decode
from eth_utils.crypto import keccak
from web3 import Web3
from web3.exceptions import Web3Exception

from hexchange.chain.amounts import format_amount
from hexchange.chain.artifacts import artifact
from hexchange.chain.calls import Call, Calls
from hexchange.chain.deployment import Deployment
from hexchange.chain.events import EVENTS, BlockRef, Event, EventRef, Offer, Outcome, Terms
from hexchange.chain.node import Node
from hexchange.chain.reverts import explain
from hexchange.chain.views import Views
from hexchange.errors import ContractReverted, WrongChain, WrongContracts


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """The market's one ERC-20; `decimals` scales base units for people."""

    address: str
    name: str
    symbol: str
    decimals: int

    def format(self, amount: int) -> str:
        """An amount of base units as people read it."""
        return format_amount(amount, self.decimals, self.symbol)

    def show(self, amount: int) -> str:
        """Base units as people read them: "12.5 HXD"."""
        return format_amount(amount, self.decimals, self.symbol)


def connect(url: str, deployment: Deployment) -> Contracts:
    """Open a market. Raises NodeUnreachable, WrongChain or WrongContracts; nothing is sent to a wrong one."""
    node = Node(url)
    check(node, deployment)
    return Contracts(node, deployment)


def check(node: Node, deployment: Deployment) -> None:
    """Raises WrongChain or WrongContracts unless the node has exactly this market."""
    chain = node.chain_id()
    if chain != deployment.chain:
        raise WrongChain(
            f"the node at {node.shown} is on chain {chain}, the deployment on chain {deployment.chain}",
            hint="set --rpc-url to a node of that chain, or --deployment to a market on this one",
        )
    for name, address in (("market", deployment.market), ("stake", deployment.stake)):
        code = node.code(address)
        if not code or keccak(code).hex() != deployment.code[name].removeprefix("0x").lower():
            found = "other code than ours" if code else "no contract"
            raise WrongContracts(
                f"the node at {node.shown} has {found} at the {name}'s address {address}",
                hint="check --deployment; a local chain that was started anew needs a new deployment",
            )


class Contracts:
    """The market, its ledger and its token. Made by `connect`, which checks what stands at the addresses."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        self.node, self.deployment = node, deployment
        self.chain_id = deployment.chain
        self.calls = Calls(deployment)
        self.views = Views(node, deployment)
        self.token = TokenInfo(deployment.token, *self.views.token_words())
        node.show_amount = self.token.show
        if self.views.links() != (deployment.market, deployment.stake, deployment.token):
            raise WrongContracts(
                "market, stake and token of the deployment do not name each other", hint="check --deployment"
            )
        self._decoders = _decoders(node, deployment)

    @property
    def addresses(self) -> tuple[str, str]:
        """The contracts whose events tell the market: all of it."""
        return self.deployment.market, self.deployment.stake

    def decode(self, log: Any, block: BlockRef) -> Event | None:
        """A log as an event; None for one that is not the market's or that says nothing about it."""
        topics = log["topics"]
        key = (Web3.to_checksum_address(log["address"]), bytes(topics[0]) if topics else b"")
        if key not in self._decoders:
            return None
        try:
            names, event = self._decoders[key]
            found = event.process_log(log)
        except Web3Exception:  # the same topic with other fields indexed: not our event
            return None
        kind = EVENTS[found["event"]]
        at = EventRef(block, bytes(found["transactionHash"]), int(found["logIndex"]), key[0])
        values = (_value(name, found["args"][name]) for name in names)
        return kind(at, *values)

    def events(self, receipt: Any, block: BlockRef) -> tuple[Event, ...]:
        """The market's events of one transaction, in order."""
        return tuple(event for log in receipt["logs"] if (event := self.decode(log, block)) is not None)

    def simulate(self, call: Call, sender: str) -> None:
        """Run a call as if in the next block. Raises ContractReverted, also for the first bad of several."""
        answer = self.node.call(call.fields(sender), "pending")
        if call.function == "multicall":
            oks, results = decode(["bool[]", "bytes[]"], answer)
            for ok, result in zip(oks, results, strict=True):
                if not ok:
                    raise explain(result, amount=self.token.show)

    def why(self, call: Call, sender: str, block: BlockRef) -> ContractReverted:
        """Why a call that is in `block` failed there, as far as the state after it still tells."""
        try:
            self.node.call(call.fields(sender), block.number)
        except ContractReverted as error:
            return error
        return ContractReverted(
            f"{call.function} failed in block {block.number}",
            hint="the state has changed since; look at the job",
        )


def _decoders(node: Node, deployment: Deployment) -> dict[tuple[str, bytes], tuple[list[str], Any]]:
    """By address and topic: the names of an event's arguments in their declared order, and its decoder."""
    found = {}
    for address, name in ((deployment.market, "DataMarket"), (deployment.stake, "ProviderStake")):
        contract = node.web3.eth.contract(address=Web3.to_checksum_address(address), abi=artifact(name).abi)
        for entry in cast(Any, contract.events):
            if entry.event_name in EVENTS:
                names = [each["name"] for each in entry.abi["inputs"]]
                found[address, bytes.fromhex(entry.topic[2:])] = (names, entry())
    return found


def _value(name: str, value: Any) -> Any:
    if name in ("offer", "terms"):
        fields = value.values() if hasattr(value, "values") else value
        return (Offer if name == "offer" else Terms)(*fields)
    if name == "outcome":
        return Outcome(value)
    return bytes(value) if isinstance(value, bytes) else value
