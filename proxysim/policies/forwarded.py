"""Who really asks: the chain of addresses in X-Forwarded-For, and how far it can be trusted."""

from __future__ import annotations

import re
from functools import lru_cache

from proxysim.messages import Request

__all__ = ["client_of", "parse_forwarded_for"]

_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?\Z")
_WITH_PORT = re.compile(r"([^:]+):\d+\Z")


def client_of(request: Request, trusted_hops: int) -> str:
    """The client's address, when the nearest *trusted_hops* proxies before this one are trusted.

    With none it is the peer. Each trusted proxy has put its own peer at the right end of
    X-Forwarded-For, so entries are counted from the right; what stands further left is the client's
    to forge. A chain that is too short gives its left end.
    """
    if not trusted_hops:
        return request.peer
    chain = parse_forwarded_for(request.headers.get("x-forwarded-for"))
    if not chain:
        return request.peer
    return chain[-trusted_hops] if trusted_hops <= len(chain) else chain[0]


@lru_cache(maxsize=4096)
def parse_forwarded_for(text: str) -> tuple[str, ...]:
    """The addresses in an X-Forwarded-For *text*, left to right, without ports and brackets."""
    members = (member.strip() for member in text.split(","))
    return tuple(_address(member) for member in members if member)


def _address(member: str) -> str:
    found = _BRACKETED.match(member) or _WITH_PORT.match(member)
    return found[1] if found else member
