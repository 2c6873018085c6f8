"""How connections are opened in simulated time.

New TCP costs one round trip. TLS 1.3 costs one more and the server's handshake time on its cores,
less when resumed (RFC 8446, section 2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from proxysim.messages import Connection, Failure, Request, Response
from proxysim.sim.channels import Channel
from proxysim.sim.clock import Timer
from proxysim.sim.exchange import Account, Exchange
from proxysim.sim.paths import SYN_RETRANSMISSION, Body

if TYPE_CHECKING:
    from proxysim.sim.cores import Cores
    from proxysim.sim.world import World

__all__ = ["Dial", "as_connection"]


class Dial:
    """The opening of one connection: transport, then a tunnel if asked for, then TLS.

    *ask* is the CONNECT request for the proxy that *channel* leads to first. *account* is charged
    with the time that handshakes queue for and spend on cores. Ends by calling *ready* or *failed*
    once.
    """

    __slots__ = (
        "account",
        "answered",
        "ask",
        "asker_cores",
        "began",
        "call",
        "channel",
        "failed",
        "over",
        "ready",
        "resumed",
        "secure",
        "sni",
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
        asker_cores: Cores | None = None,
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
        self.asker_cores = asker_cores
        self.over = False
        self.began = world.env.time

    def start(self) -> None:
        """Begin with the TCP handshake."""
        channel = self.channel
        delay = channel.round_trip
        if channel.up.uncertain:
            delay = channel.up.delay(self.call.id, 2000, SYN_RETRANSMISSION) + channel.down.latency
        self._after(delay, self._connected)

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        if not self.over:
            self.over = True
            self.channel.close()

    def _after(self, delay: float, call: Callable[[Any], None]) -> None:
        if delay:
            Timer(self.world.env, delay, call)
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
        exchange = Exchange(self.call, request, _Tunnel(self), 1, self.world.env.time)
        exchange.held = self
        self.channel.ask(exchange)

    def relayed(self, further: Channel, relay: Any) -> None:
        """The endpoint passes the connection on to another, by way of *further*."""
        if self.over:
            further.close()
            return
        self.channel.extend(further, relay)
        self._handshake()

    def refused(self, failure: Failure) -> None:
        """No connection comes about."""
        if not self.over:
            self.over = True
            self.channel.close()
            self.failed(failure)

    def _handshake(self) -> None:
        if not self.secure:
            self._done(0.0)
            return
        self.began = self.world.env.time
        self._after(self.channel.up.latency, self._hello)

    def _hello(self, _: Any) -> None:
        endpoint = self.channel.endpoint
        if self.over:
            return
        if endpoint.down:
            self.refused(Failure("reset"))
            return
        costs = endpoint.costs
        seconds = costs.tls_resumed if self.resumed else costs.tls_handshake
        if seconds:
            endpoint.tls_seconds += seconds
            self.account.cpu += seconds
            endpoint.cores.run(seconds, self._greeted)
        else:
            self._greeted(0.0)

    def _greeted(self, waited: float) -> None:
        self.account.wait += waited
        self._after(self.channel.down.latency, self._verified)

    def _verified(self, _: Any) -> None:
        seconds = self.world.costs.tls_client
        if self.asker_cores is not None and seconds and not self.over:
            self.account.cpu += seconds
            self.asker_cores.run(seconds, self._secured)
        else:
            self._secured(0.0)

    def _secured(self, waited: float) -> None:
        self.account.wait += waited
        channel = self.channel
        channel.secure = True
        channel.sight = self.world.sight(channel.segments, True)
        self._hop("tls")
        self._done(0.0)

    def _done(self, _: float) -> None:
        if not self.over:
            self.over = True
            self.ready(self.channel)

    def _hop(self, step: str) -> None:
        world = self.world
        if world.hop is not None:
            world.span(self.call.id, self.channel.endpoint.code, step, self.began)


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
        if dial.answered is not None:
            dial.answered(exchange, response, body)
        else:
            dial.channel.close()
            dial.failed(Failure("refused", sent=True))

    def on_failure(self, exchange: Exchange, failure: Failure) -> None:
        self.dial.refused(failure)


def as_connection(channel: Channel) -> Connection:
    """*channel* as a proxy is told of it."""
    return Connection(channel.endpoint.address, world=channel)
