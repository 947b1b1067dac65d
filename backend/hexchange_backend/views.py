"""From the market's state to what readers see."""

from __future__ import annotations

from collections.abc import Iterable

from hexchange.chain.contracts import Contracts
from hexchange.chain.events import ZERO_ADDRESS, Event, SeatClosed
from hexchange.chain.offers import offer_digest
from hexchange.market import rules, state
from hexchange.market.manifests import Manifest
from hexchange_backend import schemas
from hexchange_backend.indexer import View
from hexchange_backend.library import Library
from hexchange_backend.words import step_text


class Views:
    """Builds answers from one view of the market, so that an answer never mixes two blocks."""

    def __init__(self, view: View, library: Library, contracts: Contracts) -> None:
        self.view, self.library, self.contracts = view, library, contracts

    def datasets(self, words: str) -> list[schemas.Dataset]:
        """Datasets whose card holds every word, newest first; delisted ones are left out."""
        wanted = words.lower().split()
        found = [self._dataset(dataset) for dataset in self.view.state.datasets.values() if not dataset.delisted]
        return sorted((one for one in found if _matches(one, wanted)), key=lambda one: -one.id)

    def dataset(self, number: int) -> schemas.Dataset:
        """Raises DatasetNotFound."""
        return self._dataset(self.view.state.dataset(number))

    def offers(self, number: int) -> list[schemas.Offer]:
        """Published offers of a dataset, newest first. Raises DatasetNotFound."""
        dataset = self.view.state.dataset(number)
        found: dict[bytes, schemas.Offer] = {}
        for published in reversed(dataset.offers):
            document = self.library.offers(published)
            for signed in document.offers if document else ():
                if signed.offer.dataset == number:
                    digest = offer_digest(signed.offer, self.contracts.chain_id, self.contracts.deployment.market)
                    found.setdefault(digest, self._offer(dataset, signed.offer, digest))
        return list(found.values())

    def jobs(self, dataset: int | None = None, job_state: str | None = None) -> list[schemas.Job]:
        """Jobs, newest first."""
        jobs: Iterable[state.Job] = self.view.state.jobs.values()
        chosen = [
            job for job in jobs if dataset in (None, job.dataset) and job_state in (None, job.state.value)
        ]  # fmt: skip
        return [schemas.Job(**_job(job)) for job in sorted(chosen, key=lambda job: -job.id)]

    def job(self, number: int) -> schemas.JobDetail:
        """One job with its seats, timeline and next deadline. Raises JobNotFound."""
        job = self.view.state.job(number)
        seats = [
            schemas.Seat(
                round=one.number, seat=index, provider=seat.provider if seat else None,
                sealed=bool(seat and seat.seal),
            )
            for one in job.rounds for index, seat in enumerate(one.seats)
        ]  # fmt: skip
        due = rules.deadline(self.view.state, job)
        return schemas.JobDetail(
            **_job(job),
            rounds=seats,
            timeline=[self._step(event) for event in job.timeline],
            deadline=due and schemas.Deadline(at=due.at, function=due.function, text=due.text),
        )

    def providers(self) -> list[schemas.Provider]:
        """Everybody who has stake or held a seat, most stake first."""
        closed: dict[str, list[SeatClosed]] = {}
        for job in self.view.state.jobs.values():
            for event in job.timeline:
                if isinstance(event, SeatClosed):
                    closed.setdefault(event.provider, []).append(event)
        accounts = self.view.state.accounts
        names = {address for address, account in accounts.items() if account.stake or account.leaving} | set(closed)
        found = [self._provider(name, closed.get(name, [])) for name in names]
        return sorted(found, key=lambda one: (-int(one.stake), one.address))

    def token(self) -> schemas.Token:
        token = self.contracts.token
        return schemas.Token(address=token.address, symbol=token.symbol, decimals=token.decimals)

    def _dataset(self, dataset: state.Dataset) -> schemas.Dataset:
        manifest = self.library.manifest(dataset.manifest)
        return schemas.Dataset(
            id=dataset.id, owner=dataset.owner, manifest=_hex(dataset.manifest), delisted=dataset.delisted,
            epsilon_budget=dataset.epsilon_budget, epsilon_reserved=dataset.epsilon_reserved,
            epsilon_spent=dataset.epsilon_spent, exact_releases=dataset.exact_releases,
            exact_reserved=dataset.exact_reserved, exact_spent=dataset.exact_spent, listed_at=dataset.listed_at,
            title=manifest and manifest.title, summary=manifest and manifest.summary,
            licence=manifest and manifest.licence, rows=manifest and manifest.rows,
            columns=_columns(manifest), editions=_editions(manifest),
        )  # fmt: skip

    def _offer(self, dataset: state.Dataset, offer: state.Offer, digest: bytes) -> schemas.Offer:
        use, circuit = self.view.state.offer(digest), self.library.circuit(offer.circuit)
        now = self.view.block.timestamp if self.view.block else 0
        enough = dataset.epsilon_left >= offer.epsilon if offer.epsilon else dataset.exact_left > 0
        current = offer.manifest == dataset.manifest and offer.epoch == dataset.epoch and not dataset.delisted
        return schemas.Offer(
            digest=_hex(digest), circuit=_hex(offer.circuit),
            title=circuit.title if circuit else "(not in storage)",
            buyer=offer.buyer, price=str(offer.price), guarantee=str(offer.guarantee), epsilon=offer.epsilon,
            min_seats=max(1, offer.min_seats), min_reward=str(offer.min_reward), max_reward=str(offer.max_reward),
            expiry=offer.expiry, uses=use.uses, max_uses=offer.max_uses,
            open=current and enough and now < offer.expiry and not use.cancelled and use.uses < offer.max_uses,
        )  # fmt: skip

    def _step(self, event: Event) -> schemas.Step:
        block = event.at.block
        return schemas.Step(
            event=type(event).__name__, text=step_text(event, self.contracts.token), at=block.timestamp,
            block=block.number, tx=_hex(event.at.tx), final=block.number <= self.view.final,
        )  # fmt: skip

    def _provider(self, address: str, closed: list[SeatClosed]) -> schemas.Provider:
        account = self.view.state.account(address)
        return schemas.Provider(
            address=address, stake=str(account.stake), locked=str(account.locked), leaving=str(account.leaving),
            since=account.since, seats=len(closed), paid=sum(1 for event in closed if event.reward),
            slashed=sum(1 for event in closed if event.fine == event.bond),
            silent=sum(1 for event in closed if 0 < event.fine < event.bond),
        )  # fmt: skip


def _job(job: state.Job) -> dict[str, object]:
    return {
        "id": job.id, "dataset": job.dataset, "state": job.state.value, "buyer": job.buyer, "owner": job.owner,
        "circuit": _hex(job.circuit), "offer": _hex(job.offer), "price": str(job.price),
        "guarantee": str(job.guarantee), "reward": str(job.reward), "seats": job.seats, "epsilon": job.epsilon,
        "opened_at": job.opened_at, "proposed": job.proposed and _hex(job.proposed),
        "settled": job.settled and _hex(job.settled), "result": job.result and _hex(job.result),
        "challenger": None if job.challenger in (None, ZERO_ADDRESS) else job.challenger,
    }  # fmt: skip


def _columns(manifest: Manifest | None) -> list[schemas.Column]:
    return [
        schemas.Column(name=c.name, type=c.type, role=c.role, unit=c.unit, low=c.low, high=c.high)
        for c in (manifest.columns if manifest else ())
    ]


def _editions(manifest: Manifest | None) -> list[schemas.Edition]:
    return [
        schemas.Edition(name=edition.name, bytes=sum(blob.size for blob in edition.blobs()))
        for edition in (manifest.editions if manifest else ())
    ]


def _matches(dataset: schemas.Dataset, wanted: list[str]) -> bool:
    columns = " ".join(column.name for column in dataset.columns)
    card = f"{dataset.id} {dataset.title} {dataset.summary} {dataset.licence} {columns}".lower()
    return all(word in card for word in wanted)


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
