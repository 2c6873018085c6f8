"""Bounded loads: consistent hashing that passes over backends which have their fill."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar

from proxysim.messages import Request
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.hashed import Hashed
from proxysim.policies.hashing import (
    KEY_PARAMETERS,
    Members,
    ketama_hash,
    ketama_ring,
    members_of,
)
from proxysim.policies.parameters import Reader, number, whole

__all__ = ["BoundedLoad"]


class BoundedLoad(Hashed):
    """Choose the next backend on the ring that stays within *factor* times its share of the load.

    With m requests in flight in the pool, the one being placed among them, a backend of share s (by
    weight; 1/n where equal) takes no request that would leave it with more than
    ``ceil(factor * m * s)``. The first clockwise from the hash of the *key* that has room is
    chosen; there is always one. The bound is reckoned in whole fractions, without rounding.

    Cost: O(len(pool)) a choice, to add the loads up, and the points passed over; the ring is built
    once for each pool and kept for its return.

    Members: as on the ring, one that leaves takes away only its own keys; the bounds of the others
    grow, at once. Keys that were passed on return when there is room.

    Source: Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads" (2018);
    HAProxy ``hash-balance-factor``. The ring is ketama's.
    """

    __slots__ = ("_owners", "_points", "_shares", "factor", "points")

    parameters: ClassVar[Mapping[str, Reader]] = {
        **KEY_PARAMETERS,
        "factor": number(1, 100),
        "points": whole(4, 16384),
    }

    def __init__(
        self,
        key: str = "client",
        trusted_hops: int = 0,
        factor: float = 1.25,
        points: int = 160,
    ) -> None:
        super().__init__(ketama_hash, key, trusted_hops)
        self.factor = factor
        self.points = points
        self._points: Sequence[int] = ()
        self._owners: Sequence[int] = ()
        self._shares: Sequence[tuple[int, int]] = ()

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        if pool is not self._pool:
            self._enter(pool)
        key = self._key(request) or request.peer
        place = self._hashes.get(key)
        if place is None:
            place = self._remember(key)
        requests = 1
        for backend in pool:
            requests += backend.in_flight
        at = bisect_right(self._points, place)
        while True:
            owner = self._owners[at]
            backend = pool[owner]
            above, below = self._shares[owner]
            # in_flight + 1 <= ceil(x) where, in whole numbers, in_flight < x.
            if backend.in_flight * below < above * requests:
                return backend
            at = at + 1 if at + 1 < len(self._points) else 0

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        key = self._text(request)
        members = members_of(pool)
        ring = ketama_ring(members, self.points)
        shares = _shares(members, self.factor)
        place = ketama_hash(key)
        requests = 1 + sum(backend.in_flight for backend in pool)
        bounds = [-(-above * requests // below) for above, below in shares]
        start = bisect_right(ring.points, place)
        walked = dict.fromkeys(ring.owners[start:] + ring.owners[:start])
        full: list[str] = []
        chosen = ""
        for owner in walked:
            chosen = pool[owner].name
            if pool[owner].in_flight < bounds[owner]:
                break
            full.append(chosen)
        return {
            "key": key,
            "hash": place,
            "position": start % len(ring.points),
            "in_flight": {backend.name: backend.in_flight for backend in pool},
            "bounds": {backend.name: bound for backend, bound in zip(pool, bounds, strict=True)},
            "passed_over": full,
            "candidates": [chosen],
        }

    def _enter(self, pool: Sequence[Backend]) -> None:
        members = members_of(pool)
        self._points, self._owners = ketama_ring(members, self.points)
        self._shares = _shares(members, self.factor)
        self._pool = pool


@lru_cache(maxsize=32)
def _shares(members: Members, factor: float) -> Sequence[tuple[int, int]]:
    """What of all requests each member may have, as a numerator over a denominator.

    Factor and weights are taken as they are written: 1.1 is eleven tenths.
    """
    weights = [Fraction(str(weight)) for _, weight in members]
    whole = Fraction(str(factor)) / sum(weights)
    return [(whole * weight).as_integer_ratio() for weight in weights]
