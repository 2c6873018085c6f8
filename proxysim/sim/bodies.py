"""Bodies in simulated time: nothing but a length, and whether all of it is here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Body", "whole"]

Call = Callable[[Any], Any]


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
        self._followers: list[tuple[Call, Call, Any]] | None = None

    def follow(self, complete: Call, broken: Call, carries: Any = None) -> None:
        """Call *complete* when the last byte is here, *broken* if the rest will never come.

        Either is handed what it *carries*. What is known already is said at once.
        """
        if self.complete:
            complete(carries)
        elif self.broken:
            broken(carries)
        elif self._followers is None:
            self._followers = [(complete, broken, carries)]
        else:
            self._followers.append((complete, broken, carries))

    def when_complete(self, call: Call, carries: Any = None) -> None:
        """Call *call* with *carries* when the last byte is here; at once if it is."""
        self.follow(call, _nothing, carries)

    def when_broken(self, call: Call, carries: Any = None) -> None:
        """Call *call* with *carries* if the rest will never come."""
        self.follow(_nothing, call, carries)

    def finish(self, _: Any = None) -> None:
        """The last byte is here."""
        if self.broken:
            return
        self.complete = True
        followers, self._followers = self._followers, None
        if followers is not None:
            for complete, _, carries in followers:
                complete(carries)

    def break_off(self, _: Any = None) -> None:
        """The rest will never come: who sends it stops, who waits for it is told."""
        if self.complete or self.broken:
            return
        self.broken = True
        self.stop()
        followers, self._followers = self._followers, None
        for _, broken, carries in followers or ():
            broken(carries)

    def stop(self) -> None:
        """Let nothing more of it come; what is not on its way needs no stopping."""


def _nothing(_: Any) -> None:
    """What a follower does that wants to hear of the other end only."""


def whole(length: int, origin: int, text: bool = False) -> Body:
    """A body of which all is here. Arguments in their places: by name they take twice as long."""
    return Body(length, origin, True, text)
