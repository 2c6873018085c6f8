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
from simpy.events import NORMAL, Event, EventPriority

__all__ = ["Clock", "seldom_collected"]

After = Callable[..., None]


class Clock(Environment):
    """A SimPy environment; ``time`` is its ``now``, in seconds from the run's start.

    ``after(delay, call, carries=None)`` calls *call* with *carries* in *delay* seconds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.stopped = False
        self.soon: deque[Callable[[], Any]] = deque()  # to be called next, at the same time
        self.after = self._setter()

    @property
    def now(self) -> float:
        """SimPy's name for ``time``."""
        return self.time

    def _setter(self) -> After:
        """What a request needs ten times, so with all that it takes at hand."""
        queue: list[Any] = self._queue
        number = self._eid.__next__

        def after(delay: float, call: Callable[[Any], Any], carries: Any = None) -> None:
            # In SimPy's order: time, priority, number; numbers differ, so no more is compared.
            heappush(queue, (self.time + delay, NORMAL, number(), call, carries))

        return after

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: float = 0.0) -> None:
        """Let *event* be processed in *delay* seconds; SimPy's own, in the queue's one shape."""
        entry: Any = (self.time + delay, priority, next(self._eid), _process, event)
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
            at, _, _, call, carries = entry
            if at > end:
                heappush(queue, entry)
                break
            self.time = at
            call(carries)
        if not self.stopped:
            self.time = end

    def turn_while(self, busy: Callable[[], bool], end: float) -> None:
        """Process what is due as long as it is *busy*, up to *end*."""
        queue: list[Any] = self._queue
        soon = self.soon
        while True:
            while soon:
                soon.popleft()()
            if not queue or queue[0][0] > end or not busy():
                break
            at, _, _, call, carries = heappop(queue)
            self.time = at
            call(carries)

    def stop(self) -> None:
        """Process nothing more."""
        self.stopped = True


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
