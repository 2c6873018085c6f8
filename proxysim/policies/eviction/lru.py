"""LRU: the least recently used goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence

__all__ = ["Lru"]


class Lru:
    """Keep what was used last. O(1). Inserting again counts as a use.

    Source: Mattson, Gecsei, Slutz, Traiger, "Evaluation techniques for storage hierarchies" (1970),
    its model; here with sizes.
    """

    __slots__ = ("_sizes", "capacity", "used")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = 0
        self._sizes: OrderedDict[Hashable, int] = OrderedDict()

    def touch(self, key: Hashable) -> bool:
        if key in self._sizes:
            self._sizes.move_to_end(key)
            return True
        return False

    def insert(self, key: Hashable, size: int) -> Sequence[Hashable]:
        self.discard(key)
        if size > self.capacity:
            return (key,)
        sizes, gone = self._sizes, []
        self.used += size
        while self.used > self.capacity:
            oldest, freed = sizes.popitem(last=False)
            self.used -= freed
            gone.append(oldest)
        sizes[key] = size
        return gone

    def discard(self, key: Hashable) -> None:
        self.used -= self._sizes.pop(key, 0)

    def victim(self, size: int) -> Hashable | None:
        return next(iter(self._sizes), None) if self.used + size > self.capacity else None

    def __contains__(self, key: object) -> bool:
        return key in self._sizes

    def __len__(self) -> int:
        return len(self._sizes)
