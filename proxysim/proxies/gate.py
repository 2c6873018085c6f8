"""The gate: what a request passes before a proxy works on it."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from proxysim.messages import Request
from proxysim.policies.rate_limit import TokenBucket
from proxysim.policies.shedding import Shedding
from proxysim.proxies.effects import Handling, Send
from proxysim.proxies.proxy import error_page
from proxysim.proxies.slots import Slots

__all__ = ["INSIDE", "Gate"]

#: The one place that there is in a proxy as a whole.
INSIDE = ("inside",)


class Gate:
    """Lets requests in: within a rate, while there is room, and in turn.

    *rate_limit* counts by client (the request's peer), or, with *whole*, all alike; who is over it
    is answered 429 (RFC 6585, section 4; nginx says 503 unless told otherwise). Whom *shedding*
    turns away, or who gets none of the *slots*, is answered 503. Both say when to come again.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        rate_limit: TokenBucket | None = None,
        whole: bool = False,
        shedding: Shedding | None = None,
        slots: Slots[str] | None = None,
    ) -> None:
        self.clock = clock
        self.rate_limit = rate_limit
        self.whole = whole
        self.shedding = shedding
        self.slots = slots
        self.inside = 0

    def guard(self, request: Request, respond: Callable[[Request], Handling]) -> Handling:
        """Let *respond* answer *request*, or turn it away."""
        if self.rate_limit is not None:
            late = self.rate_limit.take("" if self.whole else request.peer, self.clock())
            if late:
                seconds = str(ceil(late))
                yield Send(*error_page(429, "Too many requests.", retry_after=seconds))
                return
        if self.shedding is not None and not self.shedding.admits(request, self.inside):
            yield _overloaded()
            return
        self.inside += 1
        try:
            if self.slots is None:
                yield from respond(request)
            else:
                yield from self._in_turn(request, respond, self.slots)
        finally:
            self.inside -= 1

    def _in_turn(
        self, request: Request, respond: Callable[[Request], Handling], slots: Slots[str]
    ) -> Handling:
        place = yield from slots.claim(INSIDE, lambda free: free[0])
        if place is None:
            yield _overloaded()
            return
        try:
            yield from respond(request)
        finally:
            slots.give_back(place)


def _overloaded() -> Send:
    return Send(*error_page(503, "The proxy has no room for the request now.", retry_after="1"))
