"""Deadlines: one queue for each length, one timer for each queue.

Deadlines of one length fall due in the order in which they were set, so a queue needs no sorting
and a met deadline costs nothing but its place. A timer whose deadlines have all been met does not
keep a run alive: the run ends by counting requests, not events.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from proxysim.sim.clock import Clock

__all__ = ["Deadline", "Deadlines"]


class Deadline:
    """One deadline; ``late`` is None once it no longer matters, so that nothing is kept alive."""

    __slots__ = ("at", "late", "subject")

    def __init__(self, at: float, late: Callable[..., None], subject: Any) -> None:
        self.at = at
        self.late: Callable[..., None] | None = late
        self.subject = subject

    def meet(self) -> None:
        """What it waited for has come."""
        self.late = self.subject = None


class Deadlines:
    """All deadlines of a run."""

    def __init__(self, env: Clock) -> None:
        self._env = env
        self._queues: dict[float, deque[Deadline]] = {}

    def set(self, seconds: float, late: Callable[..., None], subject: Any = None) -> Deadline:
        """Call *late* in *seconds*, with *subject* if there is one, unless it is met before."""
        deadline = Deadline(self._env.time + seconds, late, subject)
        queue = self._queues.get(seconds)
        if not queue:
            if queue is None:
                queue = self._queues[seconds] = deque()
            self._arm(seconds, deadline.at)
        queue.append(deadline)
        return deadline

    def _arm(self, seconds: float, at: float) -> None:
        self._env.after(max(0.0, at - self._env.time), self._fired, seconds)

    def _fired(self, seconds: float) -> None:
        now, queue = self._env.time, self._queues[seconds]
        while queue:
            first = queue[0]
            late, subject = first.late, first.subject
            if late is not None:
                if first.at > now:
                    break
                first.meet()
                late() if subject is None else late(subject)
            queue.popleft()  # only now: a queue that is not empty is armed
        if queue:
            self._arm(seconds, queue[0].at)
        else:
            # Lengths that were worked out, not written down, may never come again.
            del self._queues[seconds]
