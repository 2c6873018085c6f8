"""The PROXY protocol, version 1: a line before everything else that tells who the client is."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from ipaddress import ip_address
from typing import Any

from proxysim.sockets.wire import Wire

__all__ = ["Listener", "read_line"]

#: The longest line there can be, its end with it.
LONGEST = 107


def read_line(data: bytes) -> tuple[str, int] | None:
    """The client's address and port in *data*, which begins with the line; "" where it tells none.

    None while the line is not whole; ValueError where it is none.

    Source: The PROXY protocol, versions 1 & 2 (Willy Tarreau, HAProxy), section 2.1.
    """
    line, end, _ = data[:LONGEST].partition(b"\r\n")
    if not end:
        if len(data) >= LONGEST or not b"PROXY ".startswith(data[:6]):
            raise ValueError("no PROXY line")
        return None
    words = line.decode("ascii").split(" ")
    if words[:2] == ["PROXY", "UNKNOWN"]:
        return "", 0
    if len(words) != 6 or words[0] != "PROXY" or words[1] not in ("TCP4", "TCP6"):
        raise ValueError("no PROXY line")
    client, server = ip_address(words[2]), ip_address(words[3])
    if not client.version == server.version == int(words[1][3]):
        raise ValueError("addresses of another family")
    ports = [int(word) for word in words[4:] if word.isascii() and word.isdigit()]
    if len(ports) != 2 or max(ports) > 65535:
        raise ValueError("no ports")
    return str(client), ports[0]


class Listener:
    """Listens on *host* and *port* for connections that begin with that line.

    The line is looked at before anything is made of the connection, so TLS may follow it. One that
    does not come within *seconds*, or is none, ends the connection.
    """

    def __init__(
        self, made: Callable[[], Wire], tls: ssl.SSLContext | None, seconds: float
    ) -> None:
        self._made = made
        self._tls = tls
        self._seconds = seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self.sockets: list[socket.socket] = []

    def listen(self, host: str, port: int) -> None:
        """Begin. Raises OSError."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=1024)
        listening.setblocking(False)
        self.sockets.append(listening)
        self._begin(self._accept(listening))

    def close(self) -> None:
        """Accept nobody any more."""
        for task in tuple(self._tasks):
            task.cancel()
        for listening in self.sockets:
            listening.close()

    def _begin(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(0.1)  # no descriptors are left, for one
                continue
            self._begin(self._receive(accepted))

    async def _receive(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        accepted.setblocking(False)
        wire = self._made()
        try:
            async with asyncio.timeout(self._seconds):
                wire.told = await _peeked(accepted)
                await loop.connect_accepted_socket(lambda: wire, accepted, ssl=self._tls)
        except (OSError, ValueError):
            accepted.close()
        except asyncio.CancelledError:
            accepted.close()
            raise


async def _peeked(accepted: socket.socket) -> tuple[str, int]:
    """Take the line, and nothing more, off *accepted*."""
    loop = asyncio.get_running_loop()
    while True:
        readable = asyncio.Event()
        loop.add_reader(accepted, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(accepted)
        data = accepted.recv(LONGEST, socket.MSG_PEEK)
        if not data:
            raise ValueError("it has gone")
        found = read_line(data)
        if found is not None:
            accepted.recv(data.index(b"\r\n") + 2)
            return found
        await asyncio.sleep(0.005)  # what was looked at stays readable
