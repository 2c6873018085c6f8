"""Methods: what a request wants done."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar

from proxysim.errors import ScenarioError
from proxysim.messages import Request

__all__ = ["Method"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


class Method:
    """Matches the listed methods; they are upper case on the wire, as any in a list.

    What goes through a tunnel has the method CONNECT, whatever is done inside. O(1).

    Source: Squid ``acl method``.
    """

    __slots__ = ("_methods",)

    in_tunnels: ClassVar[bool] = False

    def __init__(self, methods: Iterable[str]) -> None:
        listed = list(methods)
        for method in listed:
            if not _TOKEN.match(method):
                raise ScenarioError(
                    f"found {method!r} as a method", mend="Give one such as POST or CONNECT."
                )
        self._methods = frozenset(method.upper() for method in listed)

    def matches(self, request: Request, now: float) -> bool:
        return request.method in self._methods
