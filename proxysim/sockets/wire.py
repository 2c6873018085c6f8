"""One TCP connection: bytes in, bytes out, each side no faster than the other can take it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, cast

__all__ = ["WINDOW", "Owner", "Wire"]

#: How much is held for a slow reader before its sender is made to wait.
WINDOW = 256 * 1024
AT_ONCE = struct.pack("ii", 1, 0)  # struct linger: on, for no seconds


class Owner(Protocol):
    """Who makes something of what a wire brings."""

    def received(self, data: bytes) -> None:
        """Bytes have come."""
        ...

    def ended(self) -> None:
        """The other side has said that it will send nothing more; it may still be reading."""
        ...

    def lost(self) -> None:
        """The connection is no more."""
        ...


class Wire(asyncio.Protocol):
    """A connection, and the ``owner`` that it tells what happens on it.

    ``peer`` is the address at its other end, or the one that a PROXY line has ``told`` of.
    ``early`` are bytes that came before anybody could use them. ``full``: the other side is slow to
    take what was written. ``at_end``: it has said that it will send nothing more. ``gone``: the
    connection is no more.
    """

    transport: asyncio.Transport

    def __init__(self, opened: Callable[[Wire], Owner], over: Callable[[Wire], Any]) -> None:
        self.peer = ""
        self.told: tuple[str, int] | None = None
        self.early = b""
        self.full = False
        self.at_end = False
        self.gone = False
        self._opened = opened
        self._over = over
        self._holds: set[str] = set()
        self._waiting: list[asyncio.Future[None]] = []
        self._lost = False
        self._halves = True  # one side may end without the other
        self._socket: socket.socket | None = None
        self._closed: asyncio.Future[None] | None = None
        self.room: Callable[[], Any] | None = None

    # What the owner does.

    def write(self, data: bytes) -> None:
        """Send *data*; where the other side has gone, nothing happens."""
        if not self.gone:
            self.transport.write(data)

    async def drained(self) -> None:
        """Wait until the other side has taken most of what was written; raises OSError."""
        if self.full and not self.gone:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting
        if self.gone:
            raise ConnectionResetError("the other side has gone")

    def hold(self, reason: str) -> None:
        """Read no more until :meth:`flow` is called for the same *reason*."""
        if not self._holds and not self.gone:
            self.transport.pause_reading()
        self._holds.add(reason)

    def flow(self, reason: str) -> None:
        """*reason* to hold is no more."""
        if reason in self._holds:
            self._holds.discard(reason)
            if not self._holds and not self.gone:
                self.transport.resume_reading()

    @property
    def held(self) -> bool:
        """Whether the other side is kept from sending."""
        return bool(self._holds)

    def end(self) -> bool:
        """Say that nothing more will be written; False where only closing says so (TLS)."""
        if self.gone or self.transport.is_closing():
            return True
        if not self.transport.can_write_eof():
            return False
        with suppress(OSError):
            self.transport.write_eof()
        return True

    def close(self) -> None:
        """Close once everything written has left."""
        if not self.gone:
            self.transport.close()

    def abort(self) -> None:
        """Break off at once, by a reset: a mere end could mean that an answer is still wanted."""
        if self.gone:
            return
        self.gone = True
        if self._socket is not None:
            with suppress(OSError, ValueError):  # ValueError: uvloop has closed it already
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.transport.abort()
        self._wake()

    @property
    def unsent(self) -> int:
        """Bytes written that wait for the other side."""
        return 0 if self.gone else self.transport.get_write_buffer_size()

    async def closed(self) -> None:
        """Wait until the connection, closed or broken off, is no more."""
        if not self._lost:
            if self._closed is None:
                self._closed = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._closed)

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WINDOW)
        self._socket = transport.get_extra_info("socket")
        self._halves = transport.get_extra_info("sslcontext") is None
        name = transport.get_extra_info("peername")
        if self.told is not None and self.told[0]:
            self.peer = self.told[0]
        elif name:
            self.peer = name[0]
        self.owner = self._opened(self)

    def data_received(self, data: bytes) -> None:
        self.owner.received(data)

    def eof_received(self) -> bool:
        self.at_end = True
        self.owner.ended()
        return self._halves and not self.gone and not self.transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = self._lost = True
        self._holds.clear()
        self._wake()
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)
        self._over(self)
        self.owner.lost()

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        self._wake()
        if self.room is not None:
            self.room()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
