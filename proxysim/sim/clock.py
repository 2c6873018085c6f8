"""The simulated clock: SimPy's environment, with what every request needs many times made cheap.

Reading the time is a plain attribute. :meth:`Clock.after` is one call at one time, in SimPy's own
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
from simpy.events import NORMAL, Event, EventPriority

__all__ = ["Clock", "seldom_collected"]

Call = Callable[[Any], Any]

#: What is due at one time goes by number. Numbers count up from 0; these, added, put an entry
#: before all that SimPy schedules at that time, or after it, and its priorities into their order.
SOON, LAST = -(2**62), 2**62
FIRST = 2 * SOON
EACH_PRIORITY = 2**50


class Clock(Environment):
    """A SimPy environment; ``time`` is its ``now``, in seconds from the run's start."""

    _queue: list[Any]

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.stopped = False

    @property
    def now(self) -> float:
        """SimPy's name for ``time``."""
        return self.time

    # In SimPy's order: by time, then priority and number; no two numbers are the same, so no more
    # is compared.

    def after(self, delay: float, call: Call, carries: Any = None) -> None:
        """Call *call* with *carries* in *delay* seconds."""
        heappush(self._queue, (self.time + delay, next(self._eid), call, carries))

    def soon(self, call: Call, carries: Any = None) -> None:
        """Call *call* with *carries* next, at the same time."""
        heappush(self._queue, (self.time, SOON + next(self._eid), call, carries))

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: float = 0.0) -> None:
        """Let *event* be processed in *delay* seconds; SimPy's own, in the queue's one shape."""
        number = (priority - NORMAL) * EACH_PRIORITY + next(self._eid)
        heappush(self._queue, (self.time + delay, number, _process, event))

    def turn_until(self, end: float) -> None:
        """Process what is due up to *end* in order of time, unless :meth:`stop` is called."""
        if self.stopped:
            return
        queue = self._queue
        heappush(queue, (end, LAST, _end, None))
        try:
            while True:
                self.time, _, call, carries = heappop(queue)
                call(carries)
        except _Ended:
            pass

    def turn_while(self, busy: Callable[[], bool], end: float) -> None:
        """Process what is due as long as it is *busy*, up to *end*."""
        queue = self._queue
        while queue:
            at, number, call, carries = queue[0]
            if number >= -EACH_PRIORITY and (at > end or not busy()):
                break
            heappop(queue)
            self.time = at
            call(carries)

    def stop(self) -> None:
        """Process nothing more."""
        if not self.stopped:
            self.stopped = True
            heappush(self._queue, (self.time, FIRST, _end, None))


class _Ended(Exception):  # noqa: N818 - it is no error
    """The turn is over."""


def _end(_: Any) -> None:
    raise _Ended


def _process(event: Any) -> None:
    """Tell whoever waits for *event* that it has come."""
    callbacks, event.callbacks = event.callbacks, None
    for callback in callbacks:
        callback(event)
    if not event._ok and not event.defused:
        raise event._value


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
