"""Random streams: one for every component and purpose, all derived from the scenario's seed.

A component that draws more, or is taken away, does not move what the others draw. That is common
random numbers, and comparisons live on it.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from random import Random

import numpy as np

__all__ = ["Chance", "generator", "seed_of", "stream", "uniform"]

_MASK = 2**64 - 1
_UNIT = 2.0**-53


def seed_of(seed: int, component: str, replication: int = 0) -> int:
    """128 bits for *component*, the same in every process.

    >>> seed_of(7, "staff/arrivals") == seed_of(7, "staff/arrivals", replication=0)
    True
    """
    digest = sha256(f"proxysim/{seed}/{replication}/{component}".encode()).digest()
    return int.from_bytes(digest[:16], "big")


def generator(seed: int, component: str, replication: int = 0) -> np.random.Generator:
    """The component's own numpy stream, for draws in blocks."""
    return np.random.Generator(np.random.PCG64(seed_of(seed, component, replication)))


def stream(seed: int, component: str, replication: int = 0) -> Random:
    """The component's own stream of the standard library, for draws one by one."""
    return Random(seed_of(seed, component, replication))


class Chance:
    """Uniform numbers in [0, 1) that depend on a request and an attempt only, never on the order.

    Later attempts, jitter, loss, and what closed loops draw come from here: worlds ask in
    different orders and must be told the same. The number is SplitMix64's finaliser over a key of
    the component plus an odd multiple of each argument (Steele, Lea and Flood, "Fast splittable
    pseudorandom number generators", OOPSLA 2014). Arguments are non-negative.

    >>> chance = Chance(7, "edge>shop/loss")
    >>> chance(12) == chance(12, 0) == Chance(7, "edge>shop/loss")(12)
    True
    """

    __slots__ = ("_key",)

    def __init__(self, seed: int, component: str, replication: int = 0) -> None:
        self._key = seed_of(seed, component, replication) & _MASK

    def __call__(self, request: int, attempt: int = 0) -> float:
        mixed = (
            self._key + request * 0x9E3779B97F4A7C15 + attempt * 0xD1342543DE82EF95
        ) & 0xFFFFFFFFFFFFFFFF
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        return ((mixed ^ (mixed >> 31)) >> 11) * 1.1102230246251565e-16

    def many(self, requests: np.ndarray, attempt: int = 0) -> np.ndarray:
        """The same numbers, bit for bit, for an integer array of *requests*; shape kept."""
        start = np.uint64((self._key + attempt * 0xD1342543DE82EF95) & _MASK)
        mixed = requests.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + start
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)) * _UNIT


@lru_cache(maxsize=4096)
def _chance(seed: int, component: str) -> Chance:
    return Chance(seed, component)


def uniform(seed: int, component: str, request: int, attempt: int = 0) -> float:
    """One number in [0, 1) for this *component*, *request* and *attempt*; see :class:`Chance`.

    Where it is asked often, keep the component's :class:`Chance` and call that.
    """
    return _chance(seed, component)(request, attempt)
