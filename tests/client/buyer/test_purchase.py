"""Asking for an offer and opening a job: what is locked, what is refused, and that it is bought once."""

from __future__ import annotations

import json
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import skops.io
from shop import OWNER, OWNER_KEY, PRICE, REWARD, Shop, buyer_home, keystore
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeRegressor

from hexchange.chain.events import JobOpened
from hexchange.chain.wallet import Keystores
from hexchange.circuit.document import circuit_digest, parse_circuit
from hexchange.circuit.library.predict import scoring
from hexchange.circuits import read_model
from hexchange.errors import ModelUnreadable
from hexchange.market import documents
from hexchange.market.messages import OfferRequest
from hexchange.market.tables import circuit_table

KILLED = Path(__file__).with_name("killed_buyer.py")
HEXCHANGE = str(Path(sys.executable).with_name("hexchange"))
ESCROW = PRICE + REWARD


def opened(shop: Shop, digest: str) -> list[JobOpened]:
    """How often an offer opened a job, as the chain tells it."""
    shop.follower.update()
    events = [job.timeline[0] for job in shop.follower.state.jobs.values() if job.offer.hex() == digest]
    return [event for event in events if isinstance(event, JobOpened)]


def test_opening_locks_price_and_rewards_and_pulls_no_more_than_is_missing(shop: Shop) -> None:
    me = Keystores(shop.home / "keystores").find("").address
    before = shop.contracts.views.balance_of(me)
    bought = shop.buy("open", "1", str(shop.file(shop.offer())), "--seats", "2")
    after = shop.contracts.views.balance_of(me)
    assert bought["escrow"] == str(ESCROW + REWARD)
    assert before.wallet + before.free - after.wallet - after.free == ESCROW + REWARD
    assert (after.free, shop.contracts.views.allowance_of(me)) == (max(0, before.free - ESCROW - REWARD), 0)
    assert bought["token"]["symbol"] == "HXD"
    job = shop.job(bought["job"])
    assert (job.seats, job.floor, job.reward, job.buyer) == (2, REWARD, REWARD, me)


def test_a_standing_offer_is_bought_as_often_as_asked(shop: Shop) -> None:
    signed = shop.offer()
    shop.publish(signed)
    digest = shop.digest(signed)
    first, second = (shop.buy("open", "1", digest[:16])["job"] for _ in range(2))
    assert second > first
    assert len(opened(shop, digest)) == 2


def test_too_little_token_names_what_is_missing_and_nothing_is_sent(shop: Shop, tmp_path: Path) -> None:
    poor = buyer_home(tmp_path, shop.chain, shop.owner, shop.contracts, ESCROW - 1)
    before, file = shop.jobs(), str(shop.file(shop.offer()))
    short = shop.buy("open", "1", file, exit_code=7, home=poor)
    assert short["code"] == "insufficient-funds"
    assert "0.000000000000000001 HXD more" in short["hint"]
    assert shop.jobs() == before
    address = Keystores(poor / "keystores").find("").address
    shop.chain.rpc("anvil_setBalance", address, "0x0")
    assert shop.buy("request", "1", "describe", exit_code=7, home=poor)["code"] == "not-enough-gas-money"


def test_a_token_without_permits_is_paid_by_an_exact_approval(shop: Shop, tmp_path: Path) -> None:
    home = buyer_home(tmp_path, shop.chain, shop.owner, shop.contracts, 10_000)
    token = shop.contracts.deployment.token
    named = shop.chain.rpc("eth_getStorageAt", token, "0x3", "latest")
    # With another name its signing domain is none that we could sign for.
    shop.chain.rpc("anvil_setStorageAt", token, hex(3), "0x" + b"Other".ljust(31, b"\0").hex() + "0a")
    try:
        bought = shop.buy("open", "1", str(shop.file(shop.offer())), home=home)
    finally:
        shop.chain.rpc("anvil_setStorageAt", token, hex(3), named)
    address = Keystores(home / "keystores").find("").address
    assert bought["escrow"] == str(ESCROW)
    assert shop.contracts.views.allowance_of(address) == 0


def test_a_buyer_without_an_account_is_told_how_to_get_one(shop: Shop, tmp_path: Path) -> None:
    assert (
        shop.buy("open", "1", str(shop.file(shop.offer())), home=tmp_path, exit_code=4)["code"]
        == "account-not-found"
    )
    keystore(tmp_path, bytes(31) + b"\7")
    (tmp_path / "password").write_text("another")
    assert (
        shop.buy("open", "1", str(shop.file(shop.offer())), home=tmp_path, exit_code=2)["code"]
        == "wrong-password"
    )


def test_nothing_is_signed_without_a_yes(shop: Shop) -> None:
    before = shop.jobs()
    options = [word for word in shop.options() if word != "--yes"]
    asked = [HEXCHANGE, *options, "buy", "open", "1", str(shop.file(shop.offer()))]
    done = subprocess.run(asked, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (3, "declined")
    for words in (
        "locked now",
        "from the wallet",
        "no differential privacy",
        shop.contracts.deployment.market,
    ):
        assert words in done.stderr
    assert shop.jobs() == before


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_around_the_sending_the_same_command_buys_once(shop: Shop, when: str) -> None:
    signed = shop.offer(max_uses=1)
    command = ["buy", *shop.options(), "open", "1", str(shop.file(signed))]
    killed = subprocess.run([sys.executable, str(KILLED), when, *command], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed
    assert len(opened(shop, shop.digest(signed))) == (0 if when == "before" else 1)
    bought = shop.buy("open", "1", command[-1])
    (event,) = opened(shop, shop.digest(signed))
    assert (bought["job"], bought["escrow"]) == (event.job, str(ESCROW))
    shop.buy("open", "1", command[-1], exit_code=9)  # once it was told, the same words mean another job


@contextmanager
def no_blocks(shop: Shop) -> Iterator[None]:
    shop.chain.rpc("evm_setAutomine", False)
    try:
        yield
    finally:
        shop.chain.rpc("evm_setAutomine", True)
        shop.chain.rpc("anvil_mine", "0x1")


def test_interrupted_while_it_waits_for_its_block_the_same_command_buys_once(shop: Shop) -> None:
    signed = shop.offer(max_uses=1)
    command = [HEXCHANGE, "buy", *shop.options(), "open", "1", str(shop.file(signed))]
    with no_blocks(shop):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while shop.chain.rpc("txpool_status")["pending"] == "0x0":
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said, heard = process.communicate(timeout=30)
    assert process.returncode == 130, heard
    assert "same command" in json.loads(said)["error"]["hint"]
    bought = shop.buy("open", "1", command[-1])
    (event,) = opened(shop, shop.digest(signed))
    assert bought["job"] == event.job


def test_a_request_is_published_once_and_says_what_the_owner_runs(shop: Shop, tmp_path: Path) -> None:
    model = tmp_path / "model.skops"
    rows = np.array([[20.0, 100.0], [50.0, 10.0], [70.0, 30.0]])
    skops.io.dump(LogisticRegression().fit(rows, [0, 1, 1]), model)
    words = (
        "request",
        "1",
        "predict",
        "--model",
        str(model),
        "--price",
        "0.5",
        "--seats",
        "2",
        "--purpose",
        "scores",
    )
    asked = shop.buy(*words)
    assert shop.buy(*words)["tx"] == asked["tx"]
    shop.follower.update()
    (buyer, digest), *earlier = reversed(shop.follower.state.dataset(1).requests)
    request = documents.parse(OfferRequest, shop.store.get_block(digest))
    assert (request.buyer, request.price, request.seats, request.purpose) == (buyer, 5 * 10**17, 2, "scores")
    assert digest not in [found for _, found in earlier]
    circuit = parse_circuit(shop.store.get_block(bytes.fromhex(asked["circuit"][2:])))
    assert (circuit.result, circuit_digest(circuit)) == ("probability", request.circuit)


def test_what_cannot_be_asked_for_says_why(shop: Shop, tmp_path: Path) -> None:
    assert shop.buy("request", "1", "divine", exit_code=4)["code"] == "circuit-not-found"
    assert shop.buy("request", "1", "predict", exit_code=2)["code"] == "model-missing"
    assert shop.buy("request", "9", "describe", exit_code=4)["code"] == "dataset-not-found"
    assert shop.buy("request", "1", "logistic", exit_code=8)["code"] == "malformed-circuit"  # it has no label
    pickled = tmp_path / "model.skops"
    pickled.write_bytes(pickle.dumps(LinearRegression().fit([[1.0, 2.0]], [1.0])))
    refused = shop.buy("request", "1", "predict", "--model", str(pickled), exit_code=2)
    assert (refused["code"], "skops" in refused["hint"]) == ("model-unreadable", True)


@pytest.mark.parametrize(
    "model",
    [DecisionTreeRegressor().fit([[1.0, 2.0], [3.0, 4.0]], [0, 1]), LinearRegression()],
    ids=["tree", "unfitted"],
)
def test_a_model_that_is_no_fitted_linear_one_is_refused(tmp_path: Path, model: object) -> None:
    skops.io.dump(model, tmp_path / "model.skops")
    with pytest.raises(ModelUnreadable):
        read_model(tmp_path / "model.skops")


def test_a_model_of_other_columns_is_refused(shop: Shop) -> None:
    table = circuit_table(shop.manifest.columns, shop.manifest.rows, None)
    with pytest.raises(ModelUnreadable, match="3 coefficients"):
        scoring(table, LinearRegression().fit(np.eye(3), [1.0, 2.0, 4.0]))
    with pytest.raises(ModelUnreadable):
        scoring(table, LinearRegression().fit(np.eye(2), np.eye(2)))


def test_the_owner_of_a_dataset_pays_no_price_to_itself(shop: Shop, tmp_path: Path) -> None:
    keystore(tmp_path, bytes.fromhex(OWNER_KEY))
    signed = shop.offer(guarantee=50, buyer=OWNER.address)
    quoted = shop.buy("quote", "1", str(shop.file(signed)), home=tmp_path)
    assert (quoted["price"], quoted["guarantee"], quoted["escrow"]) == ("0", "0", str(REWARD))
    assert "for another buyer" in shop.buy("quote", "1", str(shop.file(signed)), exit_code=9)["message"]
