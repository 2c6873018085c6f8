"""Clients: whose address a request comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import ClassVar

from proxysim.errors import ScenarioError
from proxysim.messages import Request
from proxysim.policies.hosts import canonical

__all__ = ["Client", "network"]

_REMEMBERED = 16384


class Client:
    """Matches requests that come from the listed addresses, networks or groups of clients.

    An address stands alone (``10.0.0.7``) or for its network (``10.0.0.0/8``, ``fd00::/8``); a
    group is a node of the scenario, or one member of it (``staff``, ``staff-3``), whose networks
    are what *addresses* says of anything written. It is the other
    end of the connection that counts: behind a further proxy all look like that proxy.

    O(networks listed), O(1) for one of the last 16384 addresses.

    Source: Squid ``acl src``; RFC 4632 (CIDR).
    """

    __slots__ = ("_listed",)

    in_tunnels: ClassVar[bool] = True

    def __init__(
        self, clients: Iterable[str], addresses: Callable[[str], Iterable[str]] | None = None
    ) -> None:
        networks = [
            found
            for written in clients
            for text in (addresses(written.strip()) if addresses else [written.strip()])
            for found in [network(text)]
        ]

        @lru_cache(_REMEMBERED)
        def listed(peer: str) -> bool:
            try:
                address = ip_address(canonical(peer))
            except ValueError:
                return False
            return any(address in found for found in networks)

        self._listed = listed

    def matches(self, request: Request, now: float) -> bool:
        return self._listed(request.peer)


def network(written: str) -> IPv4Network | IPv6Network:
    """The network of ``10.0.0.0/8``, or of one address. Raises ScenarioError."""
    try:
        return ip_network(written)
    except ValueError:
        pass
    try:
        meant = f" {ip_network(written, strict=False)} is the network that it lies in."
    except ValueError:
        meant = ""
    raise ScenarioError(
        f"found {written!r} as an address",
        mend=f"Give one such as 10.0.0.7, or a network: 10.0.0.0/8.{meant}",
    )
