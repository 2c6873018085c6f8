"""What a condition of a filter rule is."""

from __future__ import annotations

from typing import Protocol

from proxysim.messages import Request

__all__ = ["Condition"]


class Condition(Protocol):
    """Says whether a request is of a kind. *now* is the proxy's clock, for schedules.

    Of a tunnel (CONNECT) only host and port are visible: what looks at anything else of it does
    not match.
    """

    def matches(self, request: Request, now: float) -> bool: ...
