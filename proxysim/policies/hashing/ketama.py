"""The ketama ring: every member at many points of a circle, a key with the next point clockwise."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from proxysim.policies.hashing.members import Members

try:
    # CPython's own: it takes half the time that OpenSSL's does.
    from _md5 import md5  # type: ignore[import-not-found]
except ImportError:
    from hashlib import md5

__all__ = ["Ring", "ketama_hash", "ketama_ring"]

#: One digest gives four points.
_A_DIGEST = 4

_first = Struct("<I").unpack_from

#: Above this many points, a few tens of megabytes, all members get fewer, in proportion.
_MOST = 1_000_000


class Ring(NamedTuple):
    """Points on the circle of 32-bit numbers, ascending, and the member (its number) at each.

    ``owners`` has one entry more, the first again: beyond the last point the circle begins anew.
    The owner of a hash is ``owners[bisect_right(points, hash)]``.
    """

    points: tuple[int, ...]
    owners: tuple[int, ...]


def ketama_hash(text: str) -> int:
    """Where *text* lies on the circle: the first 32 bits, little endian, of its MD5."""
    hashed = md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False)
    found: int = _first(hashed.digest())[0]
    return found


@lru_cache(maxsize=32)
def ketama_ring(members: Members, points: int = 160) -> Ring:
    """The circle on which each member has *points* times its weight points, by fours, at least 4.

    A member's points depend on its own name and weight alone, so those of the others stay where
    they are when it comes or goes. Where two members share a point, the later one has it.

    Source: libketama's points (MD5 of ``name-0``, ``name-1``, ..., four of each digest), in nginx's
    number.
    """
    wanted = [points * weight / _A_DIGEST for _, weight in members]
    excess = max(1.0, sum(wanted) * _A_DIGEST / _MOST)
    owner_at: dict[int, int] = {}
    for owner, (name, _) in enumerate(members):
        for group in range(max(1, round(wanted[owner] / excess))):
            named = f"{name}-{group}".encode("utf-8", "surrogatepass")
            raw = md5(named, usedforsecurity=False).digest()
            for start in range(0, 4 * _A_DIGEST, 4):
                owner_at[int.from_bytes(raw[start : start + 4], "little")] = owner
    placed = sorted(owner_at)
    owners = [owner_at[point] for point in placed]
    return Ring(tuple(placed), (*owners, owners[0]))
