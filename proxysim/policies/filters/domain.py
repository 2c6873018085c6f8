"""Domains: a host, or anything below it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import ClassVar

from proxysim.errors import ScenarioError
from proxysim.messages import Request
from proxysim.policies.filters.names import Names
from proxysim.policies.hosts import canonical

__all__ = ["Domain"]


class Domain:
    """Matches the listed domains and all that lies below them, on the boundary of a label.

    Spellings of one host are one: upper and lower case, a dot at the end, an internationalised name
    and its punycode, the forms of an address. ``.example.com`` and ``*.example.com`` are taken as
    ``example.com``. An address matches only as a whole. O(labels of the host), however long the
    list; O(1) for the last hosts.

    Source: Squid ``acl dstdomain``.
    """

    __slots__ = ("_among",)

    in_tunnels: ClassVar[bool] = True

    def __init__(self, domains: Iterable[str]) -> None:
        names = Names(frozenset(map(_name, domains)))
        self._among = lru_cache(4096)(lambda host: names.cover(canonical(host)))

    def matches(self, request: Request, now: float) -> bool:
        return self._among(request.host)


def _name(written: str) -> str:
    name = written.strip().removeprefix("*").removeprefix(".").rstrip(".")
    if not name or set(name) & set("/* @"):
        raise ScenarioError(
            f"found {written!r} as a domain", mend="Give a host such as example.com."
        )
    return canonical(name)
