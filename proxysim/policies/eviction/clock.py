"""Clock: a queue that gives what was used a second chance."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence

__all__ = ["Clock"]


class Clock:
    """FIFO, but what was used since it was last looked at goes round once more, its mark taken off.

    One bit an entry. O(1), amortised. Inserting again makes it the newest, unmarked.

    Source: Corbató, "A paging experiment with the Multics system" (1968); also known as second
    chance and FIFO with reinsertion.
    """

    __slots__ = ("_marked", "_sizes", "capacity", "used")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = 0
        self._sizes: OrderedDict[Hashable, int] = OrderedDict()
        self._marked: set[Hashable] = set()

    def touch(self, key: Hashable) -> bool:
        if key in self._sizes:
            self._marked.add(key)
            return True
        return False

    def insert(self, key: Hashable, size: int) -> Sequence[Hashable]:
        self.discard(key)
        if size > self.capacity:
            return (key,)
        gone = []
        while self.used + size > self.capacity:
            victim = self._turn()
            self.used -= self._sizes.pop(victim)
            gone.append(victim)
        self._sizes[key] = size
        self.used += size
        return gone

    def _turn(self) -> Hashable:
        """Send what is marked to the end of the queue until the oldest is not."""
        sizes, marked = self._sizes, self._marked
        oldest = next(iter(sizes))
        while oldest in marked:
            marked.remove(oldest)
            sizes.move_to_end(oldest)
            oldest = next(iter(sizes))
        return oldest

    def discard(self, key: Hashable) -> None:
        self.used -= self._sizes.pop(key, 0)
        self._marked.discard(key)

    def victim(self, size: int) -> Hashable | None:
        return self._turn() if self._sizes and self.used + size > self.capacity else None

    def __contains__(self, key: object) -> bool:
        return key in self._sizes

    def __len__(self) -> int:
        return len(self._sizes)
