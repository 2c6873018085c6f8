"""Sizes: how much an answer brings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar

from proxysim import units
from proxysim.errors import ScenarioError
from proxysim.messages import Response

__all__ = ["Size"]

_COMPLETE = re.compile(r"bytes [^/]*/(\d{1,18})\Z", re.ASCII)
_LENGTH = re.compile(r"\d{1,18}\Z", re.ASCII)


class Size:
    """Matches answers larger than the size given, by what their heads say.

    Of a part (206) the whole counts, or it could be had in parts. An answer that does not give its
    length beforehand does not match. O(1).

    Source: Squid ``reply_body_max_size``.
    """

    __slots__ = ("limit",)

    in_tunnels: ClassVar[bool] = False

    def __init__(self, sizes: Iterable[str]) -> None:
        self.limit, *others = (units.size(written) for written in sizes)
        if others:
            raise ScenarioError("found several sizes", mend="Give the least one.")

    def holds(self, response: Response) -> bool:
        fields = response.headers.fields
        whole = _COMPLETE.match(fields.get("content-range", "").strip())
        length = _LENGTH.match(fields.get("content-length", "").strip())
        return (int(whole[1]) if whole else int(length[0]) if length else 0) > self.limit
