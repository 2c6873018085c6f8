"""Connections in simulated time, once they are open: requests up, answers down.

A relay (CONNECT, passthrough) makes two connections one: what follows crosses every link to the
far end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from math import inf
from typing import TYPE_CHECKING, Any, Protocol

from proxysim.costs import Costs
from proxysim.messages import Failure, Response
from proxysim.policies.tls import Terms
from proxysim.results.sights import Segment
from proxysim.sim.bodies import Body, whole
from proxysim.sim.exchange import Exchange
from proxysim.sim.passages import BROKEN
from proxysim.sim.paths import Path
from proxysim.workload.numbers import ANSWER

if TYPE_CHECKING:
    from proxysim.sim.cores import Cores
    from proxysim.sim.dialling import Dial
    from proxysim.sim.pools import Pool
    from proxysim.sim.world import World

__all__ = ["BROKEN", "Channel", "Endpoint", "Route"]

NOWHERE: list[Channel] = []


class Endpoint(Protocol):
    """What a connection leads to: a server or a proxy."""

    name: str
    code: int
    address: str
    cores: Cores
    down: bool
    silent: bool
    generation: int
    keep_alive: float  # how long it keeps an idle connection, in seconds
    tls: Terms  # on which it accepts TLS
    tls_seconds: float
    handshakes: Counter[str]
    server_code: int  # its code where it is a server; 0, no name, for a proxy
    forward: bool  # whether it is a forward proxy
    costs: Costs

    def open(self, dial: Dial) -> None:
        """A transport connection has reached it; it calls ``dial.accepted`` or ``refused``."""
        ...

    def hold(self, call: Callable[[], None]) -> None:
        """It is silent: call *call* when it speaks again."""
        ...

    def receive(self, exchange: Exchange) -> None:
        """A request has reached it."""
        ...

    def cancelled(self, exchange: Exchange) -> None:
        """The asker has closed the connection of an unanswered request."""
        ...


class Route:
    """How connections run from one party to another: the same for all members of a group."""

    __slots__ = ("down", "segments", "sight", "up")

    def __init__(self, world: World, up: Path, down: Path, asker: int, endpoint: int) -> None:
        self.up = up
        self.down = down
        self.segments: tuple[Segment, ...] = ((asker, up.tally.names, endpoint),)
        self.sight = world.sight(self.segments, False)


class Channel:
    """An open connection from an asker to an endpoint, through relays if need be.

    One request at a time (HTTP/1.1). ``peer`` is the address that the endpoint sees; *member* the
    client's code where a client has opened it, else 0.
    """

    __slots__ = (
        "closed",
        "current",
        "down",
        "endpoint",
        "generation",
        "home",
        "idle_since",
        "key",
        "lasts",
        "member",
        "peer",
        "pool",
        "relays",
        "secure",
        "segments",
        "sight",
        "ticket",
        "timer",
        "up",
        "warm",
        "world",
    )

    def __init__(
        self, world: World, route: Route, endpoint: Endpoint, peer: str, member: int
    ) -> None:
        self.world = world
        self.up = route.up
        self.down = route.down
        self.member = member
        self.endpoint = endpoint
        self.generation = endpoint.generation
        self.peer = peer
        self.secure = False
        self.segments = route.segments
        self.sight = route.sight
        self.relays: tuple[Any, ...] = ()  # the tasks that relay it
        self.pool: Pool | None = None
        self.key: Hashable = None
        self.home: list[Channel] = NOWHERE  # where its pool keeps it while it is idle
        self.idle_since = 0.0
        self.lasts = inf  # seconds that it is kept open when idle
        self.ticket: Hashable = None  # what its first answer lets a later connection resume
        self.timer: Any = None
        self.warm = 0  # bytes sent down so far, by which the congestion window has grown
        self.closed = False
        self.current: Exchange | None = None  # the last that was asked on it

    @property
    def round_trip(self) -> float:
        return self.up.latency + self.down.latency

    def extend(self, further: Channel, relay: Any) -> None:
        """Join *further* to the end: the endpoint so far becomes a relay."""
        world = self.world
        self.up = world.wires.joined(self.up, further.up)
        self.down = world.wires.joined(further.down, self.down)
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
        self.current = exchange
        request = exchange.request
        call = exchange.call
        if world.seen is not None:
            fields = request.headers.fields
            chain = fields.get("x-forwarded-for") or fields.get("forwarded")
            code = (world.chains.get(chain) or world.chains[chain]) if chain else 0
            world.seen.append((self.sight, call.client, call.site, code))
        delay = path.delay(call.id, exchange.attempt) if path.uncertain else path.latency
        size = world.request_head
        if world.hop is not None:
            world.hop_along(call.id, path, "request", delay)
            if world.teller is not None:
                world.teller.heard(exchange, self, request)
        if request.body is not None:
            size += request.body.length or 0
            path.tally.bytes += size
            source = whole(size, 0)
            out = path.carry(world.env, source, size, delay, self.member, exchange, None)
            out.when_complete(self._uploaded, exchange)
            return
        if size:
            # A head alone neither waits for what else is on the wire nor holds it up.
            path.tally.bytes += size
            delay += size * path.slowness
        if delay:
            world.env.after(delay, _reach, exchange)
        elif self.generation == self.endpoint.generation:
            self.endpoint.receive(exchange)
        else:
            _reach(exchange)

    def _uploaded(self, exchange: Exchange) -> None:
        """All of a request with a body is here; over TLS it is deciphered first."""
        endpoint, body = self.endpoint, exchange.request.body
        seconds = endpoint.costs.decrypt * (body.length or 0) if self.secure and body else 0.0
        if seconds and not exchange.over and self.generation == endpoint.generation:
            endpoint.cores.run(seconds, self._deciphered, exchange)
        else:
            _reach(exchange)

    def _deciphered(self, exchange: Exchange, waited: float, took: float) -> None:
        self.endpoint.tls_seconds += took
        exchange.cpu += took
        exchange.wait += waited
        _reach(exchange)

    def lost(self, exchange: Exchange, failure: Failure) -> None:
        """The endpoint broke off: the asker hears of it as soon as the wires allow."""
        if self.down.latency:
            self.world.env.after(self.down.latency, lambda _: exchange.fail(failure))
        else:
            exchange.fail(failure)

    def answer(
        self,
        exchange: Exchange,
        response: Response,
        body: Body,
        left: Callable[[Exchange], None] | None = None,
    ) -> bool:
        """Send an answer back; whether its last byte has left the endpoint at once.

        If it has not, *left* is called with *exchange* when it does.
        """
        world, path = self.world, self.down
        call = exchange.call
        delay = path.delay(call.id, exchange.attempt + ANSWER) if path.uncertain else path.latency
        size = world.response_head + body.length
        path.tally.bytes += size
        if path.slow_start:
            body = self._paced(body, size)
        if world.hop is not None:
            world.hop_along(call.id, path, "response", delay)
            if world.teller is not None:
                world.teller.heard(exchange, self, response)
        if body.complete and not path.limited:
            # Nothing holds the last byte back: it comes with the first.
            if delay:
                world.env.after(delay, _arrive, (exchange, response, body))
            elif not exchange.over:
                exchange.asker.on_head(exchange, response, body)
            return True
        out = path.carry(world.env, body, size, delay, self.member, exchange, left)
        if world.hop is not None:
            began = world.env.time
            out.when_complete(lambda _: world.hop_body(call.id, path, began, body.length))
        exchange.arriving = out
        if exchange.asker.wants_whole:
            exchange.first_byte = world.env.time + delay
            exchange.response = response
            if out.broken:
                exchange.fail(BROKEN)
            else:
                out.reader = exchange
        elif delay:
            world.env.after(delay, _arrive, (exchange, response, out))
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
            body.when_complete(Body.finish, held)

        self.world.env.after(stalls * self.round_trip, release)
        return held

    def break_off(self) -> None:
        """A relay on the way is gone: what is under way is lost at both ends."""
        exchange = self.current
        if exchange is not None and not exchange.over:
            self.endpoint.cancelled(exchange)
            self.lost(exchange, BROKEN)
        self.close()

    def close(self) -> None:
        """Close the connection; relays on it end."""
        if not self.closed:
            self.closed = True
            self.current = None
            if self.timer is not None:
                self.timer.meet()
            if self.pool is not None:
                self.pool.gone(self)
            relays, self.relays = self.relays, ()  # no cycle is left for the collector
            for relay in relays:
                relay.relay_closed(self)


# What the clock calls: functions, since making a method of each takes longer than most of them do.


def _reach(exchange: Exchange) -> None:
    """A request has crossed its connection."""
    channel = exchange.channel
    if exchange.over or channel is None:
        return
    endpoint = channel.endpoint
    if channel.generation != endpoint.generation:
        channel.lost(exchange, BROKEN)
    else:
        endpoint.receive(exchange)


def _arrive(arrived: tuple[Exchange, Response, Body]) -> None:
    """The head of an answer has crossed its connection."""
    exchange, response, out = arrived
    if not exchange.over:
        exchange.asker.on_head(exchange, response, out)
