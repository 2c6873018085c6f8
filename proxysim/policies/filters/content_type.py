"""Content types: what kind of thing an answer holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import ClassVar

from proxysim.errors import ScenarioError
from proxysim.messages import Response

__all__ = ["ContentType"]

_TOKEN = r"[!#$%&'+.^_`|~0-9a-z-]+"
_RANGE = re.compile(rf"{_TOKEN}/(?:\*|{_TOKEN})\Z")


class ContentType:
    """Matches answers of the listed types: ``video/mp4``, or ``video/*`` for all of a kind.

    Upper and lower case are one, parameters such as a charset are left aside. What does not say
    what it is does not match. O(1) for one of the last types seen.

    Source: Squid ``acl rep_mime_type``; RFC 9110, sections 8.3.1 and 12.5.1.
    """

    __slots__ = ("_listed",)

    in_tunnels: ClassVar[bool] = False

    def __init__(self, types: Iterable[str]) -> None:
        listed = frozenset(map(_type, types))

        @lru_cache(256)
        def among(field: str) -> bool:
            found = field.partition(";")[0].strip().lower()
            return found in listed or f"{found.partition('/')[0]}/*" in listed

        self._listed = among

    def holds(self, response: Response) -> bool:
        field = response.headers.fields.get("content-type")
        return field is not None and self._listed(field)


def _type(written: str) -> str:
    found = written.strip().lower()
    if not _RANGE.match(found):
        raise ScenarioError(
            f"found {written!r} as a content type", mend="Give one such as video/mp4 or video/*."
        )
    return found
