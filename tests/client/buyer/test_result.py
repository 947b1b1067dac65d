"""Reading a result: verified, unsealed, checked against the chain, and made a table; watching a job until then."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from nacl.public import PrivateKey
from shop import DIGEST, Shop, buyer_home

from hexchange.buyer import result
from hexchange.buyer.result_key import result_key
from hexchange.circuit.document import Column, Table
from hexchange.circuit.library.logistic import logistic
from hexchange.errors import ContentTooLarge, ForeignResult, SealedForAnother
from hexchange.market import documents
from hexchange.market.results import Provenance, ReleasedOutput, ReleasedResult, SealedResult
from hexchange.market.state import Job
from hexchange.storage.cid import Cid


@pytest.fixture(scope="module")
def job(shop: Shop) -> Job:
    return shop.released()


def test_a_released_result_is_a_table_in_the_columns_own_units(shop: Shop, job: Job, tmp_path: Path) -> None:
    found = shop.buy("result", str(job.id), "--save", str(tmp_path / "out"))
    (output,) = shop.circuit.outputs
    grid = float(shop.circuit.release.grid)
    expected = output.offset + output.unit * np.arange(40) * grid
    assert found["outputs"]["score"] == pytest.approx(expected)
    assert found["errors"]["score"] == pytest.approx(output.unit * 1e-6)
    assert (found["digest"], found["epsilon"], found["delta"]) == ("0x" + DIGEST.hex(), 0, None)
    table = pd.read_csv(tmp_path / "out" / "result.csv")
    assert table["score"].to_numpy() == pytest.approx(expected)
    provenance = json.loads((tmp_path / "out" / "result.json").read_text())["provenance"]
    assert (provenance["job"], provenance["digest"]) == (job.id, DIGEST.hex())
    assert [Path(file).name for file in found["files"]] == ["result.csv", "result.json"]


def test_a_result_is_made_into_what_its_numbers_hold_and_nothing_else(
    shop: Shop, job: Job, tmp_path: Path
) -> None:
    shop.buy("result", str(job.id), "--as", "numbers", "--save", str(tmp_path))
    assert list(pd.read_csv(tmp_path / "result.csv").columns[1:]) == ["output", "place", "value"]
    for kind in ("covariance", "classifier", "nothing"):
        refused = shop.buy("result", str(job.id), "--as", kind, exit_code=2)
        assert (refused["code"], "--as" in refused["hint"]) == ("result-unfit", True)


def test_a_job_is_watched_until_its_result_can_be_read(shop: Shop, job: Job) -> None:
    lines = shop.buy("watch", str(job.id))
    names = [line["event"] for line in lines[:-1]]
    assert names[0] == "JobOpened"
    assert names[-1] == "ResultReleased"
    assert lines[-1]["released"] is True
    assert shop.buy("watch", "9999", exit_code=4)["code"] == "job-not-found"


def test_a_refunded_job_has_no_result(shop: Shop) -> None:
    number = shop.open(shop.offer())
    early = shop.buy("result", str(number), exit_code=4)
    assert (early["code"], f"buy watch {number}" in early["hint"]) == ("not-released", True)
    shop.wait(200)
    shop.send(shop.contracts.calls.refund(number))
    assert shop.buy("watch", str(number))[-1] == {
        "schema_version": 1, "job": number, "state": "refunded", "released": False,
    }  # fmt: skip
    assert shop.buy("result", str(number), exit_code=4)["code"] == "not-released"


def test_a_result_opens_in_the_home_folder_that_bought_it_alone(shop: Shop, job: Job, tmp_path: Path) -> None:
    stranger = buyer_home(tmp_path, shop.chain, shop.owner, shop.contracts, 0)
    refused = shop.buy("result", str(job.id), home=stranger, exit_code=8)
    assert (refused["code"], "home folder" in refused["hint"]) == ("sealed-for-another", True)


def test_a_damaged_result_key_is_named_and_never_replaced(shop: Shop, job: Job) -> None:
    key = shop.home / "buyer" / "result.key"
    right = key.read_bytes()
    for damaged in (b"", right[:31], right + b"\0"):
        key.write_bytes(damaged)
        refused = shop.buy("result", str(job.id), exit_code=2)
        assert (refused["code"], "backup" in refused["hint"]) == ("broken-result-key", True)
        assert (
            shop.buy("quote", "1", str(shop.file(shop.offer())), exit_code=2)["code"] == "broken-result-key"
        )
        assert key.read_bytes() == damaged
    key.write_bytes(right)
    assert key.stat().st_mode & 0o777 == 0o600
    assert shop.buy("result", str(job.id))["job"] == job.id


STORE = {"other bytes": 8, "fewer": 8, "more": 9, "nothing": 4}


@pytest.mark.parametrize("how", STORE)
def test_a_store_that_gives_wrong_bytes_gives_no_result(shop: Shop, job: Job, how: str) -> None:
    assert job.result is not None
    where = documents.parse(SealedResult, shop.store.get_block(job.result))
    for block in (job.result, Cid.parse(where.cid)):
        with shop.spoilt(block, how):
            shop.buy("result", str(job.id), exit_code=STORE[how])
    assert shop.buy("result", str(job.id))["job"] == job.id


def read(shop: Shop, job: Job) -> pd.DataFrame:
    """What the command does with a released job."""
    released = result.read_result(job, shop.store, result_key(shop.home), shop.contracts.deployment)
    return result.useful(result.circuit_of(job, shop.store), released)


def other_place(**changes: Any) -> Any:
    def change(shop: Shop, job: Job) -> ReleasedResult:
        right = shop.result(job)
        return replace(right, provenance=replace(right.provenance, **changes))

    return change


def outputs(*names: str, grid: str = "", shape: tuple[int, ...] = (40,)) -> Any:
    def change(shop: Shop, job: Job) -> ReleasedResult:
        made = tuple(
            ReleasedOutput(name, shape, grid or shop.circuit.release.grid, tuple(range(shape[0])), 0.0, None)
            for name in names
        )
        return shop.result(job, outputs=made)

    return change


FOREIGN: dict[str, Any] = {
    "another job": other_place(job=10**6),
    "another chain": other_place(chain=1),
    "another dataset": other_place(dataset=2),
    "another circuit": other_place(circuit=bytes(32)),
    "another digest": other_place(digest=bytes(32)),
    "another epsilon": lambda shop, job: shop.result(job, epsilon=1, delta=0.1),
    "another output": outputs("age"),
    "one output more": outputs("score", "age"),
    "fewer rows": outputs("score", shape=(39,)),
    "another grid": outputs("score", grid="1"),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_result_that_is_not_of_the_job_is_refused(shop: Shop, job: Job, what: str) -> None:
    made = shop.sealed(job, FOREIGN[what](shop, job))
    with pytest.raises(ForeignResult) as refused:
        read(shop, made)
    assert "evidence" in refused.value.hint


def test_a_result_of_a_digest_that_was_disputed_later_still_opens(shop: Shop, job: Job) -> None:
    made = replace(shop.sealed(job, shop.result(job)), proposed=None, settled=b"decided later".rjust(32))
    assert len(read(shop, made)) == 40


def test_a_result_sealed_to_another_key_or_named_wrongly_does_not_open(shop: Shop, job: Job) -> None:
    right = shop.result(job)
    with pytest.raises(SealedForAnother):
        read(shop, shop.sealed(job, right, key=bytes(PrivateKey.generate().public_key)))
    with pytest.raises(SealedForAnother):
        read(shop, replace(shop.sealed(job, right), sealed_key=bytes(80)))
    with pytest.raises(ContentTooLarge):
        read(shop, shop.sealed(job, right, size=20))
    with pytest.raises(ForeignResult):
        read(shop, shop.sealed(job, right, job=job.id + 1))


def test_the_result_key_is_made_once_by_whoever_comes_first(tmp_path: Path) -> None:
    first, second = result_key(tmp_path), result_key(tmp_path)
    assert bytes(first) == bytes(second)
    assert [path.name for path in (tmp_path / "buyer").iterdir()] == ["result.key"]


def test_a_trained_model_is_saved_without_pickle(tmp_path: Path) -> None:
    table = Table(40, (Column("age", 0.0, 100.0), Column("ill", 0.0, 1.0)), None, "ill")
    circuit = logistic(table)
    (name,) = (output.name for output in circuit.outputs)
    released = ReleasedResult(
        provenance=_provenance(), epsilon=0, delta=None,
        outputs=(ReleasedOutput(name, (2,), circuit.release.grid, (3, -5), 0.0, None),),
    )  # fmt: skip
    files = result.save(result.useful(circuit, released), released, tmp_path)
    model = skops.io.load(files[0], trusted=[])
    assert list(model.feature_names_in_) == ["age"]
    assert model.predict_proba(pd.DataFrame({"age": [50.0]})).shape == (1, 2)


def _provenance() -> Any:
    nowhere = "0x" + "0" * 40
    return Provenance(31337, nowhere, 1, 1, bytes(32), bytes(32), bytes(32), "train")
