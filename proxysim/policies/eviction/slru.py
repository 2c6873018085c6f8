"""SLRU: segments of LRU, climbed one use at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from proxysim.policies.parameters import Reader, whole

__all__ = ["Slru"]


class Slru:
    """As many LRU lists as *segments*, each with an equal share of the capacity.

    A use takes an entry to the next segment above, at the top to its front. What a segment has no
    room for goes down to the front of the one below; from the lowest it leaves. Newcomers enter the
    lowest; until the cache is full for the first time, the lowest with room. An entry larger than a
    segment stays in the lowest, which takes what room the others leave. O(segments), amortised.
    Inserting again keeps the segment.

    Source: Karedla, Love, Wherry, "Caching strategies to improve disk system performance" (1994)
    with two segments; four equal ones (S4LRU), the default here, are those of Huang et al., "An
    analysis of Facebook photo caching" (SOSP 2013). Filling as in libCacheSim.
    """

    __slots__ = ("_level", "_lists", "_room", "_taken", "capacity", "used")

    parameters: ClassVar[Mapping[str, Reader]] = {"segments": whole(2, 16)}

    def __init__(self, capacity: int, segments: int = 4) -> None:
        self.capacity = capacity
        self.used = 0
        self._level: dict[Hashable, int] = {}
        self._lists: list[OrderedDict[Hashable, int]] = [OrderedDict() for _ in range(segments)]
        self._taken = [0] * segments
        self._room = capacity // segments

    def touch(self, key: Hashable) -> bool:
        level = self._level.get(key)
        if level is None:
            return False
        entries = self._lists[level]
        if level + 1 < len(self._lists) and entries[key] <= self._room:
            size = entries.pop(key)
            self._taken[level] -= size
            self._put(key, size, level + 1)
        else:
            entries.move_to_end(key)
        return True

    def insert(self, key: Hashable, size: int) -> Sequence[Hashable]:
        level = self._level.get(key)
        self.discard(key)
        if size > self.capacity:
            return (key,)
        gone = []
        while (victim := self.victim(size)) is not None:
            self.discard(victim)
            gone.append(victim)
        if level is None:
            free = (n for n, taken in enumerate(self._taken) if taken + size <= self._room)
            level = next(free, 0)
        self.used += size
        self._put(key, size, level if size <= self._room else 0)
        return gone

    def _put(self, key: Hashable, size: int, level: int) -> None:
        """To the front of *level*; what no longer fits goes down."""
        lists, taken = self._lists, self._taken
        lists[level][key] = size
        taken[level] += size
        self._level[key] = level
        while level and taken[level] > self._room:
            while taken[level] > self._room:
                oldest, moved = lists[level].popitem(last=False)
                taken[level] -= moved
                lists[level - 1][oldest] = moved
                taken[level - 1] += moved
                self._level[oldest] = level - 1
            level -= 1

    def discard(self, key: Hashable) -> None:
        level = self._level.pop(key, None)
        if level is not None:
            size = self._lists[level].pop(key)
            self._taken[level] -= size
            self.used -= size

    def victim(self, size: int) -> Hashable | None:
        if self.used + size > self.capacity:
            for entries in self._lists:
                if entries:
                    return next(iter(entries))
        return None

    def __contains__(self, key: object) -> bool:
        return key in self._level

    def __len__(self) -> int:
        return len(self._level)
