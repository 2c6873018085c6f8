"""How connections are opened in simulated time.

New TCP costs one round trip. TLS 1.3 costs one more (RFC 8446, section 2) and TLS 1.2 two, or one
when resumed (RFC 5246, section 7.3), each with the handshake's time on the far end's cores. Early
data costs none: the first request rides with the hello (RFC 8446, section 2.3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from proxysim.messages import Connection, Failure, Request, Response
from proxysim.policies.tls import Handshake
from proxysim.sim.bodies import Body
from proxysim.sim.channels import BROKEN, Channel
from proxysim.sim.exchange import Account, Exchange
from proxysim.topology.directions import SYN_RETRANSMISSION
from proxysim.workload.numbers import HANDSHAKE

if TYPE_CHECKING:
    from proxysim.sim.proxies import ProxyNode
    from proxysim.sim.world import World

__all__ = ["Dial", "as_connection"]

ASKING = 500  # CONNECT's number among a request's attempts: its chances are its own


class Dial:
    """The opening of one connection: transport, then a tunnel if asked for, then TLS.

    *ask* is the CONNECT request for the proxy that *channel* leads to first. *account* is charged
    with the time that handshakes queue for and spend on cores; *asker* is the proxy that opens it,
    None for a client. Ends by calling *ready* or *failed* once.
    """

    __slots__ = (
        "account",
        "answered",
        "ask",
        "asker",
        "began",
        "call",
        "channel",
        "failed",
        "handshake",
        "over",
        "ready",
        "resumed",
        "secure",
        "sni",
        "undo",
        "world",
    )

    def __init__(
        self,
        world: World,
        channel: Channel,
        account: Account,
        call: Any,
        ready: Callable[[Channel], None],
        failed: Callable[[Failure], None],
        *,
        secure: bool = False,
        sni: str = "",
        resumed: bool = False,
        ask: Request | None = None,
        answered: Callable[[Exchange, Response, Body], None] | None = None,
        asker: ProxyNode | None = None,
    ) -> None:
        self.world = world
        self.channel = channel
        self.account = account
        self.call = call
        self.ready = ready
        self.failed = failed
        self.secure = secure
        self.sni = sni
        self.resumed = resumed
        self.ask = ask
        self.answered = answered
        self.asker = asker
        self.handshake = Handshake.FULL
        self.undo: Callable[[], None] | None = None  # how to stop what the far end is doing
        self.over = False
        self.began = world.env.time

    def start(self, _: Any = None) -> None:
        """Begin with the TCP handshake."""
        if self.over:
            return
        self.began = self.world.env.time
        channel = self.channel
        delay = channel.round_trip
        if channel.up.uncertain:
            delay = (
                channel.up.delay(self.call.id, HANDSHAKE, SYN_RETRANSMISSION) + channel.down.latency
            )
        self._after(delay, self._connected)

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        if not self.over:
            self._end()

    def _end(self) -> None:
        self.over = True
        self.channel.close()
        undo, self.undo = self.undo, None
        if undo is not None:
            undo()

    def _after(self, delay: float, call: Callable[[Any], None]) -> None:
        if delay:
            self.world.env.after(delay, call)
        else:
            call(None)

    def _connected(self, _: Any) -> None:
        if self.over:
            return
        endpoint = self.channel.endpoint
        if endpoint.down:
            self.refused(Failure("refused"))
            return
        self.channel.generation = endpoint.generation
        self._hop("connect")
        endpoint.open(self)

    def accepted(self) -> None:
        """The endpoint will read requests from the connection."""
        if self.over:
            return
        if self.ask is None:
            self._handshake()
            return
        request, self.ask = self.ask, None
        exchange = Exchange(self.call, request, _Tunnel(self), ASKING, self.world.env.time)
        exchange.held = self
        self.undo = exchange.cancel
        self.channel.sight = self.world.sight(self.channel.segments, None)
        self.channel.ask(exchange)

    def relayed(self, further: Channel, relay: Any) -> None:
        """The endpoint passes the connection on to another, by way of *further*."""
        if self.over:
            further.close()
            return
        self.channel.extend(further, relay)
        relay.tunnel = self.channel
        self.undo = None
        if self.channel.current is not None:
            self.account.add_times(self.channel.current)  # what CONNECT took
            self.channel.current = None
        self._handshake()

    def refused(self, failure: Failure) -> None:
        """No connection comes about."""
        if not self.over:
            self._end()
            self.failed(failure)

    def _handshake(self) -> None:
        if not self.secure:
            self._done()
            return
        self.began = self.world.env.time
        channel = self.channel
        self.handshake = channel.endpoint.tls.handshake(self.call.method, resumed=self.resumed)
        if self.handshake is Handshake.EARLY:
            self._verified(None)
        else:
            self._after(channel.up.latency, self._hello)

    def _hello(self, _: Any) -> None:
        endpoint = self.channel.endpoint
        if self.over:
            return
        if endpoint.down:
            self.refused(Failure("reset"))
            return
        if endpoint.silent:
            endpoint.hold(lambda: self._hello(None))
            return
        costs = endpoint.costs
        seconds = costs.tls_resumed if self.resumed else costs.tls_handshake
        if seconds:
            endpoint.cores.run(seconds, self._greeted)
        else:
            self._greeted(None, 0.0, 0.0)

    def _greeted(self, _: Any, waited: float, took: float) -> None:
        self.channel.endpoint.tls_seconds += took
        self.account.cpu += took
        self.account.wait += waited
        channel = self.channel
        further = channel.endpoint.tls.round_trips(self.handshake) - 1
        self._after(channel.down.latency + further * channel.round_trip, self._verified)

    def _verified(self, _: Any) -> None:
        asker = self.asker
        seconds = 0.0
        if asker is not None and not self.over:
            seconds = asker.costs.tls_resumed if self.resumed else asker.costs.tls_client
        if asker is not None and seconds:
            asker.cores.run(seconds, self._secured)
        else:
            self._secured(None, 0.0, 0.0)

    def _secured(self, _: Any, waited: float, took: float) -> None:
        if self.asker is not None:
            self.asker.tls_seconds += took
        self.account.cpu += took
        self.account.wait += waited
        channel = self.channel
        channel.secure = True
        channel.endpoint.handshakes[self.handshake.value] += 1
        channel.sight = self.world.sight(channel.segments, True)
        if self.handshake is Handshake.EARLY:
            channel.endpoint = _Hello(self.world, channel)
        else:
            self._hop("tls")
        self._done()

    def _done(self) -> None:
        if not self.over:
            self.over = True
            self.undo = None  # no cycle is left for the collector
            self.ready(self.channel)

    def _hop(self, step: str) -> None:
        world = self.world
        if world.hop is not None:
            world.span(self.call.id, self.channel.endpoint.code, step, self.began)


class _Hello:
    """Stands for an endpoint until a request has reached it with the hello.

    The endpoint resumes the session before it can read what came along.
    """

    def __init__(self, world: World, channel: Channel) -> None:
        self.world = world
        self.channel = channel
        self.endpoint = channel.endpoint

    def __getattr__(self, name: str) -> Any:
        return getattr(self.endpoint, name)

    def receive(self, exchange: Exchange) -> None:
        """Shake hands, then let the endpoint have the request."""
        endpoint = self.endpoint
        self.channel.endpoint = endpoint
        seconds = endpoint.costs.tls_resumed
        if seconds:
            endpoint.cores.run(seconds, self._resumed, (exchange, self.world.env.time))
        else:
            endpoint.receive(exchange)

    def _resumed(self, early: tuple[Exchange, float], waited: float, took: float) -> None:
        exchange, began = early
        endpoint = self.endpoint
        endpoint.tls_seconds += took
        exchange.cpu += took
        exchange.wait += waited
        if self.world.hop is not None:
            self.world.span(exchange.call.id, endpoint.code, "tls", began)
        if exchange.over:
            return
        if self.channel.generation != endpoint.generation:
            self.channel.lost(exchange, BROKEN)
        else:
            endpoint.receive(exchange)


class _Tunnel:
    """Hears what a proxy says to CONNECT when it does not relay: a refusal, as a response."""

    wants_whole = False
    __slots__ = ("dial",)

    def __init__(self, dial: Dial) -> None:
        self.dial = dial

    def on_head(self, exchange: Exchange, response: Response, body: Body) -> None:
        dial = self.dial
        if dial.over:
            return
        dial.over = True
        dial.undo = None  # no cycle is left for the collector
        if dial.answered is not None:
            dial.answered(exchange, response, body)
        else:
            dial.channel.close()
            dial.failed(Failure("denied" if exchange.blocked else "refused", sent=True))

    def on_failure(self, exchange: Exchange, failure: Failure) -> None:
        self.dial.refused(failure)


def as_connection(channel: Channel) -> Connection:
    """*channel* as a proxy is told of it."""
    return Connection(channel.endpoint.address, world=channel)
