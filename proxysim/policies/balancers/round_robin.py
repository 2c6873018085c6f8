"""Round robin: each backend in its turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from proxysim.messages import Request
from proxysim.policies.backend import Backend

__all__ = ["RoundRobin"]


class RoundRobin:
    """Choose the backends one after the other, whatever their loads and weights.

    Equal counts, not equal work.

    Cost: O(1) a choice; keeps a place in the pool.

    Members: after one has come or gone the turn goes on from the same position.

    Source: nginx, whose default it is, with all weights alike; RFC 1794 names the idea for DNS.
    """

    __slots__ = ("_next",)

    weighted: ClassVar = False

    def __init__(self) -> None:
        self._next = 0

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        at = self._next
        if at >= len(pool):
            at = 0
        self._next = at + 1
        return pool[at]

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        at = self._next if self._next < len(pool) else 0
        return {"position": at, "candidates": [pool[at].name]}
