"""What a proxy with a cache adds: answer from what is kept, fetch once for many, keep it fresh."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from proxysim.messages import Body, Failure, Request, Response
from proxysim.policies import freshness
from proxysim.policies.compression import acceptable
from proxysim.proxies.cache import Cache, Fill, Key, Stored
from proxysim.proxies.effects import Drain, Encode, Handling, Head, Send, Signal, Spawn, Wait
from proxysim.proxies.proxy import Proxy, error_page

__all__ = ["CachingProxy"]

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class CachingProxy(Proxy):
    """A proxy that answers from its cache what it can, and fetches the rest."""

    def respond(self, request: Request) -> Handling:
        """Answer *request* from the cache or from a backend."""
        cache = self.cache
        if cache is None:
            return self.exchange(request, None if self.compression is None else self._send_uncached)
        if freshness.bypassed(request):
            return self.exchange(request, partial(self._send_past_cache, cache))
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
            yield from self.exchange(request, partial(self._send_missed, cache))
            return
        key = cache.key(request, codings[0])
        fill = cache.fills.get(key)
        state = "coalesced"
        if fill is None:
            fill = cache.fills[key] = Fill(key)
            fill.running = yield Spawn(self._fill(request, cache, fill))
            state = "miss"
        with fill:
            answer = yield Wait(fill.ready)
            if answer is None and state == "miss":
                answer = fill.private
            if answer is not None:
                yield from self._send_shared(request, answer, state)
                return
        yield from self.exchange(request, partial(self._send_missed, cache))

    # What is done with the answer of a backend.

    def _send_missed(self, cache: Cache, request: Request, reply: Head | Failure) -> Handling:
        """Send what a backend said, and keep it where it may be kept."""
        if isinstance(reply, Failure):
            yield Send(*self.gateway_error(reply), cache="miss")
            return
        response, body, coding = yield from self._prepare(request, reply)
        yield Send(response, body, cache.ticket(request, response, coding), "miss")

    def _send_past_cache(self, cache: Cache, request: Request, reply: Head | Failure) -> Handling:
        if request.method in UNSAFE and isinstance(reply, Head) and reply.response.status < 400:
            cache.invalidate(request)
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
        yield from self._send_missed(cache, request, reply)

    def _send_stored(
        self, request: Request, cache: Cache, key: Key, stored: Stored, state: str
    ) -> Handling:
        response, body = stored.head(self.clock()), stored.body
        if key[3] is None and self.compression is not None and body is not None:
            coding = self.compression.choose(request, response, body.length)
            if coding is not None:
                response = replace(response, headers=self.compression.headers(response, coding))
                if not freshness.not_modified(request, response):
                    body = yield Encode(body, coding, self.compression.levels.get(coding))
                    yield Send(response, body, cache.ticket(request, response, coding), state)
                    return
        yield self._whole(request, response, body, state)

    def _whole(self, request: Request, response: Response, body: Body | None, state: str) -> Send:
        """An answer that the proxy has, for a client that may have it too (RFC 9111, 4.3.2)."""
        if freshness.not_modified(request, response):
            return Send(freshness.not_modified_response(response), None, None, state)
        return Send(response, None if request.method == "HEAD" else body, None, state)

    # Fetches that belong to the cache.

    def _fill(self, request: Request, cache: Cache, fill: Fill) -> Handling:
        """Fetch once for all who wait; its end, however it comes, takes it off the list."""
        try:
            yield from self.exchange(request, partial(self._deliver_fill, cache, fill))
        finally:
            fill.done = True
            cache.unlist(fill)
            fill.share(None)

    def _deliver_fill(
        self, cache: Cache, fill: Fill, request: Request, reply: Head | Failure
    ) -> Handling:
        if isinstance(reply, Failure):
            fill.share(reply)
            return
        response, body, coding = yield from self._prepare(request, reply)
        ticket = cache.ticket(request, response, coding)
        if ticket is None:
            # Not to be shared: the first who asked takes it, the others ask for themselves, and
            # the lease lasts until the last of them has left, which closes this generator.
            fill.private = Head(response, body)
            fill.share(None)
            yield Wait(Signal())
            return
        # Whoever comes when the copy has been given up has missed the beginning.
        ticket.given_up = partial(cache.unlist, fill)
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
        response, body, coding = yield from self._prepare(request, reply)
        yield Drain(body, cache.ticket(request, response, coding))

    # Small print.

    def _codings(self, request: Request) -> tuple[str | None, ...]:
        """In which codings a stored answer may be sent, the one best sent first."""
        codings = acceptable(request)
        best = None if self.compression is None else self.compression.preferred(request)
        if best is None or best == codings[0]:
            return codings
        return (best, *(coding for coding in codings if coding != best))
