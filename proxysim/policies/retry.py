"""Retries: whether a request that came to nothing is sent again."""

from __future__ import annotations

from collections.abc import Collection
from types import TracebackType

from proxysim.messages import Failure, Request
from proxysim.policies.backoff import Backoff

__all__ = ["IDEMPOTENT", "REASONS", "SAFE", "Retry", "replayable", "retry_after"]

#: Methods that only read (RFC 9110, section 9.2.1).
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

#: Methods that may be sent twice with the effect of once (RFC 9110, section 9.2.2).
IDEMPOTENT = SAFE | {"PUT", "DELETE"}

#: Why a request may be sent again, besides the status of an answer.
REASONS = ("connect", "reset", "timeout")


class Retry:
    """Send a request again, at most *attempts* times in all, within a *budget*, for reasons *on*.

    The reasons: ``connect`` (no connection, or no room), ``reset`` (broken off under way),
    ``timeout`` (no first byte in time), and statuses such as 503. Retries under way may not exceed
    the share *budget* of the requests under way, or 3 where that is more; with 1 there is no bound.
    A request may go again when its body can, and when the first sending cannot have done anything,
    or may be done twice: after an answer only by an idempotent method. *backoff* says how long to
    wait before; None: not at all. While a retry is under way this object is entered, as a context.

    O(1). Source: Envoy's retry budget (20 %, at least 3) and ``retry_on``; nginx
    ``proxy_next_upstream``, whose "error timeout" the default is; RFC 9110, section 9.2.2.
    """

    __slots__ = ("attempts", "backoff", "budget", "on", "under_way")

    LEAST = 3

    def __init__(
        self,
        attempts: int = 2,
        budget: float = 0.2,
        on: Collection[str | int] = REASONS,
        backoff: Backoff | None = None,
    ) -> None:
        self.attempts = attempts
        self.budget = budget
        self.on = frozenset(on)
        self.backoff = backoff
        self.under_way = 0

    def may_retry(
        self, request: Request, came: Failure | int, attempt: int, under_way: int
    ) -> bool:
        """Whether to send *request* again, after *attempt* sendings (1: only the first).

        *came* is why no answer did, or the status of the one that did. *under_way* counts the
        requests that the proxy has under way.
        """
        if attempt >= self.attempts or not self._reason(came):
            return False
        if self.budget < 1 and self.under_way + 1 > max(self.LEAST, self.budget * under_way):
            return False
        unheard = isinstance(came, Failure) and (not came.sent or came.retry_safe)
        return (unheard or request.method in IDEMPOTENT) and replayable(request)

    def pause(self, attempt: int, asked: float) -> float | None:
        """Seconds to wait after *attempt* sendings; None: too long to be worth it.

        *asked* is what the backend that is to be asked again has said in Retry-After, 0 if nothing.
        """
        if self.backoff is None:
            return 0.0 if asked <= 0 else None
        if asked > self.backoff.most:
            return None
        return max(asked, self.backoff.before(attempt))

    def _reason(self, came: Failure | int) -> bool:
        if not isinstance(came, Failure):
            return came in self.on
        if came.kind == "denied":
            return False
        if came.kind == "reset" or (came.kind == "timeout" and came.sent):
            return came.kind in self.on
        return "connect" in self.on

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


def replayable(request: Request) -> bool:
    """Whether *request* can be sent a second time at all."""
    return request.body is None or request.body.replayable


def retry_after(text: str) -> float:
    """Seconds that a Retry-After field of *text* asks for; 0 for a date, which is not heeded."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0
