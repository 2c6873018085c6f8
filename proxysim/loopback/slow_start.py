"""TCP finding its speed on a link that is only imposed: a window that acknowledgements widen."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf

from proxysim.loopback.alarm import Alarm

__all__ = ["SEGMENT", "Window"]

SEGMENT = 1460
#: Bytes that may be under way at first (RFC 6928).
INITIAL = 10 * SEGMENT


class Window:
    """Lets pieces *enter* a course, no more of them at a time than have room in it.

    What has been *delivered* is acknowledged *back* seconds later, and widens the window by its
    size: it doubles in each round trip. An idle connection keeps it. Pieces stay in order; those
    without bytes take no room.
    """

    def __init__(
        self, alarm: Alarm, back: Callable[[], float], enter: Callable[[bytes | None], None]
    ) -> None:
        self.size = INITIAL
        self._alarm = alarm
        self._back = back
        self._enter = enter
        self._out = 0
        self._waiting: deque[bytes | None] = deque()

    def send(self, piece: bytes | None) -> None:
        """Let *piece*, of a segment at most, enter when there is room."""
        self._waiting.append(piece)
        self._go_on()

    def delivered(self, size: int) -> None:
        """So many bytes have come to the other end."""
        back = self._back()
        if back < inf:  # else the wire is dead
            self._alarm.after(back, self._acknowledged, size)

    def _acknowledged(self, size: int) -> None:
        self._out -= size
        self.size += size
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting:
            size = len(self._waiting[0] or b"")
            if size and self._out + size > self.size:
                return
            self._out += size
            self._enter(self._waiting.popleft())
