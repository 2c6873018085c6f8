"""Retries: whether a request whose fetch failed is sent again."""

from __future__ import annotations

from types import TracebackType

from proxysim.messages import Failure, Request

__all__ = ["IDEMPOTENT", "SAFE", "Retry"]

#: Methods that only read (RFC 9110, section 9.2.1).
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

#: Methods that may be sent twice with the effect of once (RFC 9110, section 9.2.2).
IDEMPOTENT = SAFE | {"PUT", "DELETE"}


class Retry:
    """Send a request again, at most *attempts* times in all, within a *budget*.

    Retries under way may not exceed the share *budget* of the requests under way, or 3 where that
    is more. A request may go again when its body can, and when the first sending cannot have done
    anything, or may be done twice. While a retry is under way this object is entered::

        with retry:
            ...

    O(1). Source: Envoy's retry budget (20 %, at least 3); RFC 9110, section 9.2.2.
    """

    __slots__ = ("attempts", "budget", "under_way")

    LEAST = 3

    def __init__(self, attempts: int = 2, budget: float = 0.2) -> None:
        self.attempts = attempts
        self.budget = budget
        self.under_way = 0

    def may_retry(self, request: Request, failure: Failure, attempt: int, in_flight: int) -> bool:
        """Whether to send *request* again, after *attempt* sendings (1: only the first).

        *in_flight* counts the requests that the proxy has under way.
        """
        if attempt >= self.attempts:
            return False
        if self.under_way + 1 > max(self.LEAST, self.budget * in_flight):
            return False
        if failure.sent and not failure.retry_safe and request.method not in IDEMPOTENT:
            return False
        return request.body is None or request.body.replayable

    def __enter__(self) -> Retry:
        self.under_way += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.under_way -= 1
