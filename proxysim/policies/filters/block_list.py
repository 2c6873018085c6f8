"""Block lists as they are published: hosts files, lists of domains, plain rules of ad blockers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from proxysim.policies.filters.names import Names
from proxysim.policies.hosts import canonical, is_address

__all__ = ["BlockList", "read_list"]

_SHOWN = 5
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*{_LABEL}\Z")
_SINKS = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})
#: What hosts files say of the machine that they are installed on.
_OWN = frozenset(
    {
        "0.0.0.0",
        "broadcasthost",
        "ip6-allhosts",
        "ip6-allnodes",
        "ip6-allrouters",
        "ip6-localhost",
        "ip6-localnet",
        "ip6-loopback",
        "ip6-mcastprefix",
        "local",
        "localhost",
        "localhost.localdomain",
    }
)


@dataclass(frozen=True, slots=True)
class BlockList:
    """The *names* of a list; how many of its lines could not be read, and the first of those."""

    names: Names
    bad: int = 0
    examples: tuple[tuple[int, str], ...] = ()


def read_list(lines: Iterable[str]) -> BlockList:
    """The list that *lines* hold, in any of the formats, line by line.

    ``0.0.0.0 ads.example`` (any address, then hosts) names those hosts alone, but for what such
    files say of their own machine. ``ads.example``, ``*.ads.example``, ``.ads.example`` and
    ``||ads.example^`` name a domain and all below it. What follows a ``#`` at the beginning or
    after a space is a comment, as are lines that begin with ``!`` or ``[``. Lines that are none of
    these are left out and counted; an ad blocker's exceptions, options and patterns are among them.

    O(length).
    """
    below: set[str] = set()
    alone: set[str] = set()
    bad: list[tuple[int, str]] = []
    count = 0
    host_like = _HOST.match
    for number, line in enumerate(lines, 1):
        entry = (line if "#" not in line else _uncommented(line)).strip()
        if not entry or entry[0] in "![":
            continue
        address, *hosts = entry.split()
        if not hosts:
            name = address if host_like(address) else _domain(address)
            if name is not None:
                name = canonical(name)
                (alone if is_address(name) else below).add(name)
                continue
        elif address in _SINKS or _is_ip(address):
            found = [canonical(host) if host_like(host) else _name(host) for host in hosts]
            if None not in found:
                alone.update(name for name in found if name and name not in _OWN)
                continue
        count += 1
        if count <= _SHOWN:
            bad.append((number, line.strip()))
    return BlockList(Names(below, alone), count, tuple(bad))


def _uncommented(line: str) -> str:
    at = line.find("#")
    while at > 0 and not line[at - 1].isspace():
        at = line.find("#", at + 1)
    return line if at < 0 else line[:at]


def _domain(entry: str) -> str | None:
    if entry.startswith("||") and entry.endswith("^"):
        return _name(entry[2:-1])
    return _name(entry.removeprefix("*").removeprefix("."))


def _name(written: str) -> str | None:
    """A name that is not written in its canonical form; None where it is none."""
    name = canonical(written)
    return name if _HOST.match(name) or _is_ip(name) else None


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
