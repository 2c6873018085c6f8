"""Power of two choices: draw a few backends, take the least loaded of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random as Stream
from typing import Any, ClassVar

from proxysim.messages import Request
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.loads import by_load, least_of_drawn, load_of
from proxysim.policies.parameters import Reader, whole

__all__ = ["PowerOfTwo"]


class PowerOfTwo:
    """Draw *choices* distinct backends, evenly, and choose the one of least load.

    Load is ``(in_flight + 1) / weight``; the order drawn settles ties, and is random itself. A pool
    of no more than *choices* members is compared whole.

    Cost: O(choices) a choice; no state.

    Members: one that joins is drawn as often as any other, so it is not flooded; nothing is
    remembered of one that leaves.

    Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (2001), drawn
    without replacement; nginx ``random two least_conn``.
    """

    __slots__ = ("_random", "_rng", "choices")

    parameters: ClassVar[Mapping[str, Reader]] = {"choices": whole(1, 1000)}

    def __init__(self, rng: Stream, choices: int = 2) -> None:
        self._rng = rng
        self._random = rng.random
        self.choices = choices

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        size = len(pool)
        if self.choices != 2 or size < 3:
            drawn = self._rng.sample(pool, min(self.choices, size))
            return min(drawn, key=load_of)
        at = int(self._random() * size)
        other = int(self._random() * (size - 1))
        if other >= at:
            other += 1
        first, second = pool[at], pool[other]
        if (second.in_flight + 1) * first.weight < (first.in_flight + 1) * second.weight:
            return second
        return first

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        seen = by_load(pool)
        drawn = min(self.choices, len(pool))
        return {**seen, "drawn": drawn, "candidates": least_of_drawn(seen["loads"], drawn)}
