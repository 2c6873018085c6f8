"""One TCP connection: bytes in, bytes out, and word of the other side's leaving."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from proxysim.errors import ScenarioError

__all__ = ["Wire", "listen", "on_loopback", "open_wire"]

READ = 64 * 1024


class Wire:
    """A connection with ``peer``, its address.

    ``gone`` turns true when the other side has closed, even by half: like most proxies, ours take
    a client that says nothing more for one that waits no more. ``on_gone`` is then called, once.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = writer.get_extra_info("peername")
        self.peer: str = name[0] if name else ""
        self.gone = False
        self.on_gone: Callable[[], Any] | None = None
        self._reader = reader
        self._writer = writer
        self._returned = b""

    async def read(self) -> bytes:
        """Some bytes, empty when the other side has closed; raises OSError."""
        if self._returned:
            data, self._returned = self._returned, b""
            return data
        return await self._reader.read(READ)

    def unread(self, data: bytes) -> None:
        """Put *data* back, to be read again."""
        self._returned = data + self._returned

    async def write(self, data: bytes) -> None:
        """Send *data*, waiting while the other side is slow to take it; raises OSError."""
        self._writer.write(data)
        await self._writer.drain()

    def end(self) -> None:
        """Say that nothing more will be written."""
        if self._writer.can_write_eof() and not self._writer.is_closing():
            self._writer.write_eof()

    def close(self) -> None:
        """Close once everything written has left."""
        self.on_gone = None
        self._writer.close()

    def abort(self) -> None:
        """Break off: the other side sees a reset."""
        self.on_gone = None
        self._writer.transport.abort()

    async def closed(self) -> None:
        """Wait until the connection, closed or broken off, is no more."""
        try:
            await self._writer.wait_closed()
        except OSError:
            pass

    def has_left(self) -> None:
        """The transport's word that the other side has closed."""
        if self.gone:
            return
        self.gone = True
        if self.on_gone is not None:
            self.on_gone()


class _Protocol(asyncio.StreamReaderProtocol):
    """Streams, and the moments at which the other side leaves."""

    def __init__(self, opened: Callable[[Wire], Any], lost: Callable[[Wire], Any]) -> None:
        self._opened = opened
        self._lost = lost
        self._wire: Wire | None = None
        super().__init__(asyncio.StreamReader(limit=READ), self._connected)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._wire = Wire(reader, writer)
        self._opened(self._wire)

    def eof_received(self) -> bool | None:
        keep_open = super().eof_received()
        if self._wire is not None:
            self._wire.has_left()
        return keep_open

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._wire is not None:
            self._wire.has_left()
            self._lost(self._wire)


async def listen(
    host: str, port: int, opened: Callable[[Wire], Any], lost: Callable[[Wire], Any]
) -> asyncio.Server:
    """Listen on *host* and *port* (0: any free one), calling *opened* and *lost* for each wire."""
    if not on_loopback(host):
        raise ScenarioError(
            f"found {host!r} to listen on", mend="Only the loopback, 127.0.0.0/8, is served."
        )
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: _Protocol(opened, lost), host, port)


async def open_wire(host: str, port: int, lost: Callable[[Wire], Any]) -> Wire:
    """Connect to *host* and *port*; *lost* is called when that is over. Raises OSError."""
    opened: list[Wire] = []
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: _Protocol(opened.append, lost), host, port)
    return opened[0]


def on_loopback(host: str) -> bool:
    """Whether *host* is an address of 127.0.0.0/8."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.version == 4 and address.is_loopback
