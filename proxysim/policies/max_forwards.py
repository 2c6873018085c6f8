"""Max-Forwards: how many more proxies a request that looks for trouble may pass."""

from __future__ import annotations

from proxysim.messages import Headers, Request, Response

__all__ = ["BOUNDED", "passed_on", "the_end"]

#: Only in requests of these methods does the field mean anything.
BOUNDED = frozenset({"OPTIONS", "TRACE"})


def passed_on(request: Request) -> Request | None:
    """*request* as it goes on, with one proxy less to pass; None where it may go no further.

    A number that cannot be read bounds nothing. O(1). Source: RFC 9110, section 7.6.2.
    """
    text = request.headers.fields.get("max-forwards", "")
    if not (text.isascii() and text.isdigit()):
        return request
    digits = text.lstrip("0")
    if not digits:
        return None
    left = int(digits[:18]) - 1
    return request.with_headers(request.headers.set("max-forwards", str(left)))


def the_end(request: Request) -> Response:
    """The answer of whoever *request* may not pass: what can be said here of its target."""
    if request.method == "OPTIONS":
        return Response(204)
    return Response(405, Headers([("allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")]))
