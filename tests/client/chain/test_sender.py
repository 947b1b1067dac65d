"""The sender: whatever is killed, lost, slow or undone, an intent takes effect once, no nonce stays open."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

import hexchange.chain.sender as sending
import services
from hexchange.chain.contracts import Contracts
from hexchange.chain.deployment import Deployment, save_deployment
from hexchange.chain.lock import ProcessLock
from hexchange.chain.outbox import Outbox
from hexchange.chain.sender import Sender
from hexchange.chain.wallet import Wallet
from hexchange.errors import (
    AlreadyRunning,
    ContractReverted,
    DeadlinePassed,
    DiskFull,
    NotEnoughGasMoney,
    OtherHistory,
    StateUnusable,
    TransactionPending,
)

FRIEND = "0x1000000000000000000000000000000000000001"
DECIMALS = 10**18


@contextmanager
def no_blocks(chain: services.Chain) -> Iterator[None]:
    """Transactions wait in the node until the block ends, or until a test mines."""
    chain.rpc("evm_setAutomine", False)
    try:
        yield
    finally:
        chain.rpc("evm_setAutomine", True)
        chain.rpc("anvil_mine")


def has(contracts: Contracts, address: str = FRIEND) -> int:
    return contracts.views.wallet_of(address)


def pay(contracts: Contracts, amount: int = 1) -> sending.Call:
    return contracts.calls.transfer(FRIEND, amount)


# --- once -----------------------------------------------------------------------------------------


def test_an_intent_is_sent_once_however_often_it_is_asked_for(sender: Sender, contracts: Contracts) -> None:
    before = has(contracts)
    first = sender.submit("pay", pay(contracts))
    assert sender.submit("pay", pay(contracts)) == first
    receipt = sender.wait("pay")
    assert sender.send("pay", pay(contracts)) == receipt
    assert receipt.tx == first
    assert receipt.gas_used > 21_000
    assert has(contracts) == before + 1
    assert [send.gas_used for send in sender.sends() if send.function == "transfer"] == [receipt.gas_used]


def test_a_call_that_would_be_refused_is_never_queued(sender: Sender, contracts: Contracts) -> None:
    queued = len(sender.sends())
    with pytest.raises(ContractReverted) as caught:
        sender.submit("collect", contracts.calls.collect())
    assert caught.value.error == "NothingLeaving"
    assert len(sender.sends()) == queued


def test_a_call_that_fails_in_its_block_says_why_and_may_be_tried_again(
    sender: Sender, contracts: Contracts, chain: services.Chain
) -> None:
    everything = contracts.views.wallet_of(sender.address)
    with no_blocks(chain):
        sender.submit("all", pay(contracts, everything))
        chain.rpc("anvil_dealERC20", sender.address, contracts.token.address, hex(everything - 1))
    with pytest.raises(ContractReverted) as caught:
        sender.wait("all")
    assert caught.value.error == "ERC20InsufficientBalance"
    assert sender.sends()[-1].state == "failed"
    assert sender.send("all", pay(contracts, 0)).intent == "all"


def test_what_waits_in_the_node_counts_when_the_next_call_is_simulated(
    sender: Sender, contracts: Contracts, chain: services.Chain
) -> None:
    everything = contracts.views.wallet_of(sender.address)
    with no_blocks(chain):
        sender.submit("all of it", pay(contracts, everything))
        with pytest.raises(ContractReverted):
            sender.submit("all of it again", pay(contracts, everything))
    assert sender.wait("all of it").function == "transfer"


def test_a_call_after_its_deadline_is_not_queued(sender: Sender, contracts: Contracts) -> None:
    now = contracts.node.tip("latest").ref.timestamp
    with pytest.raises(DeadlinePassed):
        sender.submit("late", pay(contracts), deadline=now)


def test_an_account_without_gas_money_is_told_before_anything_is_queued(
    tmp_path: Path, contracts: Contracts
) -> None:
    poor = Wallet(b"\x0b" * 32)
    with Sender(tmp_path / "poor.sqlite", poor, contracts) as sender:
        with pytest.raises(NotEnoughGasMoney, match="0 wei"):
            sender.submit("approve", contracts.calls.approve(1))
        assert sender.sends() == []


def test_whoever_was_interrupted_before_hearing_the_end_does_not_pay_twice(
    sender: Sender, contracts: Contracts
) -> None:
    def pay_friend(end: type[BaseException] | None = None) -> None:
        with sender.once("pay friend") as intent:
            sender.send(intent, pay(contracts))
            if end:
                raise end

    before = has(contracts)
    with pytest.raises(KeyboardInterrupt):
        pay_friend(KeyboardInterrupt)
    for expected in (1, 2):
        pay_friend()
        assert has(contracts) == before + expected


# --- killed ---------------------------------------------------------------------------------------

CHILD = """
import json, os, signal, sys
from pathlib import Path
from hexchange.chain.contracts import connect
from hexchange.chain.deployment import load_deployment
from hexchange.chain.node import Node
from hexchange.chain.sender import Sender
from hexchange.chain.wallet import Wallet

folder, url, moment, intents, key = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5]
broadcast = Node.broadcast

def killed(node, raw):
    if moment == "after":
        broadcast(node, raw)
    os.kill(os.getpid(), signal.SIGKILL)

if moment != "never":
    Node.broadcast = killed
contracts = connect(url, load_deployment(folder / "deployment.json"))
with Sender(folder / "child.sqlite", Wallet(bytes.fromhex(key)), contracts) as sender:
    for intent in intents.split(","):
        sender.submit(intent, contracts.calls.transfer("0x1000000000000000000000000000000000000001", 1))
    for intent in intents.split(","):
        sender.wait(intent)
"""
CHILD_KEY = b"\x0c" * 32


def child(folder: Path, url: str, moment: str, intents: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(folder), url, moment, intents, CHILD_KEY.hex()])


@pytest.fixture
def folder(
    tmp_path: Path, deployment: Deployment, chain: services.Chain, sender: Sender, contracts: Contracts
) -> Path:
    """Where a child process finds the deployment; its account has coin and tokens."""
    save_deployment(tmp_path / "deployment.json", deployment)
    account = Wallet(CHILD_KEY).address
    chain.rpc("anvil_setBalance", account, hex(10**20))
    sender.send("fund the child", contracts.calls.transfer(account, 10**18))
    return tmp_path


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_the_broadcast_the_same_bytes_are_sent_and_only_once(
    moment: str, folder: Path, chain: services.Chain, contracts: Contracts
) -> None:
    before = has(contracts)
    process = child(folder, chain.url, moment, "pay")
    assert process.wait(60) == -signal.SIGKILL
    assert has(contracts) == before + (moment == "after")
    with Sender(folder / "child.sqlite", Wallet(CHILD_KEY), contracts) as again:
        (queued,) = again.sends()
        tx = again.submit("pay", pay(contracts))
        receipt = again.wait("pay")
        assert receipt.tx == tx
        assert [(send.nonce, send.state) for send in again.sends()] == [(queued.nonce, "mined")]
    assert has(contracts) == before + 1


def test_two_processes_of_one_account_share_its_nonces(
    tmp_path: Path, folder: Path, chain: services.Chain, contracts: Contracts
) -> None:
    before = has(contracts)
    names = [",".join(f"{who}{number}" for number in range(6)) for who in ("a", "b")]
    processes = [child(folder, chain.url, "never", f"both,{intents}") for intents in names]
    assert [process.wait(90) for process in processes] == [0, 0]
    assert has(contracts) == before + 13
    with Sender(folder / "child.sqlite", Wallet(CHILD_KEY), contracts) as again:
        sends = again.sends()
        assert [send.state for send in sends] == ["mined"] * 13
        assert len({send.intent for send in sends}) == 13


def test_a_second_start_of_the_same_work_is_refused_until_the_first_dies(tmp_path: Path) -> None:
    path = tmp_path / "provider.lock"
    script = (
        "import sys; from pathlib import Path; from hexchange.chain.lock import ProcessLock\n"
        f"with ProcessLock(Path({str(path)!r}), 'the provider'):\n"
        " print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunning, match=f"process {holder.pid}"), ProcessLock(path, "the provider"):
            pass
        holder.kill()
    with ProcessLock(path, "the provider"):
        assert path.read_text() != f"{holder.pid}\n"


# --- slow, lost, late -----------------------------------------------------------------------------


def test_a_slow_transaction_is_replaced_with_fees_higher_by_an_eighth(
    sender: Sender,
    contracts: Contracts,
    chain: services.Chain,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    before = has(contracts)
    monkeypatch.setattr(sending, "PATIENCE_SECONDS", 0.0)
    with no_blocks(chain):
        first = sender.submit("slow", pay(contracts))
        sender.tick()
        sender.tick()
        with pytest.raises(TransactionPending, match="not in a block"):
            sender.wait("slow", timeout=0)
    receipt = sender.wait("slow")
    assert receipt.tx != first
    assert has(contracts) == before + 1
    state = sender.state("slow")
    assert state is not None
    forms = sender._outbox.signed(state.nonce)
    assert len(forms) >= 3
    for newer, older in itertools.pairwise(forms):
        assert newer.max_fee * 8 >= older.max_fee * 9
        assert newer.priority * 8 >= older.priority * 9


def test_a_transaction_that_the_node_forgot_is_sent_again(
    sender: Sender, contracts: Contracts, chain: services.Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = has(contracts)
    monkeypatch.setattr(sending, "REPEAT_SECONDS", 0.0)
    with no_blocks(chain):
        tx = sender.submit("forgotten", pay(contracts))
        chain.rpc("anvil_dropAllTransactions")
        chain.rpc("anvil_mine")
        assert has(contracts) == before
        sender.tick()
    assert sender.wait("forgotten").tx == tx
    assert has(contracts) == before + 1


def test_after_its_deadline_a_call_is_never_sent_and_its_nonce_is_used_up(
    sender: Sender, contracts: Contracts, chain: services.Chain
) -> None:
    before = has(contracts)
    with no_blocks(chain):
        now = contracts.node.tip("latest").ref.timestamp
        sender.submit("late", pay(contracts), deadline=now + 100)
        chain.rpc("anvil_dropAllTransactions")
        chain.rpc("evm_increaseTime", 200)
        chain.rpc("anvil_mine")
        sender.submit("next", pay(contracts))
        sender.tick()
    assert sender.wait("next").intent == "next"
    with pytest.raises(DeadlinePassed):
        sender.wait("late")
    assert [send.state for send in sender.sends()][-2:] == ["expired", "mined"]
    assert has(contracts) == before + 1


# --- undone ---------------------------------------------------------------------------------------


def test_a_transaction_whose_block_left_the_chain_is_sent_again(
    sender: Sender, contracts: Contracts, chain: services.Chain
) -> None:
    before = has(contracts)
    first = sender.send("undone", pay(contracts))
    with no_blocks(chain):
        chain.rpc("anvil_rollback", 1)
        chain.rpc("anvil_mine")
        assert has(contracts) == before
        sender.tick()
        state = sender.state("undone")
        assert state is not None
        assert state.state == "sent"
        sender.tick()
    receipt = sender.wait("undone")
    assert receipt.tx == first.tx
    assert receipt.block != first.block
    assert has(contracts) == before + 1


def test_a_gap_that_another_tools_lost_transaction_left_is_filled(
    sender: Sender, contracts: Contracts, chain: services.Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "GAP_SECONDS", 0.0)
    before = has(contracts)
    call = {"from": sender.address, "to": FRIEND, "value": "0x1"}
    chain.rpc("eth_sendTransaction", call)
    sender.send("behind", pay(contracts))
    with no_blocks(chain):
        chain.rpc("anvil_rollback", 2)
        chain.rpc("anvil_mine")
        sender.tick()
        sender.tick()
    assert sender.wait("behind").intent == "behind"
    assert [send.function for send in sender.sends()][-2:] == ["nothing", "transfer"]
    assert has(contracts) == before + 1


def test_a_nonce_used_elsewhere_is_noticed_and_the_intent_may_be_tried_again(
    sender: Sender, contracts: Contracts, chain: services.Chain
) -> None:
    before = has(contracts)
    with no_blocks(chain):
        sender.submit("pushed out", pay(contracts))
        chain.rpc("anvil_dropAllTransactions")
        call = {"from": sender.address, "to": FRIEND, "value": "0x1"}
        chain.rpc("eth_sendTransaction", call)
        chain.rpc("anvil_mine", "0x5")
    with pytest.raises(TransactionPending, match="took the place"):
        sender.wait("pushed out")
    assert has(contracts) == before
    assert sender.send("pushed out", pay(contracts)).intent == "pushed out"
    assert has(contracts) == before + 1


def test_on_a_full_disk_nothing_is_sent_and_nothing_is_lost(sender: Sender, contracts: Contracts) -> None:
    before, queued = has(contracts), sender.sends()
    (pages,) = sender._outbox._db.execute("PRAGMA page_count").fetchone()
    sender._outbox._db.execute(f"PRAGMA max_page_count = {pages}")

    def submit_many() -> None:
        for number in range(100):
            sender.submit(f"full {number}", pay(contracts, 0))

    with pytest.raises(DiskFull):
        submit_many()
    sender._outbox._db.execute("PRAGMA max_page_count = 1000000")
    sent = len(sender.sends()) - len(queued)
    receipt = sender.send("after", pay(contracts))
    assert receipt.function == "transfer"
    assert contracts.node.nonce(sender.address) == sender.sends()[-1].nonce + 1
    assert len(sender.sends()) == len(queued) + sent + 1
    assert has(contracts) == before + 1


def test_a_damaged_state_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "sends.sqlite").write_bytes(b"no database " * 100)
    with pytest.raises(StateUnusable, match=r"sends\.sqlite"):
        Outbox(tmp_path / "sends.sqlite", b"\x01" * 32, FRIEND)


def test_what_was_sent_on_a_chain_of_the_same_id_but_another_history_is_not_mixed(tmp_path: Path) -> None:
    Outbox(tmp_path / "sends.sqlite", b"\x01" * 32, FRIEND).close()
    with pytest.raises(OtherHistory):
        Outbox(tmp_path / "sends.sqlite", b"\x02" * 32, FRIEND)


def test_everything_kept_on_disk_is_free_of_the_key(
    tmp_path: Path, sender: Sender, contracts: Contracts
) -> None:
    sender.send("pay", pay(contracts))
    key = bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d")
    kept = (tmp_path / "sends.sqlite").read_bytes()
    assert key not in kept
    assert key.hex().encode() not in kept.lower()
    assert asdict(sender.sends()[-1])["state"] == "mined"
