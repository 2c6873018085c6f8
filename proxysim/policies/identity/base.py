"""What an identity is, and what it may write of whom the proxy was asked by."""

from __future__ import annotations

from typing import Protocol

from proxysim.messages import Request, Response

__all__ = ["FORWARDED", "KEPT", "Identity"]

#: Requests of one client carry equal fields, so what was worked out for the last many combinations
#: of fields and peer is kept.
KEPT = 16384

#: What a proxy may write of whom it was asked by, as scenarios name it: the fields.
FORWARDED: dict[str, frozenset[str]] = {
    "x-forwarded-for": frozenset({"x-forwarded-for"}),
    "forwarded": frozenset({"forwarded"}),
    "both": frozenset({"x-forwarded-for", "forwarded"}),
    "none": frozenset(),
}


class Identity(Protocol):
    """Rewrites the fields of what passes, both ways.

    Fields of a single connection never pass (RFC 9110, section 7.6.1).
    """

    def rewrite(self, request: Request) -> Request: ...

    def answer(self, response: Response) -> Response: ...
