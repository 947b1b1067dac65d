"""A provider put together: one process per home folder, and none on a machine that computes other bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from hexchange.chain.contracts import Contracts
from hexchange.chain.lock import ProcessLock
from hexchange.chain.sender import Sender
from hexchange.follower import Follower
from hexchange.he import selftest
from hexchange.he.cluster import Cluster
from hexchange.provider import config
from hexchange.provider.journal import Journal
from hexchange.provider.worker import Worker
from hexchange.provider.workshop import Workshop
from hexchange.storage.store import ContentStore
from hexchange.voice import Tell

LOCK = "run.lock"


@contextmanager
def open_worker(
    home: Path,
    contracts: Contracts,
    sender: Callable[[], AbstractContextManager[Sender]],
    store: ContentStore,
    tell: Tell,
    kind: type[Worker] = Worker,
    cluster: str | None = None,
) -> Iterator[Worker]:
    """The worker of `home`, ready to run; long runs go to the Dask scheduler at the address `cluster`.

    Raises AlreadyRunning for a second one, ProviderNotSetUp and ConfigInvalid, ClusterLost and ClusterUnsupported, and
    ForeignEngine where the installed homomorphic library does not give the bytes that digests are defined over: such
    a provider would be slashed.
    """
    folder = home / "provider"
    settings, costs = config.load(folder / "provider.toml"), config.load_costs(folder / config.COSTS_FILE)
    with ProcessLock(folder / LOCK, "the provider"), sender() as opened:
        selftest.run()
        tell(
            "ready",
            0,
            f"{opened.address} follows {contracts.deployment.market} on chain {contracts.chain_id}",
        )
        journal = Journal(folder / "journal.sqlite")
        workshop = Workshop(store, folder / "cache", settings, costs, Cluster(cluster) if cluster else None)
        try:
            yield kind(Follower(contracts), contracts, opened, workshop, journal, settings, tell)
        finally:
            workshop.close()
            journal.close()
