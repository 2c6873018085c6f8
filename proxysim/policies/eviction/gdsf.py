"""GDSF: small and often used stays, large and seldom used goes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import inf

from proxysim.policies.eviction.greedy_dual import GreedyDual

__all__ = ["Gdsf"]


class Gdsf(GreedyDual):
    """Greedy dual, size, frequency: keep what has the most uses for its size; no parameters.

    Priority is L + uses / size, with L the priority of what last went, so that each hit counts the
    same whatever its size (cost 1). A newcomer takes its place first; then the lowest go until all
    fits, and the newcomer may be one of them. Inserting again counts as a use. Objects without size
    never have to go. Cost: see the base.

    Source: Cherkasova, "Improving WWW proxies performance with greedy-dual-size-frequency caching
    policy" (HP Labs, 1998). There, none goes when the newcomer is refused; here L rises all the
    same, as in libCacheSim: a cache full of old fame would otherwise never change.
    """

    __slots__ = ()

    def worth(self, uses: int, size: int) -> float:
        return uses * 1e6 / size if size else inf

    def insert(self, key: Hashable, size: int) -> Sequence[Hashable]:
        entry = self._entries.get(key)
        self.discard(key)
        if size > self.capacity:
            return (key,)
        self._file(key, size, entry.uses + 1 if entry is not None else 1)
        gone = []
        while self.used > self.capacity:
            gone.append(self._let_go())
        return gone
