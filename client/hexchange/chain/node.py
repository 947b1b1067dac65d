"""The edge to a chain's node: questions in our types, and every failure of library or network in our errors.

Nothing else in the project talks JSON-RPC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3
from web3.exceptions import (
    BlockNotFound,
    ContractLogicError,
    TransactionNotFound,
    Web3Exception,
    Web3RPCError,
)
from web3.providers.rpc.utils import ExceptionRetryConfiguration

from hexchange.chain.events import BlockRef
from hexchange.chain.reverts import explain
from hexchange.errors import NodeUnreachable, NotEnoughGasMoney, NotFound

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Header:
    """What we use of a block's header: `parent` is a hash, `bloom` the filter of its logs as an integer."""

    ref: BlockRef
    parent: bytes
    bloom: int
    base_fee: int


class Node:
    """One JSON-RPC endpoint. Every method raises NodeUnreachable when it fails or gives no answer in time."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.shown = f"{parts.scheme}://{parts.hostname}:{parts.port or ''}".rstrip(
            ":"
        )  # no path: it may hold a key
        retries = ExceptionRetryConfiguration(
            errors=(requests.ConnectionError,), retries=3, backoff_factor=0.1
        )
        provider = HTTPProvider(url, {"timeout": TIMEOUT_SECONDS}, exception_retry_configuration=retries)
        self.web3 = Web3(provider, middleware=[])
        self.show_amount: Callable[[int], str] = str  # until the token is known

    @contextmanager
    def edge(self) -> Iterator[None]:
        """Translate whatever the library raises inside; ContractReverted is a refusal by a contract."""
        hint = "check --rpc-url, and that the node is up and synchronised"
        try:
            yield
        except ContractLogicError as error:
            raise explain(_revert_data(error), str(error.message), self.show_amount) from None
        except Web3RPCError as error:
            if "insufficient funds" in str(error).lower():
                raise NotEnoughGasMoney(
                    "the account cannot pay for gas", hint="send it some native coin"
                ) from None
            raise NodeUnreachable(f"the node at {self.shown} failed: {_reason(error)}", hint=hint) from None
        except (requests.RequestException, Web3Exception, OSError, ValueError) as error:
            text = f"the node at {self.shown} does not answer ({type(error).__name__})"
            raise NodeUnreachable(text, hint=hint) from None

    def chain_id(self) -> int:
        with self.edge():
            return self.web3.eth.chain_id

    def code(self, address: str) -> bytes:
        with self.edge():
            return bytes(self.web3.eth.get_code(Web3.to_checksum_address(address)))

    def header(self, block: int | str | bytes) -> Header:
        """The header at a number, tag or hash; NotFound where the node has none."""
        with self.edge():
            try:
                return _header(self.web3.eth.get_block(block))  # type: ignore[arg-type]
            except BlockNotFound:
                raise NotFound(f"the node at {self.shown} has no block {block!r}") from None

    def tip(self, finality: str) -> Header:
        """The newest block at `latest`, `safe` or `finalized`; the first one where nothing is final yet."""
        with self.edge():
            try:
                return _header(self.web3.eth.get_block(finality))  # type: ignore[arg-type]
            except (BlockNotFound, Web3RPCError):
                if finality == "latest":
                    raise
                return _header(self.web3.eth.get_block(0))

    def headers(self, numbers: Sequence[int]) -> list[Header]:
        """Several headers in one request."""
        with self.edge():
            try:
                with self.web3.batch_requests() as batch:
                    for number in numbers:
                        batch.add(self.web3.eth.get_block(number))
                    return [_header(block) for block in batch.execute()]
            except BlockNotFound:
                raise NotFound(
                    f"the node at {self.shown} lost a block of {numbers[0]}-{numbers[-1]}"
                ) from None

    def logs(self, hashes: Sequence[bytes], addresses: Sequence[str]) -> list[list[Any]]:
        """The logs of these contracts in each block, in one request."""
        with self.edge(), self.web3.batch_requests() as batch:
            for each in hashes:
                batch.add(
                    self.web3.eth.get_logs(
                        {
                            "blockHash": HexBytes(each),
                            "address": [Web3.to_checksum_address(a) for a in addresses],
                        }
                    )
                )
            return [list(answer) for answer in batch.execute()]

    def call(self, fields: dict[str, Any], block: int | str = "latest") -> bytes:
        with self.edge():
            return bytes(self.web3.eth.call(fields, block))  # type: ignore[arg-type]

    def estimate(self, fields: dict[str, Any]) -> int:
        """Gas of a transaction in the next block. Raises ContractReverted, NotEnoughGasMoney."""
        with self.edge():
            return self.web3.eth.estimate_gas(fields, "pending")  # type: ignore[arg-type]

    def balance(self, address: str) -> int:
        """Native coin of an account in wei."""
        with self.edge():
            return self.web3.eth.get_balance(Web3.to_checksum_address(address))

    def nonce(self, address: str, block: int | str = "latest") -> int:
        """The account's next nonce by what is in blocks."""
        with self.edge():
            return self.web3.eth.get_transaction_count(Web3.to_checksum_address(address), block)  # type: ignore

    def priority_fee(self) -> int:
        with self.edge():
            return self.web3.eth.max_priority_fee

    def broadcast(self, raw: bytes) -> str:
        """Send signed bytes; empty when the node took them or had them, else why it refused."""
        with self.edge():
            try:
                self.web3.eth.send_raw_transaction(raw)
            except Web3RPCError as error:
                reason = _reason(error)
                return (
                    ""
                    if "already known" in reason.lower() or "already imported" in reason.lower()
                    else reason
                )
            return ""

    def transaction(self, tx: bytes) -> Any | None:
        """A transaction as it was sent, else None."""
        with self.edge():
            try:
                return self.web3.eth.get_transaction(tx)  # type: ignore[arg-type]
            except TransactionNotFound:
                return None

    def receipt(self, tx: bytes) -> Any | None:
        """The receipt of a transaction in a block, else None."""
        with self.edge():
            try:
                return self.web3.eth.get_transaction_receipt(tx)  # type: ignore[arg-type]
            except TransactionNotFound:
                return None


def _header(block: Any) -> Header:
    ref = BlockRef(int(block["number"]), bytes(block["hash"]), int(block["timestamp"]))
    bloom = int.from_bytes(bytes(block["logsBloom"]))
    return Header(ref, bytes(block["parentHash"]), bloom, int(block.get("baseFeePerGas", 0)))


def _reason(error: Web3RPCError) -> str:
    """The node's own words, short."""
    response = error.rpc_response or {}
    body = response.get("error", {})
    text = body.get("message", "") if isinstance(body, dict) else str(body)
    return (text or str(error))[:200]


def _revert_data(error: ContractLogicError) -> bytes:
    data = error.data
    if isinstance(data, str) and data.startswith("0x"):
        return bytes.fromhex(data[2:])
    return b""
