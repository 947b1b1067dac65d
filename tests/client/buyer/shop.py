"""A market with one listed table, its owner as a key, and buyers who act through the real command.

Blocks come with transactions and time jumps, so nothing here waits. Seats are played by hand: what a buyer sees of a
job is the chain and the store, whoever computed.
"""

from __future__ import annotations

import io
import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

import services
from hexchange.chain.calls import Call
from hexchange.chain.contracts import Contracts, connect
from hexchange.chain.deploy import LOCAL_BOUNDS, UNIT, deploy, mint_call
from hexchange.chain.deployment import save_deployment
from hexchange.chain.events import ZERO_ADDRESS, Offer, OffersPublished
from hexchange.chain.offers import offer_digest, sign_offer
from hexchange.chain.sender import Receipt, Sender
from hexchange.chain.wallet import Keystores, Wallet
from hexchange.circuit.document import circuit_digest, encode_circuit
from hexchange.circuit.library.predict import predict
from hexchange.cli.app import main
from hexchange.follower import Follower
from hexchange.market import documents
from hexchange.market.digests import seal
from hexchange.market.manifests import Blob, Column, Edition, Manifest
from hexchange.market.messages import Offers, SignedOffer
from hexchange.market.results import Provenance, ReleasedOutput, ReleasedResult, SealedResult, sealed_size
from hexchange.market.state import Job
from hexchange.market.tables import circuit_table
from hexchange.sealing import seal_result
from hexchange.storage.cid import Cid
from hexchange.storage.folder import FolderStore

OWNER_KEY = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
OWNER = Wallet(bytes.fromhex(OWNER_KEY))
PROVIDER = Wallet(bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"))
PASSWORD = "correct horse"
PRICE, REWARD = 500, 10
COMPUTE = 600
DIGEST = b"the agreed digest".rjust(32)


@dataclass
class Shop:
    """The market; `buy` is the buyer's command."""

    chain: services.Chain
    contracts: Contracts
    folder: Path
    store: FolderStore
    owner: Sender
    provider: Sender
    follower: Follower
    manifest: Manifest
    home: Path = field(default=Path())
    salts: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # --- the owner --------------------------------------------------------------------------------

    def offer(self, **changes: Any) -> SignedOffer:
        """An offer that its owner signed, with some fields of another value."""
        offer = Offer(
            1, 0, documents.digest(self.manifest), circuit_digest(self.circuit), ZERO_ADDRESS, ZERO_ADDRESS, PRICE, 0,
            0, 1, REWARD, 100, 2, 2, 1 << 39, 5, next(self.salts).to_bytes(32),
        )  # fmt: skip
        offer = replace(offer, **changes)
        return SignedOffer(offer, sign_offer(OWNER, offer, *self.place))

    @property
    def place(self) -> tuple[int, str]:
        return self.contracts.chain_id, self.contracts.deployment.market

    @property
    def circuit(self) -> Any:
        columns, rows = self.manifest.columns, self.manifest.rows
        return predict(circuit_table(columns, rows, None), {"age": 0.5, "income": -0.25}, 1.0)

    def digest(self, signed: SignedOffer) -> str:
        return offer_digest(signed.offer, *self.place).hex()

    def publish(self, *offers: SignedOffer) -> bytes:
        """Announce offers; the digest of their document."""
        digest = self.store.put_block(documents.encode(Offers(offers)))
        sent = self.send(self.contracts.calls.publish_offers(1, digest))
        assert any(isinstance(event, OffersPublished) for event in sent.events)
        return digest

    def send(self, call: Call) -> Receipt:
        """A call of the owner."""
        return self.owner.send(f"step:{next(self.salts)}", call)

    # --- the buyer --------------------------------------------------------------------------------

    def options(self, home: Path | None = None) -> list[str]:
        home = home or self.home
        return [
            "--json", "--yes", "--home", str(home), "--rpc-url", self.chain.url, "--store",
            f"folder:{self.folder / 'store'}", "--password-file", str(home / "password"), "--deployment",
            str(self.folder / "deployment.json"),
        ]  # fmt: skip

    def buy(self, *words: str, exit_code: int = 0, home: Path | None = None) -> Any:
        """One command to its end: its document or its error; the lines of `watch`."""
        said, heard = io.StringIO(), io.StringIO()
        with redirect_stdout(said), redirect_stderr(heard), pytest.raises(SystemExit) as ended:
            main(["buy", *self.options(home), *words])
        assert (ended.value.code or 0) == exit_code, (words, said.getvalue(), heard.getvalue())
        if words[0] == "watch" and not exit_code:
            return [json.loads(line) for line in said.getvalue().splitlines()]
        document = json.loads(said.getvalue())
        assert document["schema_version"] == 1
        if exit_code:
            assert document["error"]["exit"] == exit_code
            assert document["error"]["hint"]
        return document.get("error", document)

    def open(self, signed: SignedOffer, **changes: Any) -> int:
        """A job on an offer in a file."""
        file = self.file(signed)
        terms = ("--compute", str(COMPUTE), "--release", "86400", "--fill", "60")
        return int(self.buy("open", "1", str(file), *terms, **changes)["job"])

    def file(self, *signed: SignedOffer) -> Path:
        path = self.folder / f"offer-{next(self.salts)}.json"
        path.write_bytes(documents.encode(Offers(signed)))
        return path

    def jobs(self) -> int:
        return self.contracts.views.job_count()

    # --- a job ------------------------------------------------------------------------------------

    def job(self, number: int) -> Job:
        self.follower.update()
        return self.follower.state.job(number)

    def wait(self, seconds: int) -> None:
        self.chain.rpc("evm_increaseTime", seconds)
        self.chain.rpc("anvil_mine", "0x1")

    def settle(self, number: int) -> Job:
        """One seat computes, seals, and names its digest."""
        calls, send = self.contracts.calls, self.provider.send
        self.chain.rpc("anvil_mine", "0x2")
        send(f"draw:{number}", calls.draw(number))
        send(f"seat:{number}", calls.take_seat(number, 0))
        self.wait(61)
        agreed = seal(*self.place, number, 1, 0, PROVIDER.address, DIGEST)
        send(f"commit:{number}", calls.commit(number, 0, agreed))
        send(f"settle:{number}", calls.settle(number, DIGEST))
        return self.job(number)

    def result(self, job: Job, **changes: Any) -> ReleasedResult:
        """What an honest owner would seal, with some fields of another value."""
        deployment, grid = self.contracts.deployment, self.circuit.release.grid
        provenance = Provenance(
            deployment.chain, deployment.market, job.id, 1, job.manifest, job.circuit, DIGEST, "linear"
        )
        rows = self.manifest.rows
        output = ReleasedOutput("score", (rows,), grid, tuple(range(rows)), 1e-6, None)
        return replace(ReleasedResult(provenance, 0, None, (output,)), **changes)

    def sealed(self, job: Job, document: ReleasedResult, /, *, key: bytes = b"", **changes: Any) -> Job:
        """The job as it is when this document is released: its bytes are in the store."""
        sealed = seal_result(documents.encode(document), sealed_size(document), key or job.result_key)
        cid = self.store.put(sealed.ciphertext)
        named = replace(SealedResult(job.id, str(cid), len(sealed.ciphertext)), **changes)
        digest = self.store.put_block(documents.encode(named))
        return replace(job, released=True, result=digest, sealed_key=sealed.sealed_key)

    def released(self) -> Job:
        """A job whose right result was released."""
        job = self.settle(self.open(self.offer()))
        made = self.sealed(job, self.result(job))
        assert made.result is not None
        self.send(self.contracts.calls.release(job.id, made.result, made.sealed_key))
        return self.job(job.id)

    # --- the store --------------------------------------------------------------------------------

    def path(self, digest: bytes | Cid) -> Path:
        """The file of a block."""
        name = str(digest if isinstance(digest, Cid) else Cid.raw(digest))
        return self.folder / "store" / name[-2:] / name

    @contextmanager
    def spoilt(self, digest: bytes | Cid, how: str) -> Iterator[None]:
        """The store gives something else for a block while this lasts."""
        path = self.path(digest)
        right = path.read_bytes()
        path.chmod(0o600)
        path.unlink()
        if how != "nothing":
            path.write_bytes(
                {"other bytes": bytes([right[0] ^ 1]) + right[1:], "fewer": right[:-1],
                 "more": right + bytes(9 << 20)}[how]
            )  # fmt: skip
        try:
            yield
        finally:
            path.write_bytes(right)


def buyer_home(folder: Path, chain: services.Chain, owner: Sender, contracts: Contracts, tokens: int) -> Path:
    """The home folder of a new buyer with one account, gas and tokens."""
    address = keystore(folder, os.urandom(32))
    chain.rpc("anvil_setBalance", address, hex(10**20))
    if tokens:
        owner.send(f"mint:{address}", mint_call(contracts.deployment, address, tokens))
    return folder


def keystore(home: Path, key: bytes) -> str:
    """Put a key into a home folder, at the low cost of a test; its address."""
    keyfile = Account.encrypt(key, PASSWORD, kdf="scrypt", iterations=8192)
    (home / "keystores").mkdir(parents=True)
    (home / "keystores" / "me.json").write_text(json.dumps(keyfile))
    (home / "password").write_text(PASSWORD)
    return Keystores(home / "keystores").find("").address


@contextmanager
def open_shop(folder: Path) -> Iterator[Shop]:
    """Chain, market, store, a listed table, and a buyer with a million base units."""
    store = FolderStore(folder / "store")
    columns = tuple(
        Column(name, "number", "feature", "", 0.0, high) for name, high in (("age", 100.0), ("income", 200.0))
    )
    blob = Blob(str(store.put(b"stands for a ciphertext")), 23)
    edition = Edition(
        "linear", bytes(32), "columns", 1, {column.name: (blob,) for column in columns}, None, {}
    )
    manifest = Manifest(
        "Applicants", "Made up for tests.", "CC0-1.0", columns, 40, None, "declared", (edition,), None, "4.3", None, 1,
        None,
    )  # fmt: skip
    with services.anvil(folder) as chain:
        chain.rpc("evm_setIntervalMining", 0)
        chain.rpc("evm_setAutomine", True)
        deployment = deploy(chain.url, OWNER, bounds=LOCAL_BOUNDS)
        save_deployment(folder / "deployment.json", deployment)
        contracts = connect(chain.url, deployment)
        with (
            Sender(folder / "owner.sqlite", OWNER, contracts) as owner,
            Sender(folder / "provider.sqlite", PROVIDER, contracts) as provider,
        ):
            calls = contracts.calls
            digest = store.put_block(documents.encode(manifest))
            owner.send("list", calls.list_dataset(digest, 0, 1000))
            provider.send("mint", mint_call(deployment, PROVIDER.address, UNIT))
            provider.send("approve", calls.approve(UNIT))
            provider.send("stake", calls.multicall([calls.deposit(UNIT), calls.stake(UNIT)]))
            chain.rpc("evm_increaseTime", "0x2")  # stake serves jobs that open in a later second
            shop = Shop(chain, contracts, folder, store, owner, provider, Follower(contracts), manifest)
            store.put_block(encode_circuit(shop.circuit))
            shop.home = buyer_home(folder / "home", chain, owner, contracts, 1_000_000)
            yield shop
