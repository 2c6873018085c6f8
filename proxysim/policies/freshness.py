"""Freshness: what a shared cache may store, and for how long it may be used.

Source: RFC 9111, whose sections stand beside the rules; RFC 5861 for stale-while-revalidate.
Texts are parsed once per distinct text. Ages and lifetimes are in seconds.

What is not here yet keeps out of the cache rather than be served wrongly: ranges, fields named in
``private`` and ``no-cache`` (taken as if none were named), and ``Vary`` on anything but
``Accept-Encoding``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from proxysim.messages import Headers, Request, Response
from proxysim.policies.fields import HOP_BY_HOP, members
from proxysim.policies.http_date import http_date

__all__ = [
    "age",
    "age_on_receipt",
    "bypassed",
    "conditional",
    "lifetime",
    "not_modified",
    "not_modified_response",
    "only_if_cached",
    "parse_cache_control",
    "seconds",
    "stale_window",
    "storable",
    "updated",
    "usable",
    "validators",
]

Directives = Mapping[str, str | None]

#: Larger numbers of seconds count as this one (RFC 9111, section 1.2.2).
LONGEST = 2**31

#: Without a word on freshness: this share of the time since the last change, at most a day
#: (RFC 9111, section 4.2.2, names 10 % as typical).
HEURISTIC_SHARE = 0.1
HEURISTIC_LIMIT = 86400.0

#: Status codes that may be stored without a word on freshness (RFC 9110, section 15.1).
_HEURISTIC = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})

#: Requests with one of these are the origin's to answer.
_ORIGINS_BUSINESS = (
    "authorization",
    "range",
    "if-match",
    "if-unmodified-since",
    "if-range",
    "upgrade",
)

_CONDITIONS = frozenset(
    {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"}
)

_NONE: Directives = {}


@lru_cache(maxsize=4096)
def parse_cache_control(text: str) -> Directives:
    """Directive (lower case) -> argument, without its quotes; None where it has none.

    Of a directive given twice the first counts (section 4.2.1). An argument that is neither a
    token nor a quoted string is kept as it stands, and is no number to :func:`seconds`.
    """
    found: dict[str, str | None] = {}
    for member in members(text):
        name, equals, argument = member.partition("=")
        name = name.lower()
        if name != name.rstrip():
            name, argument = name.rstrip(), f" {argument}"
        if len(argument) > 1 and argument[0] == argument[-1] == '"':
            argument = argument[1:-1].replace("\\", "")
        found.setdefault(name, argument if equals else None)
    return found


def seconds(directives: Directives, name: str) -> int | None:
    """The argument of *name* in seconds; None without it, 0 where it is no number.

    What cannot be read counts as no time at all (section 4.2.1), what is too long as
    :data:`LONGEST`.
    """
    if name not in directives:
        return None
    text = directives[name]
    if text is None or not (text.isascii() and text.isdigit()):
        return 0
    return LONGEST if len(text.lstrip("0")) > 10 else min(int(text[-4000:]), LONGEST)


def bypassed(request: Request) -> bool:
    """Whether *request* must go to the origin past any cache: it is neither answered nor stored.

    Methods other than GET and HEAD, Authorization, ranges, preconditions that only the origin can
    judge, and ``no-store``.
    """
    if request.method != "GET" and request.method != "HEAD":
        return True
    return _past_caches(request.headers)


@lru_cache(maxsize=4096)
def _past_caches(headers: Headers) -> bool:
    return "no-store" in _directives(headers) or any(name in headers for name in _ORIGINS_BUSINESS)


def only_if_cached(request: Request) -> bool:
    """Whether the client wants 504 rather than a fetch (section 5.2.1.7)."""
    return "cache-control" in request.headers and "only-if-cached" in _directives(request.headers)


def usable(request: Request, age: float, lifetime: float) -> bool:
    """Whether the client takes a stored answer of this *age* and *lifetime* as it is.

    Without a word from the client: when it is fresh (section 5.2.1). An answer that may be served
    stale to everyone for a while counts with that while in its *lifetime*.
    """
    headers = request.headers
    if "cache-control" not in headers:
        return age < lifetime and not (
            "pragma" in headers and "no-cache" in headers.get("pragma").lower()
        )
    directives = _directives(headers)
    if "no-cache" in directives:
        return False
    oldest = seconds(directives, "max-age")
    if oldest is not None and age > oldest:
        return False
    left = lifetime - age
    return left > 0 and left >= (seconds(directives, "min-fresh") or 0)


def storable(request: Request, response: Response) -> bool:
    """Whether a shared cache may keep *response* as the answer to *request* (section 3)."""
    if request.method != "GET":
        return False
    status, headers = response.status, response.headers
    if status < 200 or status == 206 or status == 304:
        return False
    if "vary" in headers and not _only_by_coding(headers.get("vary")):
        return False
    asked, said = _directives(request.headers), _directives(headers)
    if "no-store" in asked or "no-store" in said or "private" in said:
        return False
    if "authorization" in request.headers and said.keys().isdisjoint(
        ("public", "must-revalidate", "s-maxage")
    ):
        return False
    return (
        status in _HEURISTIC
        or "expires" in headers
        or not said.keys().isdisjoint(("public", "max-age", "s-maxage"))
    )


def lifetime(response: Response, received: float | None = None) -> float:
    """For how long after it was made *response* is fresh (section 4.2.1).

    *received* is when it came, in seconds since 1970, for a response without a Date. ``no-cache``
    makes it 0: it must always be asked for again.
    """
    headers = response.headers
    said = _directives(headers)
    if "no-cache" in said or (
        "pragma" in headers and not said and "no-cache" in headers.get("pragma").lower()
    ):
        return 0.0
    for name in ("s-maxage", "max-age"):
        stated = seconds(said, name)
        if stated is not None:
            return float(stated)
    if "expires" not in headers and "last-modified" not in headers:
        return 0.0
    made = http_date(headers.get("date"))
    if made is None:
        made = received
    if made is None:
        return 0.0
    if "expires" in headers:
        expires = http_date(headers.get("expires"))
        return 0.0 if expires is None else min(max(0.0, expires - made), float(LONGEST))
    changed = http_date(headers.get("last-modified"))
    if changed is None or (response.status not in _HEURISTIC and "public" not in said):
        return 0.0
    return min(max(0.0, HEURISTIC_SHARE * (made - changed)), HEURISTIC_LIMIT)


def stale_window(response: Response) -> float | None:
    """For how long after its lifetime *response* may be served while a newer one is fetched.

    None where it does not say, so that the cache's own rule holds; 0 where it forbids
    (section 4.2.4). A stated ``stale-while-revalidate`` (RFC 5861, section 3) weighs more than what
    ``s-maxage`` only implies, and less than ``must-revalidate``.
    """
    said = _directives(response.headers)
    if not said:
        return None
    if not said.keys().isdisjoint(("must-revalidate", "proxy-revalidate", "no-cache")):
        return 0.0
    stated = seconds(said, "stale-while-revalidate")
    if stated is not None:
        return float(stated)
    return 0.0 if "s-maxage" in said else None


def age_on_receipt(response: Response, received: float | None = None) -> float:
    """How old *response* was when it came, by its Age and, with *received*, Date (4.2.3)."""
    headers = response.headers
    told = 0.0
    if "age" in headers:
        first = next(iter(members(headers.get("age"))), "")
        told = float(seconds({"age": first}, "age") or 0)
    if received is not None and (made := http_date(headers.get("date"))) is not None:
        return max(told, received - made)
    return told


def age(response: Response, stored_at: float, now: float) -> float:
    """How old a stored *response* is at *now*, having come at *stored_at*, both by one clock."""
    return age_on_receipt(response) + now - stored_at


def validators(response: Response) -> tuple[str, str]:
    """The entity tag and the date of the last change, each empty where there is none."""
    return response.headers.get("etag"), response.headers.get("last-modified")


def conditional(request: Request, stored: Response) -> Request:
    """*request* asking whether *stored* still holds (4.3.1); unchanged without validators."""
    tag, changed = validators(stored)
    if not tag and not changed:
        return request
    headers = request.headers.without(_CONDITIONS)
    if tag:
        headers = headers.add("if-none-match", tag)
    if changed:
        headers = headers.add("if-modified-since", changed)
    return Request(
        request.method,
        request.scheme,
        request.host,
        request.port,
        request.path,
        headers,
        request.peer,
        request.body,
        request.world,
        request.hop,
    )


def not_modified(request: Request, stored: Response) -> bool:
    """Whether the client already has what is *stored* (section 4.3.2), so that 304 answers it.

    Only success can be unmodified (RFC 9110, section 13.2.1).
    """
    if not 200 <= stored.status < 300:
        return False
    headers = request.headers
    if headers.fields.keys().isdisjoint(("if-none-match", "if-modified-since")):
        return False
    tag, changed = validators(stored)
    if "if-none-match" in headers:
        wanted = members(headers.get("if-none-match"))
        if "*" in wanted:
            return True
        return bool(tag) and tag.removeprefix("W/") in (
            known.removeprefix("W/") for known in wanted
        )
    if "if-modified-since" in headers:
        since = http_date(headers.get("if-modified-since"))
        last = http_date(changed or stored.headers.get("date"))
        return since is not None and last is not None and last <= since
    return False


_OF_304 = frozenset(
    {"age", "cache-control", "content-location", "date", "etag", "expires", "last-modified", "vary"}
)


def not_modified_response(stored: Response) -> Response:
    """The 304 that stands for *stored* (RFC 9110, section 15.4.5)."""
    return Response(304, Headers(pair for pair in stored.headers.pairs if pair[0] in _OF_304))


def updated(stored: Headers, new: Headers) -> Headers:
    """The fields of a stored answer after a 304 with the fields *new* (section 3.2).

    An Age, Date or Expires that the 304 does not repeat is not the confirmed answer's. A tag that
    is weak, since the stored answer was coded on its way, stays so.
    """
    changing = {name for name, _ in new.pairs} - _UNCHANGED
    if stored.get("etag") == f"W/{new.get('etag')}":
        changing.discard("etag")
    kept = stored.without(changing | {"age"})
    return Headers((*kept.pairs, *(pair for pair in new.pairs if pair[0] in changing)))


#: Fields of the content, which a 304 does not carry, and of the connection it came on.
_UNCHANGED = HOP_BY_HOP | {"content-encoding", "content-length", "content-range", "content-type"}


def _directives(headers: Headers) -> Directives:
    text = headers.fields.get("cache-control")
    return parse_cache_control(text) if text else _NONE


@lru_cache(maxsize=1024)
def _only_by_coding(vary: str) -> bool:
    return all(name.lower() == "accept-encoding" for name in members(vary))
