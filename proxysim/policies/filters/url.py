"""URLs: the whole address of a request against patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from proxysim.errors import ScenarioError
from proxysim.messages import Request
from proxysim.policies.hosts import canonical

__all__ = ["Url"]


class Url:
    """Matches where the whole URL fits one of the patterns.

    In a plain pattern ``*`` stands for anything and every other character for itself, and it must
    cover the URL from end to end. After ``re:`` stands a regular expression that may be found
    anywhere. Hosts are compared as by ``domain``, in small letters. The URL of what goes through a
    tunnel is not visible: CONNECT never matches, so a rule for ``https://host/*`` only works where
    the proxy ends the TLS. O(length of the URL) a pattern.

    Source: Squid ``acl url_regex``.
    """

    __slots__ = ("_found",)

    in_tunnels: ClassVar[bool] = False

    def __init__(self, patterns: Iterable[str]) -> None:
        globs: list[str] = []
        self._found = []
        for pattern in patterns:
            if pattern.startswith("re:"):
                self._found.append(_compile(pattern).search)
            elif pattern:
                globs.append(".*".join(re.escape(part) for part in pattern.split("*")))
            else:
                raise ScenarioError("found an empty url pattern", mend="Give one such as */ads/*.")
        if globs:
            self._found.append(re.compile("|".join(globs), re.DOTALL).fullmatch)

    def matches(self, request: Request, now: float) -> bool:
        if request.method == "CONNECT":
            return False
        host = canonical(request.host)
        url = request.url if host == request.host else replace(request, host=host).url
        return any(found(url) for found in self._found)


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern.removeprefix("re:"))
    except re.error as error:
        raise ScenarioError(
            f"found {pattern!r} as a url pattern: {error}", mend="Mend the regular expression."
        ) from None
