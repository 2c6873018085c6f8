"""Freshness: how old a stored answer is, for how long it is fresh, and who takes it stale.

Ages and lifetimes are in seconds. Source: RFC 9111, whose sections stand beside the rules; RFC 5861
for ``stale-while-revalidate`` and ``stale-if-error``.
"""

from __future__ import annotations

from math import inf

from proxysim.messages import Request, Response, value
from proxysim.policies.caching.directives import (
    LONGEST,
    directives,
    named,
    parse_cache_control,
    seconds,
)
from proxysim.policies.fields import members
from proxysim.policies.http_date import http_date
from proxysim.policies.memory import kept

__all__ = [
    "HEURISTIC_STATUSES",
    "RFC_HEURISTIC",
    "Heuristic",
    "age_on_receipt",
    "error_window",
    "lifetime",
    "only_if_cached",
    "stale_window",
    "strict",
    "takes_on_error",
    "tolerated",
    "usable",
    "usable_meanwhile",
]

#: Status codes that may be kept without a word on freshness (RFC 9110, section 15.1).
HEURISTIC_STATUSES = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})


@value
class Heuristic:
    """How long an answer is fresh that does not say (section 4.2.2).

    For *share* of the time since its last change, at most *limit* seconds; an error of
    :data:`HEURISTIC_STATUSES` for *errors* seconds, where that is longer. Sources: RFC 9111 names
    10 % as typical; Squid takes 20 % and three days, and calls the last ``negative_ttl``.
    """

    share: float = 0.1
    limit: float = 86400.0
    errors: float = 0.0


RFC_HEURISTIC = Heuristic()


@value
class Terms:
    """What a Cache-Control text says of the use of its answer; None where it does not say.

    ``lifetime``, ``window`` (stale-while-revalidate) and ``error_window`` (stale-if-error) are in
    seconds. ``strict``: it must not be used stale, whoever would take it.
    """

    lifetime: float | None
    strict: bool
    window: float | None
    error_window: float | None


@kept(4096)
def terms(text: str) -> Terms:
    """The terms of a Cache-Control *text*, read once for each distinct text."""
    said = parse_cache_control(text)
    never = named(said, "no-cache") == ()
    revalidate = never or "must-revalidate" in said or "proxy-revalidate" in said
    stated = seconds(said, "s-maxage")
    if stated is None:
        stated = seconds(said, "max-age")
    # A stated window weighs more than what s-maxage only implies, and less than must-revalidate.
    windows: list[float | None] = []
    for name in ("stale-while-revalidate", "stale-if-error"):
        window = seconds(said, name)
        if revalidate or (window is None and "s-maxage" in said):
            window = 0
        windows.append(None if window is None else float(window))
    return Terms(
        0.0 if never else None if stated is None else float(stated),
        revalidate or "s-maxage" in said,
        *windows,
    )


def _terms(response: Response) -> Terms:
    return terms(response.headers.fields.get("cache-control", ""))


def lifetime(
    response: Response, received: float | None = None, heuristic: Heuristic = RFC_HEURISTIC
) -> float:
    """For how long after it was made *response* is fresh (section 4.2.1).

    *received* is when it came, in seconds since 1970, for a response without a Date. An unqualified
    ``no-cache`` makes it 0: it must always be asked for again.
    """
    stated = _terms(response).lifetime
    if stated is not None:
        return stated
    headers = response.headers
    if "expires" in headers:
        made = http_date(headers.get("date"))
        if made is None:
            made = received
        expires = http_date(headers.get("expires"))
        if made is None or expires is None:
            return 0.0
        return min(max(0.0, expires - made), float(LONGEST))
    if response.status not in HEURISTIC_STATUSES and "public" not in directives(headers):
        return 0.0
    errors = heuristic.errors if response.status >= 400 else 0.0
    changed = http_date(headers.get("last-modified")) if "last-modified" in headers else None
    if changed is None:
        return errors
    made = http_date(headers.get("date"))
    if made is None:
        made = received
    if made is None:
        return errors
    return max(errors, min(max(0.0, heuristic.share * (made - changed)), heuristic.limit))


def age_on_receipt(response: Response, received: float | None = None, delay: float = 0.0) -> float:
    """How old *response* was when it came (section 4.2.3).

    By its Age and the *delay* from asking to its coming, or by its Date where that makes it older
    and it is known when it was *received* (in seconds since 1970). Of several ages the first
    counts, and one that is no number is ignored (section 5.1).
    """
    headers = response.headers
    told = delay
    if "age" in headers:
        first = next(iter(members(headers.get("age"))), "")
        told += seconds({"age": first}, "age") or 0
    if received is not None and (made := http_date(headers.get("date"))) is not None:
        return max(told, received - made)
    return told


# Stale answers.


def strict(response: Response) -> bool:
    """Whether *response* must not be used stale, whoever would take it (section 4.2.4).

    ``must-revalidate``, ``proxy-revalidate``, ``s-maxage`` (which implies the former,
    section 5.2.2.10) and an unqualified ``no-cache`` forbid it.
    """
    return _terms(response).strict


def stale_window(response: Response) -> float | None:
    """For how long after its lifetime *response* may be served while a newer one is fetched.

    None where it does not say, so that the cache's own rule holds; 0 where it forbids. A stated
    ``stale-while-revalidate`` (RFC 5861, section 3) weighs more than what ``s-maxage`` only
    implies, and less than ``must-revalidate``.
    """
    return _terms(response).window


def error_window(response: Response) -> float | None:
    """For how long after its lifetime *response* stands in for an error (RFC 5861, section 4).

    As :func:`stale_window`, by ``stale-if-error``.
    """
    return _terms(response).error_window


# What the client says.


def usable(request: Request, age: float, lifetime: float) -> bool:
    """Whether the client takes a stored answer of this *age* and *lifetime* as it is.

    Without a word from the client: when it is fresh (section 5.2.1).
    """
    headers = request.headers
    if "cache-control" not in headers.fields:
        return age < lifetime and not (
            "pragma" in headers.fields and "no-cache" in headers.get("pragma").lower()
        )
    said = directives(headers)
    if "no-cache" in said:
        return False
    oldest = seconds(said, "max-age")
    if oldest is not None and age > oldest:
        return False
    left = lifetime - age
    return left > 0 and left >= (seconds(said, "min-fresh") or 0)


def tolerated(request: Request, age: float, lifetime: float) -> bool:
    """Whether the client takes what has gone stale by its ``max-stale`` (section 5.2.1.2).

    Only for answers that are not :func:`strict`.
    """
    if "cache-control" not in request.headers.fields:
        return False
    said = directives(request.headers)
    if "max-stale" not in said:
        return False
    longest = inf if said["max-stale"] is None else float(seconds(said, "max-stale") or 0)
    return age - lifetime <= longest and usable(request, age, inf)


def usable_meanwhile(request: Request, age: float, lifetime: float, window: float) -> bool:
    """Whether the client takes a stored answer while a newer one is fetched (RFC 5861, section 3).

    When it is :func:`usable`, or has been stale for less than *window* seconds and the client does
    not mind: who says ``max-age`` or ``min-fresh`` wants nothing stale, and who says ``max-stale``
    wants it no staler than that (sections 5.2.1.1 to 5.2.1.3).
    """
    if age < lifetime:
        return usable(request, age, lifetime)
    if age >= lifetime + window or not usable(request, age, inf):
        return False
    said = directives(request.headers)
    return said.keys().isdisjoint(_ON_AGE) or tolerated(request, age, lifetime)


_ON_AGE = ("max-age", "min-fresh", "max-stale")


def takes_on_error(
    request: Request, age: float, lifetime: float, window: float, *, strict: bool = False
) -> bool:
    """Whether a stored answer may stand in for an error of the origin.

    For *window* seconds after its *lifetime*, or, unless it is *strict*, for as long as the
    client's own ``stale-if-error`` says (RFC 5861, section 4). A client's ``no-cache`` and
    ``max-age`` still count.
    """
    if not strict and "cache-control" in request.headers.fields:
        said = directives(request.headers)
        window = max(window, float(seconds(said, "stale-if-error") or 0))
    return age < lifetime + window and usable(request, age, inf)


def only_if_cached(request: Request) -> bool:
    """Whether the client wants 504 rather than a fetch (section 5.2.1.7)."""
    headers = request.headers
    return "cache-control" in headers.fields and "only-if-cached" in directives(headers)
