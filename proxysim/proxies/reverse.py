"""The reverse proxy: limit -> route -> cache -> balance -> fetch -> encode. It acts for servers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from functools import partial
from typing import Any

from proxysim.messages import Connection, Failure, Request
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.base import Balancer
from proxysim.policies.breaker import Breakers
from proxysim.policies.compression import Compression
from proxysim.policies.forwarded import Trusted
from proxysim.policies.hedging import Hedging
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
    Effect,
    Handling,
    Opening,
    Relay,
    Send,
)
from proxysim.proxies.fleet import Fleet
from proxysim.proxies.gate import Gate
from proxysim.proxies.probing import Prober
from proxysim.proxies.proxy import error_page
from proxysim.proxies.slots import Slots

__all__ = ["ReverseProxy"]


class ReverseProxy(CachingProxy):
    """A proxy that stands in front of servers and answers in their name.

    It serves the hosts in *sites* (all, where empty) from *backends*, of which *balancer* picks one
    a request; a :class:`~proxysim.proxies.fleet.Fleet` of them says who may be asked, a plain list
    is one that is always well. *prober* runs its health checks. With *passthrough* it never ends
    TLS: it picks a backend for each connection, by its server name, and relays the bytes. What
    proxies before say of the client is believed as far as they are *trusted*: it is the peer from
    then on, for all that goes by clients.
    """

    def __init__(
        self,
        name: str,
        clock: Callable[[], float],
        identity: Identity,
        balancer: Balancer,
        backends: Fleet | Sequence[Backend],
        *,
        sites: Collection[str] = (),
        passthrough: bool = False,
        trusted: Trusted | None = None,
        cache: Cache | None = None,
        compression: Compression | None = None,
        prober: Prober | None = None,
        retry: Retry | None = None,
        hedging: Hedging | None = None,
        breakers: Breakers | None = None,
        slots: Slots[Backend] | None = None,
        gate: Gate | None = None,
        deadlines: Deadlines = NO_DEADLINES,
    ) -> None:
        self.fleet = backends if isinstance(backends, Fleet) else Fleet(backends)
        super().__init__(
            name,
            clock,
            identity,
            cache=cache,
            compression=compression,
            health=self.fleet if self.fleet.ejectors else None,
            retry=retry,
            hedging=hedging,
            breakers=breakers,
            slots=slots,
            deadlines=deadlines,
        )
        self.balancer = balancer
        self.choose = balancer.choose
        self.observe = getattr(balancer, "observe", None)
        self.mark = getattr(balancer, "mark", None)
        self.prober = prober
        self.gate = gate
        self.sites = frozenset(sites)
        self.passthrough = passthrough
        self.trusted = trusted

    def opened(self, connection: Connection) -> Generator[Effect, Any, Opening]:
        """Accept *connection*, refuse it, or relay it whole to a backend chosen by its name."""
        if not self.passthrough or not connection.sni:
            return Opening.ACCEPT
        if self.sites and connection.sni not in self.sites:
            return Opening.REFUSE
        hello = Request(
            "CONNECT",
            "https",
            connection.sni,
            443,
            "",
            peer=connection.peer,
            world=connection.world,
        )
        pool = self.pool(hello)
        if not pool:
            return Opening.REFUSE
        with self.choose(hello, pool) as backend:
            reply = yield Connect(backend, self.deadlines.connect)
            if self.health is not None:
                self.health.observe(backend, not isinstance(reply, Failure), self.clock())
            if isinstance(reply, Failure):
                return Opening.REFUSE
            yield Relay(reply)
        return Opening.RELAYED

    def handle(self, request: Request) -> Handling:
        """Answer *request*; what cannot be decided here is asked of the world."""
        if self.trusted is not None:
            request = self.trusted.unveiled(request)
        if self.sites and request.host not in self.sites:
            return self._misdirected()
        respond = self.respond
        if request.method in BOUNDED:
            respond = partial(bounded, respond)
        if self.gate is not None:
            return self.gate.guard(request, respond)
        return respond(request)

    def _misdirected(self) -> Handling:
        yield Send(*error_page(421, "This proxy does not serve the host that was asked for."))

    def pool(self, request: Request) -> Sequence[Backend]:
        fleet = self.fleet
        return fleet.pool if fleet.until is None else fleet.at(self.clock())

    def explain_to(self, tell: Callable[[Request, Backend, dict[str, Any]], None]) -> None:
        """Have *tell* told of every choice from now on, and why: as plain data.

        That is what the balancer went by (:meth:`~proxysim.policies.balancers.Balancer.explain`),
        and who was ``away``, for what reason. Choices stay what they were; they cost several times
        as much.
        """
        choose, explain = self.balancer.choose, self.balancer.explain

        def explained(request: Request, pool: Sequence[Backend]) -> Backend:
            why = explain(request, pool)
            if self.fleet.away:
                why["away"] = {gone.name: reason for gone, reason in self.fleet.away.items()}
            backend = choose(request, pool)
            tell(request, backend, why)
            return backend

        self.choose = explained

    def in_flight(self) -> int:
        return self.fleet.in_flight()

    def residents(self) -> Sequence[Generator[Effect, Any, None]]:
        """The health checks, one for each backend."""
        return () if self.prober is None else self.prober.residents()
