"""Ports: at which door of a host a request knocks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar

from proxysim.errors import ScenarioError
from proxysim.messages import Request

__all__ = ["Port"]

_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?\Z", re.ASCII)
_LAST = 65535


class Port:
    """Matches the listed ports and ranges of ports: ``443``, ``8000-8100``.

    O(1).

    Source: Squid ``acl port``.
    """

    __slots__ = ("_listed",)

    in_tunnels: ClassVar[bool] = True

    def __init__(self, ports: Iterable[str]) -> None:
        self._listed = frozenset(port for written in ports for port in _range(written))

    def matches(self, request: Request, now: float) -> bool:
        return request.port in self._listed


def _range(written: str) -> range:
    found = _RANGE.match(written.strip())
    first = int(found[1]) if found else 0
    last = int(found[2] or first) if found else 0
    if not 1 <= first <= last <= _LAST:
        raise ScenarioError(
            f"found {written!r} as a port", mend="Give a port such as 443, or a range: 8000-8100."
        )
    return range(first, last + 1)
