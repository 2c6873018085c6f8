"""A server's workers and its queue, kept to absolute times.

Each job ends at the moment at which it would if nothing were ever late: the next one begins then,
whenever the process got round to it. A timer that rings late delays one answer and not the queue
behind it; without that, a busy server falls behind by several times its service time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from math import inf

__all__ = ["Desk", "Job"]


class Job:
    """A request at a server; times in seconds. ``owner`` is whoever brought it.

    ``began`` and ``ends`` are set when a worker takes it; ``gone``: nobody wants its answer.
    """

    __slots__ = ("arrived", "began", "demand", "ends", "gone", "number", "owner")

    def __init__(self, owner: object, demand: Callable[[], float]) -> None:
        self.owner = owner
        self.demand = demand
        self.arrived = self.began = self.ends = 0.0
        self.number = 0
        self.gone = False


class Desk:
    """*workers*, each with one job at a time, and a queue of at most *limit* (None: any number).

    Jobs are taken first come, first served. *done* is told of each that ends, in order of their
    ends. While it is silent nothing ends and nothing begins. O(log workers) a job.
    """

    def __init__(self, workers: int, limit: int | None, done: Callable[[Job], None]) -> None:
        self.workers = workers
        self.limit = limit
        self.done = done
        self.silent = False
        self.queue: deque[Job] = deque()
        self._serving: list[tuple[float, int, Job]] = []
        self._number = 0
        # Worker-seconds and request-seconds so far: sums of ends less beginnings.
        self._busy = self._queued = 0.0

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self._serving or self.queue)

    @property
    def due(self) -> float:
        """When the next job ends; infinite where none does."""
        return self._serving[0][0] if self._serving and not self.silent else inf

    def arrive(self, job: Job, now: float) -> bool:
        """Take *job*; False where the queue is full."""
        self.advance(now)
        job.arrived = now
        self._number = job.number = self._number + 1
        if len(self._serving) < self.workers and not self.silent:
            self._begin(job, now)
        elif self.limit is None or len(self.queue) < self.limit or self.silent:
            self._queued -= now
            self.queue.append(job)
        else:
            return False
        return True

    def advance(self, now: float) -> None:
        """Let everything happen that was due until *now*, each at its own time."""
        serving = self._serving
        while serving and serving[0][0] <= now and not self.silent:
            ends, _, job = heappop(serving)
            self._busy += ends
            self._next(ends)
            self.done(job)

    def leave(self, job: Job, now: float) -> None:
        """Drop *job*, whose asker has gone, wherever it stands."""
        self.advance(now)
        if job in self.queue:
            self.queue.remove(job)
            self._queued += now
            return
        for entry in self._serving:
            if entry[2] is job:
                self._serving.remove(entry)
                self._serving.sort()
                self._busy += now
                self._next(now)
                return

    def clear(self, now: float) -> list[Job]:
        """Lose all jobs; which they were."""
        self.advance(now)
        lost = [job for _, _, job in self._serving] + list(self.queue)
        self._busy += now * len(self._serving)
        self._queued += now * len(self.queue)
        self._serving.clear()
        self.queue.clear()
        return sorted(lost, key=lambda job: job.number)

    def hush(self, now: float) -> None:
        """Fall silent."""
        self.advance(now)
        self.silent = True

    def speak(self, now: float) -> None:
        """Go on: what should have ended meanwhile ends now."""
        self.silent = False
        late = [entry for entry in self._serving if entry[0] <= now]
        for entry in sorted(late):
            self._serving.remove(entry)
            job = entry[2]
            job.ends = now
            self._busy += now
            self.done(job)
        self._serving.sort()
        while self.queue and len(self._serving) < self.workers:
            self._next(now)

    def areas(self, now: float) -> tuple[float, float, float]:
        """Worker-seconds busy, request-seconds queued, request-seconds inside, since the start."""
        self.advance(now)
        busy = self._busy + now * len(self._serving)
        queued = self._queued + now * len(self.queue)
        return busy, queued, busy + queued

    def _begin(self, job: Job, at: float) -> None:
        job.began = at
        job.ends = at + job.demand()
        self._busy -= at
        heappush(self._serving, (job.ends, job.number, job))

    def _next(self, at: float) -> None:
        if self.queue and not self.silent:
            job = self.queue.popleft()
            self._queued += at
            self._begin(job, at)
