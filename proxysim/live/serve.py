"""A proxy that listens: connections come in, its generators are driven."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from types import TracebackType
from typing import Any, Protocol

from proxysim.live.driver import Driver, report
from proxysim.live.hello import is_hello, record_length, server_name
from proxysim.live.http import Client
from proxysim.live.upstream import Upstreams
from proxysim.live.wire import Wire, listen
from proxysim.messages import Connection, Request
from proxysim.proxies.effects import Effect, Handling, Opening

__all__ = ["Served", "Server", "serve"]


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
) -> Server:
    """Serve *proxy* on *host* and *port* (0: any free one) until the answer is closed.

    Raises :class:`~proxysim.errors.ScenarioError` for a host that is not on the loopback, OSError
    where it cannot be listened on.
    """
    server = Server(proxy, Driver(upstreams or Upstreams()))
    await server.start(host, port)
    return server


class Server:
    """A proxy on its socket; an async context that closes at its end."""

    def __init__(self, proxy: Served, driver: Driver) -> None:
        self.proxy = proxy
        self.driver = driver
        self.host = ""
        self.port = 0
        self._listener: asyncio.Server | None = None
        self._wires: set[Wire] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> None:
        self._listener = await listen(host, port, self._opened, self._wires.discard)
        self.host, self.port = self._listener.sockets[0].getsockname()[:2]
        for resident in self.proxy.residents():
            self.driver.spawn(resident)

    async def close(self) -> None:
        """Stop listening, end every request under way, close every connection; then return."""
        if self._listener is not None:
            self._listener.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.driver.close()
        for wire in tuple(self._wires):
            wire.abort()
            await wire.closed()

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.close()

    def _opened(self, wire: Wire) -> None:
        self._wires.add(wire)
        task = asyncio.create_task(self._converse(wire))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(report)

    async def _converse(self, wire: Wire) -> None:
        """Serve one connection, request after request."""
        task = asyncio.current_task()
        client = Client(wire)
        try:
            connection = await _greet(wire)
            opening = await self.driver.run(self.proxy.opened(connection), client)
            # Passthrough is all that this world does with TLS.
            if opening is not Opening.ACCEPT or connection.world:
                return
            while (request := await client.request()) is not None and not wire.gone:
                wire.on_gone = task.cancel if task is not None else None
                await self.driver.run(self.proxy.handle(request), client)
                wire.on_gone = None
                if wire.gone or not await client.again():
                    return
        except OSError:
            pass
        finally:
            wire.close()


async def _greet(wire: Wire) -> Connection:
    """The connection as its first bytes show it; they stay to be read. ``world``: it is TLS."""
    data = await wire.read()
    encrypted = is_hello(data)
    if encrypted:
        while (length := record_length(data)) is None or len(data) < length:
            more = await wire.read()
            if not more:
                break
            data += more
    wire.unread(data)
    return Connection(wire.peer, server_name(data) if encrypted else "", encrypted)
