"""What both kinds of proxy share: answer from the cache, or fetch, perhaps again, and send."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from proxysim.messages import Body, Content, Failure, Headers, Request, Response
from proxysim.policies import freshness
from proxysim.policies.backend import Backend
from proxysim.policies.compression import Compression, acceptable
from proxysim.policies.health import PassiveHealth
from proxysim.policies.identity import Identity
from proxysim.policies.retry import Retry
from proxysim.proxies.cache import Cache, Fill, Key, Stored
from proxysim.proxies.effects import (
    NO_DEADLINES,
    Deadlines,
    Drain,
    Effect,
    Encode,
    Fetch,
    Handling,
    Head,
    Send,
    Signal,
    Spawn,
    Wait,
)

__all__ = ["Proxy", "error_page"]

Deliver = Callable[[Request, Head | Failure], Handling]
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
GATEWAY_ERRORS = {
    "timeout": (504, "The server did not answer in time."),
    "overload": (503, "No server can take the request now."),
    "denied": (403, "A proxy further on does not allow it."),
    "unresolved": (502, "The name of the server is not known."),
}
NO_ANSWER = (502, "The server could not be reached, or broke off.")


def error_page(status: int, says: str, **fields: str) -> tuple[Response, Content]:
    """A short plain-text answer that a proxy makes itself."""
    data = f"{status} {says}\n".encode()
    pairs = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(data)))]
    pairs += [(name.replace("_", "-"), text) for name, text in fields.items()]
    return Response(status, Headers(pairs)), Content(data)


class Proxy:
    """A proxy's work on one request once it has been let in.

    A subclass says which backends there are (:meth:`pool`) and picks one of them, who are never
    none (``choose``). *clock* gives the world's seconds.
    """

    choose: Callable[[Request, Sequence[Backend]], Backend]
    #: Told of each answer: the backend, seconds to the first byte, whether it was one, and when.
    observe: Callable[[Backend, float, bool, float], None] | None = None
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
        health: PassiveHealth | None = None,
        retry: Retry | None = None,
        deadlines: Deadlines = NO_DEADLINES,
    ) -> None:
        self.name = name
        self.clock = clock
        self.identity = identity
        self.cache = cache
        self.compression = compression
        self.health = health
        self.retry = retry
        self.deadlines = deadlines

    # What a subclass decides.

    def pool(self, request: Request, tried: Sequence[Backend]) -> Sequence[Backend]:
        """The backends that may be asked now, less those *tried* where others are left."""
        raise NotImplementedError

    def in_flight(self) -> int:
        """Requests under way to all backends, for the retry budget."""
        raise NotImplementedError

    def residents(self) -> Sequence[Generator[Effect, Any, None]]:
        """What runs by itself as long as the proxy does."""
        return ()

    # From the cache, or by a fetch.

    def respond(self, request: Request) -> Handling:
        """Answer *request* from the cache or from a backend."""
        cache = self.cache
        if cache is None:
            as_it_is = self.compression is None
            return self.exchange(request, None if as_it_is else self._send_uncached)
        if freshness.bypassed(request):
            return self.exchange(request, self._send_past_cache)
        return self._respond_by_cache(request, cache)

    def _respond_by_cache(self, request: Request, cache: Cache) -> Handling:
        codings = self._codings(request)
        now = self.clock()
        if (found := cache.find(request, codings)) is not None:
            key, stored = found
            age = stored.age(now)
            if freshness.usable(request, age, stored.lifetime):
                yield from self._send_stored(request, cache, key, stored, "hit")
            elif freshness.usable(request, age, stored.lifetime + stored.window):
                if key not in cache.refreshing:
                    cache.refreshing.add(key)
                    yield Spawn(self._refresh(request, cache, key, stored))
                yield from self._send_stored(request, cache, key, stored, "stale")
            else:
                asked = freshness.conditional(request, stored.response)
                yield from self.exchange(asked, partial(self._send_confirmed, request, cache, key))
            return
        if freshness.only_if_cached(request):
            yield Send(*error_page(504, "No usable answer is in the cache."), cache="miss")
            return
        if not cache.collapse or request.method != "GET":
            yield from self.exchange(request, self._send_missed)
            return
        key = cache.key(request, codings[0])
        fill = cache.fills.get(key)
        state = "coalesced"
        if fill is None:
            fill = cache.fills[key] = Fill(key)
            fill.running = yield Spawn(self._fill(request, fill))
            state = "miss"
        with fill:
            answer = yield Wait(fill.ready)
            if answer is None and state == "miss":
                answer = fill.private
            if answer is not None:
                yield from self._send_shared(request, answer, state)
                return
        yield from self.exchange(request, self._send_missed)

    # One exchange with a backend, and what is done with its answer.

    def exchange(
        self, request: Request, deliver: Deliver | None, tried: tuple[Backend, ...] = ()
    ) -> Handling:
        """Ask a backend, another one if that failed and is safe, and *deliver* what it said.

        Without *deliver* it is sent to the client as it is. The backend's lease is held until all
        has gone. *tried* have failed already. A mark
        for the client makes the answer private (RFC 9111, 5.2.2.7): no cache keeps it for others.
        """
        pool = self.pool(request, tried)
        if not pool:
            yield from (deliver or self._send_uncached)(request, Failure("overload"))
            return
        with self.choose(request, pool) as backend:
            began = 0.0 if self.observe is None else self.clock()
            reply = yield Fetch(backend, self.identity.rewrite(request), self.deadlines)
            failed = type(reply) is Failure
            if self.health is not None or self.observe is not None:
                self._learn(backend, began, not failed and reply.response.status < 500)
            if self.mark is not None and not failed:
                reply = Head(self.mark(request, reply.response, backend), reply.body)
            if not failed or self.retry is None or not self._again(request, reply, tried):
                if deliver is not None:
                    yield from deliver(request, reply)
                elif failed:
                    yield Send(*self.gateway_error(reply))
                else:
                    yield Send(self.identity.answer(reply.response), reply.body)
                return
        again = self.exchange(request, deliver, (*tried, backend))
        if tried:
            yield from again
        else:
            with self.retry:
                yield from again

    def _learn(self, backend: Backend, began: float, ok: bool) -> None:
        now = self.clock()
        if self.health is not None:
            self.health.observe(backend, ok, now)
        if self.observe is not None:
            self.observe(backend, now - began, ok, now)

    def _again(self, request: Request, failure: Failure, tried: Sequence[Backend]) -> bool:
        return self.retry is not None and self.retry.may_retry(
            request, failure, len(tried) + 1, self.in_flight()
        )

    def _send_uncached(self, request: Request, reply: Head | Failure) -> Handling:
        return self._send(request, reply, "none")

    def _send_missed(self, request: Request, reply: Head | Failure) -> Handling:
        return self._send(request, reply, "miss")

    def _send(self, request: Request, reply: Head | Failure, state: str) -> Handling:
        """Send what a backend said; *state* is what the cache made of the request."""
        if isinstance(reply, Failure):
            yield Send(*self.gateway_error(reply), cache=state)
            return
        response, body, ticket = yield from self._prepare(request, reply, state == "miss")
        yield Send(response, body, ticket, state)

    def _prepare(
        self, request: Request, head: Head, keep: bool
    ) -> Generator[Effect, Any, tuple[Response, Any, Any]]:
        """An answer made ready for the client: rewritten, coded, with a ticket to *keep* it."""
        response, body = self.identity.answer(head.response), head.body
        coding = None
        if self.compression is not None and body is not None:
            coding = self.compression.choose(request, response, body.length)
            if coding is not None:
                response = replace(response, headers=self.compression.headers(response, coding))
                body = yield Encode(body, coding)
            elif self.compression.eligible(request, response, body.length):
                response = replace(response, headers=self.compression.headers(response, None))
        cache = self.cache
        ticket = cache.ticket(request, response, coding) if keep and cache is not None else None
        return response, body, ticket

    def _send_past_cache(self, request: Request, reply: Head | Failure) -> Handling:
        if (
            request.method in UNSAFE
            and isinstance(reply, Head)
            and reply.response.status < 400
            and self.cache is not None
        ):
            self.cache.invalidate(request)
        yield from self._send(request, reply, "bypass")

    def _send_confirmed(
        self, request: Request, cache: Cache, key: Key, asked: Request, reply: Head | Failure
    ) -> Handling:
        """Send the answer to *request*, for which *asked* was the cache's own conditional one."""
        if isinstance(reply, Head) and reply.response.status == 304:
            stored = cache.confirm(key, reply.response.headers)
            if stored is not None:
                yield from self._send_stored(request, cache, key, stored, "revalidated")
                return
        yield from self._send(request, reply, "miss")

    def _send_stored(
        self, request: Request, cache: Cache, key: Key, stored: Stored, state: str
    ) -> Handling:
        response, body = stored.head(self.clock()), stored.body
        if key[3] is None and self.compression is not None and body is not None:
            coding = self.compression.choose(request, response, body.length)
            if coding is not None:
                response = replace(response, headers=self.compression.headers(response, coding))
                if not freshness.not_modified(request, response):
                    body = yield Encode(body, coding)
                    yield Send(response, body, cache.ticket(request, response, coding), state)
                    return
        yield self._whole(request, response, body, state)

    def _whole(self, request: Request, response: Response, body: Body | None, state: str) -> Send:
        """An answer that the proxy has, for a client that may have it too (RFC 9111, 4.3.2)."""
        if freshness.not_modified(request, response):
            return Send(freshness.not_modified_response(response), None, None, state)
        return Send(response, None if request.method == "HEAD" else body, None, state)

    # Fetches that belong to the cache.

    def _fill(self, request: Request, fill: Fill) -> Handling:
        """Fetch once for all who wait; its end, however it comes, takes it off the list."""
        try:
            yield from self.exchange(request, partial(self._deliver_fill, fill))
        finally:
            fill.done = True
            self._unlist(fill)
            fill.share(None)

    def _unlist(self, fill: Fill) -> None:
        """Let nobody else join *fill*."""
        if self.cache is not None and self.cache.fills.get(fill.key) is fill:
            del self.cache.fills[fill.key]

    def _deliver_fill(self, fill: Fill, request: Request, reply: Head | Failure) -> Handling:
        if isinstance(reply, Failure):
            fill.share(reply)
            return
        response, body, ticket = yield from self._prepare(request, reply, True)
        if ticket is None:
            # Not to be shared: the first who asked takes it, the others ask for themselves, and
            # the lease lasts until the last of them has left, which closes this generator.
            fill.private = Head(response, body)
            fill.share(None)
            yield Wait(Signal())
        # Whoever comes when the copy has been given up has missed the beginning.
        ticket.given_up = partial(self._unlist, fill)
        fill.share(Head(response, body))
        yield Drain(body, ticket)
        fill.done = True

    def _send_shared(self, request: Request, answer: Head | Failure, state: str) -> Handling:
        if isinstance(answer, Failure):
            yield Send(*self.gateway_error(answer), cache=state)
        else:
            yield self._whole(request, answer.response, answer.body, state)

    def _refresh(self, request: Request, cache: Cache, key: Key, stored: Stored) -> Handling:
        """Bring a stale entry up to date while it goes on being served."""
        try:
            asked = freshness.conditional(request, stored.response)
            yield from self.exchange(asked, partial(self._deliver_refresh, request, cache, key))
        finally:
            cache.refreshing.discard(key)

    def _deliver_refresh(
        self, request: Request, cache: Cache, key: Key, asked: Request, reply: Head | Failure
    ) -> Handling:
        if isinstance(reply, Failure):
            return
        if reply.response.status == 304:
            cache.confirm(key, reply.response.headers)
            return
        _, body, ticket = yield from self._prepare(request, reply, True)
        yield Drain(body, ticket)

    # Small print.

    def _codings(self, request: Request) -> tuple[str | None, ...]:
        """In which codings a stored answer may be sent, the one best sent first."""
        codings = acceptable(request)
        best = None if self.compression is None else self.compression.preferred(request)
        if best is None or best == codings[0]:
            return codings
        return (best, *(coding for coding in codings if coding != best))

    def gateway_error(self, failure: Failure) -> tuple[Response, Content]:
        """The answer where none could be had: 504 in time, 503 for want of room, else 502."""
        status, says = GATEWAY_ERRORS.get(failure.kind, NO_ANSWER)
        return error_page(status, says)
