"""How often keys were asked for of late, in bounded memory."""

from __future__ import annotations

from collections.abc import Hashable
from hashlib import blake2b
from typing import Final

__all__ = ["FrequencySketch", "key_hash"]

_64_BITS: Final = 2**64 - 1
_32_BITS: Final = 2**32 - 1
_MOST: Final = 15
_HALVED: Final = bytes(count // 2 for count in range(256))


def key_hash(key: Hashable) -> int:
    """64 bits that depend on *key* alone, the same in every process.

    A whole number is mixed; of anything else the ``repr`` is hashed, which must tell it apart.
    """
    if type(key) is int:
        mixed = (key * 0x9E3779B97F4A7C15) & _64_BITS
        mixed = ((mixed ^ mixed >> 32) * 0xD6E8FEB86659FD93) & _64_BITS
        return mixed ^ mixed >> 32
    return int.from_bytes(blake2b(repr(key).encode(), digest_size=8).digest(), "big")


class FrequencySketch:
    """TinyLFU's histogram: estimates, seldom too high, of how often each key was asked for.

    A doorkeeper (a Bloom filter) takes the first time, a count-min sketch of four rows what comes
    after, up to 15, raising only the least counters. After *sample* times *objects* requests all
    counts are halved and the doorkeeper is emptied. About 32 bytes an object, in powers of two;
    O(1).

    Source: Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache admission policy" (ACM
    ToS, 2017). Counting up to 15 is enough for a sample of 16, its W / C.
    """

    __slots__ = ("_door", "_mask", "_rows", "_since", "objects", "sample")

    def __init__(self, objects: int, sample: int = 16) -> None:
        self.sample = sample
        self.objects = 1
        while self.objects < objects:
            self.objects *= 2
        self._rows = [bytearray(4 * self.objects) for _ in range(4)]
        self._door = bytearray(16 * self.objects)  # a bit each: 8 a request of such a sample
        self._mask = 4 * self.objects - 1
        self._since = 0

    def grow(self) -> None:
        """Make room for twice as many objects; the estimates stay.

        Places are the low bits of a hash, so each half of a doubled row is the row as it was.
        """
        self.objects *= 2
        self._rows = [row + row for row in self._rows]
        self._door = self._door + self._door
        self._mask = 4 * self.objects - 1

    def add(self, hashed: int) -> None:
        """Count one request for the key with this :func:`key_hash`."""
        self._since += 1
        if self._since >= self.sample * self.objects:
            self._age()
        if not self._knock(hashed):
            return
        one, two, three, four = self._rows
        mask, step = self._mask, hashed >> 32 | 1
        a = hashed & mask
        b = (a + step) & mask
        c = (b + step) & mask
        d = (c + step) & mask
        least = min(one[a], two[b], three[c], four[d])
        if least < _MOST:
            for row, place in ((one, a), (two, b), (three, c), (four, d)):
                if row[place] == least:
                    row[place] = least + 1

    def estimate(self, hashed: int) -> int:
        """How often the key with this :func:`key_hash` was counted of late."""
        one, two, three, four = self._rows
        mask, step = self._mask, hashed >> 32 | 1
        a = hashed & mask
        b = (a + step) & mask
        c = (b + step) & mask
        d = (c + step) & mask
        return min(one[a], two[b], three[c], four[d]) + self._at_door(hashed)

    def _places(self, hashed: int) -> tuple[int, int, int]:
        mask, step = 8 * len(self._door) - 1, (hashed >> 32 | 1) * 5
        return hashed & mask, (hashed + step) & mask, (hashed + 2 * step) & mask

    def _knock(self, hashed: int) -> bool:
        """Whether the key was at the door before; it is from now."""
        door, known = self._door, True
        for place in self._places(hashed):
            bit = 1 << (place & 7)
            if not door[place >> 3] & bit:
                door[place >> 3] |= bit
                known = False
        return known

    def _at_door(self, hashed: int) -> bool:
        door = self._door
        return all(door[place >> 3] >> (place & 7) & 1 for place in self._places(hashed))

    def _age(self) -> None:
        self._since //= 2
        self._rows = [row.translate(_HALVED) for row in self._rows]
        self._door = bytearray(len(self._door))
