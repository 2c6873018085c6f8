"""The simulated clock: SimPy's environment, with what every request needs many times made cheap.

Reading the time is a plain attribute. A :class:`Timer` is one call at one time, in SimPy's own
queue and order, without the rest of an event: profiling showed a third of a run's time in making
events that nobody but one callback ever looked at. Everything else, processes included, is SimPy's.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import Any

from simpy import Environment
from simpy.events import NORMAL

__all__ = ["Clock", "Timer", "seldom_collected"]


class Clock(Environment):
    """A SimPy environment; ``time`` is its ``now``, in seconds from the run's start."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.stopped = False

    def turn_until(self, end: float) -> None:
        """Process what is due up to *end* in order of time, unless :meth:`stop` is called."""
        queue: list[Any] = self._queue
        while queue and not self.stopped:
            entry = heappop(queue)
            if entry[0] > end:
                heappush(queue, entry)
                break
            self._now = self.time = entry[0]
            due = entry[3]
            if type(due) is Timer:
                due.call(due)
                continue
            callbacks, due.callbacks = due.callbacks, None
            for callback in callbacks:
                callback(due)
            if not due._ok and not due.defused:
                raise due._value
        if not self.stopped:
            self._now = self.time = end

    def stop(self) -> None:
        """Process nothing more."""
        self.stopped = True


class Timer:
    """Calls *call* with itself in *delay* seconds; *carries* is the caller's."""

    __slots__ = ("call", "carries")

    def __init__(
        self, clock: Clock, delay: float, call: Callable[[Any], Any], carries: Any = None
    ) -> None:
        self.call = call
        self.carries = carries
        heappush(
            clock._queue,
            (clock.time + delay, NORMAL, next(clock._eid), self),  # type: ignore[misc]
        )


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let the cyclic garbage collector run seldom meanwhile.

    A run makes many short-lived objects and no cycles, so its young collections find nothing, and
    cost up to half of the time.
    """
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
