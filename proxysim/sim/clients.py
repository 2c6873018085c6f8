"""Groups of clients in simulated time: they ask when their time has come, and write the rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from proxysim.errors import ScenarioError
from proxysim.messages import Failure, Headers, Request, Response
from proxysim.policies.cookies import remembered
from proxysim.results.columns import METHODS, Outcome
from proxysim.scenario.build_clients import UPLOADING
from proxysim.sim.bodies import Body, whole
from proxysim.sim.channels import Channel, Endpoint
from proxysim.sim.dialling import Dial
from proxysim.sim.exchange import Call, Exchange
from proxysim.sim.names import Names
from proxysim.sim.pools import Pool
from proxysim.sim.ways import Way
from proxysim.workload.draws import ClosedGroup, Draw

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["Clients"]

METHOD_CODES = {name: code for code, name in enumerate(METHODS)}
OTHER = METHOD_CODES["OTHER"]
OK, IN_FLIGHT = Outcome.OK, Outcome.IN_FLIGHT
NEVER = math.nan
MOST_AT_ONCE = 10_000


class Clients:
    """All members of one group.

    *ways* gives the way to each site by its number, *headers* the fields of CONNECT. *patience* in
    seconds, None: they wait for ever.
    """

    wants_whole = True

    def __init__(
        self,
        world: World,
        name: str,
        group: Any,
        ways: dict[int, Way],
        first_code: int,
        addresses: Mapping[int, str],
        *,
        headers: Headers,
        keep_alive: float,
        connections: int | None,
        patience: float | None,
        names: Names | None,
    ) -> None:
        self.world = world
        self.env = world.env
        self.name = name
        self.group = group
        self.ways = ways
        self.first_code = first_code
        self.addresses = addresses
        self.patience = patience
        self.names = names
        self.pool = Pool(world, keep_alive, connections)
        self.headers = headers
        self._jar: dict[tuple[int, str], Headers] = {}  # with the cookies of member and host

    def start(self) -> None:
        """Begin to ask."""
        if isinstance(self.group, ClosedGroup):
            for member in range(self.group.count):
                self.env.process(self._user(member))
        else:
            draws = iter(self.group.draws())
            first = next(draws, None)
            if first is not None:
                self.env.after(first.at, _arrive, (self, draws, first))

    def _user(self, member: int) -> Generator[Any, Any, None]:
        env, duration = self.env, self.world.duration
        at_once, since = 0, -1.0
        for pause, draw in self.group.think(member):
            if env.time + pause >= duration:
                break
            at_once = at_once + 1 if env.time + pause == since else 0
            since = env.time + pause
            if at_once > MOST_AT_ONCE:
                raise ScenarioError(
                    f"a member asks for the {at_once:,}th time at {since:g} s: neither thinking nor"
                    " the answers take any time, so the clock stands still",
                    place=f"nodes.{self.name}.arrivals.closed.think",
                    mend="Give a think time above zero, or a service that takes time.",
                )
            yield env.timeout(pause)
            answered = env.event()
            self.ask(draw, answered.succeed)
            yield answered

    # One request.

    def ask(self, draw: Draw, then: Callable[[], Any] | None = None) -> None:
        """Ask for what *draw* wants, now; *then* is called when that is over."""
        world = self.world
        world.arrived += 1
        number, _, member, site, item, method, u, record = draw
        library = world.libraries[site]
        asset = library.get(item) or library[item]
        client = self.first_code + member
        call = Call(number, self.env.time, client, asset, method, u, record, then)
        way = self.ways[site]
        headers = way.headers
        if self._jar:
            headers = self._jar.get((member, way.host), headers)
        if record is not None:
            headers = asset.asked(headers, record)
        body = None
        if way.upload and method in UPLOADING:
            body = whole(way.upload, 0)
        request = Request(
            method,
            way.scheme,
            way.host,
            way.port,
            asset.path,
            headers,
            self.addresses.get(member) or self.addresses[member],
            body,
            call,
        )
        exchange = Exchange(call, request, self, 1, call.at)
        world.open[exchange] = self
        if self.patience is not None:
            exchange.deadline = world.deadlines.set(self.patience, _give_up, exchange)
        endpoints = way.endpoints
        endpoint = endpoints[0] if len(endpoints) == 1 else endpoints[member % len(endpoints)]
        key = (member, way.host if way.by_host else endpoint.name)
        channel = self.pool.idle(key)
        if channel is not None:
            channel.ask(exchange)
        elif self.pool.full(key):
            self.pool.wait(key, partial(self._freed, exchange, way, endpoint, key, call.at))
        else:
            self._dial(exchange, way, endpoint, key)

    def _freed(
        self,
        exchange: Exchange,
        way: Way,
        endpoint: Endpoint,
        key: Any,
        began: float,
        channel: Channel | None,
    ) -> bool:
        """A connection is free, or (None) may be opened: whether it is still wanted."""
        if exchange.over:
            return False
        exchange.wait += self.env.time - began
        if channel is not None:
            channel.ask(exchange)
        else:
            self._dial(exchange, way, endpoint, key)
        return True

    def _dial(self, exchange: Exchange, way: Way, endpoint: Endpoint, key: Any) -> None:
        world, call = self.world, exchange.call
        request = exchange.request
        self.pool.reserve(key)

        def ready(channel: Channel) -> None:
            exchange.held = None
            self.pool.adopt(key, channel)
            if exchange.over:
                self.pool.release(channel)
            else:
                channel.ask(exchange)

        def failed(failure: Failure) -> None:
            exchange.held = None
            self.pool.unreserve(key)
            exchange.fail(failure)

        def answered(other: Exchange, response: Response, body: Body) -> None:
            # The proxy answered the CONNECT itself: that is the answer to the request.
            exchange.held = None
            exchange.blocked = other.blocked
            exchange.served_by = other.served_by
            exchange.add_times(other)
            exchange.channel = other.channel
            other.channel.pool = None  # type: ignore[union-attr]
            self.pool.unreserve(key)
            if not exchange.over:
                self.on_head(exchange, response, body)

        channel = world.channel(self.name, endpoint, call.client, request.peer, 0)
        channel.key = key
        ask = None
        if way.tunnel:
            ask = Request(
                "CONNECT", "https", way.host, 443, "", self.headers, request.peer, None, call
            )
        resumed = False
        if way.secure:
            channel.ticket = (call.client, way.host)
            resumed = channel.ticket in self.pool.tickets
        dial = Dial(
            world,
            channel,
            exchange,
            call,
            ready,
            failed,
            secure=way.secure,
            sni=way.host if way.secure else "",
            resumed=resumed,
            ask=ask,
            answered=answered,
        )
        exchange.held = dial
        wait = 0.0
        if self.names is not None:
            wait = self.names.wait((call.client, way.host), call.client, call)
        if wait:
            self.env.after(wait, dial.start)
        else:
            dial.start()

    # What comes of it.

    def on_head(self, exchange: Exchange, response: Response, body: Body) -> None:
        """All of an answer is here, or the head of one whose rest is on its way."""
        if not body.complete:
            if exchange.first_byte is None:
                exchange.first_byte = self.env.time
            body.when_complete(_whole, (self, exchange, response, body))
            return
        if exchange.over:
            return
        exchange.over = True
        if exchange.deadline is not None:
            exchange.deadline.meet()
        if "set-cookie" in response.headers.fields:
            self._keep_cookies(exchange, response)
        status, blocked = response.status, exchange.blocked
        outcome = OK if status == 200 and not blocked else Outcome.of(status, blocked=blocked)
        first_byte = exchange.first_byte
        if first_byte is None:
            first_byte = self.env.time
        self._row(exchange, status, outcome, first_byte, body.length)
        channel = exchange.channel
        if channel is not None:
            if channel.pool is None:
                channel.close()
            else:
                self.pool.release(channel)

    def _way_to(self, host: str) -> Way:
        return next(way for way in self.ways.values() if way.host == host)

    def _keep_cookies(self, exchange: Exchange, response: Response) -> None:
        """Send the cookies that *response* sets with every request to its host from now on."""
        key = (exchange.call.client - self.first_code, exchange.request.host)
        headers = self._jar.get(key) or self._way_to(key[1]).headers
        self._jar[key] = remembered(headers, response)

    def on_failure(self, exchange: Exchange, failure: Failure) -> None:
        """No answer came."""
        exchange.over = True
        outcome = Outcome.TIMED_OUT if failure.kind == "timeout" else Outcome.FAILED
        self._row(exchange, 0, outcome, NEVER, 0)

    def lose_patience(self, exchange: Exchange) -> None:
        """Wait for an answer no longer."""
        if isinstance(exchange.held, Dial):
            exchange.held.cancel()
            self.pool.unreserve(exchange.held.channel.key)
        exchange.cancel()
        self._row(exchange, 0, Outcome.TIMED_OUT, NEVER, 0)

    def in_flight(self, exchange: Exchange) -> None:
        """The run is over before the request."""
        self._row(exchange, 0, IN_FLIGHT, NEVER, 0)

    def _row(
        self, exchange: Exchange, status: int, outcome: int, first_byte: float, length: int
    ) -> None:
        world, call = self.world, exchange.call
        asset = call.asset
        left = outcome == IN_FLIGHT
        shift = world.shift
        end = NEVER if left else self.env.time
        latency = end - call.at
        wait, service, cpu = exchange.wait, exchange.service, exchange.cpu
        network = latency - wait - service - cpu
        channel = exchange.channel
        upload = exchange.request.body
        world.add(
            (
                call.id,
                call.client,
                call.site,
                asset.path_code,
                METHOD_CODES.get(call.method, OTHER),
                call.at + shift,
                first_byte + shift,
                end + shift,
                latency,
                status,
                outcome,
                exchange.served_by,
                exchange.backend,
                exchange.cache,
                exchange.attempts,
                channel is not None and channel.secure,
                exchange.coding,
                upload.length if upload is not None else 0,
                length,
                wait,
                service,
                max(0.0, network),
                cpu,
            )
        )
        if not left:
            del world.open[exchange]
            if call.then is not None:
                call.then()
            if not world.open:
                world.done()


# What the clock calls: functions, for a method would be made anew for each request.


def _arrive(due: tuple[Clients, Iterator[Draw], Draw]) -> None:
    """A request arrives; the next of its *draws* is due in its turn."""
    clients, draws, draw = due
    clients.ask(draw)
    following = next(draws, None)
    if following is not None:
        env = clients.env
        delay = following.at - env.time
        env.after(delay if delay > 0 else 0.0, _arrive, (clients, draws, following))


def _whole(answered: tuple[Clients, Exchange, Response, Body]) -> None:
    """The rest of an answer has come."""
    clients, exchange, response, body = answered
    clients.on_head(exchange, response, body)


def _give_up(exchange: Exchange) -> None:
    if not exchange.over and isinstance(exchange.asker, Clients):
        exchange.asker.lose_patience(exchange)
