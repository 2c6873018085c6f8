"""What a proxy with a cache adds: answer from what is kept, fetch once for many, keep it fresh."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from proxysim.messages import Body, Failure, Headers, Request, Response
from proxysim.policies.caching import freshness
from proxysim.policies.caching.invalidation import SAFE, is_its_own, target
from proxysim.policies.caching.ranges import part_response, unsatisfied_response, wanted_part
from proxysim.policies.caching.storing import bypassed
from proxysim.policies.caching.validation import (
    conditional,
    not_modified,
    not_modified_response,
    unconditional,
)
from proxysim.policies.compression import acceptable
from proxysim.proxies.cache import Cache
from proxysim.proxies.effects import (
    Cut,
    Discard,
    Drain,
    Handling,
    Head,
    Send,
    Signal,
    Spawn,
    Wait,
)
from proxysim.proxies.entries import Fill, Stored
from proxysim.proxies.proxy import Proxy, error_page
from proxysim.proxies.upgrading import upgraded, wanted

__all__ = ["CachingProxy"]

#: For which a stored answer may stand in (RFC 5861, section 4).
ERRORS = frozenset({500, 502, 503, 504})


class CachingProxy(Proxy):
    """A proxy that answers from its cache what it can, and fetches the rest."""

    def respond(self, request: Request) -> Handling:
        """Answer *request* from the cache or from a backend."""
        if self.upgrades and (protocol := wanted(request, self.upgrades)):
            return upgraded(request, protocol, self.exchange, self._send_uncached)
        cache = self.cache
        if cache is None:
            return self.exchange(request, None if self.compression is None else self._send_uncached)
        if bypassed(request):
            return self.exchange(request, partial(self._send_past_cache, cache, self.clock()))
        return self._respond_by_cache(request, cache)

    def _respond_by_cache(self, request: Request, cache: Cache) -> Handling:
        """How *request* is answered, by what the cache has for it now."""
        asked, compression = request.headers, self.compression
        codings = acceptable(asked) if compression is None else compression.order(asked)
        now = self.clock()
        stored = cache.find(request, codings)
        if stored is not None:
            age = stored.age(now)
            if freshness.usable(request, age, stored.lifetime):
                return self._send_stored(request, cache, stored, "hit")
            if stored.window and freshness.usable_meanwhile(
                request, age, stored.lifetime, stored.window
            ):
                return self._send_meanwhile(request, cache, stored, now)
            if not stored.strict and freshness.tolerated(request, age, stored.lifetime):
                return self._send_stored(request, cache, stored, "stale")
        if freshness.only_if_cached(request):
            return self._decline()
        if cache.collapse and cache.shares(request, stored, now):
            return self._share(request, cache, stored, codings, now)
        return self._fetch(request, cache, stored, now)

    def _decline(self) -> Handling:
        yield Send(*error_page(504, "No usable answer is in the cache."), cache="miss")

    def _send_meanwhile(
        self, request: Request, cache: Cache, stored: Stored, now: float
    ) -> Handling:
        """Send what is *stored*, though stale, while it is brought up to date."""
        if stored.key not in cache.refreshing:
            cache.refreshing.add(stored.key)
            yield Spawn(self._refresh(request, cache, stored, now))
        yield from self._send_stored(request, cache, stored, "stale")

    def _fetch(self, request: Request, cache: Cache, stored: Stored | None, now: float) -> Handling:
        """Ask a backend for *request* alone: whether *stored* still holds, or anew."""
        if stored is None:
            return self.exchange(request, partial(self._send_missed, cache, now))
        return self.exchange(
            self._question(request, stored),
            partial(self._send_confirmed, request, cache, stored, now),
        )

    # What is done with the answer of a backend.

    def _send_missed(
        self, cache: Cache, began: float, request: Request, reply: Head | Failure
    ) -> Handling:
        """Send what a backend said, asked since *began*, and keep it where it may be kept."""
        if isinstance(reply, Failure):
            yield Send(*self.gateway_error(reply), cache="miss")
            return
        response, coding = self._prepared(request, reply)
        body = reply.body if coding is None else (yield self._encode(reply.body, coding))
        ticket = cache.ticket(request, reply.response, response, coding, began)
        if cache.named:
            response = cache.forwarded(request, response, None, reply.response.status, ticket)
        yield Send(response, body, ticket, "miss")

    def _send_past_cache(
        self, cache: Cache, began: float, request: Request, reply: Head | Failure
    ) -> Handling:
        """Send what no cache may answer; what an unsafe request has changed is forgotten."""
        if isinstance(reply, Failure):
            yield Send(*self.gateway_error(reply), cache="bypass")
            return
        ticket, said = None, reply.response
        response, coding = self._prepared(request, reply)
        body = reply.body if coding is None else (yield self._encode(reply.body, coding))
        if request.method not in SAFE:
            cache.invalidate(request, said)
            if is_its_own(request, said):
                read = replace(request, method="GET")
                ticket = cache.ticket(read, said, response, coding, began)
                if ticket is not None:
                    ticket.stored.asked = self.clock()  # it tells of the change
        if cache.named:
            why = "bypass" if request.method in ("GET", "HEAD") else "method"
            response = cache.told(response, fwd=why, fwd_status=said.status)
        yield Send(response, body, ticket, "bypass")

    def _send_confirmed(
        self,
        request: Request,
        cache: Cache,
        stored: Stored,
        began: float,
        asked: Request,
        reply: Head | Failure,
    ) -> Handling:
        """Send the answer to *request*, for which *asked* was the cache's own conditional one."""
        if self._stands_in(request, stored, reply):
            if isinstance(reply, Head) and reply.body is not None:
                yield Discard(reply.body)
            yield from self._send_stored(request, cache, stored, "stale", fwd="stale")
        elif isinstance(reply, Failure):
            yield Send(*self._no_answer(stored, reply), cache="miss")
        elif reply.response.status == 304:
            fresh = self._confirmed(request, cache, stored, began, reply)
            if fresh is None:
                again = unconditional(request)
                yield from self.exchange(again, partial(self._send_missed, cache, began))
            else:
                yield from self._send_stored(request, cache, fresh, "revalidated", fwd="stale")
        else:
            yield from self._send_newer(request, cache, stored, began, reply)

    def _send_newer(
        self, request: Request, cache: Cache, stored: Stored, began: float, reply: Head
    ) -> Handling:
        """Send what has come in the place of *stored*, which is obsolete unless it is an error."""
        response, coding = self._prepared(request, reply)
        body = reply.body if coding is None else (yield self._encode(reply.body, coding))
        ticket = cache.ticket(request, reply.response, response, coding, began)
        if request.method == "HEAD" and response.status == 200:
            cache.freshen(
                stored, reply.response, self._passed(request, stored, reply.response), began
            )
        elif ticket is None and response.status < 500:
            cache.discard(stored)
        if cache.named:
            response = cache.forwarded(request, response, stored, reply.response.status, ticket)
        if ticket is not None and not_modified(request, response):
            yield Send(not_modified_response(response), None, None, "miss")
            yield Drain(body, ticket)
        else:
            yield Send(response, body, ticket, "miss")

    def _send_stored(
        self, request: Request, cache: Cache, stored: Stored, state: str, fwd: str = ""
    ) -> Handling:
        """Send what is kept, or the part of it that is wanted; *fwd*: why a backend was asked."""
        now = self.clock()
        response, body = stored.head(now), stored.body
        if cache.named:
            left = stored.lifetime - stored.age(now)
            response = cache.told(response, hit=not fwd, fwd=fwd, ttl=left)
        if "range" in request.headers.fields and body is not None:
            part = wanted_part(request, response, body.length)
            if part is not None and not not_modified(request, response):
                if part.satisfiable:
                    body = yield Cut(body, part.first, part.last)
                    yield Send(part_response(response, part), body, None, state)
                else:
                    yield Send(unsatisfied_response(part), None, None, state)
                return
        elif self.compression is not None and stored.coding is None and body is not None:
            coding = self.compression.choose(request, response, body.length)
            if coding is not None:
                coded = self.compression.marked(response, coding)
                if not not_modified(request, coded):
                    kept = self.compression.headers(stored.response, coding)
                    ticket = cache.recoded(stored, replace(response, headers=kept), coding)
                    body = yield self._encode(body, coding)
                    yield Send(coded, body, ticket, state)
                    return
        yield self._whole(request, response, body, state)

    def _whole(self, request: Request, response: Response, body: Body | None, state: str) -> Send:
        """An answer that the proxy has, for a client that may have it too (RFC 9111, 4.3.2)."""
        if not_modified(request, response):
            return Send(not_modified_response(response), None, None, state)
        return Send(response, None if request.method == "HEAD" else body, None, state)

    def _stands_in(self, request: Request, stored: Stored, reply: Head | Failure) -> bool:
        """Whether *stored* is sent in the place of the error that *reply* is (RFC 5861)."""
        if isinstance(reply, Head) and reply.response.status not in ERRORS:
            return False
        return stored.stands_in(request, self.clock())

    def _confirmed(
        self, request: Request, cache: Cache, stored: Stored, began: float, reply: Head
    ) -> Stored | None:
        """*stored* as a 304, *reply*, leaves it; None where that is about another answer."""
        passed = self._passed(request, stored, reply.response)
        return cache.confirm(stored, reply.response, passed, began)

    def _passed(self, request: Request, stored: Stored, said: Response) -> Headers:
        """The fields that a backend *said* of *stored*, as they would be with its body."""
        response = self.identity.answer(said)
        compression = self.compression
        if compression is not None and stored.body is not None:
            if stored.coded_here:
                return compression.headers(response, stored.coding)
            if compression.eligible(request, stored.response, stored.body.length):
                return compression.headers(response, None)
        return response.headers

    def _no_answer(self, stored: Stored | None, failure: Failure) -> tuple[Response, Body]:
        """The answer where *stored* could not be confirmed: 504 where it must be (5.2.2.2)."""
        if stored is not None and stored.strict:
            return error_page(504, "The server could not be asked whether its answer still holds.")
        return self.gateway_error(failure)

    # Fetches that belong to the cache.

    def _share(
        self,
        request: Request,
        cache: Cache,
        stored: Stored | None,
        codings: tuple[str | None, ...],
        now: float,
    ) -> Handling:
        """Join the fetch that is under way for *request*, or begin one for all who come."""
        key = (target(request), codings[0])
        fill = cache.fills.get(key)
        first = fill is None
        if fill is None:
            fill = cache.fills[key] = Fill(key)
            fill.running = yield Spawn(self._fill(request, cache, fill, stored, now))
        with fill:
            answer = yield Wait(fill.ready)
            if first and answer is None and fill.private is not None:
                yield Send(fill.private.response, fill.private.body, fill.ticket, "miss")
                return
            if not first and fill.stored is not None:
                if not self._shares(fill.stored, fill.state, request, codings):
                    answer = None
                elif isinstance(answer, Head):
                    response = fill.stored.response
                    if cache.named:
                        response = cache.told(response, fwd="miss", collapsed=True)
                    answer = Head(response, answer.body)
            if isinstance(answer, Failure):
                state = "miss" if first else "coalesced"
                yield Send(*self._no_answer(stored, answer), cache=state)
                return
            if isinstance(answer, Head):
                state = "miss" if first else "coalesced"
                yield self._whole(request, answer.response, answer.body, state)
                return
            if answer is not None:
                state = fill.state if first else "coalesced"
                yield from self._send_stored(request, cache, answer, state, fwd="stale")
                return
        yield from self._fetch(request, cache, stored, now)

    def _shares(
        self, stored: Stored, state: str, request: Request, codings: tuple[str | None, ...]
    ) -> bool:
        """Whether *stored*, which is *state* to the first who asked, is for *request* as well."""
        if state == "stale":
            return stored.answers(request, codings) and stored.stands_in(request, self.clock())
        return stored.may_be_shared(request, codings)

    def _fill(
        self, request: Request, cache: Cache, fill: Fill, stored: Stored | None, began: float
    ) -> Handling:
        """Fetch once for all who wait; its end, however it comes, takes it off the list."""
        asked = request if stored is None else self._question(request, stored)
        try:
            yield from self.exchange(
                asked, partial(self._deliver_fill, request, cache, fill, stored, began)
            )
        finally:
            fill.done = True
            cache.unlist(fill)
            fill.share(None)

    def _deliver_fill(
        self,
        request: Request,
        cache: Cache,
        fill: Fill,
        stored: Stored | None,
        began: float,
        asked: Request,
        reply: Head | Failure,
    ) -> Handling:
        if stored is not None and self._stands_in(request, stored, reply):
            if isinstance(reply, Head) and reply.body is not None:
                yield Discard(reply.body)
            fill.state, fill.stored = "stale", stored
            fill.share(stored)
            return
        if isinstance(reply, Failure):
            fill.share(reply)
            return
        if stored is not None and reply.response.status == 304:
            fill.state = "revalidated"
            fill.stored = self._confirmed(request, cache, stored, began, reply)
            fill.share(fill.stored)
            return
        response, coding = self._prepared(request, reply)
        body = reply.body if coding is None else (yield self._encode(reply.body, coding))
        ticket = cache.ticket(request, reply.response, response, coding, began)
        if cache.named:
            response = cache.forwarded(request, response, stored, reply.response.status, ticket)
        if ticket is None or not ticket.stored.is_fresh():
            # Not to be shared: the first who asked takes it, the others ask for themselves, and
            # the lease lasts until the last of them has left, which closes this generator.
            if stored is not None and ticket is None and response.status < 500:
                cache.discard(stored)
            fill.private, fill.ticket = Head(response, body), ticket
            fill.share(None)
            yield Wait(Signal())
            return
        # Whoever comes when the copy has been given up has missed the beginning.
        ticket.given_up = partial(cache.unlist, fill)
        fill.stored = ticket.stored
        fill.share(Head(response, body))
        yield Drain(body, ticket)
        fill.done = True

    def _refresh(self, request: Request, cache: Cache, stored: Stored, began: float) -> Handling:
        """Bring a stale entry up to date while it goes on being served."""
        try:
            yield from self.exchange(
                self._question(request, stored),
                partial(self._deliver_refresh, request, cache, stored, began),
            )
        finally:
            cache.refreshing.discard(stored.key)

    def _deliver_refresh(
        self,
        request: Request,
        cache: Cache,
        stored: Stored,
        began: float,
        asked: Request,
        reply: Head | Failure,
    ) -> Handling:
        if isinstance(reply, Failure):
            return
        if reply.response.status == 304:
            if self._confirmed(request, cache, stored, began, reply) is None:
                cache.discard(stored)
            return
        response, coding = self._prepared(request, reply)
        body = reply.body if coding is None else (yield self._encode(reply.body, coding))
        ticket = cache.ticket(request, reply.response, response, coding, began)
        if ticket is None and response.status < 500:
            cache.discard(stored)
        yield Drain(body, ticket)

    # Small print.

    def _question(self, request: Request, stored: Stored) -> Request:
        """*request* as the cache asks it: whether *stored* still holds."""
        return conditional(request, stored.tag, stored.response.headers.get("last-modified"))
