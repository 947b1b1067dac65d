"""The stage: chain, store, market, and everybody with their money, keys and processes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import services
from demo import accounts, story
from demo.cast import NATIVE, Participant, fund
from hexchange.chain.contracts import Contracts
from hexchange.chain.deploy import deploy
from hexchange.chain.deployment import Deployment, save_deployment
from hexchange.chain.views import Bounds
from hexchange.chain.wallet import Wallet
from hexchange.follower import Follower
from hexchange.market.state import Job
from hexchange.provider import config
from hexchange.provider.stake import stake

BOUNDS = Bounds(
    min_fill=5, max_fill=86_400, min_compute=10, max_compute=604_800, min_release=30, max_release=2_592_000,
    naming=60,
)  # fmt: skip
"""Seconds, as only a local chain may have them."""

OWNERS = ("hospital", "bureau", "clinic")
BUYERS = ("researcher", "lender", "statistician")
PROVIDERS = tuple(f"provider-{number}" for number in range(1, 6))
STRANGER = "stranger"
WRONG = ("5:1", "6:0")
"""In these jobs whoever holds this seat of round one seals a wrong digest: the demo's only misbehaviour."""

TOKEN = 10**18
MONEY = {"hospital": 200, "bureau": 200, "clinic": 200, "researcher": 500, "lender": 500, "statistician": 500,
         STRANGER: 500}  # fmt: skip
PROVIDER_MONEY = 3000
STAKE = 2500 * TOKEN
GUARANTEES = 100 * TOKEN


@dataclass
class Stage:
    """What the acts play on."""

    stack: ExitStack
    folder: Path
    chain: services.Chain
    deployment: Deployment
    cast: dict[str, Participant]
    follower: Follower
    before: dict[str, accounts.Holdings]
    supply: int
    store: str

    @classmethod
    def set(cls, stack: ExitStack, folder: Path, store: str) -> Stage:
        """Start chain and store, deploy, hand out money, stake, and start the providers."""
        chain = stack.enter_context(services.anvil(folder / "chain"))
        story.line(f"a chain of our own: anvil, chain {31337}, a block each second, at {chain.url}")
        deployer = Wallet(b"\x01" * 32)
        chain.rpc("anvil_setBalance", deployer.address, hex(NATIVE))
        deployment = deploy(chain.url, deployer, bounds=BOUNDS)
        file = folder / "deployment.json"
        save_deployment(file, deployment)
        story.line(f"contracts: market {deployment.market}, ledger {deployment.stake}")
        first, second = _stores(stack, folder, store)
        cast = {
            role: Participant(
                role, folder / role, chain.url, second if role in (*PROVIDERS, STRANGER) else first, file, deployment
            )
            for role in (*OWNERS, *BUYERS, *PROVIDERS, STRANGER)
        }  # fmt: skip
        with ThreadPoolExecutor(2) as pool:  # a key needs 256 MB while it is stretched
            list(pool.map(Participant.enter, cast.values()))
            list(pool.map(lambda one: fund(one, chain, _money(one.role)), cast.values()))
        contracts = cast["stranger"].contracts
        before = accounts.holdings(contracts, list(cast.values()))
        stage = cls(stack, folder, chain, deployment, cast, Follower(contracts), before,
                    sum(each.wallet for each in before.values()), store)  # fmt: skip
        stage.start_providers()
        return stage

    @property
    def contracts(self) -> Contracts:
        return self.follower.contracts

    def start_providers(self) -> None:
        """Stake and start the five providers; each is told which seats are to be wrong, whoever gets them."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(_stake, (self.cast[role] for role in PROVIDERS)))
        wrong = [word for text in WRONG for word in ("--wrong", text)]
        for role in PROVIDERS:
            participant = self.cast[role]
            command = [sys.executable, "-m", "demo.provider", *participant.options(), *wrong]
            participant.process = self.stack.enter_context(participant.start(command))
        story.line(
            f"{len(PROVIDERS)} providers staked {self.contracts.token.format(STAKE)} each and wait for work"
        )

    def start_owner(self, role: str) -> None:
        """Start the owner's service: its own run of every job, the gate, and the release."""
        participant = self.cast[role]
        participant.process = self.stack.enter_context(
            participant.start(participant.command("owner", "watch"))
        )

    def job(self, number: int) -> Job:
        """The job as the chain tells it now."""
        self.follower.update()
        return self.follower.state.job(number)

    def wait(self, number: int, until: Callable[[Job], bool], seconds: float = 240) -> Job:
        """Wait until the job is as wished. Raises RuntimeError when that takes too long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            job = self.job(number)
            if until(job):
                return job
            self._check_processes()
            time.sleep(0.5)
        raise RuntimeError(f"job {number} is still {self.job(number).state} after {seconds:.0f} s")

    def _check_processes(self) -> None:
        for participant in self.cast.values():
            if participant.process and participant.process.poll() is not None:
                log = (participant.home / "service.log").read_text(errors="replace")[-1500:]
                raise RuntimeError(f"the service of {participant.role} ended:\n{log}")

    def keep(self) -> None:
        """Serve chain and pages until the user stops us."""
        stranger = self.cast[STRANGER]
        port = services.free_port()
        command = [
            str(Path(sys.executable).with_name("hexchange-backend")), "--deployment", str(stranger.deployment_file),
            "--rpc-url", self.chain.url, "--store", stranger.store_address, "--port", str(port),
            "--database", str(self.folder / "backend" / "index.sqlite"),
        ]  # fmt: skip
        (self.folder / "backend").mkdir()
        with services.running(command, self.folder / "backend" / "service.log"):
            story.line(
                f"chain {self.chain.url}, pages http://127.0.0.1:{port}/, API http://127.0.0.1:{port}/docs"
            )
            story.line("everything stops with Ctrl-C")
            try:
                while True:
                    time.sleep(1)
            except KeyboardInterrupt:
                story.line("stopped")


def _stores(stack: ExitStack, folder: Path, kind: str) -> tuple[str, str]:
    """Addresses of the owners' and buyers' store and of the providers'."""
    if kind == "folder":
        address = f"folder:{folder / 'store'}"
        story.line(f"a content store of our own: the folder {folder / 'store'}")
        return address, address
    one, two = stack.enter_context(services.kubo_pair(folder / "nodes"))
    story.line(f"two private Kubo nodes: {one.api} for owners and buyers, {two.api} for providers")
    return one.api, two.api


def _money(role: str) -> int:
    return MONEY.get(role, PROVIDER_MONEY) * TOKEN


def _stake(participant: Participant) -> None:
    config.write_template(participant.home / "provider" / "provider.toml")
    with participant.sender() as sender:
        stake(participant.contracts, sender, participant.wallet, STAKE)
