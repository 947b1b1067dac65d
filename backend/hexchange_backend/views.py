"""From the market's state to what readers see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from hexchange.chain.contracts import Contracts
from hexchange.chain.events import ZERO_ADDRESS, Event
from hexchange.market import state
from hexchange.market.manifests import Manifest
from hexchange.market.windows import deadline
from hexchange_backend import schemas
from hexchange_backend.indexer import View
from hexchange_backend.library import Library, Signed
from hexchange_backend.words import outcome_text, step_text


class Views:
    """Builds answers from one view of the market, so that an answer never mixes two blocks."""

    def __init__(self, view: View, library: Library, contracts: Contracts, naming: int) -> None:
        self.view = view
        self.token = contracts.token
        self.deployment = contracts.deployment
        self._library, self._naming = library, naming

    def datasets(self, words: str = "", before: int | None = None) -> Iterator[schemas.Dataset]:
        """Datasets that still sell and whose card holds every word, newest first, with numbers below `before`."""
        wanted = words.lower().split()
        for dataset in reversed(self.view.state.datasets.values()):
            if dataset.delisted or (before and dataset.id >= before):
                continue
            if not wanted or _matches(self._library.manifest(dataset.manifest), wanted):
                yield schemas.Dataset(**self._dataset(dataset))

    def dataset(self, number: int) -> schemas.DatasetDetail:
        """One dataset with its whole card. Raises DatasetNotFound."""
        dataset = self.view.state.dataset(number)
        card = _card(self._library.manifest(dataset.manifest))
        return schemas.DatasetDetail(**self._dataset(dataset), card=card)

    def offers(self, number: int) -> Iterator[schemas.Offer]:
        """Published offers of a dataset that its owner signed, newest first. Raises DatasetNotFound."""
        dataset = self.view.state.dataset(number)
        return (self._offer(dataset, each) for each in self._signed(dataset))

    def jobs(
        self, dataset: int | None = None, wanted: state.JobState | None = None, before: int | None = None
    ) -> Iterator[schemas.Job]:
        """Jobs, newest first, with numbers below `before`. Raises DatasetNotFound."""
        if dataset is not None:
            self.view.state.dataset(dataset)
        for job in reversed(self.view.state.jobs.values()):
            fits = dataset in (None, job.dataset) and wanted in (None, job.state)
            if fits and not (before and job.id >= before):
                yield schemas.Job(**self._job(job))

    def job(self, number: int) -> schemas.JobDetail:
        """One job with its seats, timeline and next deadline. Raises JobNotFound."""
        job = self.view.state.job(number)
        due = deadline(job, self.view.now, self._naming)
        return schemas.JobDetail(
            **self._job(job),
            offer=_hex(job.offer),
            manifest=_hex(job.manifest),
            guarantee=str(job.guarantee),
            held=str(self.view.state.held[number]),
            challenger=job.challenger,
            proposed=_digest(job.proposed),
            settled=_digest(job.settled),
            result=_digest(job.result),
            refunded=outcome_text(job.refunded) if job.refunded else None,
            deadline=schemas.Deadline(at=due.at, function=due.function, text=due.text) if due else None,
            rounds=[_round(each) for each in job.rounds],
            timeline=[self._step(event) for event in job.timeline],
        )

    def providers(self) -> list[schemas.Provider]:
        """Everybody who has stake or held a seat, most stake first."""
        outcomes: dict[str, list[str]] = {}
        for job in self.view.state.jobs.values():
            for each in job.rounds:
                for seat in (*each.seats, *each.silent):
                    if seat:
                        outcomes.setdefault(seat.provider, []).append(seat.outcome)
        accounts = self.view.state.accounts
        staked = {name for name, account in accounts.items() if account.stake or account.leaving}
        found = [self._provider(name, outcomes.get(name, [])) for name in staked | outcomes.keys()]
        return sorted(found, key=lambda one: (-int(one.stake), one.address))

    def _dataset(self, dataset: state.Dataset) -> dict[str, Any]:
        manifest = self._library.manifest(dataset.manifest)
        offers = (each for each in self._signed(dataset) if each.offer.buyer == ZERO_ADDRESS)
        prices = [each.offer.price for each in offers if self._open(dataset, each)]
        return {
            "id": dataset.id,
            "owner": dataset.owner,
            "manifest": _hex(dataset.manifest),
            "listed_at": dataset.listed_at,
            "delisted": dataset.delisted,
            "epsilon": _budget(dataset.epsilon_budget, dataset.epsilon_reserved, dataset.epsilon_spent),
            "exact": _budget(dataset.exact_releases, dataset.exact_reserved, dataset.exact_spent),
            "title": manifest.title if manifest else None,
            "licence": manifest.licence if manifest else None,
            "rows": manifest.rows if manifest else None,
            "columns": len(manifest.columns) if manifest else None,
            "editions": _editions(manifest) if manifest else None,
            "price_from": str(min(prices)) if prices else None,
        }

    def _signed(self, dataset: state.Dataset) -> Iterable[Signed]:
        """What the owner offers, each offer once, newest first."""
        place = (dataset.id, dataset.owner)
        published = self._library.offers(dataset.offers)
        return {
            each.digest: each for each in published if (each.offer.dataset, each.signer) == place
        }.values()

    def _open(self, dataset: state.Dataset, signed: Signed) -> bool:
        """Whether a buyer could take the offer now."""
        offer, use = signed.offer, self.view.state.offer(signed.digest)
        enough = dataset.epsilon_left >= offer.epsilon if offer.epsilon else dataset.exact_left > 0
        current = (offer.manifest, offer.epoch) == (dataset.manifest, dataset.epoch) and not dataset.delisted
        usable = self.view.now < offer.expiry and not use.cancelled and use.uses < offer.max_uses
        return current and enough and usable

    def _offer(self, dataset: state.Dataset, signed: Signed) -> schemas.Offer:
        offer, use = signed.offer, self.view.state.offer(signed.digest)
        return schemas.Offer(
            digest=_hex(signed.digest),
            circuit=self._circuit(offer.circuit),
            buyer=None if offer.buyer == ZERO_ADDRESS else offer.buyer,
            price=str(offer.price),
            guarantee=str(offer.guarantee),
            epsilon=str(offer.epsilon),
            min_seats=max(1, offer.min_seats),
            min_reward=str(offer.min_reward),
            max_reward=str(offer.max_reward),
            expiry=offer.expiry,
            uses=use.uses,
            max_uses=offer.max_uses,
            open=self._open(dataset, signed),
        )

    def _circuit(self, digest: bytes) -> schemas.Circuit:
        circuit = self._library.circuit(digest)
        return schemas.Circuit(
            digest=_hex(digest),
            edition=circuit.profile.edition if circuit else None,
            result=circuit.result if circuit else None,
            mechanism=circuit.release.mechanism if circuit else None,
        )

    def _job(self, job: state.Job) -> dict[str, Any]:
        return {
            "id": job.id,
            "dataset": job.dataset,
            "state": job.state.value,
            "buyer": job.buyer,
            "owner": job.owner,
            "circuit": self._circuit(job.circuit),
            "price": str(job.price),
            "reward": str(job.reward),
            "seats": job.seats,
            "epsilon": str(job.epsilon),
            "opened_at": job.opened_at,
        }

    def _step(self, event: Event) -> schemas.Step:
        block = event.at.block
        return schemas.Step(
            event=type(event).__name__,
            text=step_text(event, self.token),
            at=block.timestamp,
            block=block.number,
            tx=_hex(event.at.tx),
            final=block.number <= self.view.final,
        )

    def _provider(self, address: str, outcomes: list[str]) -> schemas.Provider:
        account = self.view.state.account(address)
        return schemas.Provider(
            address=address,
            stake=str(account.stake),
            locked=str(account.locked),
            leaving=str(account.leaving),
            since=account.since,
            seats=schemas.Seats(**{name: outcomes.count(name) for name in schemas.Seats.model_fields}),
        )


def _budget(limit: int, reserved: int, spent: int) -> schemas.Budget:
    left = limit - reserved - spent
    return schemas.Budget(limit=str(limit), reserved=str(reserved), spent=str(spent), left=str(left))


def _card(manifest: Manifest | None) -> schemas.Card | None:
    if manifest is None:
        return None
    return schemas.Card(
        summary=manifest.summary,
        version=manifest.version,
        ranges=manifest.ranges,
        row_norm=manifest.row_norm,
        delta=manifest.delta,
        columns=[
            schemas.Column(name=c.name, type=c.type, role=c.role, unit=c.unit, low=c.low, high=c.high)
            for c in manifest.columns
        ],
    )


def _editions(manifest: Manifest) -> list[schemas.Edition]:
    return [
        schemas.Edition(name=each.name, layout=each.layout, bytes=sum(blob.size for blob in each.blobs()))
        for each in manifest.editions
    ]


def _round(each: state.Round) -> schemas.Round:
    seats = [_seat(index, seat) for index, seat in enumerate(each.seats)]
    seats += [_seat(None, seat) for seat in each.silent]
    return schemas.Round(round=each.number, seed=_digest(each.seed), redrawn=each.redrawn, seats=seats)


def _seat(index: int | None, seat: state.Seat | None) -> schemas.Seat:
    if seat is None:
        return schemas.Seat(seat=index, provider=None, outcome="empty", bond="0", fine="0", reward="0")
    return schemas.Seat(
        seat=index,
        provider=seat.provider,
        outcome=seat.outcome,  # type: ignore[arg-type]  # one of the words that the schema lists
        bond=str(seat.bond),
        fine=str(seat.fine or 0),
        reward=str(seat.reward),
    )


def _matches(manifest: Manifest | None, wanted: list[str]) -> bool:
    if manifest is None:
        return False
    columns = " ".join(column.name for column in manifest.columns)
    card = f"{manifest.title} {manifest.summary} {manifest.licence} {columns}".lower()
    return all(word in card for word in wanted)


def _digest(value: bytes | None) -> str | None:
    return None if value is None else _hex(value)


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
