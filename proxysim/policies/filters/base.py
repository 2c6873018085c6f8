"""What a condition of a filter rule is."""

from __future__ import annotations

from typing import ClassVar, Protocol

from proxysim.messages import Request, Response

__all__ = ["AnswerCondition", "Condition"]


class Condition(Protocol):
    """Says whether a request is of a kind. *now* is the proxy's clock, for schedules.

    Of a tunnel (CONNECT) only host, port and whoever asks are visible: what looks at anything else
    of a request does not match one, and says so by ``in_tunnels``.
    """

    in_tunnels: ClassVar[bool]

    def matches(self, request: Request, now: float) -> bool: ...


class AnswerCondition(Protocol):
    """Says by its head whether an answer is of a kind. Answers in a tunnel are not visible."""

    in_tunnels: ClassVar[bool]

    def holds(self, response: Response) -> bool: ...
