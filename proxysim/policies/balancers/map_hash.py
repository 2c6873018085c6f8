"""Hashing on a map: a key's place on a line of which each backend holds a stretch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from proxysim.messages import Request
from proxysim.policies.backend import Backend
from proxysim.policies.hashing import Key, digest

__all__ = ["MapHash"]

_REMEMBERED = 65536


class MapHash:
    """Choose by where the hash of the *key* falls on a line shared out by weights.

    The hash is BLAKE2b, the same in every process; those of the last keys are kept. A request
    without the key is placed by its peer's address.
    """

    __slots__ = ("_key", "_last", "_places", "_pool", "_sums", "_total")

    def __init__(self, key: Key) -> None:
        self._key = key
        self._pool: Sequence[Backend] = ()
        self._sums: list[float] = []
        self._total = 0.0
        self._last = 0
        self._places: dict[str, float] = {}

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        if pool is not self._pool:
            self._pool = pool
            self._sums = list(accumulate(backend.weight for backend in pool))
            self._total = self._sums[-1]
            self._last = len(pool) - 1
        key = self._key(request) or request.peer
        place = self._places.get(key)
        if place is None:
            place = self._remember(key)
        return pool[bisect_right(self._sums, place * self._total, 0, self._last)]

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        key = self._key(request) or request.peer
        place = _place(key)
        sums = list(accumulate(backend.weight for backend in pool))
        at = bisect_right(sums, place * sums[-1], 0, len(pool) - 1)
        return {"key": key, "hash": place, "position": at, "candidates": [pool[at].name]}

    def _remember(self, key: str) -> float:
        if len(self._places) >= _REMEMBERED:
            self._places.clear()
        place = self._places[key] = _place(key)
        return place


def _place(key: str) -> float:
    """A number in [0, 1) that depends on *key* alone."""
    return (digest(key) >> 11) / 2**53
