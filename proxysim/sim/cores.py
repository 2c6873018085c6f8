"""Processors: jobs that queue for cores, first come, first served."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from proxysim.sim.clock import Clock

__all__ = ["Cores"]

#: Is told what the job carried, how long it waited and how long it took, in seconds.
Done = Callable[[Any, float, float], None]


class Cores:
    """*count* cores, each busy with one job at a time; None: as many as there are jobs."""

    def __init__(self, env: Clock, count: int | None) -> None:
        self.env = env
        self.count = count
        self.busy = 0
        self.queue: deque[tuple[float, float, Done, Any]] = deque()
        self.slowdown = 1.0
        # Time spent so far is the sum of ends less beginnings, and of the time for what goes on.
        self._busy_moments = 0.0
        self._queue_moments = 0.0

    def run(self, seconds: float, done: Done, carries: Any = None) -> None:
        """Do a job of *seconds*; *done* is told when it is done, with what it *carries*."""
        now = self.env.time
        if self.count is None or self.busy < self.count:
            self.busy += 1
            self._busy_moments -= now
            seconds *= self.slowdown
            self.env.after(seconds, _finished, (self, 0.0, seconds, done, carries))
        else:
            self._queue_moments -= now
            self.queue.append((now, seconds, done, carries))

    def areas(self) -> tuple[float, float]:
        """Core-seconds busy and job-seconds queued since the start."""
        now = self.env.time
        busy = self._busy_moments + now * self.busy
        return busy, self._queue_moments + now * len(self.queue)


def _finished(job: tuple[Cores, float, float, Done, Any]) -> None:
    """A job is done: its core goes on with the one that has waited longest, if any does.

    The clock calls a function, for a method would be made anew for each job.
    """
    cores, waited, took, done, carries = job
    env = cores.env
    if cores.queue:
        since, seconds, following, further = cores.queue.popleft()
        cores._queue_moments += env.time
        seconds *= cores.slowdown
        env.after(seconds, _finished, (cores, env.time - since, seconds, following, further))
    else:
        cores.busy -= 1
        cores._busy_moments += env.time
    done(carries, waited, took)
