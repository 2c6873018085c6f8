"""Invalidation: what a request that may have changed something makes obsolete.

Source: RFC 9111, section 4.4.
"""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from proxysim.messages import Request, Response
from proxysim.policies.caching.directives import directives

__all__ = ["SAFE", "Target", "is_its_own", "obsolete", "target"]

#: Scheme, host, port and path with query: what a cached answer is kept under (section 2).
Target = tuple[str, str, int, str]

#: Methods that change nothing (RFC 9110, section 9.2.1; the registry's others). An unknown method
#: counts as unsafe.
SAFE = frozenset(
    {"GET", "HEAD", "OPTIONS", "TRACE", "PRI", "PROPFIND", "QUERY", "REPORT", "SEARCH"}
)

_PORTS = {"http": 80, "https": 443}


def target(request: Request) -> Target:
    """What *request* asks for."""
    return (request.scheme, request.host, request.port, request.path)


def obsolete(request: Request, response: Response) -> tuple[Target, ...]:
    """What is no longer to be trusted after *response* to an unsafe *request*.

    Nothing after an error. Else the target, and what Location and Content-Location name, where it
    has the same origin.
    """
    if request.method in SAFE or not 200 <= response.status < 400:
        return ()
    found = [target(request)]
    for name in ("location", "content-location"):
        text = response.headers.fields.get(name)
        other = None if text is None else _resolved(request, text)
        if other is not None and other[:3] == found[0][:3] and other not in found:
            found.append(other)
    return tuple(found)


def is_its_own(request: Request, response: Response) -> bool:
    """Whether *response* says that it is what a GET of the same URL would bring.

    By a 200 with Content-Location, and explicit freshness (RFC 9110, section 9.3.3).
    """
    headers = response.headers.fields
    said = directives(response.headers)
    return (
        request.method == "POST"
        and response.status == 200
        and ("expires" in headers or not said.keys().isdisjoint(("max-age", "s-maxage")))
        and "content-location" in headers
        and _resolved(request, headers["content-location"]) == target(request)
    )


def _resolved(request: Request, reference: str) -> Target | None:
    """What *reference* names, seen from *request*; None where it cannot be read."""
    try:
        url = urlsplit(urljoin(request.url, reference.strip(" \t")))
        host, port = url.hostname or "", url.port or _PORTS.get(url.scheme, 0)
    except ValueError:
        return None
    path = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
    return (url.scheme, host, port, path)
