"""Replacement: what a full cache lets go. One file a strategy."""

from __future__ import annotations

from collections.abc import Callable
from random import Random as Stream

from proxysim.errors import ScenarioError
from proxysim.policies.eviction.base import Eviction
from proxysim.policies.eviction.fifo import Fifo
from proxysim.policies.eviction.lfu import Lfu
from proxysim.policies.eviction.lru import Lru
from proxysim.policies.eviction.s3fifo import S3Fifo
from proxysim.policies.eviction.sieve import Sieve
from proxysim.policies.parameters import Spec, build

__all__ = ["EVICTIONS", "build_eviction"]

#: Scenario name -> strategy.
EVICTIONS: dict[str, Callable[..., Eviction]] = {
    "lru": Lru,
    "fifo": Fifo,
    "lfu": Lfu,
    "s3fifo": S3Fifo,
    "sieve": Sieve,
}


def build_eviction(spec: Spec, capacity: int, rng: Stream | None = None) -> Eviction:
    """The policy that a scenario names: ``"lru"`` or ``{"s3fifo": {"small": "20%"}}``.

    *capacity* is in the unit of the sizes that will be inserted; *rng* is for those that draw.
    Raises :class:`~proxysim.errors.ScenarioError` for an unknown name or an impossible parameter.
    """
    if isinstance(capacity, bool) or not isinstance(capacity, int) or capacity < 0:
        raise ScenarioError(
            f"found {capacity!r} as a cache's capacity", mend="Give a size from 0 up."
        )
    return build("eviction policy", EVICTIONS, spec, capacity=capacity, rng=rng)
