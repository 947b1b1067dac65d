"""Listing an encrypted table, replacing its manifest, ending its sale. Each may be repeated after a crash."""

from __future__ import annotations

import json
from dataclasses import asdict

from hexchange.chain.contracts import Contracts
from hexchange.chain.events import DatasetListed
from hexchange.chain.sender import Sender
from hexchange.errors import BudgetNeedsRanges, NotListed, OtherTable
from hexchange.market.manifests import Manifest
from hexchange.owner.workspace import Listing, Workspace


def list_dataset(
    workspace: Workspace, contracts: Contracts, sender: Sender, epsilon_budget: int, exact_releases: int
) -> Listing:
    """Mint the dataset. The budgets (millionths, and a count) are fixed for good.

    Raises BudgetNeedsRanges where a budget was asked for and ranges or row norm were not declared.
    """
    require_ranges(workspace.manifest, epsilon_budget)
    try:
        return _here(workspace, contracts)
    except NotListed:
        pass
    digest = workspace.manifest_digest
    call = contracts.calls.list_dataset(digest, epsilon_budget, exact_releases)
    receipt = sender.send(f"list:{digest.hex()}", call)
    (listed,) = (event for event in receipt.events if isinstance(event, DatasetListed))
    return _listed(workspace, contracts, listed.dataset)


def update_manifest(workspace: Workspace, former: Workspace, contracts: Contracts, sender: Sender) -> Listing:
    """Put `workspace` in the place of `former`; offers for the former one open no more jobs."""
    dataset = _here(former, contracts).dataset
    digest = workspace.manifest_digest
    if workspace.manifest.previous != former.manifest_digest:
        hint = f"encrypt it with --replaces {former.name}"
        raise OtherTable(
            f"{workspace.name!r} was not encrypted as the next version of {former.name!r}", hint=hint
        )
    require_ranges(workspace.manifest, contracts.views.dataset_of(dataset).epsilon.limit)
    sender.send(f"update:{dataset}:{digest.hex()}", contracts.calls.update_manifest(dataset, digest))
    return _listed(workspace, contracts, dataset)


def delist(workspace: Workspace, contracts: Contracts, sender: Sender) -> Listing:
    """End the sale for good; open jobs are not touched."""
    listing = _here(workspace, contracts)
    sender.send(f"delist:{listing.dataset}", contracts.calls.delist(listing.dataset))
    return listing


def require_ranges(manifest: Manifest, epsilon_budget: int) -> None:
    """A budget rests on facts that do not come from the data. Raises BudgetNeedsRanges."""
    if epsilon_budget and (manifest.ranges != "declared" or manifest.row_norm is None):
        raise BudgetNeedsRanges(
            "a privacy budget needs declared ranges and a declared row norm: the data's own would leak it",
            hint="encrypt with --columns FILE that declares both, or list with --epsilon 0",
        )


def _here(workspace: Workspace, contracts: Contracts) -> Listing:
    """The listing on this market. Raises NotListed, also for one on another market."""
    listing = workspace.listing
    if (listing.chain, listing.market) != (contracts.chain_id, contracts.deployment.market):
        hint = "encrypt the table again under another name: a key and its budget belong to one listing"
        raise OtherTable(f"{workspace.name!r} is listed on another market", hint=hint)
    return listing


def _listed(workspace: Workspace, contracts: Contracts, dataset: int) -> Listing:
    listing = Listing(contracts.chain_id, contracts.deployment.market, dataset)
    workspace.write("listing.json", json.dumps(asdict(listing)).encode())
    return listing
