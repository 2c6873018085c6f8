"""What a replacement policy is."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol

__all__ = ["Eviction"]


class Eviction(Protocol):
    """Decides what a cache of ``capacity`` keeps; sizes and capacity are in one unit, any.

    A request for *key* is ``touch(key)``; when that says False and the caller has fetched the
    object, ``insert(key, size)``. The policy never holds more than ``capacity``. With sizes of 1
    the capacity counts objects.
    """

    capacity: int

    @property
    def used(self) -> int:
        """The sizes of all that is kept, added up."""
        ...

    def touch(self, key: Hashable) -> bool:
        """A request for *key*: whether it is kept. On a hit the policy takes note."""
        ...

    def insert(self, key: Hashable, size: int) -> Sequence[Hashable]:
        """Keep *key*; returns the keys that had to go. *key* itself among them: not admitted.

        Inserting a key that is kept replaces its size.
        """
        ...

    def discard(self, key: Hashable) -> None:
        """Forget *key*, if it is kept."""
        ...

    def victim(self, size: int) -> Hashable | None:
        """Which kept key an unknown object of *size* would drive out first; None if it finds room.

        Admission asks this before the insertion, for sizes up to the capacity. Nothing goes, and
        what would go stays the same.
        """
        ...

    def __contains__(self, key: object) -> bool: ...

    def __len__(self) -> int: ...
