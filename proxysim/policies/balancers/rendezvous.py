"""Rendezvous hashing: every backend draws a score for the key, the best has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from math import log
from typing import Any, ClassVar

from proxysim.messages import Request
from proxysim.policies.backend import Backend
from proxysim.policies.hashing import KEY_PARAMETERS, Members, key_of, members_of
from proxysim.policies.parameters import Reader

__all__ = ["Rendezvous"]


class Rendezvous:
    """Choose the backend of best score for the *key*: ``weight / -ln(h)``, h its hash with the key.

    h is in (0, 1), from the BLAKE2b of the backend's name and the key. Keys are shared exactly in
    proportion to weights, up to chance.

    Cost: O(len(pool)) a choice, O(1) for one of the last 32768 keys.

    Members: one that leaves takes away exactly the keys that it had; one that comes takes its share
    from all. A weight that changes moves keys to or from its backend alone.

    Source: Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates" (1998); for
    weights Schindelhauer and Schomaker, "Weighted Distributed Hash Tables" (2005).
    """

    __slots__ = ("_best", "_key", "_pool")

    parameters: ClassVar[Mapping[str, Reader]] = KEY_PARAMETERS

    def __init__(self, key: str = "client", trusted_hops: int = 0) -> None:
        self._key = key_of(key, trusted_hops)
        self._pool: Sequence[Backend] = ()
        self._best: Callable[[str], int] = len

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        if pool is not self._pool:
            self._best = _best_of(members_of(pool))
            self._pool = pool
        return pool[self._best(self._key(request) or request.peer)]

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        key = self._key(request) or request.peer
        found = _scores(members_of(pool), key)
        return {
            "key": key,
            "scores": {backend.name: score for backend, score in zip(pool, found, strict=True)},
            "candidates": [pool[found.index(max(found))].name],
        }


@lru_cache(maxsize=16)
def _best_of(members: Members) -> Callable[[str], int]:
    """For a key the number of the member that has it; the last 32768 keys are remembered."""

    def best(key: str) -> int:
        scores = _scores(members, key)
        return scores.index(max(scores))

    return lru_cache(32768)(best)


def _scores(members: Members, key: str) -> list[float]:
    raw = key.encode("utf-8", "surrogatepass")
    scores = []
    for seeded, weight in _seeded(members):
        hashed = seeded.copy()
        hashed.update(raw)
        # The middle of one of 2 ** 52 equal steps, so neither 0 nor 1.
        middle = (int.from_bytes(hashed.digest(), "big") >> 12) + 0.5
        scores.append(weight / -log(middle / 2**52))
    return scores


@lru_cache(maxsize=32)
def _seeded(members: Members) -> list[tuple[blake2b, float]]:
    """A hash that has taken in each member's name, and its weight."""
    return [
        (
            blake2b(
                name.encode("utf-8", "surrogatepass") + b"\0", digest_size=8, person=b"rendezvous"
            ),
            weight,
        )
        for name, weight in members
    ]
