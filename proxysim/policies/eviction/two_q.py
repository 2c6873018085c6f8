"""2Q: a queue on trial, a main list, and a memory of what left the queue."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from proxysim.policies.eviction.ghosts import Ghosts
from proxysim.policies.parameters import Reader, share

__all__ = ["TwoQ"]


class TwoQ:
    """A FIFO queue for what is new (A1in), LRU for what came back (Am), ghosts between (A1out).

    Newcomers enter the queue and are not moved by use. To make room, the queue's oldest goes while
    the queue holds more than the share *kin* of the capacity, and is remembered as a ghost; else
    the least recently used of Am goes and is forgotten. What is asked for again as a ghost enters
    Am. The ghosts' sizes add up to at most the share *kout* of the capacity. O(1). Inserting again
    makes an entry the newest of its list.

    Source: Johnson, Shasha, "2Q: a low overhead high performance buffer management replacement
    algorithm" (VLDB 1994), the full version with its Kin 25 % and Kout 50 %.
    """

    __slots__ = ("_ghosts", "_kin", "_main", "_queue", "_queued", "capacity", "used")

    parameters: ClassVar[Mapping[str, Reader]] = {"kin": share(0.01, 0.99), "kout": share(0, 1)}

    def __init__(self, capacity: int, kin: float = 0.25, kout: float = 0.5) -> None:
        self.capacity = capacity
        self.used = 0
        self._queue: OrderedDict[Hashable, int] = OrderedDict()
        self._queued = 0
        self._main: OrderedDict[Hashable, int] = OrderedDict()
        self._kin = int(capacity * kin)
        self._ghosts = Ghosts(int(capacity * kout))

    def touch(self, key: Hashable) -> bool:
        if key in self._main:
            self._main.move_to_end(key)
            return True
        return key in self._queue

    def insert(self, key: Hashable, size: int) -> Sequence[Hashable]:
        to_main = key in self._main or (key not in self._queue and self._ghosts.take(key))
        self.discard(key)
        if size > self.capacity:
            return (key,)
        gone = []
        while (victim := self.victim(size)) is not None:
            if victim in self._queue:
                self._ghosts.add(victim, self._queue[victim])
            self.discard(victim)
            gone.append(victim)
        self.used += size
        if to_main:
            self._main[key] = size
        else:
            self._queue[key] = size
            self._queued += size
        return gone

    def discard(self, key: Hashable) -> None:
        size = self._queue.pop(key, None)
        if size is not None:
            self._queued -= size
            self.used -= size
        else:
            self.used -= self._main.pop(key, 0)

    def victim(self, size: int) -> Hashable | None:
        if self.used + size <= self.capacity:
            return None
        if self._queued > self._kin or not self._main:
            return next(iter(self._queue), None)
        return next(iter(self._main))

    def __contains__(self, key: object) -> bool:
        return key in self._main or key in self._queue

    def __len__(self) -> int:
        return len(self._main) + len(self._queue)
