"""What strategies that look up the hash of a key have in common: the key, and hashes kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from proxysim.messages import Request
from proxysim.policies.backend import Backend
from proxysim.policies.hashing import KEY_PARAMETERS, Key, key_of
from proxysim.policies.parameters import Reader

__all__ = ["Hashed"]

_REMEMBERED = 65536


class Hashed:
    """The key of a request and its hash; of the last keys, hashes are kept, whatever the pool.

    A request without the key is placed by its peer's address.
    """

    __slots__ = ("_hash", "_hashes", "_key", "_pool", "key")

    parameters: ClassVar[Mapping[str, Reader]] = KEY_PARAMETERS

    def __init__(self, hashing: Callable[[str], int], key: str, trusted_hops: int) -> None:
        self.key = key
        self._key: Key = key_of(key, trusted_hops)
        self._hash = hashing
        self._hashes: dict[str, int] = {}
        self._pool: Sequence[Backend] = ()

    def _remember(self, key: str) -> int:
        if len(self._hashes) >= _REMEMBERED:
            self._hashes.clear()
        found = self._hashes[key] = self._hash(key)
        return found

    def _text(self, request: Request) -> str:
        return self._key(request) or request.peer
