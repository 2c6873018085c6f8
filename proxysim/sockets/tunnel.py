"""Bytes passed both ways between two wires, unread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from proxysim.proxies.effects import Closed
from proxysim.sockets.wire import Wire

if TYPE_CHECKING:
    from proxysim.sockets.client import Client

__all__ = ["Tunnel", "relayed"]


class Tunnel:
    """Passes on what comes, half-closed too, until both sides have ended or one has broken off.

    Neither side is read faster than the other takes it. ``heard`` counts what has come, so that
    whoever watches sees whether anything has.
    """

    def __init__(self, client: Wire, server: Wire) -> None:
        self.over: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()
        self._client = _End(self, "client", client, server)
        self._server = _End(self, "server", server, client)
        self._first = ""
        self._ended = 0
        self._client.take()
        self._server.take()

    @property
    def heard(self) -> int:
        """Bytes that have passed, both ways."""
        return self._client.moved + self._server.moved

    @property
    def down(self) -> int:
        """Bytes that have gone to the client."""
        return self._server.moved

    def finish(self, by: str) -> None:
        """It is over, and *by* whom."""
        if not self.over.done():
            self.over.set_result(Closed(self._client.moved, self._server.moved, by))

    def ended(self, end: _End) -> None:
        """*end* will bring nothing more."""
        self._first = self._first or end.name
        self._ended += 1
        if self._ended == 2 or not end.other.end():
            self.finish(self._first)


class _End:
    """One side of a tunnel: what comes by *wire* goes to *other*."""

    def __init__(self, tunnel: Tunnel, name: str, wire: Wire, other: Wire) -> None:
        self.name = name
        self.wire = wire
        self.other = other
        self.moved = 0
        self._tunnel = tunnel
        self._ended = False

    def take(self) -> None:
        """Become the wire's owner, and pass on what came too early."""
        self.wire.owner = self
        self.other.room = self._room
        early, self.wire.early = self.wire.early, b""
        if self.wire.gone:
            self.lost()
            return
        if early:
            self.received(early)
        for reason in ("greeting", "switch", "queue"):
            self.wire.flow(reason)
        if self.wire.at_end:
            self.ended()

    def received(self, data: bytes) -> None:
        self.moved += len(data)
        self.other.write(data)
        if self.other.full:
            self.wire.hold("tunnel")

    def ended(self) -> None:
        if not self._ended:
            self._ended = True
            self._tunnel.ended(self)

    def lost(self) -> None:
        self._tunnel.finish(self.name)

    def _room(self) -> None:
        self.wire.flow("tunnel")


async def relayed(client: Client, server: Wire, idle: float) -> Closed:
    """Pass bytes both ways until it is over, or nothing has come for *idle* seconds."""
    tunnel = Tunnel(client.wire, server)
    try:
        while True:
            heard = tunnel.heard
            await asyncio.wait([tunnel.over], timeout=idle)
            if tunnel.heard == heard:
                tunnel.finish("deadline")
            if tunnel.over.done():
                return tunnel.over.result()
    finally:
        client.relayed(tunnel.down)
        client.wire.close()
        server.close()
