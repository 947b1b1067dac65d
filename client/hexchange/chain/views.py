"""What the contracts know, asked directly: balances, and facts to check the fold of events against."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

from web3 import Web3

from hexchange.chain.artifacts import artifact
from hexchange.chain.deployment import Deployment
from hexchange.chain.events import Offer
from hexchange.chain.node import Node


@dataclass(frozen=True, slots=True)
class Balance:
    """All that one address has, in base units: `locked` is the part of `staked` bonded to seats; `leaving` is
    free from `available_at`; `since` the time of its last stake."""

    wallet: int
    free: int
    staked: int
    locked: int
    leaving: int
    available_at: int
    since: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of the windows in seconds, fixed for good."""

    min_fill: int
    max_fill: int
    min_compute: int
    max_compute: int
    min_release: int
    max_release: int
    naming: int


@dataclass(frozen=True, slots=True)
class Budget:
    """`reserved` + `spent` never exceeds `limit`."""

    limit: int
    reserved: int
    spent: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """A listed dataset; `epsilon` in millionths, `exact` a count of releases without noise."""

    manifest: bytes
    epoch: int
    delisted: bool
    epsilon: Budget
    exact: Budget


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat of an open round; provider zero: empty, seal zero: not committed."""

    provider: str
    ticket: int
    seal: bytes


class Views:
    """Reads of one deployment, at the latest block unless `block` (number or tag) says otherwise."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        self._node = node
        eth = node.web3.eth
        self._market = eth.contract(address=_address(deployment.market), abi=artifact("DataMarket").abi)
        self._stake = eth.contract(address=_address(deployment.stake), abi=artifact("ProviderStake").abi)
        self._token = eth.contract(address=_address(deployment.token), abi=artifact("MockToken").abi)

    # --- money ------------------------------------------------------------------------------------

    def balance_of(self, account: str, block: int | str = "latest") -> Balance:
        """Wallet and ledger of one address."""
        staked, locked, since, free, leaving, available = self._read(self._stake, "accountOf", block, account)
        return Balance(self.wallet_of(account, block), free, staked, locked, leaving, available, since)

    def wallet_of(self, account: str, block: int | str = "latest") -> int:
        """Tokens in the wallet itself."""
        return int(self._read(self._token, "balanceOf", block, account))

    def allowance_of(self, account: str) -> int:
        """What the ledger may pull from the wallet."""
        return int(self._read(self._token, "allowance", "latest", account, self._stake.address))

    def burnt(self, block: int | str = "latest") -> int:
        return int(self._read(self._stake, "burnt", block))

    def unit(self) -> int:
        """Stake of one ticket, base units."""
        return int(self._read(self._stake, "unit"))

    def exit_delay(self) -> int:
        """Seconds between unstake and collect."""
        return int(self._read(self._stake, "exitDelay"))

    # --- datasets, offers, jobs -------------------------------------------------------------------

    def bounds(self) -> Bounds:
        return Bounds(*self._read(self._market, "bounds"))

    def dataset_count(self) -> int:
        return int(self._read(self._market, "datasetCount"))

    def job_count(self) -> int:
        return int(self._read(self._market, "jobCount"))

    def owner_of(self, dataset: int) -> str:
        return str(self._read(self._market, "ownerOf", "latest", dataset))

    def dataset_of(self, dataset: int, block: int | str = "latest") -> Dataset:
        manifest, epoch, delisted, epsilon, exact = self._read(self._market, "datasetOf", block, dataset)
        return Dataset(bytes(manifest), epoch, delisted, Budget(*epsilon), Budget(*exact))

    def job_of(self, job: int, block: int | str = "latest") -> dict[str, Any]:
        """Everything the contracts know of a job, by the names of the interface's JobView."""
        entry = next(each for each in artifact("DataMarket").abi if each.get("name") == "jobOf")
        found: dict[str, Any] = _named(entry["outputs"][0], self._read(self._market, "jobOf", block, job))
        return found

    def seats_of(self, job: int, round_: int, block: int | str = "latest") -> tuple[Seat, ...]:
        """The seats of an open round; empty after it is closed."""
        found = self._read(self._stake, "seatsOf", block, job, round_)
        return tuple(Seat(provider, ticket, bytes(seal)) for provider, ticket, seal in found)

    def offer_use_of(self, digest: bytes, block: int | str = "latest") -> tuple[int, bool]:
        """How many jobs an offer opened, and whether it was cancelled."""
        uses, cancelled = self._read(self._market, "offerUseOf", block, digest)
        return int(uses), bool(cancelled)

    def offer_digest_of(self, offer: Offer) -> bytes:
        return bytes(self._read(self._market, "offerDigestOf", "latest", astuple(offer)))

    # --- the token --------------------------------------------------------------------------------

    def token_words(self) -> tuple[str, str, int]:
        """Name, symbol and decimals; foreign text, cut and cleaned for display."""
        name, symbol = (_clean(self._read(self._token, each)) for each in ("name", "symbol"))
        return name, symbol, int(self._read(self._token, "decimals"))

    def permit_nonce(self, account: str) -> int:
        return int(self._read(self._token, "nonces", "latest", account))

    def permit_domain(self) -> tuple[str, bytes]:
        """The token's name as it stands, and its EIP-712 domain separator."""
        return str(self._read(self._token, "name")), bytes(self._read(self._token, "DOMAIN_SEPARATOR"))

    def links(self) -> tuple[str, str, str]:
        """Which market, stake and token the contracts name themselves."""
        market = self._read(self._stake, "market")
        return market, self._read(self._market, "stake"), self._read(self._stake, "token")

    def _read(self, contract: Any, function: str, block: int | str = "latest", *arguments: Any) -> Any:
        question = contract.functions[function](*arguments)
        with self._node.edge():
            return question.call(block_identifier=block)


def _address(text: str) -> Any:
    return Web3.to_checksum_address(text)


def _clean(text: str) -> str:
    return "".join(each for each in text if each.isprintable())[:32]


def _named(entry: Any, value: Any) -> Any:
    if entry["type"] == "tuple":
        inner = zip(entry["components"], value, strict=True)
        return {component["name"]: _named(component, each) for component, each in inner}
    return bytes(value) if isinstance(value, bytes) else value
