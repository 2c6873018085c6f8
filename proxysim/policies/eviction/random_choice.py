"""Random: any of them goes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from random import Random as Stream

__all__ = ["Random"]


class Random:
    """Let go an entry drawn evenly by *rng*, whatever its size and use. O(1).

    Source: Belady, "A study of replacement algorithms for a virtual-storage computer" (1966), RAND.
    """

    __slots__ = ("_drawn", "_kept", "_keys", "_random", "capacity", "used")

    def __init__(self, capacity: int, rng: Stream) -> None:
        self.capacity = capacity
        self.used = 0
        self._random = rng.random
        self._keys: list[Hashable] = []
        self._kept: dict[Hashable, tuple[int, int]] = {}  # key: its place in the list, size
        self._drawn: int | None = None

    def touch(self, key: Hashable) -> bool:
        return key in self._kept

    def insert(self, key: Hashable, size: int) -> Sequence[Hashable]:
        self.discard(key)
        if size > self.capacity:
            return (key,)
        gone = []
        while self.used + size > self.capacity:
            victim = self._draw()
            self.discard(victim)
            gone.append(victim)
        self._kept[key] = len(self._keys), size
        self._keys.append(key)
        self.used += size
        return gone

    def _draw(self) -> Hashable:
        if self._drawn is None:
            self._drawn = int(self._random() * len(self._keys))
        return self._keys[self._drawn]

    def discard(self, key: Hashable) -> None:
        entry = self._kept.pop(key, None)
        if entry is None:
            return
        place, size = entry
        self.used -= size
        self._drawn = None
        last = self._keys.pop()
        if place < len(self._keys):
            self._keys[place] = last
            self._kept[last] = place, self._kept[last][1]

    def victim(self, size: int) -> Hashable | None:
        return self._draw() if self._keys and self.used + size > self.capacity else None

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def __len__(self) -> int:
        return len(self._keys)
