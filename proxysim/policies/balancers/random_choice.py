"""Random: any backend, evenly or by weight."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from random import Random as Stream
from typing import Any, ClassVar

from proxysim.messages import Request
from proxysim.policies.backend import Backend

__all__ = ["Random", "WeightedRandom"]


class Random:
    """Choose evenly at random, whatever the loads and weights.

    Cost: O(1) a choice; no state.

    Members: whoever is in the pool has its equal chance at once.

    Source: Envoy ``Random``; Caddy ``random``.
    """

    __slots__ = ("_random",)

    weighted: ClassVar = False

    def __init__(self, rng: Stream) -> None:
        self._random = rng.random

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        return pool[int(self._random() * len(pool))]

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        return {"candidates": [backend.name for backend in pool]}


class WeightedRandom:
    """Choose at random with chances in proportion to weights.

    Cost: O(log len(pool)) a choice; O(len(pool)) when the pool changes.

    Members: chances are shared out anew among those in the pool.

    Source: nginx ``random``, which heeds weights.
    """

    __slots__ = ("_last", "_pool", "_random", "_sums", "_total")

    def __init__(self, rng: Stream) -> None:
        self._random = rng.random
        self._pool: Sequence[Backend] = ()
        self._sums: list[float] = []
        self._total = 0.0
        self._last = 0

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        if pool is not self._pool:
            self._pool = pool
            self._sums = list(accumulate(backend.weight for backend in pool))
            self._total = self._sums[-1]
            self._last = len(pool) - 1
        # The bound: rounding may carry the product up to the total itself.
        return pool[bisect_right(self._sums, self._random() * self._total, 0, self._last)]

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        return {
            "weights": {backend.name: backend.weight for backend in pool},
            "candidates": [backend.name for backend in pool],
        }
