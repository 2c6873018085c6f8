"""Reach: which addresses a proxy may connect to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from proxysim.errors import ScenarioError

__all__ = ["ANYWHERE", "LOOPBACK", "Allowed", "Anywhere", "Reach"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: IPv6 addresses that stand for an IPv4 address in their last 32 bits (RFC 6052).
_NAT64 = ip_network("64:ff9b::/96")


class Allowed:
    """What an operator allows: an address, a network, or a host by its name, at one port or all.

    Written ``10.1.2.3``, ``10.0.0.0/8``, ``10.1.2.3:8080``, ``[::1]:8080``, ``intranet.example``,
    ``intranet.example:8080``. Raises :class:`~proxysim.errors.ScenarioError` for anything else.
    """

    __slots__ = ("name", "network", "port")

    def __init__(self, text: str) -> None:
        host, port = _split(text)
        self.port = port
        self.network: Network | None = None
        self.name = ""
        try:
            self.network = ip_network(host, strict=False)
        except ValueError:
            if not host or "/" in host or not host.isascii() or ":" in host:
                raise ScenarioError(
                    f"found {text!r} to be allowed",
                    mend="Give an address, a network such as 10.0.0.0/8, or a host's name;"
                    " a port may follow.",
                ) from None
            self.name = host.lower()

    def covers(self, name: str, address: Address, port: int) -> bool:
        """Whether a connection to *address*, found as *name*, is allowed by this."""
        if self.port and port != self.port:
            return False
        return address in self.network if self.network is not None else name == self.name


class Reach:
    """Public addresses, and what is *allowed* beyond them; never the proxy's *own* listeners.

    An address that only wraps another (IPv4 in IPv6: mapped, 6to4, NAT64, Teredo) is taken for the
    one inside. It is the address dialled that is judged, not the name that led to it, so a name
    cannot be made to lead elsewhere afterwards. A listener of its own needs to be allowed by
    address and port; one that listens everywhere is found at every address of which *here* says
    that it is this machine's. O(len(allowed)) a new address; a judgement is remembered.

    Source: Squid's default rules (``to_localhost``, ``to_linklocal``); RFC 6890 for what is public.
    """

    def __init__(
        self,
        allowed: Iterable[Allowed] = (),
        own: Iterable[tuple[str, int]] = (),
        here: Callable[[str], bool] = lambda address: False,
    ) -> None:
        self.allowed = tuple(allowed)
        self.here = here
        self.own: set[tuple[str, int]] = set(own)
        self._known = lru_cache(maxsize=4096)(self._judged)

    def permits(self, address: str, port: int, name: str = "") -> bool:
        """Whether *address* and *port* may be dialled; *name* is how it was found."""
        return self._known(address, port, name)

    def owns(self, host: str, port: int) -> None:
        """The proxy listens on *host* and *port*."""
        self.own.add((host, port))
        self._known.cache_clear()

    def _judged(self, text: str, port: int, name: str) -> bool:
        try:
            address = _inside(ip_address(text.partition("%")[0]))
        except ValueError:
            return False
        if self._is_own(address, port):
            return any(a.port == port and a.covers(name, address, port) for a in self.allowed)
        if address.is_global and not address.is_multicast:
            return True
        return any(allowed.covers(name, address, port) for allowed in self.allowed)

    def _is_own(self, address: Address, port: int) -> bool:
        for host, listened in self.own:
            if listened != port:
                continue
            listener = ip_address(host)
            if listener == address or address.is_unspecified:
                return True
            # What is not public may be this machine's without its knowing, behind a translation.
            if listener.is_unspecified and (not address.is_global or self.here(str(address))):
                return True
        return False


class Anywhere:
    """No bounds: for a proxy whose backends were named by whoever set it up."""

    def permits(self, address: str, port: int, name: str = "") -> bool:
        """Yes."""
        return True


ANYWHERE = Anywhere()


class _Loopback:
    """This machine only: for tests and experiments."""

    def permits(self, address: str, port: int, name: str = "") -> bool:
        """Whether *address* is of 127.0.0.0/8 or ::1."""
        return ip_address(address).is_loopback


LOOPBACK = _Loopback()


def _inside(address: Address) -> Address:
    """The address that *address* leads to."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _split(text: str) -> tuple[str, int]:
    """Host and port (0: none) of *text*."""
    host, colon, port = text.strip().rpartition(":")
    if text.startswith("["):
        inner, bracket, rest = text[1:].partition("]")
        if bracket and (not rest or (rest[0] == ":" and _is_port(rest[1:]))):
            return inner, int(rest[1:] or 0)
    elif colon and ":" not in host and _is_port(port):
        return host, int(port)
    return text.strip(), 0


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text) <= 65535
