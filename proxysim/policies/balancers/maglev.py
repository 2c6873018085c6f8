"""Maglev: a table of hash values that the backends have shared out evenly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt
from typing import Any, ClassVar

from proxysim.errors import ScenarioError
from proxysim.messages import Request
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.hashed import Hashed
from proxysim.policies.hashing import KEY_PARAMETERS, digest, hasher, maglev_table, members_of
from proxysim.policies.parameters import Reader, Stated, whole

__all__ = ["Maglev"]

_LARGEST = 655373


def _prime(found: object) -> int:
    size: int = whole(2, _LARGEST)(found)
    if any(size % divisor == 0 for divisor in range(2, isqrt(size) + 1)):
        raise ScenarioError(
            f"found {found!r}, no prime number", mend="Give a prime such as 251, 65537 or 655373."
        )
    return size


class Maglev(Hashed):
    """Choose what stands at the hash of the *key*, modulo *size*, in Maglev's table.

    Of the table's *size* entries, a prime, each backend has ``size / n`` where weights are equal,
    rounded down or up; else as its weight, to within two or so, at least one as long as there are
    enough. *size* should be a hundred times the number of backends or more.

    Cost: O(1) a choice; hashes of the last 65536 keys are kept. A table is built once for each
    pool, O(size log size), and kept for its return.

    Members: when one comes or goes, the keys that must move do, and a few others besides: with
    1000 backends and the default size about 0.65 % in all, where 0.10 % must. In return the
    shares are exactly even.

    Source: Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer" (NSDI
    2016); for weights Envoy, whose default size it is too. The hash is BLAKE2b.
    """

    __slots__ = ("_table", "size")

    parameters: ClassVar[Mapping[str, Reader]] = {
        **KEY_PARAMETERS,
        "size": Stated(f"a prime number from 2 to {_LARGEST}", _prime),
    }

    def __init__(self, key: str = "client", trusted_hops: int = 0, size: int = 65537) -> None:
        hash_of = hasher()
        super().__init__(lambda text: hash_of(text) % size, key, trusted_hops)
        self.size = size
        self._table: Sequence[int] = ()

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        if pool is not self._pool:
            self._table = maglev_table(members_of(pool), self.size)
            self._pool = pool
        key = self._key(request) or request.peer
        at = self._hashes.get(key)
        if at is None:
            at = self._remember(key)
        return pool[self._table[at]]

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        key = self._text(request)
        at = digest(key) % self.size
        owner = maglev_table(members_of(pool), self.size)[at]
        return {
            "key": key,
            "hash": digest(key),
            "position": at,
            "candidates": [pool[owner].name],
        }
