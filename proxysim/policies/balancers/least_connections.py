"""Least connections: send the request where the fewest are unanswered."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random as Stream
from typing import Any

from proxysim.messages import Request
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.loads import by_load
from proxysim.policies.balancers.loads import least as _least

__all__ = ["LeastConnections"]


class LeastConnections:
    """Choose the backend of least load ``(in_flight + 1) / weight``, ties broken by *rng*.

    The one is the request being placed: without it idle backends would ignore their weights. With
    equal weights this is to join the shortest queue.

    Cost: O(len(pool)) a choice; of the pool it only remembers whether all weights are equal.

    Members: one that joins is idle, so it gets every request until it carries as much as the
    others; nothing is remembered of one that leaves but what it still has in flight.

    Source: Envoy ``LeastRequest`` with ``active_request_bias`` 1, taken over the whole pool.
    """

    __slots__ = ("_equal", "_pool", "_random")

    def __init__(self, rng: Stream) -> None:
        self._random = rng.random
        self._pool: Sequence[Backend] = ()
        self._equal = True

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        if pool is not self._pool:
            self._pool = pool
            self._equal = len({backend.weight for backend in pool}) == 1
        best = pool[0]
        tied: list[Backend] | None = None
        if self._equal:
            least = best.in_flight
            for backend in pool[1:]:
                load = backend.in_flight
                if load > least:
                    continue
                if load < least:
                    best, least, tied = backend, load, None
                elif tied is None:
                    tied = [best, backend]
                else:
                    tied.append(backend)
        else:
            lightest = (best.in_flight + 1) / best.weight
            for backend in pool[1:]:
                relative = (backend.in_flight + 1) / backend.weight
                if relative > lightest:
                    continue
                if relative < lightest:
                    best, lightest, tied = backend, relative, None
                elif tied is None:
                    tied = [best, backend]
                else:
                    tied.append(backend)
        return best if tied is None else tied[int(self._random() * len(tied))]

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        seen = by_load(pool)
        return {**seen, "candidates": _least(seen["loads"])}
