"""Processors: jobs that queue for cores, first come, first served."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from proxysim.sim.clock import Clock, Timer

__all__ = ["Cores"]

Done = Callable[[float], None]


class Cores:
    """*count* cores, each busy with one job at a time; None: as many as there are jobs."""

    def __init__(self, env: Clock, count: int | None) -> None:
        self.env = env
        self.count = count
        self.busy = 0
        self.queue: deque[tuple[float, float, Done]] = deque()
        self.slowdown = 1.0
        self._busy_time = 0.0
        self._queue_time = 0.0
        self._since = 0.0

    def run(self, seconds: float, done: Done) -> None:
        """Do a job of *seconds*; *done* is given the seconds it waited before it began."""
        busy = self.busy
        if self.count is None or busy < self.count:
            now = self.env.time
            self._busy_time += (now - self._since) * busy
            self._since = now
            self.busy = busy + 1
            Timer(self.env, seconds * self.slowdown, self._finished, (0.0, done))
        else:
            self._account()
            self.queue.append((self.env.time, seconds, done))

    def areas(self) -> tuple[float, float]:
        """Core-seconds busy and job-seconds queued since the start."""
        self._account()
        return self._busy_time, self._queue_time

    def _finished(self, timer: Any) -> None:
        self._account()
        if self.queue:
            since, seconds, waiting = self.queue.popleft()
            carries = (self.env.time - since, waiting)
            Timer(self.env, seconds * self.slowdown, self._finished, carries)
        else:
            self.busy -= 1
        waited, done = timer.carries
        done(waited)

    def _account(self) -> None:
        now = self.env.time
        passed = now - self._since
        self._busy_time += passed * self.busy
        self._queue_time += passed * len(self.queue)
        self._since = now
