"""URI hash: requests for one thing always go to the same backend."""

from __future__ import annotations

from proxysim.policies.balancers.map_hash import MapHash
from proxysim.policies.hashing import key_of

__all__ = ["UriHash"]


class UriHash(MapHash):
    """Choose by a hash of the path with its query, in proportion to weights.

    So each of a row of caches keeps its own part of the site. A tunnel, which shows no path, is
    placed by its client's address.

    Cost: O(log len(pool)) a choice; hashes of the last 65536 paths are kept.

    Members: when one comes or goes, most paths move; when it is back, they are back.

    Source: HAProxy ``balance uri whole`` with ``hash-type map-based``, here with weights that need
    not be whole; the hash is BLAKE2b.
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(key_of("uri"))
