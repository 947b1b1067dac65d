"""Which jobs a provider takes: what they pay against its settings, what they cost against its means."""

from __future__ import annotations

from hexchange.chain.amounts import parse_amount
from hexchange.errors import EditionNotServed, RewardTooLow, RunTooLarge, RunTooSlow
from hexchange.evaluation import Plan
from hexchange.market.state import Job
from hexchange.provider.config import ProviderConfig

MARGIN = 3
"""The compute window must be this many times the declared cost: a run must fit on a busy machine too."""


def require_reward(config: ProviderConfig, job: Job, decimals: int) -> None:
    """Raises RewardTooLow unless the least that a right seat earns is enough."""
    least = parse_amount(config.minimum_reward, decimals)
    if _reward(job) < least:
        raise RewardTooLow(
            f"job {job.id} pays {_reward(job)} base units a seat, you ask for {least}",
            hint="lower minimum_reward to take such jobs",
        )


def require_means(config: ProviderConfig, plan: Plan, job: Job, decimals: int, busy: float) -> None:
    """Raises EditionNotServed, RunTooLarge, RunTooSlow or RewardTooLow for a run that is not ours to take.

    `busy` is the declared computing time (seconds) that is owed to other jobs first.
    """
    if plan.edition.name not in config.editions:
        raise EditionNotServed(
            f"job {job.id} needs edition {plan.edition.name}, you serve {', '.join(config.editions)}",
            hint="add it to editions to take such jobs",
        )
    if plan.memory > config.memory_bytes:
        raise RunTooLarge(
            f"job {job.id} may need {plan.memory >> 20} MiB of memory, the settings allow {config.memory} GiB",
            hint="raise memory to take such jobs",
        )
    if MARGIN * (plan.seconds + busy) > job.compute:
        raise RunTooSlow(
            f"job {job.id} declares {plan.seconds:.0f} s of computing after {busy:.0f} s for others, "
            f"and gives {job.compute} s for it",
            hint=f"seats are taken where the window is {MARGIN} times the declared time",
        )
    least = -(-parse_amount(config.minimum_per_minute, decimals) * int(1000 * plan.seconds) // 60_000)
    if _reward(job) < least:
        raise RewardTooLow(
            f"job {job.id} pays {_reward(job)} base units a seat, its computing time is worth {least}",
            hint="lower minimum_per_minute to take such jobs",
        )


def _reward(job: Job) -> int:
    """What a right seat earns at least (base units): the floor in round one, the full reward in round two."""
    return job.reward if job.round.number == 2 else job.floor
