"""Hosts: one way of writing each, so that two spellings of a name cannot pass for two names."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv6Address

__all__ = ["canonical", "is_address"]


def canonical(host: str) -> str:
    """*host* as every comparison takes it; what is no host comes back in small letters.

    Names in small letters, without the dot at the end, internationalised ones in punycode. IPv4 in
    four decimal numbers, whichever of the old forms it is written in (``127.1``, ``0x7f000001``),
    for clients and resolvers take all of them. IPv6 without brackets and zone, shortened; one that
    only wraps an IPv4 address is that address. O(length).

    Source: WHATWG URL, section 3.5 (host parsing); RFC 5952; RFC 3490 (IDNA 2003, without the
    exceptions that browsers make for ß and ς).
    """
    host = host.lower().rstrip(".")
    if host.isascii() and host[host.rfind(".") + 1 :].isalpha():
        return host
    if ":" in host:
        return _ipv6(host)
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii").lower().rstrip(".")
        except UnicodeError:
            return host
    return _ipv4(host) or host


def is_address(host: str) -> bool:
    """Whether a *canonical* host is an IP address rather than a name."""
    return ":" in host or host[host.rfind(".") + 1 :].isdecimal()


def _ipv6(host: str) -> str:
    text = host.removeprefix("[").removesuffix("]").partition("%")[0]
    try:
        address = IPv6Address(text)
    except AddressValueError:
        return host
    return str(address.ipv4_mapped or address)


def _ipv4(host: str) -> str | None:
    """The address that up to four numbers stand for, the last of which fills what is left."""
    numbers = [_number(part) for part in host.split(".")]
    if len(numbers) > 4 or None in numbers:
        return None
    *first, last = (number for number in numbers if number is not None)
    if any(number > 255 for number in first) or last >= 256 ** (4 - len(first)):
        return None
    return str(IPv4Address(last + sum(n << 8 * (3 - place) for place, n in enumerate(first))))


def _number(part: str) -> int | None:
    base = 16 if part.startswith("0x") else 8 if len(part) > 1 and part[0] == "0" else 10
    digits = part[2:] if base == 16 else part
    try:
        return int(digits or "0", base) if part and "_" not in part else None
    except ValueError:
        return None
