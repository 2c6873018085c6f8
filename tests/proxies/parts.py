"""What proxies are given at birth, at its plainest."""

from __future__ import annotations

from proxysim.messages import Request, Response

__all__ = ["AsIs", "Clock"]


class Clock:
    """Time passes when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class AsIs:
    """An identity that changes nothing, so that what goes in can be seen to come out."""

    def rewrite(self, request: Request) -> Request:
        return request

    def answer(self, response: Response) -> Response:
        return response
