"""A proxy that listens: connections come in, its generators are driven."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Protocol

from proxysim.errors import ScenarioError
from proxysim.messages import Connection, Request, Response
from proxysim.proxies.effects import Effect, Handling, Opening
from proxysim.proxies.forward import ForwardProxy
from proxysim.sockets.client import Client
from proxysim.sockets.driver import Driver
from proxysim.sockets.heads import Refused
from proxysim.sockets.limits import DEFAULT_LIMITS, Limits
from proxysim.sockets.proxy_protocol import Listener
from proxysim.sockets.upstream import Upstreams
from proxysim.sockets.wire import Wire

__all__ = ["Served", "Server", "on_loopback", "serve"]

#: How often slow clients are looked for, at most and at least.
TICKS = (0.02, 1.0)
#: How many connections the system holds that have not been accepted yet.
BACKLOG = 1024


class Served(Protocol):
    """What can be served: a proxy, or an origin."""

    def opened(self, connection: Connection) -> Generator[Effect, Any, Opening]: ...
    def handle(self, request: Request) -> Handling: ...
    def residents(self) -> Sequence[Generator[Effect, Any, None]]: ...


async def serve(
    proxy: Served,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    upstreams: Upstreams | None = None,
    limits: Limits = DEFAULT_LIMITS,
    tls: ssl.SSLContext | None = None,
    everywhere: bool = False,
    answered: Callable[[Client], Any] | None = None,
) -> Server:
    """Serve *proxy* on *host* and *port* (0: any free one) until the answer is closed.

    With *tls* its clients speak TLS. *answered* is told of each client once it has been answered.
    Raises :class:`~proxysim.errors.ScenarioError` for a host beyond the loopback without
    *everywhere*, OSError where it cannot be listened on.
    """
    server = Server(proxy, Driver(upstreams or Upstreams()), limits, tls, answered)
    await server.start(host, port, everywhere=everywhere)
    return server


class Server:
    """A proxy on its socket; an async context that closes at its end.

    ``proxy`` may be replaced: requests under way are finished by the one that began them.
    """

    def __init__(
        self,
        proxy: Served,
        driver: Driver,
        limits: Limits = DEFAULT_LIMITS,
        tls: ssl.SSLContext | None = None,
        answered: Callable[[Client], Any] | None = None,
    ) -> None:
        self.driver = driver
        self.limits = limits
        self.host = ""
        self.port = 0
        self.scheme = "http" if tls is None else "https"
        self.dated = True
        self.draining = False
        self.tunnels = 0
        self.time = asyncio.get_running_loop().time
        self.now = self.time()
        self.answered: Callable[[Client], Any] = answered or _nothing
        self.clients: dict[Wire, Client] = {}
        self._tls = tls
        self._by_peer: Counter[str] = Counter()
        self._listener: asyncio.Server | Listener | None = None
        self._clock: asyncio.Handle | None = None
        self._residents: list[Any] = []
        self._replace(proxy)

    def _replace(self, proxy: Served) -> None:
        self.proxy = proxy
        self.handle = proxy.handle
        self.opened = proxy.opened
        self.interim: Callable[[Response], Response | None] = getattr(proxy, "interim", _none)
        self.forward = isinstance(proxy, ForwardProxy)

    def replace(self, proxy: Served) -> None:
        """Let *proxy* take what comes from now on."""
        for resident in self._residents:
            resident.close()
        self._replace(proxy)
        self._residents = [self.driver.spawn(resident) for resident in proxy.residents()]

    def bound(self, limits: Limits) -> None:
        """Hold clients to *limits* from now on."""
        self.limits = limits
        shortest = min(limits.header_time, limits.stall, limits.idle)
        self._tick_seconds = max(TICKS[0], min(TICKS[1], shortest / 4))
        self._tick()

    async def start(
        self, host: str, port: int, *, everywhere: bool = False, proxy_protocol: bool = False
    ) -> None:
        """Listen; see :func:`serve`. With *proxy_protocol* each connection begins with its line."""
        if not everywhere and not on_loopback(host):
            raise ScenarioError(
                f"found {host!r} to listen on",
                mend="Only the loopback, 127.0.0.0/8 and ::1, is served unless told otherwise.",
            )
        loop = asyncio.get_running_loop()
        if proxy_protocol:
            listener = Listener(self._wire, self._tls, self.limits.header_time)
            listener.listen(host, port)
            self._listener = listener
        else:
            handshake = None if self._tls is None else self.limits.header_time
            self._listener = await loop.create_server(
                self._wire,
                host,
                port,
                ssl=self._tls,
                backlog=BACKLOG,
                ssl_handshake_timeout=handshake,
            )
        self.host, self.port = self._listener.sockets[0].getsockname()[:2]
        self.bound(self.limits)
        self._residents = [self.driver.spawn(resident) for resident in self.proxy.residents()]

    async def drain(self, seconds: float | None = None) -> None:
        """Listen no more, let what is under way end, at most *seconds* long, and close."""
        self.draining = True
        if self._listener is not None:
            self._listener.close()
        for client in tuple(self.clients.values()):
            if client.idle:
                client.wire.close()
        loop = asyncio.get_running_loop()
        until = None if seconds is None else loop.time() + seconds
        while self.clients and (until is None or loop.time() < until):  # noqa: ASYNC110
            await asyncio.sleep(TICKS[0])
        await self.close()

    async def close(self) -> None:
        """Stop listening, end every request under way, close every connection; then return."""
        self.draining = True
        if self._listener is not None:
            self._listener.close()
        if self._clock is not None:
            self._clock.cancel()
        wires = tuple(self.clients)
        for wire in wires:
            wire.abort()
        for wire in wires:
            await wire.closed()
        await self.driver.close()

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.close()

    def _wire(self) -> Wire:
        return Wire(self._received, self._over)

    def _received(self, wire: Wire) -> Client:
        """A new connection."""
        tls = wire.transport.get_extra_info("ssl_object")
        sni = getattr(tls, "server_name", "") if tls is not None else ""
        client = Client(wire, self, sni, encrypted=tls is not None)
        self.clients[wire] = client
        self._by_peer[wire.peer] += 1
        many, most = self._by_peer[wire.peer], self.limits.connections
        if many > 2 * most:
            wire.abort()  # it was told so, more than once
        elif many > most:
            client.refuse(Refused(429, "There are too many connections from this address."))
        return client

    def _over(self, wire: Wire) -> None:
        if self.clients.pop(wire, None) is not None:
            self._by_peer[wire.peer] -= 1
            if not self._by_peer[wire.peer]:
                del self._by_peer[wire.peer]

    def _tick(self) -> None:
        """Look after those who are slow."""
        loop = asyncio.get_running_loop()
        if self._clock is not None:
            self._clock.cancel()
        self.now = loop.time()
        for client in tuple(self.clients.values()):
            client.watch()
        self.driver.upstreams.sweep(self.now, self.limits.stall)
        self._clock = loop.call_later(self._tick_seconds, self._tick)


def on_loopback(host: str) -> bool:
    """Whether *host*, an address or ``localhost``, is this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _nothing(client: Client) -> None:
    pass


def _none(response: Response) -> None:
    """What asks nobody hears of no interim answers."""
