"""Connections to others: names resolved, the addresses judged, the first that answers taken."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, Protocol

from proxysim.messages import Failure
from proxysim.policies.reach import LOOPBACK
from proxysim.sockets.wire import Owner, Wire

__all__ = ["Address", "Bounds", "Dialler", "is_here"]

logger = logging.getLogger("proxysim.sockets")

Address = tuple[str, int]


class Bounds(Protocol):
    """Which addresses may be dialled."""

    def permits(self, address: str, port: int, name: str = "") -> bool: ...


class Dialler:
    """Opens connections.

    *names* gives the addresses of hosts, as ``"news.example"`` or ``"news.example:8080"``; others
    are resolved. *bounds* judge every address before it is dialled. ``opened`` counts connections.
    """

    def __init__(
        self, names: Mapping[str, Address] | None = None, bounds: Bounds = LOOPBACK
    ) -> None:
        self.opened = 0
        self.wires: set[Wire] = set()
        self.bounds = bounds
        self._names = dict(names or {})

    def found(self, host: str, port: int) -> Address:
        """Where *host* and *port* are to be found."""
        return self._names.get(f"{host}:{port}") or self._names.get(host) or (host, port)

    async def dial(
        self,
        host: str,
        port: int,
        deadline: float | None,
        opened: Callable[[Wire], Owner],
        tls: ssl.SSLContext | None = None,
        server_name: str = "",
    ) -> Wire | Failure:
        """A connection to *host*, over TLS with *tls*, whose owner *opened* makes.

        It fails as ``unresolved``, ``denied``, ``refused``, ``timeout`` or ``tls``. Each address of
        a name is tried in turn, all within *deadline* seconds.
        """
        try:
            async with asyncio.timeout(deadline):
                name, port = self.found(host, port)
                addresses = await _resolve(name, port)
                if not addresses:
                    logger.warning("%s: the name does not resolve", name)
                    return Failure("unresolved")
                permitted = [
                    address for address in addresses if self.bounds.permits(address, port, host)
                ]
                if not permitted:
                    logger.warning("%s:%d: %s is not allowed", host, port, ", ".join(addresses))
                    return Failure("denied")
                return await self._first(permitted, port, opened, tls, server_name)
        except TimeoutError:
            logger.warning("%s:%d: no connection within %g s", host, port, deadline or 0.0)
            return Failure("timeout")

    async def _first(
        self,
        addresses: list[str],
        port: int,
        opened: Callable[[Wire], Owner],
        tls: ssl.SSLContext | None,
        server_name: str,
    ) -> Wire | Failure:
        loop = asyncio.get_running_loop()
        failure = Failure("refused")
        for address in addresses:
            options: dict[str, Any] = {}
            if tls is not None:
                options = {"ssl": tls, "server_hostname": server_name}
            try:
                _, wire = await loop.create_connection(
                    lambda: Wire(opened, self.wires.discard), address, port, **options
                )
            except (ssl.SSLError, ssl.CertificateError) as error:
                logger.warning("%s:%d: TLS failed: %s", address, port, error)
                failure = Failure("tls")
            except OSError as error:
                logger.warning("%s:%d: %s", address, port, error.strerror or error)
            else:
                self.opened += 1
                if not wire.gone:
                    self.wires.add(wire)
                return wire
        return failure

    async def close(self) -> None:
        """Break off every connection, and wait until they are gone."""
        for wire in tuple(self.wires):
            wire.abort()
            await wire.closed()


def is_here(address: str) -> bool:
    """Whether *address* is one of this machine's own: whoever else has it, it cannot be bound."""
    try:
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except (OSError, ValueError):
        return False
    return True


async def _resolve(name: str, port: int) -> list[str]:
    """The addresses of *name*, the best first; empty where it has none."""
    if name == "localhost":
        return ["127.0.0.1", "::1"]
    try:
        return [str(ip_address(name))]
    except ValueError:
        pass
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
