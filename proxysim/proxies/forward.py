"""The forward proxy: filter -> identity -> cache -> fetch | tunnel. It acts for clients."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from proxysim.messages import Connection, Failure, Request, Response
from proxysim.policies.backend import Backend
from proxysim.policies.filters import Filters
from proxysim.policies.identity import Identity
from proxysim.policies.retry import Retry
from proxysim.proxies.cache import Cache
from proxysim.proxies.caching import CachingProxy
from proxysim.proxies.effects import (
    NO_DEADLINES,
    Connect,
    Deadlines,
    Effect,
    Handling,
    Opening,
    Relay,
    Send,
)
from proxysim.proxies.proxy import error_page

__all__ = ["ForwardProxy"]

ESTABLISHED = Response(200)


class ForwardProxy(CachingProxy):
    """A proxy that stands in front of clients and asks in their name.

    *filters* decide what may be asked. *parent* is a further forward proxy that everything goes
    through; without one each host is asked itself. *tunnel_ports* are the ports that CONNECT may
    reach; empty: CONNECT is not served.
    """

    def __init__(
        self,
        name: str,
        clock: Callable[[], float],
        identity: Identity,
        *,
        filters: Filters | None = None,
        parent: Backend | None = None,
        tunnel_ports: Sequence[int] = (443,),
        cache: Cache | None = None,
        retry: Retry | None = None,
        deadlines: Deadlines = NO_DEADLINES,
    ) -> None:
        super().__init__(name, clock, identity, cache=cache, retry=retry, deadlines=deadlines)
        self.choose = _only
        self.filters = filters
        self.parent = parent
        self.tunnel_ports = frozenset(tunnel_ports)
        self._origins: dict[tuple[str, int], Backend] = {}

    def opened(self, connection: Connection) -> Generator[Effect, Any, Opening]:
        """Accept *connection*: what may be asked is decided request by request."""
        return Opening.ACCEPT
        yield

    def handle(self, request: Request) -> Handling:
        """Answer *request*; what cannot be decided here is asked of the world."""
        if self.filters is not None:
            verdict = self.filters.judge(request, self.clock())
            if verdict.denied:
                return self._blocked(*verdict.response())
        if request.method == "CONNECT":
            return self._tunnel(request)
        return self.respond(request)

    def _blocked(self, response: Response, page: Any) -> Handling:
        yield Send(response, page, blocked=True)

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
            origin = self._origins[at] = Backend(request.host, *at)
        return origin

    def pool(self, request: Request, tried: Sequence[Backend]) -> Sequence[Backend]:
        return (self._upstream(request),)

    def in_flight(self) -> int:
        return sum(origin.in_flight for origin in self._origins.values())


def _only(request: Request, pool: Sequence[Backend]) -> Backend:
    return pool[0]
