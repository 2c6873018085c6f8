"""Domains: a host, or anything below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from proxysim.errors import ScenarioError
from proxysim.messages import Request

__all__ = ["Domain"]


class Domain:
    """Matches the listed domains and all that lies below them, on the boundary of a label.

    Upper and lower case are one, a dot at the end is nothing, internationalised names stand as they
    are written. ``.example.com`` and ``*.example.com`` are taken as ``example.com``. An address
    matches only as a whole. O(labels of the host), however long the list; the last hosts are
    remembered.

    Source: Squid ``acl dstdomain``.
    """

    __slots__ = ("_listed", "_names")

    def __init__(self, domains: Iterable[str]) -> None:
        self._names = frozenset(map(_name, domains))
        self._listed: Callable[[str], bool] = lru_cache(4096)(self._look_up)

    def matches(self, request: Request, now: float) -> bool:
        return self._listed(request.host)

    def _look_up(self, host: str) -> bool:
        names = self._names
        host = host.lower().rstrip(".")
        if host in names:
            return True
        if host.rpartition(".")[2].isdigit() or ":" in host:
            return False
        dot = host.find(".")
        while dot >= 0:
            host = host[dot + 1 :]
            if host in names:
                return True
            dot = host.find(".")
        return False


def _name(written: str) -> str:
    name = written.strip().lower().removeprefix("*").removeprefix(".").rstrip(".")
    if not name or "/" in name or "*" in name or " " in name:
        raise ScenarioError(
            f"found {written!r} as a domain", mend="Give a host such as example.com."
        )
    return name.removeprefix("[").removesuffix("]") if name.startswith("[") else name
