"""Reading: every block once, in order, proven by its parent; a replaced block is noticed."""

from __future__ import annotations

import itertools
import secrets
import time
from dataclasses import replace

import pytest

import services
from hexchange.chain.contracts import Contracts
from hexchange.chain.events import BlockRef, CallFailed, Deposited, Staked
from hexchange.chain.permits import sign_permit
from hexchange.chain.reader import MAX_DEPTH, Block, Reader, Reorged
from hexchange.chain.sender import Sender
from hexchange.chain.wallet import Wallet
from hexchange.errors import NodeUnreachable, StaleNode


def deposit_and_stake(sender: Sender, contracts: Contracts, wallet: Wallet, name: str) -> None:
    calls = contracts.calls
    permit = sign_permit(wallet, contracts, 10**18, 2**40)
    both = [calls.deposit(10**18, permit), calls.stake(10**18)]
    sender.send(name, calls.multicall(both))


def reorganise(chain: services.Chain, depth: int) -> None:
    """Replace blocks by empty ones; another producer makes each of them a different block."""
    chain.rpc("anvil_setCoinbase", f"0x{secrets.token_hex(20)}")
    chain.rpc("anvil_reorg", depth, [])


def mine(chain: services.Chain, blocks: int) -> None:
    chain.rpc("anvil_mine", hex(blocks))


def test_blocks_come_once_in_order_each_the_child_of_the_one_before(
    sender: Sender, contracts: Contracts, wallet: Wallet, chain: services.Chain
) -> None:
    deposit_and_stake(sender, contracts, wallet, "one")
    mine(chain, 40)
    deposit_and_stake(sender, contracts, wallet, "two")
    blocks = list(Reader(contracts).read(None))
    assert blocks[0].ref.number == contracts.deployment.block
    for former, block in itertools.pairwise(blocks):
        assert block.parent == former.ref.hash
        assert block.ref.number == former.ref.number + 1
    events = [event for block in blocks for event in block.events]
    assert [type(event) for event in events] == [Deposited, Staked] * 2
    assert all(event.at.contract == contracts.deployment.stake for event in events)
    at = events[-1].at
    assert at.block == blocks[-1].ref
    assert at.block.timestamp == int(chain.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    assert at.log_index > events[-2].at.log_index


def test_reading_on_from_a_cursor_gives_what_a_fresh_read_gives(
    sender: Sender, contracts: Contracts, wallet: Wallet, chain: services.Chain
) -> None:
    reader = Reader(contracts)
    pieces: list[Block] = []
    for round_ in range(3):
        deposit_and_stake(sender, contracts, wallet, f"piece {round_}")
        mine(chain, 3)
        pieces += reader.read(pieces[-1].ref if pieces else None)
    assert pieces == list(Reader(contracts).read(None))
    assert list(reader.read(pieces[-1].ref)) == []


def test_a_failed_item_of_a_multicall_is_an_event(
    sender: Sender, contracts: Contracts, wallet: Wallet, chain: services.Chain
) -> None:
    calls = contracts.calls
    both = calls.multicall([calls.collect(), calls.stake(0)])
    tx = chain.rpc("eth_sendTransaction", both.fields(wallet.address) | {"value": "0x0"})
    while (receipt := chain.rpc("eth_getTransactionReceipt", tx)) is None:
        time.sleep(0.05)
    events = list(Reader(contracts).read(None))[
        int(receipt["blockNumber"], 16) - contracts.deployment.block
    ].events
    assert [event.index for event in events if isinstance(event, CallFailed)] == [0]


@pytest.mark.parametrize("depth", [1, 7, 64])
def test_after_a_reorganisation_the_rest_equals_a_fresh_read(
    depth: int, sender: Sender, contracts: Contracts, wallet: Wallet, chain: services.Chain
) -> None:
    mine(chain, 70)
    deposit_and_stake(sender, contracts, wallet, f"lost {depth}")
    reader = Reader(contracts)
    known = list(reader.read(None))
    reorganise(chain, depth)
    mine(chain, 2)
    with pytest.raises(Reorged):
        list(reader.read(known[-1].ref))
    common = reader.common([block.ref for block in known])
    assert common.number == known[-1].ref.number - depth
    kept = [block for block in known if block.ref.number <= common.number]
    assert kept + list(reader.read(common)) == list(Reader(contracts).read(None))


def test_a_replaced_head_of_the_same_height_is_noticed(contracts: Contracts, chain: services.Chain) -> None:
    mine(chain, 3)
    reader = Reader(contracts)
    last = list(reader.read(None))[-1].ref
    reorganise(chain, 1)
    assert reader.tip().number == last.number
    with pytest.raises(Reorged):
        list(reader.read(last))


def test_a_node_that_is_behind_proves_no_reorganisation(contracts: Contracts) -> None:
    reader = Reader(contracts)
    head = reader.tip()
    ahead = BlockRef(head.number + MAX_DEPTH, b"\x01" * 32, head.timestamp)
    assert list(reader.read(ahead)) == []
    far = replace(ahead, number=ahead.number + 1)
    with pytest.raises(StaleNode, match="below what was seen before"):
        list(reader.read(far))
    with pytest.raises(StaleNode):
        reader.common([far, head])


def test_where_nothing_known_is_left_the_reader_says_so(contracts: Contracts) -> None:
    reader = Reader(contracts)
    head = reader.tip()
    with pytest.raises(Reorged):
        reader.common([replace(head, hash=b"\x01" * 32)])


def test_only_final_blocks_are_read_where_only_those_are_asked_for(
    contracts: Contracts, chain: services.Chain
) -> None:
    mine(chain, 5)
    reader = Reader(contracts)
    final = reader.tip("finalized")
    assert final.number < reader.tip().number
    assert list(reader.read(None, "finalized"))[-1].ref == final


def test_logs_of_another_block_are_not_believed(
    sender: Sender, contracts: Contracts, wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    deposit_and_stake(sender, contracts, wallet, "lie")
    truth = contracts.node.logs

    def lie(hashes: list[bytes], addresses: tuple[str, str]) -> list[list[object]]:
        return [[{**log, "blockHash": b"\x02" * 32} for log in logs] for logs in truth(hashes, addresses)]

    monkeypatch.setattr(contracts.node, "logs", lie)
    with pytest.raises(NodeUnreachable, match="logs of another block"):
        list(Reader(contracts).read(None))
