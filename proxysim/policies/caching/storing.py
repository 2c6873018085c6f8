"""Storing: which requests concern a shared cache, and which answers it may keep.

Source: RFC 9111, sections 3 and 5.2.
"""

from __future__ import annotations

from proxysim.messages import Headers, Request, Response
from proxysim.policies.caching.directives import directives, named, parse_cache_control
from proxysim.policies.caching.freshness import HEURISTIC_STATUSES
from proxysim.policies.fields import hop_by_hop, members
from proxysim.policies.memory import kept, noted

__all__ = ["UNDERSTOOD", "bypassed", "head_size", "storable", "stored_fields"]

#: Status codes whose meaning for caches is obeyed here: those of RFC 9110, section 15, but 206 and
#: 304, which are never stored as they are.
UNDERSTOOD = frozenset(
    {
        *(200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 305, 307, 308),
        *range(400, 418),
        *(421, 422, 426, 500, 501, 502, 503, 504, 505),
    }
)

#: Requests with one of these are the origin's to judge (RFC 9111, section 4.3.2), or no exchange of
#: representations at all.
_ORIGINS_BUSINESS = frozenset({"if-match", "if-unmodified-since", "upgrade"})


def bypassed(request: Request) -> bool:
    """Whether *request* must go to the origin past any cache: it is neither answered nor stored.

    Methods other than GET and HEAD, preconditions that only the origin can judge, and ``no-store``.
    """
    method, headers = request.method, request.headers
    if method != "GET" and method != "HEAD":
        return True
    if not _ORIGINS_BUSINESS.isdisjoint(headers.fields):
        return True
    return "cache-control" in headers.fields and "no-store" in directives(headers)


def storable(request: Request, response: Response) -> bool:
    """Whether a shared cache may keep *response* as the answer to *request*, a GET (section 3)."""
    status, headers = response.status, response.headers
    if request.method != "GET" or status < 200 or status == 206 or status == 304:
        return False
    if "vary" in headers.fields and "*" in members(headers.get("vary")):
        return False
    if "no-store" in directives(request.headers):
        return False
    said = headers.fields.get("cache-control", "")
    explicit, allowed = _permits(said, understood=status in UNDERSTOOD)
    if not allowed or ("authorization" in request.headers.fields and not _for_all(said)):
        return False
    return explicit or status in HEURISTIC_STATUSES or "expires" in headers.fields


@kept(4096)
def _permits(text: str, *, understood: bool) -> tuple[bool, bool]:
    """Whether a Cache-Control *text* makes an answer cacheable, and whether it lets it be kept.

    ``must-understand`` takes the place of ``no-store`` where the status is *understood*
    (section 5.2.2.3).
    """
    said = parse_cache_control(text)
    explicit = not said.keys().isdisjoint(("public", "max-age", "s-maxage"))
    allowed = understood if "must-understand" in said else "no-store" not in said
    return explicit, allowed and named(said, "private") != ()


@kept(4096)
def _for_all(text: str) -> bool:
    """Whether it lets the answer to an authorised client be kept for others (section 3.5)."""
    return (
        not parse_cache_control(text).keys().isdisjoint(("public", "must-revalidate", "s-maxage"))
    )


def stored_fields(headers: Headers) -> Headers:
    """Those of an answer's *headers* that may be kept for others (section 3.1).

    Not those of a single connection, and not those that ``private`` or ``no-cache`` names
    (sections 5.2.2.4 and 5.2.2.7).
    """
    less = hop_by_hop(headers)
    said = directives(headers)
    for name in ("private", "no-cache"):
        if name in said:
            less = less.union(named(said, name) or ())
    return headers.without(less)


@noted
def head_size(headers: Headers) -> int:
    """About how many bytes an answer's head takes: its fields as HTTP/1.1 writes them."""
    return sum(len(name) + len(text) + 4 for name, text in headers.pairs)
