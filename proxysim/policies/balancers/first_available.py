"""First available: fill one backend up to its limit, then the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from proxysim.messages import Request
from proxysim.policies.backend import Backend
from proxysim.policies.parameters import Reader, whole

__all__ = ["FirstAvailable"]


class FirstAvailable:
    """Choose the first backend, in the order of the scenario, that has room.

    One has room that has fewer than *limit* times its weight in flight. When all are full, the one
    with the least for its weight is chosen, of equals the first. So the last backends stay idle as
    long as they can, and may be switched off.

    Cost: O(len(pool)) a choice at most; no state.

    Members: one that joins takes its place in the order; when one leaves, those behind it fill up.

    Source: HAProxy ``balance first`` with ``maxconn``, which queues where all are full.
    """

    __slots__ = ("limit",)

    parameters: ClassVar[Mapping[str, Reader]] = {"limit": whole(1, 1_000_000)}

    def __init__(self, limit: int = 10) -> None:
        self.limit = limit

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        limit = self.limit
        for backend in pool:
            if backend.in_flight < limit * backend.weight:
                return backend
        return min(pool, key=_filled)

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        return {
            "in_flight": {backend.name: backend.in_flight for backend in pool},
            "limits": {backend.name: self.limit * backend.weight for backend in pool},
            "candidates": [self.choose(request, pool).name],
        }


def _filled(backend: Backend) -> float:
    return backend.in_flight / backend.weight
