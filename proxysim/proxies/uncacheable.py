"""What turned out not to be for a cache: who asks for it next need not wait for anybody."""

from __future__ import annotations

from proxysim.messages import Request, Response
from proxysim.policies.caching.invalidation import Target, target

__all__ = ["Uncacheable"]

#: Most targets remembered; beyond that the one noted first is forgotten.
MOST = 10_000

#: Targets with longer paths are not remembered, so that strangers cannot fill memory with them.
LONGEST = 1000


class Uncacheable:
    """Targets whose last answer could not be kept, each remembered for so many *seconds*.

    Concurrent requests for one target wait for the first of them, whose answer may be for all. For
    a personal page it never is: they would wait for nothing, time and again. 0 remembers nothing.

    Source: Varnish's hit-for-miss; its builtin.vcl marks such answers for two minutes, in
    vcl_backend_response. That errors and long paths are left out is our own.
    """

    __slots__ = ("_until", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until: dict[Target, float] = {}  # the first to be forgotten first

    def note(self, request: Request, response: Response, now: float) -> None:
        """*response*, which may not be kept, is what *request* was answered.

        Errors of the server, parts, confirmations, and what is only for who has logged in say
        nothing of what others will be answered.
        """
        status = response.status
        if not self.seconds or request.method != "GET" or not 200 <= status < 500:
            return
        if status == 206 or status == 304 or "authorization" in request.headers.fields:
            return
        if len(request.path) > LONGEST:
            return
        where = target(request)
        self._until.pop(where, None)
        self._until[where] = now + self.seconds
        if len(self._until) > MOST:
            del self._until[next(iter(self._until))]

    def knows(self, request: Request, now: float) -> bool:
        """Whether the answer to *request* is not expected to be kept."""
        if not self._until:
            return False
        where = target(request)
        until = self._until.get(where)
        if until is None:
            return False
        if now < until:
            return True
        del self._until[where]
        return False

    def forget(self, where: Target) -> None:
        """An answer of *where* has been kept after all."""
        self._until.pop(where, None)

    def clear(self) -> None:
        """Forget all."""
        self._until.clear()
