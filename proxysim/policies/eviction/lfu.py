"""LFU: the least often used goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence

__all__ = ["Lfu"]


class Lfu:
    """Keep what was used most often since it came; of equals the least recently used goes first.

    Inserting counts as the first use; inserting again as one more. What has left is forgotten.

    O(1) a use, and an insertion where sizes are equal; else O(distinct frequencies) at worst, to
    find who goes next.

    Source: Shah, Mitra, Matani, "An O(1) algorithm for implementing the LFU cache eviction scheme"
    (2010).
    """

    __slots__ = ("_buckets", "_entries", "_least", "capacity", "used")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = 0
        self._entries: dict[Hashable, tuple[int, int]] = {}  # key: uses, size
        self._buckets: dict[int, OrderedDict[Hashable, None]] = {}  # uses: keys, last used last
        self._least = 0

    def touch(self, key: Hashable) -> bool:
        entry = self._entries.get(key)
        if entry is None:
            return False
        uses, size = entry
        self._leave(key, uses)
        self._enter(key, uses + 1, size)
        if uses == self._least and uses not in self._buckets:
            self._least = uses + 1
        return True

    def insert(self, key: Hashable, size: int) -> Sequence[Hashable]:
        entry = self._entries.get(key)
        uses = entry[0] + 1 if entry is not None else 1
        self.discard(key)
        if size > self.capacity:
            return (key,)
        gone = []
        while (victim := self.victim(size)) is not None:
            self.discard(victim)
            gone.append(victim)
        self.used += size
        self._enter(key, uses, size)
        if uses < self._least or self._least not in self._buckets:
            self._least = min(self._buckets) if uses > 1 else 1
        return gone

    def discard(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._leave(key, entry[0])
            self.used -= entry[1]

    def victim(self, size: int) -> Hashable | None:
        if self.used + size <= self.capacity or not self._buckets:
            return None
        if self._least not in self._buckets:
            self._least = min(self._buckets)
        return next(iter(self._buckets[self._least]))

    def _enter(self, key: Hashable, uses: int, size: int) -> None:
        self._entries[key] = (uses, size)
        bucket = self._buckets.get(uses)
        if bucket is None:
            bucket = self._buckets[uses] = OrderedDict()
        bucket[key] = None

    def _leave(self, key: Hashable, uses: int) -> None:
        bucket = self._buckets[uses]
        del bucket[key]
        if not bucket:
            del self._buckets[uses]

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)
