"""Bodies in simulated time: nothing but a length, and whether all of it is here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Body", "whole"]

Call = Callable[[], None]


class Body:
    """A body in simulated time: how long it is, who made it, and whether all of it is here."""

    __slots__ = (
        "_followers",
        "broken",
        "complete",
        "length",
        "origin",
        "replayable",
        "text",
    )

    def __init__(
        self, length: int, origin: int, complete: bool = False, text: bool = False
    ) -> None:
        self.length = length
        self.origin = origin  # the code of the node that made or kept it
        self.complete = complete
        self.text = text
        self.replayable = True
        self.broken = False
        self._followers: list[tuple[Call, Call]] | None = None

    def follow(self, complete: Call, broken: Call) -> None:
        """Call *complete* when the last byte is here, *broken* if the rest will never come.

        What is known already is said at once.
        """
        if self.complete:
            complete()
        elif self.broken:
            broken()
        elif self._followers is None:
            self._followers = [(complete, broken)]
        else:
            self._followers.append((complete, broken))

    def when_complete(self, call: Call) -> None:
        """Call *call* when the last byte is here; at once if it is."""
        self.follow(call, _nothing)

    def when_broken(self, call: Call) -> None:
        """Call *call* if the rest will never come."""
        self.follow(_nothing, call)

    def finish(self, _: Any = None) -> None:
        """The last byte is here."""
        if self.broken:
            return
        self.complete = True
        followers, self._followers = self._followers, None
        if followers is not None:
            for complete, _ in followers:
                complete()

    def break_off(self) -> None:
        """The rest will never come: who sends it stops, who waits for it is told."""
        if self.complete or self.broken:
            return
        self.broken = True
        self.stop()
        followers, self._followers = self._followers, None
        for _, broken in followers or ():
            broken()

    def stop(self) -> None:
        """Let nothing more of it come; what is not on its way needs no stopping."""


def _nothing() -> None:
    """What a follower does that wants to hear of the other end only."""


def whole(length: int, origin: int, text: bool = False) -> Body:
    """A body of which all is here. Arguments in their places: by name they take twice as long."""
    return Body(length, origin, True, text)
