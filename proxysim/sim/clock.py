"""The simulated clock: SimPy's environment, with the two things that every request needs made cheap.

Reading the time is a plain attribute, and a timer is made with its callback and what it carries.
Everything else, processes included, is SimPy's own.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from simpy import Environment, Event
from simpy.events import NORMAL

__all__ = ["Clock", "Timer"]


class Clock(Environment):
    """A SimPy environment; ``now`` is in seconds from the run's start."""

    now: float = 0.0

    def turn_until(self, event: Event) -> None:
        """Process events in order of time until *event* has been processed."""
        queue = self._queue
        while event.callbacks is not None:
            now, _, _, due = heappop(queue)
            self._now = self.now = now
            callbacks, due.callbacks = due.callbacks, None  # type: ignore[assignment]
            for callback in callbacks:
                callback(due)
            if not due._ok and not due.defused:
                raise due._value


class Timer(Event):
    """Calls *call* with itself in *delay* seconds; *carries* is the caller's."""

    def __init__(
        self, clock: Clock, delay: float, call: Callable[[Any], Any], carries: Any = None
    ) -> None:
        self.env = clock
        self.callbacks = [call]
        self.carries = carries
        self._ok = True
        self._value = None
        heappush(clock._queue, (clock.now + delay, NORMAL, next(clock._eid), self))
