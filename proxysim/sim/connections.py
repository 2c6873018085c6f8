"""Connections in simulated time: set up, kept alive, joined end to end by relays.

New TCP costs one round trip. TLS 1.3 costs one more and the server's handshake time on its cores,
less when resumed (RFC 8446, section 2). A relay (CONNECT, passthrough) makes two connections one:
what follows crosses every link to the far end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from proxysim.costs import Costs
from proxysim.messages import Connection, Failure, Request, Response
from proxysim.sim.clock import Timer
from proxysim.sim.exchange import Account, Exchange
from proxysim.sim.paths import SYN_RETRANSMISSION, Body, Path

if TYPE_CHECKING:
    from proxysim.sim.cores import Cores
    from proxysim.sim.world import World

__all__ = ["Channel", "Dial", "Endpoint", "Party", "Pool", "Segment"]

CONNECTION = "connect"


class Party(Protocol):
    """Whoever has a place in the network."""

    name: str
    code: int


class Endpoint(Party, Protocol):
    """What a connection leads to: a server or a proxy."""

    address: str
    cores: Cores
    down: bool
    silent: bool
    generation: int
    tls_seconds: float
    server_code: int  # its code where it is a server; 0, no name, for a proxy
    costs: Costs

    def open(self, dial: Dial) -> None:
        """A transport connection has reached it; it calls ``dial.accepted`` or ``refused``."""
        ...

    def receive(self, exchange: Exchange) -> None:
        """A request has reached it."""
        ...

    def cancelled(self, exchange: Exchange) -> None:
        """The asker has closed the connection of an unanswered request."""
        ...

    def closed(self, channel: Channel) -> None:
        """A connection that it relays is gone."""
        ...


#: One stretch of a connection, for what can be seen on it: who opened it (a code, 0 for the
#: client), the names of the wires it crosses, and the code of the node at its far end.
Segment = tuple[int, tuple[str, ...], int]


class Channel:
    """An open connection from an asker to an endpoint, through relays if need be.

    One request at a time (HTTP/1.1). ``peer`` is the address that the endpoint sees.
    """

    __slots__ = (
        "closed",
        "down",
        "endpoint",
        "generation",
        "idle_since",
        "key",
        "peer",
        "pool",
        "relays",
        "secure",
        "segments",
        "sight",
        "timer",
        "up",
        "warm",
        "world",
    )

    def __init__(
        self, world: World, up: Path, down: Path, endpoint: Endpoint, peer: str, asker: int
    ) -> None:
        self.world = world
        self.up = up
        self.down = down
        self.endpoint = endpoint
        self.generation = endpoint.generation
        self.peer = peer
        self.secure = False
        wires = tuple(wire.name for wire in up.directions)
        self.segments: tuple[Segment, ...] = ((asker, wires, endpoint.code),)
        self.sight = world.sight(self.segments, False)
        self.relays: tuple[Any, ...] = ()  # the tasks that relay it
        self.pool: Pool | None = None
        self.key: Hashable = None
        self.idle_since = 0.0
        self.timer: Any = None
        self.warm = 0  # bytes sent down so far, by which the congestion window has grown
        self.closed = False

    @property
    def round_trip(self) -> float:
        return self.up.latency + self.down.latency

    def extend(self, further: Channel, relay: Any) -> None:
        """Join *further* to the end: the endpoint so far becomes a relay."""
        world = self.world
        self.up = world.joined(self.up, further.up)
        self.down = world.joined(further.down, self.down)
        self.endpoint = further.endpoint
        self.generation = further.generation
        self.peer = further.peer
        self.segments += further.segments
        self.sight = self.world.sight(self.segments, self.secure)
        self.relays += (relay, *further.relays)

    def ask(self, exchange: Exchange) -> None:
        """Send the request to the endpoint."""
        world, path = self.world, self.up
        exchange.channel = self
        request = exchange.request
        call = exchange.call
        if world.sights is not None:
            chain = request.headers.fields.get("x-forwarded-for", "")
            world.sights[self.sight, call.client, call.site, chain] += 1
        delay = path.delay(call.id, exchange.attempt) if path.uncertain else path.latency
        size = world.request_head
        if world.hop is not None:
            world.hop_along(call.id, path, "request", delay)
        if request.body is not None:
            size += request.body.length or 0
            path.tally.bytes += size
            source, out = Body(size, 0, complete=True), Body(size, 0)
            out.when_complete(partial(self._reach, exchange))
            path.carry(world.env, source, size, out, delay, None)
            return
        if size:
            # A head alone neither waits for what else is on the wire nor holds it up.
            path.tally.bytes += size
            delay += size * path.slowness
        if delay:
            Timer(world.env, delay, self._reached, exchange)
        elif self.generation == self.endpoint.generation:
            self.endpoint.receive(exchange)
        else:
            self._reach(exchange)

    def _reached(self, timer: Any) -> None:
        self._reach(timer.carries)

    def _reach(self, exchange: Exchange) -> None:
        if exchange.over:
            return
        if self.generation != self.endpoint.generation:
            self.lost(exchange, Failure("reset", sent=True, retry_safe=False))
        else:
            self.endpoint.receive(exchange)

    def lost(self, exchange: Exchange, failure: Failure) -> None:
        """The endpoint broke off: the asker hears of it as soon as the wires allow."""
        if self.down.latency:
            Timer(self.world.env, self.down.latency, lambda _: exchange.fail(failure))
        else:
            exchange.fail(failure)

    def answer(
        self,
        exchange: Exchange,
        response: Response,
        body: Body,
        left: Callable[[], None] | None = None,
    ) -> bool:
        """Send an answer back; whether its last byte has left the endpoint at once.

        If it has not, *left* is called when it does.
        """
        world, path = self.world, self.down
        call = exchange.call
        delay = path.delay(call.id, exchange.attempt + 1000) if path.uncertain else path.latency
        size = world.response_head + body.length
        path.tally.bytes += size
        if path.slow_start:
            body = self._paced(body, size)
        if world.hop is not None:
            world.hop_along(call.id, path, "response", delay)
        if body.complete and not path.lanes:
            # Nothing holds the last byte back: it comes with the first.
            if delay:
                Timer(world.env, delay, self._arrive, (exchange, response, body))
            elif not exchange.over:
                exchange.asker.on_head(exchange, response, body)
            return True
        out = Body(body.length, body.origin, text=body.text)
        if world.hop is not None:
            passed = partial(world.hop_body, call.id, path, world.env.time, body.length)
            out.when_complete(passed)
        path.carry(world.env, body, size, out, delay, left)
        if exchange.asker.wants_whole:
            exchange.first_byte = world.env.time + delay
            out.when_complete(partial(self._arrived_whole, exchange, response, out))
        elif delay:
            Timer(world.env, delay, self._arrive, (exchange, response, out))
        elif not exchange.over:
            exchange.asker.on_head(exchange, response, out)
        return False

    def _paced(self, body: Body, size: int) -> Body:
        """*body*, its last byte held back by as many round trips as slow start takes for *size*."""
        stalls = self.down.stalls(size, self.warm)
        self.warm += size
        if not stalls:
            return body
        held = Body(body.length, body.origin, text=body.text)

        def release(_: Any) -> None:
            body.when_complete(held.finish)

        Timer(self.world.env, stalls * self.round_trip, release)
        return held

    @staticmethod
    def _arrived_whole(exchange: Exchange, response: Response, out: Body) -> None:
        if not exchange.over:
            exchange.asker.on_head(exchange, response, out)

    @staticmethod
    def _arrive(timer: Any) -> None:
        exchange, response, out = timer.carries
        if not exchange.over:
            exchange.asker.on_head(exchange, response, out)

    def close(self) -> None:
        """Close the connection; relays on it end."""
        if not self.closed:
            self.closed = True
            if self.pool is not None:
                self.pool.gone(self)
            for relay in self.relays:
                relay.relay_closed(self)


class Pool:
    """The kept-alive connections of one asker, by where they lead.

    *keep_alive* in seconds; *most* connections at a time to one place, None without bound: then
    further requests wait in turn.
    """

    def __init__(self, world: World, keep_alive: float, most: int | None = None) -> None:
        self.world = world
        self.env = world.env
        self.keep_alive = keep_alive
        self.most = most
        self.opened = 0
        self._idle: dict[Hashable, list[Channel]] = {}
        self._count: dict[Hashable, int] = {}
        self._waiting: dict[Hashable, deque[Callable[[Channel | None], None]]] = {}

    def idle(self, key: Hashable) -> Channel | None:
        """The connection to *key* that was used last, if one is open and free."""
        idle = self._idle.get(key)
        while idle:
            channel = idle.pop()
            if channel.timer is not None:
                channel.timer.meet()
            if (
                channel.generation == channel.endpoint.generation
                and self.env.time - channel.idle_since <= self.keep_alive
                and not channel.closed
            ):
                return channel
            channel.close()
        return None

    def full(self, key: Hashable) -> bool:
        """Whether no further connection to *key* may be opened."""
        return self.most is not None and self._count.get(key, 0) >= self.most

    def wait(self, key: Hashable, call: Callable[[Channel | None], None]) -> None:
        """Call *call* with a free connection, or with None when one may be opened."""
        self._waiting.setdefault(key, deque()).append(call)

    def reserve(self, key: Hashable) -> None:
        """A connection to *key* is being opened."""
        self.opened += 1
        if self.most is not None:
            self._count[key] = self._count.get(key, 0) + 1

    def adopt(self, key: Hashable, channel: Channel) -> None:
        """A reserved connection is open."""
        channel.pool, channel.key = self, key

    def unreserve(self, key: Hashable) -> None:
        """A reserved connection could not be opened, or is closed."""
        if self.most is None:
            return
        self._count[key] -= 1
        waiting = self._waiting.get(key)
        if waiting:
            waiting.popleft()(None)

    def release(self, channel: Channel) -> None:
        """The answer is whole: the next request may use the connection."""
        if channel.closed or channel.generation != channel.endpoint.generation:
            channel.close()
            return
        if self.most is not None:
            waiting = self._waiting.get(channel.key)
            if waiting:
                waiting.popleft()(channel)
                return
        channel.idle_since = self.env.time
        if channel.relays:
            channel.timer = self.world.deadlines.set(self.keep_alive, channel.close)
        idle = self._idle.get(channel.key)
        if idle is None:
            self._idle[channel.key] = [channel]
        else:
            idle.append(channel)

    def gone(self, channel: Channel) -> None:
        """A connection of the pool was closed."""
        idle = self._idle.get(channel.key)
        if idle and channel in idle:
            idle.remove(channel)
        self.unreserve(channel.key)


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
