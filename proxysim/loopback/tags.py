"""The field that follows a request through a live run: which one it is, and what chance gave it.

``Proxysim-Request: 17 0.7312 1`` is request 17, its uniform number for servers, and the attempt of
whoever sent it last. A request of a log has the status and size that the log tells behind that, a
probe the seconds that it takes a server, or -1 where it takes what a request does.
"""

from __future__ import annotations

from typing import NamedTuple

from proxysim.messages import Headers
from proxysim.workload.draws import Draw, Recorded

__all__ = ["FIELD", "Tag", "tag_of", "tagged"]

FIELD = "proxysim-request"


class Tag(NamedTuple):
    """What the field says. ``demand`` in seconds is a probe's, ``recorded`` a log's."""

    id: int
    u: float
    attempt: int = 1
    recorded: Recorded | None = None
    demand: float | None = None

    @property
    def text(self) -> str:
        """The field's value; numbers are written so that they are read back the same."""
        text = f"{self.id} {self.u!r} {self.attempt}"
        if self.recorded is not None:
            return f"{text} {self.recorded.status} {self.recorded.size}"
        if self.demand is not None:
            return f"{text} {self.demand!r}"
        return text

    @classmethod
    def of(cls, draw: Draw) -> Tag:
        """The tag of a client's request."""
        return cls(draw.id, draw.u, 1, draw.recorded)


def tag_of(headers: Headers) -> Tag | None:
    """The tag among *headers*; None where there is none that can be read."""
    words = headers.get(FIELD).split(" ")
    try:
        tag = Tag(int(words[0]), float(words[1]), int(words[2]))
        if len(words) == 5:
            return tag._replace(recorded=Recorded(int(words[3]), int(words[4])))
        if len(words) == 4:
            return tag._replace(demand=float(words[3]))
    except (ValueError, IndexError):
        return None
    return tag


def tagged(headers: Headers, tag: Tag) -> Headers:
    """*headers* with *tag*."""
    return headers.set(FIELD, tag.text)
