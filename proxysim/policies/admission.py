"""Admission: what a cache takes in at all."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import ClassVar, Protocol

from proxysim.policies.frequency import FrequencySketch, key_hash
from proxysim.policies.parameters import Reader, Spec, Stated, build, whole
from proxysim.units import size as read_size

__all__ = ["ADMISSIONS", "Admission", "SecondHit", "SizeLimit", "TinyLfu", "build_admission"]


class Admission(Protocol):
    """Says whether an object that is not kept may be; asked before the replacement policy.

    Each request is told once: by ``touch`` if the object is kept, by ``admits`` if it is not.
    """

    def touch(self, key: Hashable) -> None:
        """A request for *key*, which is kept."""
        ...

    def admits(self, key: Hashable, size: int, victim: Hashable | None = None) -> bool:
        """A request for *key*, which is not kept: whether it may be from now on.

        *victim* is what it would drive out, as the replacement policy's ``victim`` says; None is
        for room enough.
        """
        ...


class SizeLimit:
    """Takes objects of at most *limit* bytes. O(1). Source: Squid ``maximum_object_size``."""

    __slots__ = ("limit",)

    def __init__(self, limit: int) -> None:
        self.limit = limit

    parameters: ClassVar[Mapping[str, Reader]] = {"limit": Stated("a size such as 4MB", read_size)}

    def touch(self, key: Hashable) -> None:
        pass

    def admits(self, key: Hashable, size: int, victim: Hashable | None = None) -> bool:
        return size <= self.limit


class SecondHit:
    """Takes an object when it is asked for the second time: what is asked for once never enters.

    The last *remembered* keys that were turned away are known; older ones start anew. O(1).

    Source: Maggs, Sitaraman, "Algorithmic nuggets in content delivery" (2015), cache on second hit;
    there a Bloom filter remembers, here the keys themselves.
    """

    __slots__ = ("_seen", "remembered")

    parameters: ClassVar[Mapping[str, Reader]] = {"remembered": whole(1, 10**8)}

    def __init__(self, remembered: int = 100_000) -> None:
        self.remembered = remembered
        self._seen: dict[Hashable, None] = {}

    def touch(self, key: Hashable) -> None:
        pass

    def admits(self, key: Hashable, size: int, victim: Hashable | None = None) -> bool:
        if key in self._seen:
            del self._seen[key]
            return True
        self._seen[key] = None
        if len(self._seen) > self.remembered:
            del self._seen[next(iter(self._seen))]
        return False


class TinyLfu:
    """Takes an object that was asked for more often of late than the one it would drive out.

    Frequencies come from a :class:`~proxysim.policies.frequency.FrequencySketch` for a cache of
    about *objects* entries that remembers *sample* requests for each. Where there is room,
    everything is taken in. O(1).

    Source: Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache admission policy" (ACM
    ToS, 2017).
    """

    __slots__ = ("_sketch",)

    parameters: ClassVar[Mapping[str, Reader]] = {
        "objects": whole(1, 10**7),
        "sample": whole(1, 1000),
    }

    def __init__(self, objects: int = 10_000, sample: int = 16) -> None:
        self._sketch = FrequencySketch(objects, sample)

    def touch(self, key: Hashable) -> None:
        self._sketch.add(key_hash(key))

    def admits(self, key: Hashable, size: int, victim: Hashable | None = None) -> bool:
        hashed = key_hash(key)
        self._sketch.add(hashed)
        if victim is None:
            return True
        estimate = self._sketch.estimate
        return estimate(hashed) > estimate(key_hash(victim))


#: Scenario name -> policy.
ADMISSIONS: dict[str, Callable[..., Admission]] = {
    "size_limit": SizeLimit,
    "second_hit": SecondHit,
    "tinylfu": TinyLfu,
}


def build_admission(spec: Spec) -> Admission:
    """The admission policy that a scenario names, such as ``{"size_limit": {"limit": "4MB"}}``."""
    return build("admission policy", ADMISSIONS, spec)
