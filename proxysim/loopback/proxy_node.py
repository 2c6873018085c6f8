"""A proxy of a scenario on its socket: the same object as in simulated time, driven and watched."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from math import nan
from typing import Any

from proxysim.loopback.alarm import Alarm
from proxysim.loopback.door import Door
from proxysim.loopback.drag import Drag
from proxysim.loopback.records import Dialled, Handled
from proxysim.loopback.sessions import Sessions, handshake_of
from proxysim.loopback.tags import Tag, tag_of
from proxysim.loopback.telling import Teller
from proxysim.loopback.watching import ASKING, Watch, bearing, leading
from proxysim.loopback.ways import Ways, end_of
from proxysim.messages import Connection, Failure, Request
from proxysim.policies.backend import Backend
from proxysim.proxies.forward import ForwardProxy
from proxysim.proxies.reverse import ReverseProxy
from proxysim.sockets.client import Client
from proxysim.sockets.dialling import Dialler
from proxysim.sockets.driver import Driver
from proxysim.sockets.limits import Limits
from proxysim.sockets.serve import Server
from proxysim.sockets.upstream import Upstreams
from proxysim.sockets.wire import Owner, Wire
from proxysim.workload.numbers import PROBES
from proxysim.workload.streams import Chance

__all__ = ["ProxyNode", "Resolve"]

#: Which member a host's name leads to, and how many seconds it takes to find out.
Resolve = Callable[[str, str, int], tuple[str, float]]

HITS, MISSES = frozenset({"hit", "stale"}), frozenset({"miss", "revalidated", "coalesced"})


class ProxyNode:
    """The *proxy* called *name*, on *address*.

    *resolve* says where a backend's name leads. Connections to backends are
    kept for *kept* seconds. *tls* is what it speaks with clients, None where it
    ends no TLS; *sessions* say what it speaks with backends where a request came over TLS. *probes*
    are the sources of its probes' chances by backend, the first of them probe number *first_probe*;
    *demand* is what one takes a server.
    """

    def __init__(
        self,
        alarm: Alarm,
        ways: Ways,
        name: str,
        address: str,
        proxy: ForwardProxy | ReverseProxy,
        resolve: Resolve | None,
        limits: Limits,
        *,
        source: str,
        kept: float,
        tls: ssl.SSLContext | None,
        sessions: Sessions | None,
        parents: tuple[str, ...] = (),
        probes: dict[str, Chance] | None = None,
        first_probe: int = 0,
        demand: float | None = None,
        residents: bool = True,
    ) -> None:
        self.alarm = alarm
        self.name = name
        self.proxy = proxy
        self.resolve = resolve
        self.secure = sessions is not None
        self.demand = nan if demand is None else demand
        self.teller: Teller | None = None  # where what it hears is to be told
        self.log: list[Handled] = []
        self.probed: list[tuple[int, str, float, float]] = []  # by which, whom, from when to when
        self.tunnels: dict[int, Watch] = {}  # by the port that leads on
        self.fetched: dict[str, tuple[str, int, int]] = {}  # who made the answer for a URL
        self.choices: list[tuple[int, float, str, dict[str, Any]]] = []
        self.counts = Counter[str]()
        self.handshakes = Counter[str]()  # with who asked it
        self.dialled: list[Dialled] = []
        self.received = 0
        self.drag = Drag()
        self._probes = probes or {}
        self._probe_places = {backend: first_probe + n for n, backend in enumerate(self._probes)}
        self._probes_sent = Counter[str]()
        self._inside_moments = 0.0
        self._inside = 0
        self._relayed = 0
        self._downs = self._silences = 0
        self._under_way: dict[int, Watch] = {}
        upstreams = Upstreams(
            proxies=parents,
            tls=None if sessions is None else sessions.context(None),
            by_scheme=True,
            kept=kept,
            most=limits.connections,
        )
        upstreams.dialler = _Dialler(ways, name, source, sessions, self.dialled)
        self.driver = Driver(upstreams)
        self.servers = [_Front(self, limits, "http")]
        secure = None
        if tls is not None:
            self.servers.append(_Front(self, limits, "https"))
            secure = self.servers[1].wire
        self.door = Door(address, self.servers[0].wire, secure, tls)
        self._resides = residents
        self._residents: list[Any] = []

    @property
    def idle(self) -> bool:
        """Whether nothing goes on but tunnels that stand open."""
        return self._silences > 0 or (self.driver.resting and self._inside == self._relayed)

    def begin(self) -> None:
        """Take what comes."""
        for server in self.servers:
            server.begin()
        self.door.open()

    def reside(self) -> None:
        """Begin what runs by itself, where anything may."""
        for resident in self.proxy.residents() if self._resides else ():
            watch = Watch(self, None, None)
            self._residents.append(self.driver.spawn(watch.watched(resident)))

    # What its servers ask.

    def handle(self, request: Request) -> Generator[Any, Any, None]:
        """Answer *request*."""
        self.received += 1
        watch = Watch(self, tag_of(request.headers), request)
        self._under_way[id(request)] = watch
        if self.teller is not None:
            forward = isinstance(self.proxy, ForwardProxy)
            self.teller.request(self.name, watch.tag, request, forward=forward)
        handling = self.proxy.handle(bearing(request, watch))
        return self._stay(watch.watched(handling))

    def opened(self, connection: Connection) -> Generator[Any, Any, Any]:
        """Accept, refuse or relay *connection*."""
        if not connection.sni or not getattr(self.proxy, "passthrough", False):
            return self.proxy.opened(connection)
        request = Request("CONNECT", "https", connection.sni, 443, "", peer=connection.peer)
        watch = Watch(self, None, request)
        watch.peer = (connection.peer, 0)
        told = Connection(connection.peer, connection.sni, watch)
        return watch.watched(self.proxy.opened(told))

    def _stay(self, handling: Generator[Any, Any, None]) -> Generator[Any, Any, None]:
        self._inside += 1
        self._inside_moments -= self.alarm.time
        try:
            return (yield from handling)
        finally:
            self._inside -= 1
            self._inside_moments += self.alarm.time

    def answered(self, client: Client) -> None:
        """The answer to a request is over, or nobody waits for it."""
        watch = self._under_way.pop(id(client.request), None)
        if watch is None or watch.tag is None:
            return
        house: Any = client.house
        watch.peer = house.places.get(client.wire, watch.peer)
        watch.sent = client.sent
        if watch.request is not None and watch.request.method != "CONNECT":
            self.counts["sent"] += client.sent
        self.log.append(watch.handled())

    # What watches ask.

    def found(self, backend: Backend, host: str, request: int) -> tuple[Backend, float]:
        """Where *backend* is to be dialled, and how many seconds it takes to find out."""
        if self.resolve is None:
            return backend, 0.0
        member, lookup = self.resolve(backend.name, host, request)
        return leading(backend, member), lookup

    @contextmanager
    def relaying(self) -> Iterator[None]:
        """A request for a tunnel has been granted: it stays as long as that stands."""
        self._relayed += 1
        try:
            yield
        finally:
            self._relayed -= 1

    def probe_tag(self, backend: str) -> Tag:
        """The tag of the next probe of *backend*: of all that the simulator has it."""
        sent = self._probes_sent[backend]
        self._probes_sent[backend] = sent + 1
        number = -(1 + self._probe_places.get(backend, 0) + PROBES * sent)
        chance = self._probes.get(backend)
        return Tag(number, 0.0 if chance is None else chance(sent), 0, demand=self.demand)

    def count(self, state: str, size: int) -> None:
        """Book what the cache made of a request."""
        if state in HITS:
            self.counts["hits"] += 1
            self.counts["hit bytes"] += size
        elif state in MISSES:
            self.counts["misses"] += 1
            self.counts["miss bytes"] += size

    def chosen(self, request: Request, backend: Backend, why: dict[str, Any]) -> None:
        """Note why the proxy chose *backend*."""
        tag = request.world.tag if isinstance(request.world, Watch) else None
        number = -1 if tag is None else tag.id
        self.choices.append((number, self.alarm.time, backend.name, why))

    # What befalls it.

    def go_down(self) -> None:
        """Refuse and reset everything until :meth:`come_up`."""
        self._downs += 1
        self.door.shut()
        for server in self.servers:
            for wire in tuple(server.clients):
                wire.abort()
        for resident in self._residents:
            resident.close()
        self._residents.clear()

    def come_up(self) -> None:
        """Take connections again, unless something else keeps it down."""
        self._downs -= 1
        if not self._downs:
            self.door.open()
            self.reside()

    def go_silent(self) -> None:
        """Take what comes and answer nothing until :meth:`speak`."""
        self._silences += 1
        self.door.hold(True)
        for server in self.servers:
            for wire in server.clients:
                wire.hold("silence")

    def speak(self) -> None:
        """Go on with all that came meanwhile, unless something else keeps it silent."""
        self._silences -= 1
        if not self._silences:
            self.door.hold(False)
            for server in self.servers:
                for wire in tuple(server.clients):
                    wire.flow("silence")

    def slow(self, factor: float) -> None:
        """Until :meth:`recover`, what it does takes *factor* times as long."""
        self.drag.begin(factor)

    def recover(self, factor: float) -> None:
        """Be *factor* times slow no longer."""
        self.drag.end(factor)

    def flush(self) -> None:
        """Empty the cache."""
        if self.proxy.cache is not None:
            self.proxy.cache.flush()

    def readings(self) -> tuple[float, ...]:
        """Sums since the start, as :class:`~proxysim.results.windows.Meter` reads them."""
        counts = self.counts
        inside = self._inside_moments + self.alarm.time * self._inside
        return (
            time.process_time() + self.drag.held,
            0.0,
            inside,
            self.received,
            counts["hits"],
            counts["misses"],
            counts["hit bytes"],
            counts["miss bytes"],
            counts["sent"],
        )

    def told(self) -> list[Handled]:
        """What there is to tell of all requests, of those too that are under way."""
        return self.log + [watch.handled() for watch in self._under_way.values() if watch.tag]

    async def close(self) -> None:
        """Give everything up."""
        self.door.close()
        for server in self.servers:
            await server.close()


class _Front(Server):
    """The connections of one kind, plain or over TLS, that reach the proxy."""

    def __init__(self, node: ProxyNode, limits: Limits, scheme: str) -> None:
        super().__init__(node.proxy, node.driver, limits, None, node.answered)
        self.node = node
        self.handle = node.handle
        self.opened = node.opened
        self.scheme = scheme
        self.dated = False
        self.places: dict[Wire, tuple[str, int]] = {}

    def wire(self) -> Wire:
        """What a connection is received by."""
        return self._wire()

    def begin(self) -> None:
        """Look after clients from now on."""
        self.bound(self.limits)

    def _received(self, wire: Wire) -> Client:
        self.places[wire] = end_of(wire)
        if self.scheme == "https":
            self.node.handshakes[handshake_of(wire)] += 1
        return super()._received(wire)

    def _over(self, wire: Wire) -> None:
        super()._over(wire)
        asyncio.get_running_loop().call_soon(self.places.pop, wire, None)


class _Dialler(Dialler):
    """Opens the proxy's connections to backends, from *source* and over the scenario's links.

    Over TLS by *sessions*. Each step is noted in the *log*, with the request for which it was done.
    """

    def __init__(
        self, ways: Ways, name: str, source: str, sessions: Sessions | None, log: list[Dialled]
    ) -> None:
        super().__init__()
        self._ways = ways
        self._name = name
        self._source = source
        self._sessions = sessions
        self._log = log
        self._newest: dict[tuple[str, str], Wire] = {}

    async def dial(
        self,
        host: str,
        port: int,
        deadline: float | None,
        opened: Callable[[Wire], Owner],
        tls: ssl.SSLContext | None = None,
        server_name: str = "",
    ) -> Wire | Failure:
        wire = Wire(opened, self.wires.discard)
        alarm, request = self._ways.alarm, ASKING.get()

        def told(step: str, began: float, port: int) -> None:
            self._log.append((request, port, host, step, began, alarm.time))

        key = (host, server_name)
        if tls is not None and self._sessions is not None:
            if (before := self._newest.get(key)) is not None:
                self._sessions.keep(key, before)
            tls = self._sessions.context(key)
        try:
            async with asyncio.timeout(deadline):
                failure = await self._ways.dial(
                    wire,
                    self._name,
                    host,
                    source=self._source,
                    tls=tls,
                    server_name=server_name,
                    told=told,
                )
        except TimeoutError:
            return Failure("timeout")
        if failure is not None:
            return failure
        if tls is not None:
            self._newest[key] = wire
        self.opened += 1
        if not wire.gone:
            self.wires.add(wire)
        return wire
