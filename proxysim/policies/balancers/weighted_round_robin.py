"""Smooth weighted round robin: turns in proportion to weights, spread evenly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxysim.messages import Request
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.base import forget_the_gone

__all__ = ["WeightedRoundRobin"]


class WeightedRoundRobin:
    """Credits grow by the weights; the largest is chosen, and pays the sum of weights.

    In any ``sum(weights)`` choices, whole weights, each backend has exactly its weight of them,
    never bunched more than it must be: weights 3, 1, 1 give a b a c a. Of equal credits the first
    in the pool is taken.

    Cost: O(len(pool)) a choice.

    Members: one that joins starts with no credit; one that leaves keeps its own for its return, as
    a server that is down does in nginx, unless very many have left since.

    Source: nginx, ``ngx_http_upstream_get_peer``.
    """

    __slots__ = ("_credits", "_left", "_pool", "_total", "_weights")

    def __init__(self) -> None:
        self._pool: Sequence[Backend] = ()
        self._weights: list[float] = []
        self._credits: list[float] = []
        self._left: dict[Backend, float] = {}
        self._total = 0.0

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        if pool is not self._pool:
            self._join(pool)
        grown = [
            credit + weight for credit, weight in zip(self._credits, self._weights, strict=True)
        ]
        at = grown.index(max(grown))
        grown[at] -= self._total
        self._credits = grown
        return pool[at]

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        held = self._left | dict(zip(self._pool, self._credits, strict=True))
        credits = {backend.name: held.get(backend, 0.0) + backend.weight for backend in pool}
        return {
            "weights": {backend.name: backend.weight for backend in pool},
            "credits": credits,
            "candidates": [max(credits, key=credits.__getitem__)],
        }

    def _join(self, pool: Sequence[Backend]) -> None:
        self._left.update(zip(self._pool, self._credits, strict=True))
        forget_the_gone(self._left, pool)
        self._pool = pool
        self._weights = [backend.weight for backend in pool]
        self._credits = [self._left.get(backend, 0.0) for backend in pool]
        self._total = sum(self._weights)
