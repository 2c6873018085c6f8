"""A scenario's caches, made into the objects that every world runs."""

from __future__ import annotations

from collections.abc import Callable

from proxysim.policies.eviction import build_eviction
from proxysim.proxies.cache import Cache
from proxysim.scenario.nodes import ProxyBase
from proxysim.workload.streams import stream

__all__ = ["cache_of"]

Clock = Callable[[], float]


def cache_of(node: ProxyBase, name: str, clock: Clock, seed: int, replication: int) -> Cache | None:
    """The cache of the proxy *name*, or None; its random choices come from a stream of its own."""
    cache = node.cache
    if cache is None:
        return None
    return Cache(
        build_eviction(
            cache.eviction, cache.capacity, stream(seed, f"{name}/eviction", replication)
        ),
        clock,
        max_object=cache.max_object,
        collapse=cache.collapse,
        stale_while_revalidate=cache.stale_while_revalidate,
    )
