"""Deadlines passed on: how long whoever asked will still wait."""

from __future__ import annotations

from math import inf

from proxysim.messages import Request

__all__ = ["FIELD", "time_left", "with_time"]

#: Milliseconds in which an answer is expected; a span, so that clocks need not agree. Source:
#: Envoy's router, which sets it so that the next in line can stop early.
FIELD = "x-envoy-expected-rq-timeout-ms"


def time_left(request: Request) -> float:
    """Seconds that whoever sent *request* waits for an answer; infinite where it does not say."""
    text = request.headers.fields.get(FIELD)
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 15:
        return inf
    return int(text) / 1000


def with_time(request: Request, seconds: float) -> Request:
    """*request*, saying that an answer is waited for *seconds*, rounded down to milliseconds."""
    waits = str(max(0, int(seconds * 1000)))
    return request.with_headers(request.headers.set(FIELD, waits))
