"""Names that a party has resolved: how long that takes, and for how long the answer holds."""

from __future__ import annotations

from collections.abc import Hashable
from math import inf

__all__ = ["Names"]

#: From when until when the answer holds for a name that nobody has asked for.
NEVER = (-inf, -inf)


class Names:
    """A cache of the resolver's answers: a look-up takes *lookup* seconds, its answer holds *ttl*.

    Who needs a name that is being looked up waits for the same answer. O(1) a question.
    """

    __slots__ = ("_known", "lookup", "ttl")

    def __init__(self, lookup: float, ttl: float) -> None:
        self.lookup = lookup
        self.ttl = ttl
        self._known: dict[Hashable, tuple[float, float]] = {}  # from, until

    def wait(self, key: Hashable, now: float) -> tuple[float, bool]:
        """Seconds until the name under *key* is known, and whether the resolver was asked."""
        known, until = self._known.get(key, NEVER)
        asked = now >= until
        if asked:
            known = now + self.lookup
            self._known[key] = (known, known + self.ttl)
        return max(0.0, known - now), asked
