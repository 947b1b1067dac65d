"""The durable sender: every transaction of an account, once, whatever crashes in between.

Nonce, signed bytes and intent are on disk in one transaction before the bytes leave. A restart sends the
same bytes again; an intent that is under way or done is never sent twice. A slow transaction is replaced with
fees higher by an eighth or more, sooner when its deadline is near. A call whose deadline has passed is not
sent any more: an empty transaction takes its nonce. Deadlines are compared with the time of blocks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from hexchange.chain.calls import Call
from hexchange.chain.contracts import Contracts
from hexchange.chain.events import BlockRef, Event
from hexchange.chain.node import Header
from hexchange.chain.outbox import EXPIRED, FAILED, MINED, SENT, Outbox, Send, Signed
from hexchange.chain.wallet import Wallet
from hexchange.errors import DeadlinePassed, NodeUnreachable, NotEnoughGasMoney, TransactionPending

REPEAT_SECONDS = 10.0
PATIENCE_SECONDS = 45.0
GAP_SECONDS = 60.0
FEE_CEILING = 8
"""A replacement never bids more than this multiple of what the chain asks at that moment."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A call that is in a block and succeeded; `fee` in wei."""

    intent: str
    function: str
    tx: bytes
    block: BlockRef
    gas_used: int
    fee: int
    events: tuple[Event, ...]


class Sender:
    """Sends for one wallet; used by one thread. `tick` keeps everything under way moving."""

    def __init__(self, path: Path, wallet: Wallet, contracts: Contracts) -> None:
        self._wallet, self._contracts, self._node = wallet, contracts, contracts.node
        self._outbox = Outbox(path, self._node.header(0).ref.hash, wallet.address)
        self._head: BlockRef | None = None
        self._broadcast: dict[bytes, float] = {}
        self._gap: tuple[int, float] | None = None
        self._refusal = ""

    def __enter__(self) -> Sender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._outbox.close()

    @property
    def address(self) -> str:
        return self._wallet.address

    def send(
        self, intent: str, call: Call, *, deadline: int | None = None, timeout: float = 120.0
    ) -> Receipt:
        """Submit and wait. Raises what `submit` and `wait` raise."""
        self.submit(intent, call, deadline=deadline)
        return self.wait(intent, timeout=timeout)

    def submit(self, intent: str, call: Call, *, deadline: int | None = None) -> bytes:
        """Queue a call under its intent and return its newest transaction hash; does nothing if it is there.

        `deadline` is the block time in seconds from which the call is useless. The call is simulated first:
        ContractReverted, NotEnoughGasMoney and DeadlinePassed leave nothing behind. Once it is queued an
        unreachable node is no error: `tick` sends it later.
        """
        key = self._key(intent)
        known = self._outbox.live(key)
        if known:
            return self._outbox.signed(known.nonce)[0].tx
        head = self._node.tip("latest")
        if deadline is not None and head.ref.timestamp >= deadline:
            raise DeadlinePassed(
                f"{call.function} was possible until {deadline}, and it is {head.ref.timestamp}",
                hint="the step is over; see hexchange job show",
            )
        if call.function == "multicall":
            self._contracts.simulate(call, self.address)
        gas = self._gas(call)
        max_fee, priority = self._fees(head)
        self._check_money(call.value + gas * max_fee)
        chain_nonce = self._node.nonce(self.address)
        with self._outbox.exclusive():
            known = self._outbox.live(key)
            if known:
                return self._outbox.signed(known.nonce)[0].tx
            nonce = max(chain_nonce, self._outbox.next_nonce())
            send = self._new(nonce, key, call, gas, deadline)
            signed = self._sign(send, max_fee, priority, empty=False)
            self._outbox.add(send, signed)
        self._try_broadcast(signed)
        return signed.tx

    def wait(self, intent: str, *, timeout: float = 120.0) -> Receipt:
        """Wait until the intent's call is in a block and succeeded.

        Raises ContractReverted where it failed there, DeadlinePassed where it was given up,
        TransactionPending after `timeout` seconds: it may still land, and `wait` may be called again.
        """
        key = self._key(intent)
        limit = time.monotonic() + timeout
        pause = 0.05
        while True:
            try:
                self.tick()
            except NodeUnreachable:
                if time.monotonic() > limit:
                    raise
            send = self._outbox.last(key)
            if send is None:
                raise LookupError(f"nothing was submitted for {intent}")
            if send.state == MINED:
                receipt = self._receipt(send)
                if receipt is not None:
                    return receipt
            elif send.state != SENT:
                raise self._failure(send)
            if time.monotonic() > limit:
                tx = self._outbox.signed(send.nonce)[0].tx
                because = f" ({self._refusal})" if self._refusal else ""
                raise TransactionPending(
                    f"{send.function} 0x{tx.hex()} is not in a block after {timeout:.0f} s{because}",
                    hint="run the same command again; it will not be sent twice",
                )
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)

    @contextmanager
    def once(self, what: str) -> Iterator[str]:
        """An intent for something that a person may ask for again and again, such as a payment.

        Until the block ends without an error, asking again gives the same intent: whoever was interrupted
        before learning the outcome learns it then, and nothing is sent a second time.
        """
        key = self._outbox.once(self._key(what))
        yield key.split("/", 1)[1]
        self._outbox.told(key)

    def state(self, intent: str) -> Send | None:
        """What became of an intent so far, as of the last `tick`."""
        return self._outbox.last(self._key(intent))

    def tick(self) -> None:
        """Look at the chain and do what is due. Raises NodeUnreachable; calling it again loses nothing."""
        head = self._node.tip("latest")
        if head.ref != self._head:
            self._look(head)
            self._head = head.ref
        waiting = [send for send in self._outbox.unsettled() if send.state == SENT]
        for position, send in enumerate(waiting):
            if send.deadline is not None and head.ref.timestamp >= send.deadline:
                self._empty(send, head)
            else:
                self._push(send, head, first=position == 0)
        self._fill_gap(waiting, head)

    def sends(self) -> list[Send]:
        """Everything this account ever sent from here, by nonce: gas per function for reports."""
        return self._outbox.all()

    # --- looking ----------------------------------------------------------------------------------

    def _look(self, head: Header) -> None:
        final = self._node.tip(self._contracts.deployment.finality).ref
        used = self._node.nonce(self.address)
        for send in self._outbox.unsettled():
            if send.nonce >= used and send.state == SENT:
                continue
            self._look_at(send, final)
        with self._outbox.exclusive():
            self._outbox.finalized(final.number)

    def _look_at(self, send: Send, final: BlockRef) -> None:
        for signed in self._outbox.signed(send.nonce):
            found = self._node.receipt(signed.tx)
            if found is None:
                continue
            if send.block is not None and send.block.hash == bytes(found["blockHash"]):
                return
            block = self._node.header(bytes(found["blockHash"])).ref
            state = EXPIRED if signed.empty else MINED if found["status"] == 1 else FAILED
            with self._outbox.exclusive():
                gas_price = int(found["effectiveGasPrice"])
                self._outbox.mined(send.nonce, state, signed.tx, block, int(found["gasUsed"]), gas_price)
            return
        with self._outbox.exclusive():
            if send.state != SENT:
                self._outbox.reopened(send.nonce)
                for signed in self._outbox.signed(send.nonce):
                    self._broadcast.pop(signed.tx, None)
            elif self._node.nonce(self.address, final.number) > send.nonce:
                self._outbox.displaced(send.nonce)

    def _receipt(self, send: Send) -> Receipt | None:
        """The receipt with its events; None where its block left the chain a moment ago."""
        assert send.tx is not None
        assert send.block is not None
        assert send.gas_used is not None
        assert send.gas_price is not None
        found = self._node.receipt(send.tx)
        if found is None or bytes(found["blockHash"]) != send.block.hash:
            return None
        events = self._contracts.events(found, send.block)
        fee = send.gas_used * send.gas_price
        intent = send.intent.split("/", 1)[1]
        return Receipt(intent, send.function, send.tx, send.block, send.gas_used, fee, events)

    def _failure(self, send: Send) -> Exception:
        if send.state == FAILED:
            assert send.block
            call = Call(send.function, send.target, send.data, send.value)
            return self._contracts.why(call, self.address, send.block)
        if send.state == EXPIRED:
            return DeadlinePassed(
                f"the deadline of {send.function} passed before it was in a block",
                hint="the step is over; see hexchange job show",
            )
        return TransactionPending(
            f"another transaction of {self.address} took the place of {send.function}",
            hint="use an account from one place at a time, and run the command again",
        )

    # --- sending ----------------------------------------------------------------------------------

    def _push(self, send: Send, head: Header, *, first: bool) -> None:
        """Broadcast again what may have got lost, and bid more for the first in line when it is slow."""
        signed = self._outbox.signed(send.nonce)[0]
        since = self._broadcast.get(signed.tx)
        waited = time.monotonic() - since if since is not None else None
        if waited is None:
            self._try_broadcast(signed)
        elif first and waited >= self._patience(send, head):
            self._replace(send, head, empty=False)
        elif waited >= REPEAT_SECONDS:
            self._try_broadcast(signed, again=True)

    def _patience(self, send: Send, head: Header) -> float:
        """Seconds before a higher bid: an eighth of what is left to the deadline, at most the usual."""
        if send.deadline is None:
            return PATIENCE_SECONDS
        return max(2.0, min(PATIENCE_SECONDS, (send.deadline - head.ref.timestamp) / 8))

    def _empty(self, send: Send, head: Header) -> None:
        newest = self._outbox.signed(send.nonce)[0]
        if newest.empty:
            self._push(send, head, first=True)
        else:
            self._replace(send, head, empty=True)

    def _replace(self, send: Send, head: Header, *, empty: bool) -> None:
        newest = self._outbox.signed(send.nonce)[0]
        asked = self._fees(head)
        max_fee, priority = (
            max(fee, -(-9 * old // 8))
            for fee, old in zip(asked, (newest.max_fee, newest.priority), strict=True)
        )
        if max_fee > FEE_CEILING * max(asked[0], 10**9) and not empty:
            self._try_broadcast(newest)
            return
        signed = self._sign(send, max_fee, priority, empty=empty or newest.empty)
        with self._outbox.exclusive():
            self._outbox.add_signed(signed)
        self._try_broadcast(signed)

    def _fill_gap(self, waiting: list[Send], head: Header) -> None:
        """Use up a nonce that blocks what waits behind it and that nothing here holds, after a minute."""
        nonce = self._node.nonce(self.address) if waiting else 0
        if not waiting or waiting[0].nonce <= nonce or self._outbox.has_nonce(nonce):
            self._gap = None
            return
        if self._gap is None or self._gap[0] != nonce:
            self._gap = (nonce, time.monotonic())
        if time.monotonic() - self._gap[1] < GAP_SECONDS:
            return
        max_fee, priority = self._fees(head)
        with self._outbox.exclusive():
            if self._outbox.has_nonce(nonce):
                return
            nothing = Call("nothing", self.address, b"")
            send = self._new(nonce, self._key(f"gap:{nonce}"), nothing, 21_000, 0)
            signed = self._sign(send, max_fee, priority, empty=True)
            self._outbox.add(send, signed)
        self._try_broadcast(signed)

    def _try_broadcast(self, signed: Signed, *, again: bool = False) -> None:
        try:
            self._refusal = self._node.broadcast(signed.raw)
        except NodeUnreachable as error:
            self._refusal = error.message
            return
        self._broadcast.setdefault(signed.tx, time.monotonic())

    # --- making -----------------------------------------------------------------------------------

    def _key(self, intent: str) -> str:
        return f"{self._contracts.deployment.market}/{intent}"

    def _new(self, nonce: int, key: str, call: Call, gas: int, deadline: int | None) -> Send:
        return Send(
            nonce, key, call.function, call.to, call.data, call.value, gas, deadline, SENT, False,
            None, None, None, None,
        )  # fmt: skip

    def _sign(self, send: Send, max_fee: int, priority: int, *, empty: bool) -> Signed:
        target, data, value, gas = (
            (self.address, b"", 0, 21_000) if empty else (send.target, send.data, send.value, send.gas)
        )
        raw, tx = self._wallet.sign_transaction({
            "type": 2, "chainId": self._contracts.chain_id, "nonce": send.nonce, "to": target, "data": data,
            "value": value, "gas": gas, "maxFeePerGas": max_fee, "maxPriorityFeePerGas": priority,
        })  # fmt: skip
        return Signed(tx, send.nonce, raw, max_fee, priority, empty)

    def _gas(self, call: Call) -> int:
        """The estimate and a quarter more: other transactions may make ours dearer before it lands."""
        return self._node.estimate(call.fields(self.address)) * 5 // 4 + 20_000

    def _fees(self, head: Header) -> tuple[int, int]:
        """(maxFeePerGas, maxPriorityFeePerGas) in wei that outlast six full blocks."""
        priority = max(1, self._node.priority_fee())
        return 2 * head.base_fee + priority, priority

    def _check_money(self, needed: int) -> None:
        have = self._node.balance(self.address)
        if have < needed:
            raise NotEnoughGasMoney(
                f"{self.address} has {have} wei of native coin and the call may cost {needed}",
                hint="send it some native coin for gas",
            )
