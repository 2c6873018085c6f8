"""Greedy dual: priorities that count from a floor, which rises to that of the last to go."""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heapify, heappop, heappush, heapreplace

__all__ = ["GreedyDual"]


class _Entry:
    """``used_at`` is the last use, ``filed_at`` the use under which it stands in the heap."""

    __slots__ = ("filed_at", "priority", "size", "used_at", "uses")

    def __init__(self, size: int, uses: int, priority: float, now: int) -> None:
        self.size = size
        self.uses = uses
        self.priority = priority
        self.used_at = self.filed_at = now


class GreedyDual:
    """Keeps what has the highest priority: the floor at its last use, and its worth.

    What is used no more sinks to the bottom as the floor rises: that is its ageing. Of equals the
    least recently used goes first. O(1) a hit, O(log n) an insertion, amortised: a priority only
    rises by use, so the heap is set right when an outdated one comes to its top.

    Source: Young, "The k-server dual and loose competitiveness for paging" (1994); the floor, in
    place of lowering all priorities, is due to Cao and Irani (1997).
    """

    __slots__ = ("_entries", "_floor", "_heap", "_now", "capacity", "used")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = 0
        self._entries: dict[Hashable, _Entry] = {}
        self._heap: list[tuple[float, int, Hashable]] = []
        self._floor = 0.0
        self._now = 0

    def worth(self, uses: int, size: int) -> float:
        """What *uses* of an object of *size* lift it above the floor."""
        raise NotImplementedError

    def touch(self, key: Hashable) -> bool:
        entry = self._entries.get(key)
        if entry is None:
            return False
        entry.uses += 1
        entry.priority = self._floor + self.worth(entry.uses, entry.size)
        self._now += 1
        entry.used_at = self._now
        return True

    def discard(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.used -= entry.size

    def victim(self, size: int) -> Hashable | None:
        return self._lowest() if self._entries and self.used + size > self.capacity else None

    def _file(self, key: Hashable, size: int, uses: int) -> None:
        self._now += 1
        priority = self._floor + self.worth(uses, size)
        self._entries[key] = _Entry(size, uses, priority, self._now)
        self.used += size
        heappush(self._heap, (priority, self._now, key))
        if len(self._heap) > 2 * len(self._entries) + 64:  # mostly what has been discarded
            self._heap = [(e.priority, e.used_at, key) for key, e in self._entries.items()]
            heapify(self._heap)
            for entry in self._entries.values():
                entry.filed_at = entry.used_at

    def _lowest(self) -> Hashable:
        """The key of lowest priority; it is at the heap's top."""
        heap = self._heap
        while True:
            _, filed_at, key = heap[0]
            entry = self._entries.get(key)
            if entry is None or entry.filed_at != filed_at:
                heappop(heap)
            elif entry.used_at != filed_at:
                heapreplace(heap, (entry.priority, entry.used_at, key))
                entry.filed_at = entry.used_at
            else:
                return key

    def _let_go(self) -> Hashable:
        """Let the lowest go; the floor rises to its priority."""
        key = self._lowest()
        self._floor = heappop(self._heap)[0]
        self.discard(key)
        return key

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)
