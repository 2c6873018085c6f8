"""Source hash: one client's requests always go to the same backend."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import ClassVar

from proxysim.messages import Request
from proxysim.policies.backend import Backend
from proxysim.policies.forwarded import client_of
from proxysim.policies.parameters import Reader, whole

__all__ = ["SourceHash"]

_REMEMBERED = 65536


class SourceHash:
    """Choose by a hash of the client's address, in proportion to weights.

    The client is the peer, or with *trusted_hops* what X-Forwarded-For says of it, counted from the
    right. Nothing else moves a client while the pool stays as it is; when a member comes or goes,
    most clients move. O(log len(pool)) a choice; hashes of the last clients are kept.

    Source: HAProxy ``balance source`` with ``hash-type map-based``, here with weights that need not
    be whole. The hash is BLAKE2b, the same in every process.
    """

    __slots__ = ("_last", "_places", "_pool", "_sums", "_total", "trusted_hops")

    parameters: ClassVar[Mapping[str, Reader]] = {"trusted_hops": whole(0, 100)}

    def __init__(self, trusted_hops: int = 0) -> None:
        self.trusted_hops = trusted_hops
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
        hops = self.trusted_hops
        client = client_of(request, hops) if hops else request.peer
        place = self._places.get(client)
        if place is None:
            place = self._place(client)
        return pool[bisect_right(self._sums, place * self._total, 0, self._last)]

    def _place(self, client: str) -> float:
        """A number in [0, 1) that depends on *client* alone."""
        if len(self._places) >= _REMEMBERED:
            self._places.clear()
        digest = blake2b(client.encode(), digest_size=8).digest()
        place = (int.from_bytes(digest, "big") >> 11) / 2**53
        self._places[client] = place
        return place
