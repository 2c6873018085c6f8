"""A scenario's caches, made into the objects that every world runs."""

from __future__ import annotations

from collections.abc import Callable

from proxysim.policies.admission import build_admission
from proxysim.policies.caching.freshness import Heuristic
from proxysim.policies.eviction import build_eviction
from proxysim.proxies.cache import Cache
from proxysim.scenario.caching import Objects
from proxysim.scenario.nodes import ProxyBase
from proxysim.workload.streams import stream

__all__ = ["cache_of"]

Clock = Callable[[], float]


def cache_of(
    node: ProxyBase,
    name: str,
    clock: Clock,
    seed: int,
    replication: int,
    epoch: float | None = None,
) -> Cache | None:
    """The cache of the proxy *name*, or None; its random choices come from a stream of its own.

    *epoch* is what *clock* reads as 0, in seconds since 1970, in a world that has a calendar.
    """
    cache = node.cache
    if cache is None:
        return None
    counted = isinstance(cache.capacity, Objects)
    capacity = cache.capacity.objects if isinstance(cache.capacity, Objects) else cache.capacity
    rng = stream(seed, f"{name}/eviction", replication)
    return Cache(
        build_eviction(cache.eviction, capacity, rng),
        clock,
        by_object=counted,
        admission=None if cache.admission is None else build_admission(cache.admission),
        max_object=cache.max_object,
        collapse=cache.collapse,
        hit_for_miss=cache.hit_for_miss,
        stale_while_revalidate=cache.stale_while_revalidate,
        stale_if_error=cache.stale_if_error,
        heuristic=Heuristic(cache.heuristic.share, cache.heuristic.limit, cache.negative_ttl),
        epoch=epoch,
        named=name if cache.status else "",
    )
