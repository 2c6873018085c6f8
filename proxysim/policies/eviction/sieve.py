"""SIEVE: a hand sifts out what was not used since it last passed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

__all__ = ["Sieve"]


class _Node:
    """An entry between its ``newer`` and ``older`` neighbours."""

    __slots__ = ("key", "newer", "older", "size", "visited")

    newer: _Node
    older: _Node

    def __init__(self, key: Hashable, size: int) -> None:
        self.key = key
        self.size = size
        self.visited = False
        self.newer = self.older = self


class Sieve:
    """A queue in order of arrival, and a hand that goes from the oldest to the newest and round.

    A use marks an entry. To make room the hand takes the marks off as it passes, and stops at the
    first entry without one: that goes. Entries never move. O(1), amortised. Inserting again makes
    an entry the newest, unmarked.

    Source: Zhang et al., "SIEVE is simpler than LRU" (NSDI 2024).
    """

    __slots__ = ("_end", "_hand", "_nodes", "capacity", "used")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = 0
        self._nodes: dict[Hashable, _Node] = {}
        # The queue is a ring through one node that holds nothing: beyond it on either side stand
        # the oldest and the newest. The hand rests on the node it will look at next.
        self._end: Final = _Node(None, 0)
        self._hand = self._end

    def touch(self, key: Hashable) -> bool:
        node = self._nodes.get(key)
        if node is None:
            return False
        node.visited = True
        return True

    def insert(self, key: Hashable, size: int) -> Sequence[Hashable]:
        self.discard(key)
        if size > self.capacity:
            return (key,)
        gone = []
        while self.used + size > self.capacity:
            victim = self._sift()
            self.discard(victim)
            gone.append(victim)
        node = self._nodes[key] = _Node(key, size)
        newest, end = self._end.older, self._end
        node.older, node.newer = newest, end
        newest.newer = end.older = node
        self.used += size
        return gone

    def _sift(self) -> Hashable:
        """Take the hand on to the first entry without a mark, and let it rest there."""
        end, node = self._end, self._hand
        if node is end:
            node = end.newer
        while node.visited:
            node.visited = False
            node = node.newer
            if node is end:
                node = end.newer
        self._hand = node
        return node.key

    def discard(self, key: Hashable) -> None:
        node = self._nodes.pop(key, None)
        if node is None:
            return
        if node is self._hand:
            self._hand = node.newer
        node.older.newer, node.newer.older = node.newer, node.older
        self.used -= node.size

    def victim(self, size: int) -> Hashable | None:
        return self._sift() if self._nodes and self.used + size > self.capacity else None

    def __contains__(self, key: object) -> bool:
        return key in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)
