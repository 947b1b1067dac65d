"""Connecting checks what it connects to; calls, views and refusals speak the contracts' language."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from pathlib import Path
from string import Formatter

import pytest
from eth_utils.abi import function_abi_to_4byte_selector

import services
from hexchange.chain.artifacts import CONTRACTS, artifact
from hexchange.chain.contracts import Contracts, connect
from hexchange.chain.deploy import deploy
from hexchange.chain.deployment import Deployment, load_deployment, save_deployment
from hexchange.chain.events import EVENTS, NO_PERMIT, ZERO_BYTES32, Offer, Terms
from hexchange.chain.offers import offer_digest, recover_signer, sign_offer
from hexchange.chain.permits import sign_permit
from hexchange.chain.refusals import REFUSALS
from hexchange.chain.reverts import explain
from hexchange.chain.sender import Sender
from hexchange.chain.wallet import Wallet
from hexchange.errors import (
    BadSignature,
    BrokenDeployment,
    ContractReverted,
    NodeUnreachable,
    NotEnoughTokens,
    WrongChain,
    WrongContracts,
)

LIBRARY_ERRORS = ("ERC", "ECDSA", "SafeERC", "Reentrancy", "Invalid", "String")


def offer(**changes: object) -> Offer:
    values = Offer(
        dataset=1, epoch=0, manifest=b"\x01" * 32, circuit=b"\x02" * 32, buyer="0x" + "00" * 20,
        payee="0x" + "11" * 20, price=10**18, guarantee=5, epsilon=500_000, min_seats=1, min_reward=1,
        max_reward=10**19, min_fill=2, min_compute=3, expiry=2**39, max_uses=7, salt=b"\xff" * 32,
    )  # fmt: skip
    return replace(values, **changes)  # type: ignore[arg-type]


# --- connecting -----------------------------------------------------------------------------------


def test_a_deployment_file_reads_back(tmp_path: Path, deployment: Deployment) -> None:
    save_deployment(tmp_path / "deployment.json", deployment)
    assert load_deployment(tmp_path / "deployment.json") == deployment


@pytest.mark.parametrize(
    "changes",
    [{"market": "0x12"}, {"chain": "31337"}, {"block": -1}, {"finality": "soon"}, {"code": {}},
     {"token": None}, {"code": {"market": "00", "stake": "00"}}, {"created": {"market": "00", "stake": "00"}},
     {"arguments": {}}, {"arguments": {"market": "0x", "stake": "words"}}, {"more": 1}],
)  # fmt: skip
def test_a_malformed_deployment_file_is_refused(
    changes: dict[str, object], tmp_path: Path, deployment: Deployment
) -> None:
    path = tmp_path / "deployment.json"
    path.write_text(json.dumps({**dataclasses.asdict(deployment), **changes}))
    with pytest.raises(BrokenDeployment):
        load_deployment(path)
    path.write_text("{")
    with pytest.raises(BrokenDeployment):
        load_deployment(path)
    with pytest.raises(BrokenDeployment, match="No such file"):
        load_deployment(tmp_path / "absent.json")


def test_a_node_on_another_chain_is_refused(chain: services.Chain, deployment: Deployment) -> None:
    with pytest.raises(WrongChain, match="on chain 31337, the deployment on chain 1"):
        connect(chain.url, replace(deployment, chain=1))


def test_a_node_without_our_contracts_is_refused(chain: services.Chain, deployment: Deployment) -> None:
    with pytest.raises(WrongContracts, match="no contract"):
        connect(chain.url, replace(deployment, market="0x" + "00" * 19 + "77"))
    with pytest.raises(WrongContracts, match="other code"):
        connect(chain.url, replace(deployment, stake=deployment.token))


def test_contracts_of_two_markets_are_not_mixed(chain: services.Chain, deployment: Deployment) -> None:
    other = deploy(chain.url, _funded(chain))
    mixed = replace(deployment, stake=other.stake, code={**deployment.code, "stake": other.code["stake"]})
    with pytest.raises(WrongContracts):
        connect(chain.url, mixed)


def test_an_unreachable_node_is_named_without_its_secrets(deployment: Deployment) -> None:
    url = f"http://user:hunter2@127.0.0.1:{services.free_port()}/v3/secret"
    with pytest.raises(NodeUnreachable) as caught:
        connect(url, deployment)
    assert "127.0.0.1" in caught.value.message
    assert "secret" not in caught.value.message
    assert "hunter2" not in caught.value.message


# --- the contracts' language ----------------------------------------------------------------------


def test_every_event_of_the_contracts_has_a_class_with_its_fields_in_order() -> None:
    renamed = {"from": "former", "to": "owner", "token_id": "dataset"}
    silent = {
        "Approval", "ApprovalForAll", "MetadataUpdate", "BatchMetadataUpdate", "EIP712DomainChanged", "RoyaltySet",
    }  # fmt: skip
    seen = set()
    for contract in ("DataMarket", "ProviderStake"):
        for entry in artifact(contract).abi:
            if entry["type"] != "event" or entry["name"] in silent:
                continue
            seen.add(entry["name"])
            names = [_snake(each["name"]) for each in entry["inputs"]]
            if entry["name"] == "Transfer":
                names = [renamed[name] for name in names]
            fields = [field.name for field in dataclasses.fields(EVENTS[entry["name"]])]
            assert fields == ["at", *names]
    assert seen == set(EVENTS)


def test_every_error_of_the_contracts_has_words_and_a_next_step() -> None:
    declared = set()
    for contract in CONTRACTS:
        for entry in artifact(contract).abi:
            if entry["type"] != "error":
                continue
            declared.add(entry["name"])
            if entry["name"] in REFUSALS:
                names = {each["name"] for each in entry["inputs"]}
                words, hint = REFUSALS[entry["name"]]
                assert set(_fields(words)) | set(_fields(hint)) <= names
                assert hint
            else:
                assert entry["name"].startswith(LIBRARY_ERRORS), entry["name"]
    assert set(REFUSALS) <= declared


def test_a_late_call_is_told_the_deadline_and_the_time() -> None:
    selector = bytes.fromhex("00000000")
    for entry in artifact("ProviderStake").abi:
        if entry.get("name") == "CommitOver":
            selector = function_abi_to_4byte_selector(entry)
    error = explain(selector + (1_700_000_000).to_bytes(32) + (1_700_000_001).to_bytes(32))
    assert error.error == "CommitOver"
    assert error.arguments == {"until": 1_700_000_000, "time": 1_700_000_001}
    assert (
        error.message
        == "commits were possible until 2023-11-14 22:13:20 UTC, and it is 2023-11-14 22:13:21 UTC"
    )


@pytest.mark.parametrize("data", [b"", b"\x01", b"\xde\xad\xbe\xef", b"\x08\xc3\x79\xa0" + b"\xff" * 64])
def test_an_unknown_revert_is_explained_by_the_nodes_own_words(data: bytes) -> None:
    error = explain(data, "execution reverted")
    assert error.message == "the contract refused: execution reverted"


def test_a_refusal_names_what_is_missing_in_tokens(contracts: Contracts, wallet: Wallet) -> None:
    with pytest.raises(NotEnoughTokens, match=r"is 0 HXD, and 2\.5 HXD are needed") as caught:
        contracts.simulate(
            contracts.calls.withdraw(25 * 10**17, wallet.address), Wallet(b"\x07" * 32).address
        )
    assert caught.value.error == "FreeBalanceTooLow"
    assert caught.value.exit_code == 7


def test_one_bad_item_of_several_is_found_in_the_simulation(contracts: Contracts, wallet: Wallet) -> None:
    calls = contracts.calls
    both = calls.multicall([calls.deposit(0, NO_PERMIT), calls.collect()])
    with pytest.raises(ContractReverted) as caught:
        contracts.simulate(both, wallet.address)
    assert caught.value.error == "NothingLeaving"


# --- signatures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [{}, {"buyer": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "salt": ZERO_BYTES32}, {"price": 2**96 - 1}],
)
def test_the_digest_of_an_offer_equals_the_contracts(
    changes: dict[str, object], contracts: Contracts
) -> None:
    made = offer(**changes)
    expected = contracts.views.offer_digest_of(made)
    assert offer_digest(made, contracts.chain_id, contracts.deployment.market) == expected


def test_an_offers_signature_opens_to_its_signer_and_to_nobody_else(
    contracts: Contracts, wallet: Wallet
) -> None:
    where = (contracts.chain_id, contracts.deployment.market)
    signature = sign_offer(wallet, offer(), *where)
    assert recover_signer(offer(), signature, *where) == wallet.address
    assert recover_signer(offer(price=1), signature, *where) != wallet.address
    assert recover_signer(offer(), signature, 1, where[1]) != wallet.address
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = (order - int.from_bytes(signature[32:64])).to_bytes(32)
    mirrored = signature[:32] + high + bytes([55 - signature[64]])
    for bad in (b"", signature[:64], signature + b"\x00", mirrored, bytes(64) + b"\x1b"):
        with pytest.raises(BadSignature):
            recover_signer(offer(), bad, *where)


def test_a_signed_offer_opens_a_job_and_its_event_says_all_of_it(
    sender: Sender, contracts: Contracts, wallet: Wallet, chain: services.Chain
) -> None:
    calls = contracts.calls
    listed = sender.send("list", calls.list_dataset(b"\x01" * 32, 10**6, 1)).events
    dataset = next(event.dataset for event in listed if type(event).__name__ == "DatasetListed")  # type: ignore
    made = offer(dataset=dataset, guarantee=0)
    signature = sign_offer(wallet, made, contracts.chain_id, contracts.deployment.market)
    terms = Terms(1, 1, 10**18, 3600, 3600, 86_400, b"\x05" * 32)
    permit = sign_permit(wallet, contracts, 2 * 10**18, 2**40)
    opened = sender.send("open", calls.open_job(made, signature, terms, permit)).events
    event = next(event for event in opened if type(event).__name__ == "JobOpened")
    assert (event.offer, event.terms, event.owner) == (made, terms, wallet.address)  # type: ignore[attr-defined]
    assert event.offer_digest == contracts.views.offer_digest_of(made)  # type: ignore[attr-defined]
    job = contracts.views.job_of(1)
    assert job["job"]["reward"] == 10**18
    assert contracts.views.dataset_of(dataset).manifest == made.manifest


def _funded(chain: services.Chain) -> Wallet:
    wallet = Wallet(b"\x09" * 32)
    chain.rpc("anvil_setBalance", wallet.address, hex(10**20))
    return wallet


def _snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name)


def _fields(template: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(template) if name]
