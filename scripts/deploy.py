"""Deploys a market and writes its deployment file, with Brownie.

On a local chain, with a token that anybody may mint and windows of seconds:
    scripts/brownie run deploy main [OUT]
Anywhere else, with the settings of a TOML file (account, token, unit, exit, finality and a table of bounds), and with
the accounts and networks that Brownie keeps in a folder of your choice, such as your home:
    BROWNIE_HOME=$HOME scripts/brownie networks add live NETWORK host=URL chainid=NUMBER
    BROWNIE_HOME=$HOME scripts/brownie accounts new ACCOUNT
    BROWNIE_HOME=$HOME scripts/brownie run deploy public SETTINGS OUT --network NETWORK
What was deployed is compared with the sources by scripts/verify_deployment.py.
"""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from brownie import DataMarket, MockToken, ProviderStake, accounts, chain, project, web3
from brownie.network.account import Account
from brownie.network.contract import ProjectContract
from web3.exceptions import Web3Exception

LOCAL_CHAINS = (1337, 31337)
FINALITIES = ("finalized", "safe", "latest")
LARGEST_JURY = 15
BEACON_BLOCKS = 8
"""So many of the newest blocks must have seen different beacons: some chains repeat that of another chain."""
READ_BEACON = "0x4460015260215ff3"
"""PREVRANDAO 1 MSTORE, 33 PUSH0 RETURN: a zero and what a contract sees, whatever the header says. The call creates a
contract, and without the zero every 256th value would be refused as its code, because it starts with 0xEF."""
METADATA_BYTES = 53
"""The last bytes of compiled code: a hash of all its sources and settings, wrapped in CBOR."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The windows of a market in seconds, in the order of its constructor."""

    min_fill: int
    max_fill: int
    min_compute: int
    max_compute: int
    min_release: int
    max_release: int
    naming: int


@dataclass(frozen=True, slots=True)
class Settings:
    """What a market is made of. `unit` is the stake of one ticket in base units, `exit` the delay in seconds."""

    token: str
    unit: int
    exit: int
    finality: str
    bounds: Bounds


PUBLIC_BOUNDS = Bounds(300, 86_400, 600, 604_800, 86_400, 2_592_000, 21_600)
PUBLIC_EXIT = 604_800
LOCAL_BOUNDS = Bounds(2, 86_400, 2, 604_800, 5, 2_592_000, 10)
LOCAL_EXIT = 10
LOCAL_UNIT = 100 * 10**18


class Refused(Exception):
    """A market with these settings, on this chain, would not be what it says."""


def check(settings: Settings, local: bool) -> None:
    """Raises Refused with the first thing that is wrong."""
    if int(settings.token, 16) == 0:
        raise Refused("the token is the zero address: name the ERC-20 in which the market pays")
    if not web3.eth.get_code(settings.token):
        raise Refused(f"there is no contract at {settings.token}: is this the chain of the token?")
    if settings.unit < 1:
        raise Refused("a ticket needs a stake: unit is at least 1")
    if settings.finality not in FINALITIES:
        raise Refused(f"finality is one of {', '.join(FINALITIES)}")
    if not local:
        check_public(settings)


def check_public(settings: Settings) -> None:
    """What is for tests stays on local chains."""
    if settings.bounds != PUBLIC_BOUNDS:
        raise Refused(f"windows of a test are for local chains: a public market has {PUBLIC_BOUNDS}")
    if settings.exit != PUBLIC_EXIT:
        raise Refused(f"a public market lets stake go after {PUBLIC_EXIT} seconds")
    mock = mock_name(settings.token)
    if mock:
        raise Refused(f"the token {settings.token} is {mock}: mocks are for local chains")
    if anybody_mints(settings.token):
        raise Refused(f"anybody may mint the token {settings.token}: mocks are for local chains")
    check_unit(settings.token, settings.unit)


def check_unit(address: str, unit: int) -> None:
    """A unit of dust means tickets without number to search, one that nobody can stake means no jury."""
    token = web3.eth.contract(address=address, abi=MockToken.abi)
    try:
        one, supply = 10 ** token.functions.decimals().call(), token.functions.totalSupply().call()
    except (Web3Exception, ValueError):
        raise Refused(f"{address} does not say its decimals and its supply: is it an ERC-20?") from None
    if unit < one:
        raise Refused(f"a unit of a test is for local chains: one whole token, {one}, is the least")
    if unit > supply // LARGEST_JURY:
        raise Refused(f"a jury of {LARGEST_JURY} units is more than the whole supply of {supply}")


def mock_name(token: str) -> str | None:
    """Which of the mocks of this project stands there: code ends in a hash of its sources, whatever was set in it."""
    end = bytes(web3.eth.get_code(token))[-METADATA_BYTES:]
    for contract in project.get_loaded_projects()[0]:
        if "/mocks/" in contract._build["sourcePath"] and bytes.fromhex(contract.bytecode).endswith(end):
            return contract._name
    return None


def anybody_mints(token: str) -> bool:
    """Whether a stranger's `mint` would succeed, as a mock's does."""
    stranger = "0x" + "99" * 20
    contract = web3.eth.contract(address=token, abi=MockToken.abi)
    try:
        contract.functions.mint(stranger, 1).call({"from": stranger})
    except (Web3Exception, ValueError):  # a revert, or no such function; old nodes answer with a ValueError
        return False
    return True


def require_randomness() -> None:
    """The draw needs a beacon: two blocks with the same value would give two rounds the same luck."""
    latest = web3.eth.block_number
    blocks = range(max(0, latest - BEACON_BLOCKS + 1), latest + 1)
    seen = {bytes(web3.eth.call({"data": READ_BEACON}, block)) for block in blocks}
    if len(seen) < len(blocks) or len(blocks) < 2:
        raise Refused("prevrandao is the same in two blocks: on this chain the draw could be foreseen")


def deploy(settings: Settings, account: Account, local: bool) -> dict:
    """Both contracts, each knowing the other; returns what the deployment file holds."""
    check(settings, local)
    require_randomness()
    market_address = account.get_deployment_address(account.nonce + 1)
    stake = account.deploy(ProviderStake, settings.token, market_address, settings.unit, settings.exit)
    market = account.deploy(DataMarket, stake, tuple(asdict(settings.bounds).values()))
    both = {"market": market, "stake": stake}
    return {
        "chain": chain.id,
        "market": market.address,
        "stake": stake.address,
        "token": settings.token,
        "block": stake.tx.block_number,
        "finality": settings.finality,
        "code": {name: code_hash(contract.address) for name, contract in both.items()},
        "created": {name: contract.tx.txid for name, contract in both.items()},
        "arguments": {name: constructor_arguments(contract) for name, contract in both.items()},
    }


def code_hash(address: str) -> str:
    """keccak-256 of the runtime code, which a client compares before it trusts the contract."""
    return web3.to_hex(web3.keccak(web3.eth.get_code(address)))


def constructor_arguments(contract: ProjectContract) -> str:
    """As they were sent: what follows the creation code, encoded as explorers ask for them."""
    code = "0x" + contract._build["bytecode"]
    sent = contract.tx.input
    assert sent.startswith(code), f"{contract._name} was created with other code than it was compiled to"
    return "0x" + sent[len(code) :]


def write(deployment: dict, out: str) -> None:
    """The file, whole or not at all."""
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("w", encoding="utf-8") as file:
        file.write(json.dumps(deployment, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    print(f"market {deployment['market']}, ledger {deployment['stake']}: written to {path}")


def read_settings(path: str) -> tuple[Settings, str]:
    """The settings of a TOML file and the name of the Brownie account that deploys."""
    table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    account = table.pop("account")
    return Settings(**table | {"bounds": Bounds(**table["bounds"])}), account


def main(out: str = "build/deployment.json") -> dict:
    """A market of one's own on a local chain."""
    if chain.id not in LOCAL_CHAINS:
        raise Refused(f"chain {chain.id} is not a local one: use `brownie run deploy public SETTINGS OUT`")
    account = accounts[0]
    token = account.deploy(MockToken, "Hexchange Dollar", "HXD", 18)
    settings = Settings(token.address, LOCAL_UNIT, LOCAL_EXIT, "finalized", LOCAL_BOUNDS)
    deployment = deploy(settings, account, local=True)
    write(deployment, out)
    return deployment


def public(settings_path: str, out: str) -> dict:
    """A market on any other chain; asks for the password of the account."""
    settings, name = read_settings(settings_path)
    deployment = deploy(settings, accounts.load(name), local=chain.id in LOCAL_CHAINS)
    write(deployment, out)
    return deployment
