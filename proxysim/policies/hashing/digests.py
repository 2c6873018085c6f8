"""A number for a text, the same in every process."""

from __future__ import annotations

from hashlib import blake2b

__all__ = ["digest"]


def digest(text: str, purpose: bytes = b"") -> int:
    """64 bits that depend on *text*, and on the *purpose* (at most 16 bytes) they are for: BLAKE2b.

    Numbers for different purposes have nothing to do with one another.
    """
    raw = blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8, person=purpose)
    return int.from_bytes(raw.digest(), "big")
