"""The forward proxy: log in -> filter -> identity -> cache -> fetch | tunnel, for clients."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from proxysim.messages import Connection, Failure, Request, Response
from proxysim.policies.authentication import Authentication
from proxysim.policies.backend import Backend
from proxysim.policies.filters import Filters, Verdict
from proxysim.policies.forwarded import Trusted
from proxysim.policies.identity import Identity
from proxysim.policies.max_forwards import BOUNDED
from proxysim.policies.retry import Retry
from proxysim.proxies.bounded import bounded
from proxysim.proxies.cache import Cache
from proxysim.proxies.caching import CachingProxy
from proxysim.proxies.effects import (
    NO_DEADLINES,
    Connect,
    Deadlines,
    Discard,
    Effect,
    Handling,
    Opening,
    Relay,
    Send,
)
from proxysim.proxies.gate import Gate
from proxysim.proxies.proxy import Page, error_page
from proxysim.proxies.slots import Slots

__all__ = ["ForwardProxy"]

ESTABLISHED = Response(200)
#: How many origins are known at once, but for those that are being asked.
MOST_ORIGINS = 4096


class ForwardProxy(CachingProxy):
    """A proxy that stands in front of clients and asks in their name.

    With *authentication* only its users may ask at all. *filters* decide what may be asked, and
    which answers may be had. *parent* is a further forward proxy that everything goes
    through; without one each host is asked itself. *tunnel_ports* are the ports that CONNECT may
    reach; empty: CONNECT is not served. What proxies before say of the client is believed as far as
    they are *trusted*.
    """

    def __init__(
        self,
        name: str,
        clock: Callable[[], float],
        identity: Identity,
        *,
        authentication: Authentication | None = None,
        filters: Filters | None = None,
        parent: Backend | None = None,
        tunnel_ports: Sequence[int] = (443,),
        trusted: Trusted | None = None,
        cache: Cache | None = None,
        retry: Retry | None = None,
        slots: Slots[Backend] | None = None,
        gate: Gate | None = None,
        deadlines: Deadlines = NO_DEADLINES,
    ) -> None:
        super().__init__(
            name, clock, identity, cache=cache, retry=retry, slots=slots, deadlines=deadlines
        )
        self.gate = gate
        self.choose = _only
        self.authentication = authentication
        self.filters = filters
        self.parent = parent
        self.trusted = trusted
        self.tunnel_ports = frozenset(tunnel_ports)
        self._origins: dict[tuple[str, int], Backend] = {}

    def opened(self, connection: Connection) -> Generator[Effect, Any, Opening]:
        """Accept *connection*: what may be asked is decided request by request."""
        return Opening.ACCEPT
        yield

    def handle(self, request: Request) -> Handling:
        """Answer *request*; what cannot be decided here is asked of the world."""
        if self.trusted is not None:
            request = self.trusted.unveiled(request)
        if self.gate is not None:
            return self.gate.guard(request, self._judged)
        return self._judged(request)

    def _judged(self, request: Request) -> Handling:
        """Answer *request* if its user may ask for it."""
        if self.authentication is not None and self.authentication.user_of(request) is None:
            return self._blocked(*self.authentication.challenge)
        if self.filters is not None:
            verdict = self.filters.judge(request, self.clock())
            if verdict.denied:
                return self._blocked(*verdict.response(request))
            if verdict.pending and request.method != "CONNECT":
                return self._screened(request, self.filters, verdict)
        if request.method == "CONNECT":
            return self._tunnel(request)
        return self._going(request)

    def _going(self, request: Request) -> Handling:
        if request.method in BOUNDED:
            return bounded(self.respond, request)
        return self.respond(request)

    def _blocked(self, response: Response, page: Any) -> Handling:
        yield Send(response, page, blocked=True)

    def _screened(self, request: Request, filters: Filters, verdict: Verdict) -> Handling:
        """Answer *request*, and hold the answer, from the cache or not, against the rules for it.

        What is denied is not read further, so a miss is not stored; a hit stays for others. Pages
        of the proxy's own are not judged.
        """
        handling = self._going(request)
        reply: Any = None
        try:
            while True:
                effect = handling.send(reply)
                if type(effect) is Send and type(effect.body) is not Page:
                    found = filters.judge_answer(verdict, request, effect.response, self.clock())
                    if found.denied:
                        if effect.store is not None:
                            effect.store.abandon()
                        if effect.body is not None and self._alone(effect.cache):
                            yield Discard(effect.body)
                        effect = Send(*found.response(request), None, effect.cache, blocked=True)
                reply = yield effect
        except StopIteration:
            pass
        finally:
            handling.close()

    def _alone(self, state: str) -> bool:
        """Whether nobody else is sent the body of an answer that the cache made *state* of."""
        shared = self.cache is not None and self.cache.collapse
        return state in ("none", "bypass") or (state == "miss" and not shared)

    def _tunnel(self, request: Request) -> Handling:
        """Serve CONNECT: reach the host, then pass bytes without looking at them."""
        if request.port not in self.tunnel_ports:
            yield Send(*error_page(403, "Tunnels to this port are not served."), blocked=True)
            return
        with self._upstream(request) as backend:
            ask = None if self.parent is None else self.identity.rewrite(request)
            reply = yield Connect(backend, self.deadlines.connect, ask)
            if isinstance(reply, Failure):
                denied = reply.kind == "denied"
                yield Send(*self.gateway_error(reply), blocked=denied)
            else:
                yield Relay(reply, ESTABLISHED)

    def _upstream(self, request: Request) -> Backend:
        if self.parent is not None:
            return self.parent
        at = (request.host, request.port)
        origin = self._origins.get(at)
        if origin is None:
            if len(self._origins) >= MOST_ORIGINS:
                asked = [found for found in self._origins.items() if found[1].in_flight]
                self._origins = dict(asked)
            origin = self._origins[at] = Backend(request.host, *at)
        return origin

    def pool(self, request: Request) -> Sequence[Backend]:
        return (self._upstream(request),)

    def in_flight(self) -> int:
        return sum(origin.in_flight for origin in self._origins.values())


def _only(request: Request, pool: Sequence[Backend]) -> Backend:
    return pool[0]
