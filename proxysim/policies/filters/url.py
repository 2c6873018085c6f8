"""URLs: the whole address of a request against patterns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
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
        self._found: list[Callable[[str], object]] = []
        for pattern in patterns:
            if not pattern:
                raise ScenarioError("found an empty url pattern", mend="Give one such as */ads/*.")
            if pattern.startswith("re:"):
                self._found.append(_compile(pattern).search)
            else:
                self._found.append(partial(_fits, *pattern.split("*")))

    def matches(self, request: Request, now: float) -> bool:
        if request.method == "CONNECT":
            return False
        host = canonical(request.host)
        url = request.url if host == request.host else replace(request, host=host).url
        return any(found(url) for found in self._found)


def _fits(*parts_and_url: str) -> bool:
    """Whether the URL, the last, has the parts before in order; no way back, so O(length)."""
    first, *others, url = parts_and_url
    if not others:
        return url == first
    *middle, last = others
    at, end = len(first), len(url) - len(last)
    if at > end or not url.startswith(first) or not url.endswith(last):
        return False
    for part in middle:
        at = url.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern.removeprefix("re:"))
    except re.error as error:
        raise ScenarioError(
            f"found {pattern!r} as a url pattern: {error}", mend="Mend the regular expression."
        ) from None
