"""Consistent hashing: a key belongs to the next backend clockwise on a circle of points."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from proxysim.messages import Request
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.hashed import Hashed
from proxysim.policies.hashing import KEY_PARAMETERS, ketama_hash, ketama_ring, members_of
from proxysim.policies.parameters import Reader, whole

__all__ = ["Ring"]


class Ring(Hashed):
    """Choose the backend whose point comes next on the ketama ring after the hash of the *key*.

    Each backend has *points* times its weight points on the circle, from the MD5 of its name.

    Cost: O(log(points)) a choice, over all points on the ring; hashes of the last 65536 keys are
    kept. A ring is built once for each pool, O(points log(points)), and kept for its return.

    Members: one that leaves takes away only its own keys, which the others share; one that comes
    takes keys for itself alone. Weights change only the shares of those whose weights change.

    Source: libketama; nginx ``hash KEY consistent``, 160 points a unit of weight.
    """

    __slots__ = ("_owners", "_points", "points")

    parameters: ClassVar[Mapping[str, Reader]] = {**KEY_PARAMETERS, "points": whole(4, 16384)}

    def __init__(self, key: str = "client", trusted_hops: int = 0, points: int = 160) -> None:
        super().__init__(ketama_hash, key, trusted_hops)
        self.points = points
        self._points: Sequence[int] = ()
        self._owners: Sequence[int] = ()

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        if pool is not self._pool:
            self._points, self._owners = ketama_ring(members_of(pool), self.points)
            self._pool = pool
        key = self._key(request) or request.peer
        place = self._hashes.get(key)
        if place is None:
            place = self._remember(key)
        return pool[self._owners[bisect_right(self._points, place)]]

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        key = self._text(request)
        ring = ketama_ring(members_of(pool), self.points)
        place = ketama_hash(key)
        at = bisect_right(ring.points, place)
        return {
            "key": key,
            "hash": place,
            "position": at % len(ring.points),
            "candidates": [pool[ring.owners[at]].name],
        }
