"""Why a cache may use an answer or not, in words: for people, not for the cache.

Each word stands for a rule; sections are those of RFC 9111 unless another RFC is named:

* ``fresh``: younger than its lifetime (4.2);
* ``unwanted``: fresh, but not to this client's Cache-Control (5.2.1);
* ``stale-while-revalidate``: old, and sent while a newer one is fetched (RFC 5861, 3);
* ``max-stale``: old, and this client takes it (5.2.1.2);
* ``old``: to be confirmed by the origin, or fetched anew (4.3);
* ``other``: answers are kept, but for requests with other fields, by Vary (4.1);
* ``nothing``: none is kept (4).
"""

from __future__ import annotations

from proxysim.messages import Request, Response
from proxysim.policies.caching import freshness
from proxysim.policies.caching.directives import directives, named
from proxysim.policies.caching.storing import UNDERSTOOD
from proxysim.policies.fields import members

__all__ = ["unstorable", "word_for"]


def word_for(request: Request, age: float, lifetime: float, window: float, *, strict: bool) -> str:
    """What a kept answer, so many seconds old, is to *request*."""
    if freshness.usable(request, age, lifetime):
        return "fresh"
    if age < lifetime:
        return "unwanted"
    if freshness.usable_meanwhile(request, age, lifetime, window):
        return "stale-while-revalidate"
    if not strict and freshness.tolerated(request, age, lifetime):
        return "max-stale"
    return "old"


def unstorable(request: Request, response: Response) -> str:
    """Why *response* to *request* may not be kept by a shared cache; see ``storing.storable``."""
    said = directives(response.headers)
    if request.method != "GET":
        return f"it answers {request.method}, not GET (RFC 9111, 3)"
    if response.status in (206, 304):
        return f"{response.status} is a part of an answer, or none (RFC 9111, 3)"
    if "*" in members(response.headers.get("vary")):
        return "it says Vary: *, it fits no other request (RFC 9111, 4.1)"
    if "no-store" in directives(request.headers):
        return "who asked says no-store (RFC 9111, 5.2.1.5)"
    if "must-understand" in said:
        if response.status not in UNDERSTOOD:
            return f"it must be understood, and {response.status} is not (RFC 9111, 5.2.2.3)"
    elif "no-store" in said:
        return "the origin says no-store (RFC 9111, 5.2.2.5)"
    if named(said, "private") == ():
        return "the origin says private: for one client alone (RFC 9111, 5.2.2.7)"
    if "authorization" in request.headers.fields:
        return "it is for an authorised client (RFC 9111, 3.5)"
    return f"nothing says how long a {response.status} is fresh (RFC 9111, 3)"
