"""What both kinds of proxy share: ask a backend, perhaps another one, and send what it said."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from math import ceil
from typing import Any

from proxysim.messages import Content, Failure, Headers, Request, Response, value
from proxysim.policies.backend import Backend
from proxysim.policies.breaker import Breakers
from proxysim.policies.compression import Compression
from proxysim.policies.hedging import Hedging
from proxysim.policies.identity import Identity
from proxysim.policies.retry import Retry
from proxysim.proxies.attempts import Attempts
from proxysim.proxies.cache import Cache
from proxysim.proxies.effects import (
    NO_DEADLINES,
    Deadlines,
    Effect,
    Encode,
    Fetch,
    Handling,
    Head,
    Send,
)
from proxysim.proxies.fleet import Fleet
from proxysim.proxies.slots import Slots

__all__ = ["Page", "Proxy", "error_page"]

Deliver = Callable[[Request, Head | Failure], Handling]
GATEWAY_ERRORS = {
    "timeout": (504, "The server did not answer in time."),
    "overload": (503, "No server can take the request now."),
    "denied": (403, "This is out of the proxy's reach, or of one further on."),
    "unresolved": (502, "The name of the server is not known."),
}
NO_ANSWER = (502, "The server could not be reached, or broke off.")


@value
class Page(Content):
    """The body of an answer that a proxy makes itself."""


def error_page(status: int, says: str, **fields: str) -> tuple[Response, Page]:
    """A short plain-text answer that a proxy makes itself."""
    data = f"{status} {says}\n".encode()
    pairs = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(data)))]
    pairs += [(name.replace("_", "-"), text) for name, text in fields.items()]
    return Response(status, Headers(pairs)), Page(data)


class Proxy:
    """A proxy's work on one request once it has been let in.

    A subclass says which backends there are (:meth:`pool`) and picks one of them, who are never
    none (``choose``). *clock* gives the world's seconds.
    """

    choose: Callable[[Request, Sequence[Backend]], Backend]
    #: Told of each answer: the backend, seconds to the first byte, whether it was one, and when.
    observe: Callable[[Backend, float, bool, float], None] | None = None
    #: What clients may upgrade their connections to, in lower case, such as websocket.
    upgrades: Collection[str] = ()
    #: Marks an answer, so that its client comes back to the same backend.
    mark: Callable[[Request, Response, Backend], Response] | None = None

    def __init__(
        self,
        name: str,
        clock: Callable[[], float],
        identity: Identity,
        *,
        cache: Cache | None = None,
        compression: Compression | None = None,
        health: Fleet | None = None,
        retry: Retry | None = None,
        hedging: Hedging | None = None,
        breakers: Breakers | None = None,
        slots: Slots[Backend] | None = None,
        deadlines: Deadlines = NO_DEADLINES,
    ) -> None:
        self.name = name
        self.clock = clock
        self.identity = identity
        self.cache = cache
        self.compression = compression
        self.health = health
        self.deadlines = deadlines
        #: Asks the backends, and delivers what they say, by ``deliver`` or as it is.
        self.exchange: Callable[[Request, Deliver | None], Handling] = self._exchange
        self.retries: Attempts | None = None
        if any(option is not None for option in (hedging, breakers, slots, deadlines.total)):
            attempts = Attempts(self, retry, hedging, breakers, slots, deadlines.total)
            self.exchange = attempts.exchange
        elif retry is not None:
            self.retries = Attempts(self, retry)

    # What a subclass decides.

    def pool(self, request: Request) -> Sequence[Backend]:
        """The backends that may be asked now: one object as long as they are the same."""
        raise NotImplementedError

    def in_flight(self) -> int:
        """Requests under way to all backends, for the retry budget."""
        raise NotImplementedError

    def residents(self) -> Sequence[Generator[Effect, Any, None]]:
        """What runs by itself as long as the proxy does."""
        return ()

    def interim(self, response: Response) -> Response | None:
        """What the client is told of an interim answer (1xx), None for nothing.

        Who asked leave to send a body has had it of this proxy. Source: RFC 9110, section 15.2.
        """
        return None if response.status == 100 else self.identity.answer(response)

    # One exchange with a backend, and what is done with its answer.

    def _exchange(self, request: Request, deliver: Deliver | None) -> Handling:
        """Ask a backend, and *deliver* what it said; its lease is held until all has gone.

        What is to be retried is handed on: most requests need no more than this.
        """
        pool = self.pool(request)
        if not pool:
            yield from (deliver or self._send_uncached)(request, Failure("overload"))
            return
        with self.choose(request, pool) as backend:
            began = 0.0 if self.observe is None else self.clock()
            reply = yield Fetch(backend, self.identity.rewrite(request), self.deadlines)
            failed = type(reply) is Failure
            if self.health is not None or self.observe is not None:
                self.learn(backend, began, not failed and reply.response.status < 500)
            retries = self.retries
            pause = None if retries is None else retries.pause(request, backend, reply)
            if pause is None:
                # As `conclude` does, less a generator: nearly every request passes here.
                if self.mark is not None and not failed:
                    reply = Head(self.mark(request, reply.response, backend), reply.body)
                if deliver is not None:
                    yield from deliver(request, reply)
                elif failed:
                    yield Send(*self.gateway_error(reply))
                else:
                    yield Send(self.identity.answer(reply.response), reply.body)
                return
        assert retries is not None
        yield from retries.go_on(request, deliver, backend, reply, pause)

    def conclude(
        self,
        request: Request,
        backend: Backend | None,
        reply: Head | Failure,
        deliver: Deliver | None,
    ) -> Handling:
        """Mark the *reply* of *backend* where that is to be, and *deliver* it.

        Without *deliver* it is sent to the client as it is. A mark makes the answer private (RFC
        9111, 5.2.2.7): no cache keeps it for others.
        """
        if self.mark is not None and backend is not None and isinstance(reply, Head):
            reply = Head(self.mark(request, reply.response, backend), reply.body)
        if deliver is not None:
            yield from deliver(request, reply)
        elif isinstance(reply, Failure):
            yield Send(*self.gateway_error(reply))
        else:
            yield Send(self.identity.answer(reply.response), reply.body)

    def learn(self, backend: Backend, began: float, ok: bool) -> None:
        """Tell whoever wants to know that *backend*, asked at *began*, answered well or did not."""
        now = self.clock()
        if self.health is not None:
            self.health.observe(backend, ok, now)
        if self.observe is not None:
            self.observe(backend, now - began, ok, now)

    def _send_uncached(self, request: Request, reply: Head | Failure) -> Handling:
        return self._send(request, reply, "none")

    def _send(self, request: Request, reply: Head | Failure, state: str) -> Handling:
        """Send what a backend said, and keep nothing; *state* is what the cache made of it."""
        if isinstance(reply, Failure):
            yield Send(*self.gateway_error(reply), cache=state)
            return
        response, coding = self._prepared(request, reply)
        body = reply.body if coding is None else (yield self._encode(reply.body, coding))
        yield Send(response, body, None, state)

    def _prepared(self, request: Request, head: Head) -> tuple[Response, str | None]:
        """The head of an answer as the client is to have it, and the coding that its body needs."""
        response = self.identity.answer(head.response)
        compression, body = self.compression, head.body
        if compression is None or body is None:
            return response, None
        coding = compression.choose(request, response, body.length)
        if coding is not None or compression.eligible(request, response, body.length):
            response = compression.marked(response, coding)
        return response, coding

    def _encode(self, body: Any, coding: str) -> Encode:
        levels = {} if self.compression is None else self.compression.levels
        return Encode(body, coding, levels.get(coding))

    def gateway_error(self, failure: Failure) -> tuple[Response, Page]:
        """The answer where none could be had: 504 in time, 503 for want of room, else 502."""
        status, says = GATEWAY_ERRORS.get(failure.kind, NO_ANSWER)
        if failure.wait:
            return error_page(status, says, retry_after=str(ceil(failure.wait)))
        return error_page(status, says)
