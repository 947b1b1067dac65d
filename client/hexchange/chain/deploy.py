"""A market of one's own on a local chain: a token that anybody may mint, the ledger and the market."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_abi.abi import encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak
from web3 import Web3

from hexchange.chain.artifacts import artifact
from hexchange.chain.calls import Call
from hexchange.chain.deployment import Deployment
from hexchange.chain.node import Node
from hexchange.chain.views import Bounds
from hexchange.chain.wallet import Wallet
from hexchange.errors import NotLocal, Reverted, TransactionPending

LOCAL_CHAINS = (1337, 31337)
LOCAL_BOUNDS = Bounds(
    min_fill=2, max_fill=86_400, min_compute=2, max_compute=604_800,
    min_release=5, max_release=2_592_000, naming=10,
)  # fmt: skip
DECIMALS = 18
UNIT = 100 * 10**DECIMALS
EXIT_SECONDS = 10


def deploy(
    url: str, wallet: Wallet, *, bounds: Bounds = LOCAL_BOUNDS, finality: str = "finalized"
) -> Deployment:
    """Deploy token, ledger and market from the shipped bytecode; the wallet pays for gas.

    Windows are seconds, so that a job takes seconds. Raises NotLocal on any other than a local chain.
    """
    node = Node(url)
    chain = node.chain_id()
    if chain not in LOCAL_CHAINS:
        raise NotLocal(
            f"chain {chain} is not a local one",
            hint="deploy with the deployment script, which checks the bounds",
        )
    token = _create(node, wallet, "MockToken", ("Hexchange Dollar", "HXD", DECIMALS))
    # The ledger is told where the market will stand: at the address of this account's next creation but one.
    market_address = _creation_address(wallet.address, node.nonce(wallet.address) + 1)
    arguments = (token.address, market_address, UNIT, EXIT_SECONDS)
    stake = _create(node, wallet, "ProviderStake", arguments)
    market = _create(node, wallet, "DataMarket", (stake.address, astuple(bounds)))
    assert market.address == market_address
    both = {"market": market, "stake": stake}
    return Deployment(
        chain, market.address, stake.address, token.address, token.block, finality,
        code={name: _code_hash(node, each.address) for name, each in both.items()},
        created={name: f"0x{each.tx.hex()}" for name, each in both.items()},
        arguments={name: f"0x{each.arguments.hex()}" for name, each in both.items()},
    )  # fmt: skip


def mint_call(deployment: Deployment, to: str, amount: int) -> Call:
    """New tokens for a wallet; the local token mints for anybody."""
    contract = Web3().eth.contract(
        address=Web3.to_checksum_address(deployment.token), abi=artifact("MockToken").abi
    )
    return Call("mint", deployment.token, bytes.fromhex(contract.encode_abi("mint", args=[to, amount])[2:]))


@dataclass(frozen=True, slots=True)
class _Created:
    """A contract on the chain, the transaction that created it, and its encoded constructor arguments."""

    address: str
    block: int
    tx: bytes
    arguments: bytes


def _create(node: Node, wallet: Wallet, name: str, arguments: Sequence[Any]) -> _Created:
    found = artifact(name)
    constructor = next(entry for entry in found.abi if entry["type"] == "constructor")
    encoded = encode([collapse_if_tuple(each) for each in constructor["inputs"]], arguments)
    data = found.bytecode + encoded
    nonce = node.nonce(wallet.address)
    base_fee, priority = node.tip("latest").base_fee, max(1, node.priority_fee())
    gas = node.estimate({"from": wallet.address, "data": f"0x{data.hex()}"}) * 5 // 4
    raw, tx = wallet.sign_transaction({
        "type": 2, "chainId": node.chain_id(), "nonce": nonce, "data": data, "value": 0, "gas": gas,
        "maxFeePerGas": 2 * base_fee + priority, "maxPriorityFeePerGas": priority,
    })  # fmt: skip
    refusal = node.broadcast(raw)
    if refusal:
        raise Reverted(f"the node refused to deploy {name}: {refusal}")
    receipt = _await(node, tx)
    if receipt["status"] != 1:
        raise Reverted(f"deploying {name} failed")
    return _Created(_creation_address(wallet.address, nonce), int(receipt["blockNumber"]), tx, encoded)


def _await(node: Node, tx: bytes, seconds: float = 60.0) -> Any:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        receipt = node.receipt(tx)
        if receipt is not None:
            return receipt
        time.sleep(0.1)
    raise TransactionPending(f"0x{tx.hex()} is not in a block", hint="see that the chain makes blocks")


def _creation_address(sender: str, nonce: int) -> str:
    """Where a contract stands that `sender` creates with `nonce`: keccak of the RLP of both."""
    return Web3.to_checksum_address(keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[12:])


def _code_hash(node: Node, address: str) -> str:
    return f"0x{keccak(node.code(address)).hex()}"
