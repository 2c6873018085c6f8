"""Header fields that concern a single connection, and lists inside fields."""

from __future__ import annotations

import re

from proxysim.messages import Headers
from proxysim.policies.memory import kept

__all__ = ["HOP_BY_HOP", "hop_by_hop", "members"]

#: Never passed on (RFC 9110, section 7.6.1); ``Connection`` names further ones. ``Proxy`` is no
#: field at all, but what a CGI program would take for its own settings (CVE-2016-5385).
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

_MEMBER = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+', re.DOTALL)


def hop_by_hop(headers: Headers) -> frozenset[str]:
    """The names of those *headers* that a proxy takes off before it passes a message on."""
    named = headers.get("connection")
    if not named:
        return HOP_BY_HOP
    return HOP_BY_HOP.union(member.lower() for member in members(named))


@kept(4096)
def members(text: str) -> tuple[str, ...]:
    """The members of a list field, in order, quoted commas kept, empty ones left out.

    Source: RFC 9110, section 5.6.1.
    """
    return tuple(member for found in _MEMBER.findall(text) if (member := found.strip(" \t")))
