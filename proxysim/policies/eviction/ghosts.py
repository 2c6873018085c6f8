"""Ghosts: what has left, remembered without its content."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

__all__ = ["Ghosts"]


class Ghosts:
    """Keys and sizes in the order in which they left; the oldest are forgotten beyond *limit*.

    ``total`` is their sizes added up. One without size counts 1, so that their number is bounded
    too.
    """

    __slots__ = ("_sizes", "limit", "total")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self._sizes: OrderedDict[Hashable, int] = OrderedDict()

    def add(self, key: Hashable, size: int) -> None:
        """Remember *key* as the newest."""
        size = size or 1
        if size <= self.limit:
            self.take(key)
            self._sizes[key] = size
            self.total += size
            self.trim(self.limit)

    def take(self, key: Hashable) -> int:
        """Forget *key*; its size, 0 if it was not there."""
        size = self._sizes.pop(key, 0)
        self.total -= size
        return size

    def trim(self, most: int) -> None:
        """Forget the oldest until their sizes add up to *most*."""
        while self.total > most and self._sizes:
            self.total -= self._sizes.popitem(last=False)[1]

    def __contains__(self, key: object) -> bool:
        return key in self._sizes

    def __len__(self) -> int:
        return len(self._sizes)
