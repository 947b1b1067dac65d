"""The pages: readable without scripts, safe whatever a manifest says, and no wider than a phone."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

import httpx2
import pytest
from backend_server import every_address, serving
from sample_market import manifest, sample_market

from hexchange.market.manifests import Manifest

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;{{ 7*1234567 }}{% raw %}&#60;b"
VOID = {"meta", "link", "input", "br", "rect", "img"}


class Page(HTMLParser):
    """What a browser would make of a page: elements with their ancestors, attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        fields = dict(attrs)
        self.elements.append((tag, fields, tuple(self.open)))
        if tag not in VOID:
            self.open.append(f"{tag}.{fields.get('class', '')}")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop().split(".")[0] == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _, _ in self.elements}


@pytest.fixture(scope="module")
def pages(client: httpx2.Client) -> dict[str, Page]:
    found = {}
    for path in every_address(client):
        if not path.startswith("/api"):
            answer = client.get(path)
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            found[path] = Page(answer.text)
    return found


def test_pages_are_whole_and_need_no_script_and_nobody_else(
    pages: dict[str, Page], client: httpx2.Client
) -> None:
    assert {"/", "/datasets/1", "/jobs/1", "/jobs/10", "/docs"} <= set(pages)
    for page in pages.values():
        assert page.open == [], "every element is closed"
        assert not page.tags & {"script", "style", "iframe", "object", "embed"}
        for _, fields, _ in page.elements:
            assert not any(name.startswith("on") or name == "style" for name in fields)
            for name in ("href", "src", "action"):
                assert (fields.get(name) or "/").startswith("/"), "nothing is loaded from elsewhere"


def test_every_link_leads_somewhere(pages: dict[str, Page], client: httpx2.Client) -> None:
    links = {
        fields["href"] for page in pages.values() for _, fields, _ in page.elements if fields.get("href")
    }
    assert {"/static/page.css", "/static/icon.svg", "/api/openapi.json", "/jobs/4"} <= links
    assert [link for link in links if link and client.get(link).status_code != 200] == []


def test_a_wide_table_scrolls_by_itself(pages: dict[str, Page]) -> None:
    tables = [
        (parents, fields)
        for page in pages.values()
        for tag, fields, parents in page.elements
        if tag == "table"
    ]
    assert len(tables) > 10
    assert all("div.scroll" in parents for parents, _ in tables)


def test_the_pages_say_what_a_reader_wants_to_know(pages: dict[str, Page]) -> None:
    dataset, job = pages["/datasets/1"].text, pages["/jobs/8"].text
    for words in ("Measurements of 569 tumours", "No direct identifiers.", "ε 4 of 5 left", "no differential privacy",
                  "each noisy release adds δ", "mean texture", "25 HXD", "no end"):  # fmt: skip
        assert words in dataset
    for words in ("proposed", "anyone may finalize", "hexchange job finalize 8", "hexchange job verify 8",
                  "every seal of round one opens with the same digest"):  # fmt: skip
        assert words in job
    assert "Since" in pages["/jobs/6"].text or "From" in pages["/jobs/10"].text
    assert "GET /api/jobs/{number}" in pages["/docs"].text


def test_errors_are_pages_too(client: httpx2.Client) -> None:
    for path, status in (("/jobs/77", 404), ("/nothing", 404), ("/?page=2", 422), ("/jobs/x", 422)):
        answer = client.get(path)
        page = Page(answer.text)
        assert (answer.status_code, page.open) == (status, [])
        assert answer.headers["x-request-id"] in page.text


def test_every_answer_forbids_scripts_frames_and_guessing(client: httpx2.Client) -> None:
    for path in ("/", "/jobs/77", "/api/health", "/static/page.css", "/nothing"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers or "uvicorn" in headers["server"]


# --- hostile words --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A market with one plain dataset and one with hostile words wherever a manifest takes words."""
    with sample_market(tmp_path_factory.mktemp("hostile")) as made:
        made.list_dataset(manifest())
        made.list_dataset(_hostile_manifest())
        with serving(made, made.folder / "index.sqlite") as client:
            yield client


def _hostile_manifest() -> Manifest:
    plain = manifest()
    columns = tuple(
        type(column)(f"{index}{HOSTILE}", "number", "feature", HOSTILE[5:40], 0.0, 1.0)
        for index, column in enumerate(plain.columns)
    )
    (edition,) = plain.editions
    inputs = {HOSTILE: next(iter(edition.inputs.values()))}
    editions = (type(edition)("stats", bytes(32), "columns", 1, inputs, edition.relin, edition.rotations),)
    return manifest(HOSTILE, summary=f"{HOSTILE}\n{HOSTILE}", licence=HOSTILE, format=HOSTILE, columns=columns,
                    editions=editions)  # fmt: skip


def test_words_of_a_manifest_stay_words(hostile: httpx2.Client) -> None:
    plain, page = (Page(hostile.get(f"/datasets/{number}").text) for number in (1, 2))
    assert [tag for tag, _, _ in page.elements] == [tag for tag, _, _ in plain.elements]
    assert page.text.count(HOSTILE) == 1 + 1 + 2 + 1 + 3, "page title, heading, summary, licence, columns"
    assert "8641969" not in page.text
    catalogue = Page(hostile.get("/").text)
    assert catalogue.text.count(HOSTILE) == 2
    assert hostile.get("/api/datasets/2").json()["title"] == HOSTILE


@pytest.mark.parametrize("words", [HOSTILE[:120], '"><svg onload=alert(1)>'])
def test_words_of_a_search_stay_words(hostile: httpx2.Client, words: str) -> None:
    answer = hostile.get("/", params={"q": words})
    page = Page(answer.text)
    assert not page.tags & {"script", "svg", "img"}
    assert next(fields for tag, fields, _ in page.elements if tag == "input")["value"] == words


def test_words_of_an_address_stay_words(hostile: httpx2.Client) -> None:
    for path in ("/%3Cscript%3Ealert(1)%3C/script%3E", "/?%3Cscript%3E=1", "/jobs/%3Cscript%3E"):
        page = Page(hostile.get(path).text)
        assert "script" not in page.tags
        assert page.open == []
