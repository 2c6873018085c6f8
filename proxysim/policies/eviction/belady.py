"""Belady: what is asked for again latest goes; for those who know the future."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from proxysim.errors import ScenarioError

__all__ = ["Belady", "BeladyBypass"]


class Belady:
    """Let go what is asked for again latest, or never; the newcomer is always taken in.

    *trace* is every key that will be asked for, in order; ``touch`` goes along it, and ``insert``
    is for the key just touched. No policy that takes in every newcomer has more hits where all
    sizes are equal; for others this is a heuristic. O(log n) a request; memory for the trace.

    Raises :class:`~proxysim.errors.ScenarioError` where the requests leave the trace.

    Source: Belady, "A study of replacement algorithms for a virtual-storage computer" (1966), MIN.
    """

    __slots__ = ("_at", "_heap", "_kept", "_next", "_trace", "capacity", "used")

    #: Whether a newcomer that is asked for latest of all is not taken in.
    bypass = False

    def __init__(self, capacity: int, trace: Sequence[Hashable]) -> None:
        self.capacity = capacity
        self.used = 0
        self._trace: Final = trace
        self._next = _next_uses(trace)
        self._at = -1
        self._kept: dict[Hashable, tuple[int, int]] = {}  # key: next use, size
        self._heap: list[tuple[int, int, Hashable]] = []  # minus next use, filed at, key

    def touch(self, key: Hashable) -> bool:
        self._at += 1
        if self._at >= len(self._trace) or self._trace[self._at] != key:
            raise ScenarioError(
                f"request {self._at} is for {key!r}, which is not what the trace says",
                mend="Give Belady the very sequence that it will be asked for.",
            )
        entry = self._kept.get(key)
        if entry is None:
            return False
        self._file(key, entry[1])
        return True

    def insert(self, key: Hashable, size: int) -> Sequence[Hashable]:
        if self._at < 0 or self._trace[self._at] != key:
            raise ScenarioError(
                f"{key!r} is inserted, and was not asked for",
                mend="Insert what was touched last.",
            )
        self.discard(key)
        if size > self.capacity:
            return (key,)
        gone = []
        if self.bypass:
            self._file(key, size)
            self.used += size
            size = 0
        while self.used + size > self.capacity:
            latest = self._latest()
            self.discard(latest)
            gone.append(latest)
        if not self.bypass:
            self._file(key, size)
            self.used += size
        return gone

    def discard(self, key: Hashable) -> None:
        self.used -= self._kept.pop(key, (0, 0))[1]

    def victim(self, size: int) -> Hashable | None:
        return self._latest() if self._kept and self.used + size > self.capacity else None

    def _file(self, key: Hashable, size: int) -> None:
        coming = self._next[self._at]
        self._kept[key] = coming, size
        heappush(self._heap, (-coming, self._at, key))
        if len(self._heap) > 2 * len(self._kept) + 64:
            heap = self._heap
            self._heap = [entry for entry in heap if self._is_now(entry)]
            heapify(self._heap)

    def _latest(self) -> Hashable:
        while not self._is_now(self._heap[0]):
            heappop(self._heap)
        return self._heap[0][2]

    def _is_now(self, filed: tuple[int, int, Hashable]) -> bool:
        """Whether an entry of the heap is kept, and not asked for since it was filed."""
        kept = self._kept.get(filed[2])
        return kept is not None and kept[0] == -filed[0]

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def __len__(self) -> int:
        return len(self._kept)


class BeladyBypass(Belady):
    """Belady's rule with the newcomer among the candidates: asked for latest, it is not taken in.

    No policy has more hits where all sizes are equal. Otherwise as :class:`Belady`.

    Source: Belady's MIN, for a cache that need not take in what it has fetched.
    """

    __slots__ = ()

    bypass = True


def _next_uses(trace: Sequence[Hashable]) -> list[int]:
    """For each position, that of the key's next use; beyond the trace, all different, for never.

    Of keys that are not asked for again, the one that was asked for first counts as latest.
    """
    count = len(trace)
    following: dict[Hashable, int] = {}
    uses = [0] * count
    for at in range(count - 1, -1, -1):
        uses[at] = following.get(trace[at], 2 * count - at)
        following[trace[at]] = at
    return uses
