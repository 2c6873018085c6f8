"""ARC: recency and frequency, balanced by what was let go too early."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from proxysim.errors import ScenarioError
from proxysim.policies.eviction.ghosts import Ghosts
from proxysim.policies.parameters import Reader, Stated
from proxysim.units import size as read_size

__all__ = ["Arc"]


def _step(found: object) -> int:
    size = read_size(found)
    if not size:
        raise ScenarioError(
            f"found {found!r}, by which the target would never move",
            mend="Give a size such as 4kB, or leave it out.",
        )
    return size


class Arc:
    """Two LRU lists: T1 of what was asked for once, T2 of what came again, with ghosts B1 and B2.

    The least recently used of T1 goes while T1 is above its target p, else that of T2; it becomes a
    ghost. A ghost that is asked for again enters T2 and moves the target towards the list it came
    from: by its size (or by *step*), times the ratio of the other list of ghosts to its own where
    that is above 1. T1 and B1 hold at most the capacity c, all four lists 2 c. O(1), amortised.
    Inserting again counts as a use.

    Source: Megiddo, Modha, "ARC: a self-tuning, low overhead replacement cache" (FAST 2003), where
    all is counted in pages; p is a real number. libCacheSim moves the target by a step of 1, which
    for sizes in bytes is hardly at all.
    """

    __slots__ = ("_b1", "_b2", "_p", "_t1", "_t1_used", "_t2", "_t2_used", "capacity", "step")

    parameters: ClassVar[Mapping[str, Reader]] = {"step": Stated("a size such as 4kB", _step)}

    def __init__(self, capacity: int, step: int | None = None) -> None:
        self.capacity = capacity
        self.step = step
        self._t1: OrderedDict[Hashable, int] = OrderedDict()
        self._t2: OrderedDict[Hashable, int] = OrderedDict()
        self._t1_used = 0
        self._t2_used = 0
        self._b1 = Ghosts(capacity)
        self._b2 = Ghosts(2 * capacity)
        self._p = 0.0

    @property
    def used(self) -> int:
        return self._t1_used + self._t2_used

    def touch(self, key: Hashable) -> bool:
        if key in self._t2:
            self._t2.move_to_end(key)
            return True
        size = self._t1.pop(key, None)
        if size is None:
            return False
        self._t1_used -= size
        self._t2[key] = size
        self._t2_used += size
        return True

    def insert(self, key: Hashable, size: int) -> Sequence[Hashable]:
        known = key in self
        self.discard(key)
        if size > self.capacity:
            return (key,)
        b1, b2, gone = self._b1, self._b2, []
        from_b2 = key in b2
        step = size if self.step is None else self.step
        if key in b1:
            self._p = min(self._p + max(b2.total / b1.total, 1.0) * step, self.capacity)
        elif from_b2:
            self._p = max(self._p - max(b1.total / b2.total, 1.0) * step, 0.0)
        known = bool(b1.take(key) or b2.take(key)) or known
        if not known:
            # What T1 alone has no room for leaves no ghost, so none need go for it.
            self._trim(min(size, max(0, self.capacity - self._t1_used)))
        while self._t1_used + self._t2_used + size > self.capacity:
            victim = self._lowest(from_b2)
            if victim not in self._t1:
                b2.add(victim, self._t2[victim])
            elif known or self._t1_used + size <= self.capacity:
                b1.add(victim, self._t1[victim])
            self.discard(victim)
            gone.append(victim)
        if known:
            self._t2[key] = size
            self._t2_used += size
        else:
            self._t1[key] = size
            self._t1_used += size
        self._trim(0)
        return gone

    def _lowest(self, from_b2: bool) -> Hashable:
        at = self._t1_used
        if (self._t1 and (at > self._p or (at == self._p and from_b2))) or not self._t2:
            return next(iter(self._t1))
        return next(iter(self._t2))

    def _trim(self, size: int) -> None:
        """Forget ghosts until *size* more keeps to the bounds."""
        self._b1.trim(self.capacity - self._t1_used - size)
        self._b2.trim(2 * self.capacity - self.used - self._b1.total - size)

    def discard(self, key: Hashable) -> None:
        size = self._t1.pop(key, None)
        if size is not None:
            self._t1_used -= size
        else:
            self._t2_used -= self._t2.pop(key, 0)

    def victim(self, size: int) -> Hashable | None:
        if self._t1_used + self._t2_used + size <= self.capacity or not len(self):
            return None
        return self._lowest(False)

    def __contains__(self, key: object) -> bool:
        return key in self._t1 or key in self._t2

    def __len__(self) -> int:
        return len(self._t1) + len(self._t2)
