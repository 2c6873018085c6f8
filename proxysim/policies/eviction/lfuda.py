"""LFU with dynamic ageing: old fame fades."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from proxysim.policies.eviction.greedy_dual import GreedyDual

__all__ = ["Lfuda"]


class Lfuda(GreedyDual):
    """Keep what has the highest count of uses plus age; no parameters.

    The cache's age L is the key of what last went; an object's key is its uses since it came plus
    the L of its last use. So a newcomer starts level with the least of those that are kept.
    Inserting counts as the first use, inserting again as one more. Cost: see the base.

    Source: Arlitt, Cherkasova, Dilley, Friedrich, Jin, "Evaluating content management techniques
    for Web proxy caches" (2000); Squid ``heap LFUDA``.
    """

    __slots__ = ()

    def worth(self, uses: int, size: int) -> float:
        return uses

    def insert(self, key: Hashable, size: int) -> Sequence[Hashable]:
        entry = self._entries.get(key)
        self.discard(key)
        if size > self.capacity:
            return (key,)
        gone = []
        while self.used + size > self.capacity:
            gone.append(self._let_go())
        self._file(key, size, entry.uses + 1 if entry is not None else 1)
        return gone
