"""Round robin: each backend in its turn."""

from __future__ import annotations

from collections.abc import Sequence

from proxysim.messages import Request
from proxysim.policies.backend import Backend

__all__ = ["RoundRobin"]


class RoundRobin:
    """Choose the backends one after the other, whatever their loads and weights.

    Equal counts, not equal work. O(1) a choice; keeps its place in the pool, so that after a
    member has come or gone the turn goes on from the same position.
    """

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = 0

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        at = self._next
        if at >= len(pool):
            at = 0
        self._next = at + 1
        return pool[at]
