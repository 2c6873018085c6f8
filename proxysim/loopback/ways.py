"""The ways of a process's connections: from which address, to which, and over which links."""

from __future__ import annotations

import asyncio
import socket
import ssl
from asyncio import sslproto
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from proxysim.loopback.alarm import Alarm
from proxysim.loopback.crossing import Crossing, Leg, latency_of
from proxysim.messages import Failure
from proxysim.sockets.wire import Wire
from proxysim.topology import Network
from proxysim.topology.directions import SYN_RETRANSMISSION, Directions
from proxysim.workload.numbers import HANDSHAKE
from proxysim.workload.streams import Chance

__all__ = ["Place", "Told", "Ways", "end_of", "secured"]

Place = tuple[str, int]
#: Is told of a step, ``connect`` or ``tls``, the moment at which it began, and the port it is from.
Told = Callable[[str, float, int], Any]
#: Of Linux: the port is chosen at connecting, so that an address has as many as it has peers.
IP_BIND_ADDRESS_NO_PORT = 24


class Ways:
    """Opens connections as the scenario's network has them.

    *places* says where each member listens. ``carried`` counts the bytes on each direction of a
    wire.
    """

    def __init__(self, alarm: Alarm, network: Network, seed: int, replication: int) -> None:
        self.alarm = alarm
        self.network = network
        self.places: Mapping[str, Place] = {}
        self.carried: Counter[str] = Counter()
        self.opened: Counter[str] = Counter()
        self.crossings: WeakKeyDictionary[Wire, Crossing] = WeakKeyDictionary()
        self.troubled: set[str] = set()  # wires that events will change
        self.directions = Directions(
            alarm, network, lambda name: Chance(seed, f"{name}/chance", replication)
        )
        self._ways: dict[tuple[str, str, int], tuple[tuple[Leg, ...], tuple[Leg, ...]]] = {}

    def way(self, a: str, b: str, member: int) -> tuple[tuple[Leg, ...], tuple[Leg, ...]]:
        """The legs from *a* to *b* and back, for the client's number *member* (0: none)."""
        found = self._ways.get((a, b, member))
        if found is None:
            there, back = (
                tuple((self.directions[hop], member) for hop in self.network.route(*ends))
                for ends in ((a, b), (b, a))
            )
            found = self._ways[a, b, member] = (there, back)
        return found

    async def dial(
        self,
        wire: Wire,
        a: str,
        b: str,
        *,
        member: int = 0,
        source: str = "",
        request: int = 0,
        tls: ssl.SSLContext | None = None,
        server_name: str = "",
        told: Told | None = None,
    ) -> Failure | None:
        """Connect *wire* from *a* to *b*, from the address *source*, over TLS with *tls*.

        *told* hears of each step at its end.
        """
        loop = asyncio.get_running_loop()
        began = self.alarm.time
        up, down = self.way(a, b, member)
        there, back = latency_of(up), latency_of(down)
        if any(direction.jitter or direction.loss for direction, _ in up):
            there += sum(
                direction.chance_delay(request, HANDSHAKE, SYN_RETRANSMISSION)
                for direction, _ in up
            )
        if there:
            await self._pause(there)
        connection = _socket(source)
        refused = False
        try:
            try:
                await loop.sock_connect(connection, self.places[b])
            except OSError:
                refused = True
            if back:
                await self._pause(back)
        except BaseException:
            connection.close()
            raise
        if refused:
            connection.close()
            return Failure("refused")
        self.opened[a] += 1
        port: int = connection.getsockname()[1]
        if told is not None:
            told("connect", began, port)
        began = self.alarm.time
        if not self._imposes(up) and not self._imposes(down):
            options: dict[str, Any] = {}
            if tls is not None:
                options = {"ssl": tls, "server_hostname": server_name}
            try:
                await loop.create_connection(lambda: wire, sock=connection, **options)
            except (ssl.SSLError, ssl.CertificateError):
                return Failure("tls")
            except OSError:
                return Failure("reset")
            if tls is not None and told is not None:
                told("tls", began, port)
            return None
        crossing = self.crossings[wire] = Crossing(self.alarm, up, down, self.carried, wire)
        await loop.create_connection(lambda: crossing.near, sock=connection)
        if tls is None:
            crossing.begin()
            return None
        failure = await secured(crossing, wire, tls, server_name)
        if failure is None and told is not None:
            told("tls", began, port)
        return failure

    async def _pause(self, seconds: float) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = self.alarm.after(seconds, _resolve, waiting)
        try:
            await waiting
        finally:
            self.alarm.cancel(entry)

    def _imposes(self, legs: tuple[Leg, ...]) -> bool:
        return any(
            direction.name in self.troubled
            or direction.latency
            or direction.bandwidth
            or direction.jitter
            or direction.loss
            for direction, _ in legs
        )


def end_of(wire: Wire, name: str = "peername") -> Place:
    """Address and port of the other end of *wire*, or of its own (``sockname``), if any."""
    found = wire.transport.get_extra_info(name)
    return (found[0], found[1]) if found else ("", 0)


async def secured(
    transport: asyncio.Transport,
    protocol: asyncio.Protocol,
    tls: ssl.SSLContext,
    server_name: str,
) -> Failure | None:
    """Begin TLS on *transport*, which is open, and make *protocol* its owner."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    layer = _Layer(loop, protocol, tls, ready, server_side=False, server_hostname=server_name)
    transport.set_protocol(layer)
    layer.connection_made(transport)
    try:
        await ready
    except (ssl.SSLError, ssl.CertificateError):
        transport.abort()
        return Failure("tls")
    except OSError:
        transport.abort()
        return Failure("reset")
    except BaseException:
        transport.abort()
        raise
    return None


class _Layer(sslproto.SSLProtocol):
    """TLS over any transport; there may be thousands, and each has a buffer of that many bytes."""

    max_size = 32 * 1024


def _socket(source: str) -> socket.socket:
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if source:
        connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        connection.bind((source, 0))
    return connection


def _resolve(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
