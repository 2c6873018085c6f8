"""Source hash: one client's requests always go to the same backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from proxysim.policies.balancers.map_hash import MapHash
from proxysim.policies.hashing import key_of
from proxysim.policies.parameters import Reader, whole

__all__ = ["SourceHash"]


class SourceHash(MapHash):
    """Choose by a hash of the client's address, in proportion to weights.

    The client is the peer, or with *trusted_hops* what X-Forwarded-For says of it, counted from the
    right. Nothing else moves a client while the pool stays as it is.

    Cost: O(log len(pool)) a choice; hashes of the last 65536 clients are kept.

    Members: when one comes or goes, most clients move; when it is back, they are back.

    Source: HAProxy ``balance source`` with ``hash-type map-based``, here with weights that need not
    be whole; the hash is BLAKE2b.
    """

    __slots__ = ()

    parameters: ClassVar[Mapping[str, Reader]] = {"trusted_hops": whole(0, 100)}

    def __init__(self, trusted_hops: int = 0) -> None:
        super().__init__(key_of("client", trusted_hops))
