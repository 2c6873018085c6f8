"""Sets of hosts: names that stand for themselves, and names that stand for all below them too."""

from __future__ import annotations

from collections.abc import Iterable, Set

__all__ = ["Names"]

_NONE: frozenset[str] = frozenset()


class Names:
    """Hosts in canonical form: those in *alone*, and those in *below* with all that lies below.

    What lies below ends in a dot and the name; an address matches only as a whole, for what ends in
    a number and is none is no host. O(labels of the host), however many there are.
    """

    __slots__ = ("alone", "below")

    def __init__(self, below: Set[str] = _NONE, alone: Set[str] = _NONE) -> None:
        self.below = below
        self.alone = alone

    def __len__(self) -> int:
        return len(self.below) + len(self.alone)

    def cover(self, host: str) -> bool:
        """Whether the canonical *host* is one of them."""
        below = self.below
        if host in below or host in self.alone:
            return True
        dot = host.find(".")
        while dot >= 0:
            host = host[dot + 1 :]
            if host in below:
                return True
            dot = host.find(".")
        return False

    @classmethod
    def union(cls, sets: Iterable[Names]) -> Names:
        """All of *sets* together; of a single one itself."""
        parts = list(sets)
        if len(parts) == 1:
            return parts[0]
        below = _NONE.union(*(part.below for part in parts))
        return cls(below, _NONE.union(*(part.alone for part in parts)))
