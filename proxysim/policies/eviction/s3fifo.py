"""S3-FIFO: a small queue on trial, a main queue, and a memory of what failed the trial."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from proxysim.policies.eviction.ghosts import Ghosts
from proxysim.policies.parameters import Reader, share, whole

__all__ = ["S3Fifo"]


class _Entry:
    __slots__ = ("size", "uses")

    def __init__(self, size: int) -> None:
        self.size = size
        self.uses = 0


class S3Fifo:
    """Three FIFO queues: small (the share *small* of the capacity), main (the rest), and ghosts.

    What is new goes to the small queue. At its end, what was used at least *threshold* times
    since goes on to the main queue, the rest leaves and is remembered as a ghost; a ghost that is
    asked for again goes to the main queue at once. At the main queue's end, what was used gets
    another round for one use less. Uses are counted up to 3. The ghosts' sizes add up to at most
    the main queue's. Until the cache is full for the first time, what the small queue has no room
    for goes to the main queue. O(1), amortised. Inserting again starts anew in the same queue.

    Source: Yang et al., "FIFO queues are all you need for cache eviction" (SOSP 2023), with its
    parameters: small 10 %, threshold 2, ghosts as many as the main queue holds; the filling of an
    empty cache as in the authors' libCacheSim. Unlike there, an object larger than the small queue
    is taken in: a cache of ten equal objects would otherwise stay empty.
    """

    __slots__ = (
        "_doomed",
        "_filling",
        "_ghosts",
        "_main",
        "_main_capacity",
        "_main_used",
        "_small",
        "_small_capacity",
        "_small_used",
        "capacity",
        "threshold",
    )

    MOST_USES = 3

    parameters: ClassVar[Mapping[str, Reader]] = {
        "small": share(0.01, 0.99),
        "threshold": whole(1, 3),
    }

    def __init__(self, capacity: int, small: float = 0.1, threshold: int = 2) -> None:
        self.capacity = capacity
        self.threshold = threshold
        self._small: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._main: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._small_used = 0
        self._main_used = 0
        self._small_capacity = int(capacity * small)
        self._main_capacity = capacity - self._small_capacity
        self._ghosts = Ghosts(self._main_capacity)
        self._filling = True
        self._doomed: Hashable = None

    @property
    def used(self) -> int:
        return self._small_used + self._main_used

    def touch(self, key: Hashable) -> bool:
        entry = self._small.get(key) or self._main.get(key)
        if entry is None:
            return False
        if entry.uses < self.MOST_USES:
            entry.uses += 1
        return True

    def insert(self, key: Hashable, size: int) -> Sequence[Hashable]:
        to_main = key in self._main or key in self._ghosts
        self.discard(key)
        if size > self.capacity:
            return (key,)
        self._ghosts.take(key)
        gone: list[Hashable] = []
        while (victim := self.victim(size)) is not None:
            self._filling = False
            if victim in self._small:
                self._ghosts.add(victim, self._small[victim].size)
            self.discard(victim)
            gone.append(victim)
        if to_main or (self._filling and self._small_used >= self._small_capacity):
            self._main[key] = _Entry(size)
            self._main_used += size
        else:
            self._small[key] = _Entry(size)
            self._small_used += size
        return gone

    def discard(self, key: Hashable) -> None:
        entry = self._small.pop(key, None)
        if entry is not None:
            self._small_used -= entry.size
            return
        entry = self._main.pop(key, None)
        if entry is not None:
            self._main_used -= entry.size

    def victim(self, size: int) -> Hashable | None:
        if self._small_used + self._main_used + size <= self.capacity or not len(self):
            return None
        doomed = self._small.get(self._doomed)
        if doomed is None or doomed.uses >= self.threshold:
            self._doomed = self._find_victim()
        return self._doomed

    def _find_victim(self) -> Hashable:
        small, main = self._small, self._main
        while small and self._main_used <= self._main_capacity:
            while small:
                key, entry = next(iter(small.items()))
                if entry.uses < self.threshold:
                    return key
                del small[key]
                self._small_used -= entry.size
                entry.uses = 0
                main[key] = entry
                self._main_used += entry.size
        key, entry = next(iter(main.items()))
        while entry.uses:
            entry.uses -= 1
            main.move_to_end(key)
            key, entry = next(iter(main.items()))
        return key

    def __contains__(self, key: object) -> bool:
        return key in self._small or key in self._main

    def __len__(self) -> int:
        return len(self._small) + len(self._main)
