"""The simulated clock: SimPy's environment, with what every request needs many times made cheap.

Reading the time is a plain attribute. :meth:`Clock.after` is one call at one time, in SimPy's own
queue and order, without the rest of an event: profiling showed a third of a run's time in making
events that nobody but one callback ever looked at. Everything else, processes included, is SimPy's.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import Any

from simpy import Environment
from simpy.events import NORMAL

__all__ = ["Clock", "seldom_collected"]


class Clock(Environment):
    """A SimPy environment; ``time`` is its ``now``, in seconds from the run's start."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.stopped = False
        self.soon: deque[Callable[[], Any]] = deque()  # to be called next, at the same time

    def after(self, delay: float, call: Callable[[Any], Any], carries: Any = None) -> None:
        """Call *call* with *carries* in *delay* seconds."""
        # Like SimPy's (time, priority, number, event); numbers differ, so the rest is not compared.
        entry: Any = (self.time + delay, NORMAL, next(self._eid), call, carries)
        heappush(self._queue, entry)

    def turn_until(self, end: float) -> None:
        """Process what is due up to *end* in order of time, unless :meth:`stop` is called."""
        queue: list[Any] = self._queue
        soon = self.soon
        while not self.stopped:
            while soon:
                soon.popleft()()
            if not queue:
                break
            entry = heappop(queue)
            if entry[0] > end:
                heappush(queue, entry)
                break
            self._now = self.time = entry[0]
            if len(entry) == 5:
                entry[3](entry[4])
                continue
            due = entry[3]
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


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let the cyclic garbage collector run seldom meanwhile.

    A run makes many short-lived objects and no cycles, so its young collections find nothing, and
    cost up to half of the time.
    """
    before = gc.get_threshold()
    gc.set_threshold(1_000_000, 50, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
