"""A market on a chain of its own: sent to and asked in few requests, so that thousands of steps take seconds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.abi import collapse_if_tuple, function_abi_to_4byte_selector
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes

from hexchange.chain.artifacts import CONTRACTS, artifact
from hexchange.chain.calls import Call
from hexchange.chain.contracts import Contracts, connect
from hexchange.chain.deploy import deploy, mint_call
from hexchange.chain.events import BlockRef, Event
from hexchange.chain.views import Bounds
from hexchange.chain.wallet import Wallet
from hexchange.market.windows import Clock, Setting
from services import Chain, anvil

FILL, COMPUTE, RELEASE, NAMING = 300, 600, 3600, 120
BOUNDS = Bounds(FILL, 86_400, COMPUTE, 604_800, RELEASE, 2_592_000, NAMING)
WALLETS = [Wallet(bytes([n]) * 32) for n in range(1, 10)]
ROLES = [wallet.address for wallet in WALLETS]
OWNER, BUYER, STRANGER, *PROVIDERS, CHECKER, PAYEE = ROLES
NAMES = dict(
    zip(ROLES, ("OWNER", "BUYER", "STRANGER", "P0", "P1", "P2", "P3", "CHECKER", "PAYEE"), strict=True)
)
WALLET_OF = dict(zip(ROLES, WALLETS, strict=True))
IN_WALLET, FREE = 10**24, 6000 * 10**18
STAKED_UNITS = (100, 100, 41, 15)
"""Half units of stake of each provider."""
PANIC = "4e487b71"
GAS = 5_000_000


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a transaction: `randao` is the chain's random number of its block."""

    accepted: bool
    events: tuple[Event, ...]
    block: BlockRef
    randao: bytes


class RealMarket:
    """Both contracts and their token on an anvil that makes a block for each transaction, at the time we say."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self._connection = HTTPConnection("127.0.0.1", chain.port)
        chain.rpc("evm_setIntervalMining", 0)
        chain.rpc("evm_setAutomine", True)
        chain.rpc("anvil_autoImpersonateAccount", True)
        for role in ROLES:
            chain.rpc("anvil_setBalance", role, hex(10**24))
        self.deployment = deploy(chain.url, WALLETS[0], bounds=BOUNDS)
        self.contracts: Contracts = connect(chain.url, self.deployment)
        self.calls, self.views = self.contracts.calls, self.contracts.views
        self.unit = self.views.unit()
        self.setting = Setting(self.deployment.chain, self.deployment.market, NAMING, self.unit)
        head = self.contracts.node.header("latest").ref
        self.clock = Clock(head.timestamp, head.number)
        self.at = {
            "DataMarket": self.deployment.market,
            "ProviderStake": self.deployment.stake,
            "MockToken": self.deployment.token,
        }

    def mint(self, role: str) -> None:
        """Fill a wallet and let the ledger pull from it."""
        for call in (mint_call(self.deployment, role, IN_WALLET), self.calls.approve(IN_WALLET)):
            assert self.send(call, role, self.clock.now + 1).accepted

    # --- the chain ---

    def batch(self, *requests: Sequence[Any]) -> list[Any]:
        """Several JSON-RPC requests over one connection: results, or the error of those that failed."""
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, *params) in enumerate(requests)
        ]
        self._connection.request("POST", "/", json.dumps(body).encode(), {"Content-Type": "application/json"})
        answers = sorted(json.loads(self._connection.getresponse().read()), key=lambda answer: answer["id"])
        return [answer["error"] if "error" in answer else answer["result"] for answer in answers]

    def snapshot(self) -> tuple[str, Clock]:
        return self.batch(["evm_snapshot"])[0], self.clock

    def revert(self, snapshot: tuple[str, Clock]) -> tuple[str, Clock]:
        """Go back to a snapshot; the same one taken anew, because a chain forgets it by that."""
        assert self.batch(["evm_revert", snapshot[0]]) == [True]
        self.clock = snapshot[1]
        return self.snapshot()

    def mine(self) -> None:
        """One empty block, a second later."""
        self.clock = Clock(self.clock.now + 1, self.clock.block + 1)
        self.batch(["evm_setNextBlockTimestamp", hex(self.clock.now)], ["anvil_mine", "0x1"])

    def send(self, call: Call, sender: str, now: int) -> Sent:
        """Put a transaction into a block of that time, whether the contracts accept it or not."""
        assert now > self.clock.now, "the chain's time only moves on"
        fields = {**call.fields(sender), "value": hex(call.value), "gas": hex(GAS)}
        _, receipt = self.batch(["evm_setNextBlockTimestamp", hex(now)], ["eth_sendTransactionSync", fields])
        assert "status" in receipt, receipt
        (found,) = self.batch(["eth_getBlockByHash", receipt["blockHash"], False])
        block = BlockRef(
            int(found["number"], 16), bytes.fromhex(found["hash"][2:]), int(found["timestamp"], 16)
        )
        assert (block.timestamp, block.number) == (now, self.clock.block + 1)
        self.clock = Clock(now, block.number)
        told = (self.contracts.decode(_log(log), block) for log in receipt["logs"])
        randao = bytes.fromhex(found["mixHash"][2:])
        return Sent(receipt["status"] == "0x1", tuple(event for event in told if event), block, randao)

    def ask(self, call: Call, sender: str, clock: Clock) -> str:
        """The name of the error that the contracts refuse `call` with at that time; empty if they accept it."""
        return self.ask_all([(call, sender)], clock)[0]

    def ask_all(self, calls: Sequence[tuple[Call, str]], clock: Clock) -> list[str]:
        """`ask` for each (call, sender), each on the same state."""
        moment = {"time": hex(clock.now), "number": hex(clock.block)}
        requests = [
            [
                "eth_call",
                {**call.fields(sender), "value": hex(call.value), "gas": hex(GAS)},
                "latest",
                {},
                moment,
            ]
            for call, sender in calls
        ]
        return [refusal(answer) for answer in self.batch(*requests)]

    # --- getters ---

    def read(self, questions: Sequence[tuple[Any, ...]]) -> list[Any]:
        """The answer to each (contract, function, *arguments), structs by the names of their fields.

        A contract's own `multicall` collects what its getters say; the token has none.
        """
        groups: dict[str, list[tuple[int, bytes]]] = {}
        for index, (contract, function, *arguments) in enumerate(questions):
            groups.setdefault(contract, []).append((index, _encode(contract, function, *arguments)))
        requests, places = [], []
        for contract, asked in groups.items():
            several = [asked] if contract != "MockToken" else [[each] for each in asked]
            for part in several:
                data = part[0][1] if contract == "MockToken" else _multicall(contract, part)
                requests.append(["eth_call", {"to": self.at[contract], "data": f"0x{data.hex()}"}, "latest"])
                places.append((contract, [index for index, _ in part]))
        found: dict[int, Any] = {}
        for (contract, indices), answer in zip(places, self.batch(*requests), strict=True):
            assert isinstance(answer, str), answer
            raw = bytes.fromhex(answer[2:])
            results = [raw] if contract == "MockToken" else _results(raw)
            for index, result in zip(indices, results, strict=True):
                found[index] = _decode(contract, questions[index][1], result)
        return [found[index] for index in range(len(questions))]


@contextmanager
def real_market(folder: Path) -> Iterator[RealMarket]:
    """A market in which everybody has tokens and nothing has happened."""
    with anvil(folder) as chain:
        market = RealMarket(chain)
        for role in ROLES:
            market.mint(role)
        yield market


@cache
def errors() -> dict[str, str]:
    """Every error that the interfaces of the contracts and of their token declare, by selector."""
    return {
        function_abi_to_4byte_selector(entry).hex(): entry["name"]
        for contract in CONTRACTS
        for entry in artifact(contract).abi
        if entry["type"] == "error"
    }


def refusal(answer: Any) -> str:
    """An answer to eth_call as the name of an error; empty for an accepted call."""
    if isinstance(answer, str):
        return ""
    return error_name(bytes.fromhex(str(answer.get("data", ""))[2:])) if "data" in answer else str(answer)


def error_name(data: bytes) -> str:
    """The name of an encoded error; what nobody declared is shown as it is."""
    selector = data[:4].hex()
    return "Panic" if selector == PANIC else errors().get(selector, f"undeclared 0x{data.hex()}")


def function_abi(contract: str, function: str) -> Any:
    """The entry of a function, by name or, where it is overloaded, by its signature."""
    name = function.partition("(")[0]
    found = [entry for entry in artifact(contract).abi if entry.get("name") == name]
    signed = [entry for entry in found if _signature(entry) == function]
    return (signed or found)[0]


def _signature(entry: Any) -> str:
    return f"{entry['name']}({','.join(collapse_if_tuple(each) for each in entry.get('inputs', []))})"


def make_call(market: RealMarket, contract: str, function: str, *arguments: Any) -> Call:
    """Any function of any of the contracts as a call."""
    return Call(function, market.at[contract], _encode(contract, function, *arguments))


@cache
def _head(contract: str, function: str) -> tuple[bytes, list[str]]:
    """Selector and types of the arguments of a function."""
    entry = function_abi(contract, function)
    kinds = [collapse_if_tuple(each) for each in entry["inputs"]]
    return bytes(function_abi_to_4byte_selector(entry)), kinds


@lru_cache(maxsize=20_000)
def _encode(contract: str, function: str, *arguments: Any) -> bytes:
    selector, kinds = _head(contract, function)
    return selector + encode(kinds, arguments)


def _multicall(contract: str, asked: Sequence[tuple[int, bytes]]) -> bytes:
    return _encode(contract, "multicall", tuple(data for _, data in asked))


def _results(raw: bytes) -> Sequence[bytes]:
    oks, results = decode(["bool[]", "bytes[]"], raw)
    assert all(oks), [error_name(result) for ok, result in zip(oks, results, strict=True) if not ok]
    return tuple(results)


@lru_cache(maxsize=20_000)
def _decode(contract: str, function: str, raw: bytes) -> Any:
    """One value, or the tuple of several."""
    entries = function_abi(contract, function)["outputs"]
    values = decode([collapse_if_tuple(entry) for entry in entries], raw)
    named = [_named(entry, value) for entry, value in zip(entries, values, strict=True)]
    return named[0] if len(named) == 1 else named


def _named(entry: Any, value: Any) -> Any:
    kind = entry["type"]
    if kind.endswith("[]"):
        return [_named({**entry, "type": kind[:-2]}, each) for each in value]
    if kind == "tuple":
        parts = zip(entry["components"], value, strict=True)
        return {component["name"]: _named(component, each) for component, each in parts}
    return to_checksum_address(value) if kind == "address" else value


def _log(log: Any) -> dict[str, Any]:
    """A log as the client's library would have parsed it."""
    return {
        **log,
        "address": to_checksum_address(log["address"]),
        "topics": [HexBytes(topic) for topic in log["topics"]],
        "data": HexBytes(log["data"]),
        "transactionHash": HexBytes(log["transactionHash"]),
        "logIndex": int(log["logIndex"], 16),
        "blockNumber": int(log["blockNumber"], 16),
        "blockHash": HexBytes(log["blockHash"]),
        "transactionIndex": int(log["transactionIndex"], 16),
    }
