"""The passage of a body over the lanes of a path.

A streamed body joins each lane at its first byte. Its last byte comes at ``max(own lane finished,
last byte from upstream) + latency``, lane by lane.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from typing import TYPE_CHECKING

from proxysim.sim.clock import Clock
from proxysim.topology.lanes import Lane, Sending

if TYPE_CHECKING:
    from proxysim.sim.paths import Body

__all__ = ["LongPassage", "Passage"]


class Passage:
    """One body on a path with at most one lane: it ends when the lane and its source have."""

    __slots__ = ("clock", "entry", "lane", "left", "out", "rest", "waiting")

    def __init__(
        self, clock: Clock, delay: float, out: Body, left: Callable[[], None] | None
    ) -> None:
        self.clock = clock
        self.rest = delay  # of the way, behind the lane
        self.out = out
        self.left = left
        self.waiting = 1
        self.lane: Lane | None = None
        self.entry: Sending | None = None

    def start(self, lanes: tuple[tuple[float, Lane], ...], size: int) -> None:
        """Join the lane when the first byte gets there."""
        offset, self.lane = lanes[0]
        self.rest -= offset
        if offset > 0:
            self.clock.after(offset, self._join, size)
        else:
            self.entry = self.lane.join(size, self.done)

    def _join(self, size: int) -> None:
        if not self.out.broken and self.lane is not None:
            self.entry = self.lane.join(size, self.done)

    def done(self) -> None:
        """The lane has sent all of it, or the source has brought all of it."""
        self.waiting -= 1
        if not self.waiting:
            if self.left is not None:
                self.left()
            if self.rest > 0:
                self.clock.after(self.rest, self.out.finish)
            else:
                self.out.finish()

    source_done = done

    def stop(self) -> None:
        """Send no more."""
        self.left = None
        if self.lane is not None and self.entry is not None:
            self.lane.leave(self.entry)


class LongPassage(Passage):
    """One body on a path with several lanes."""

    __slots__ = ("delay", "ends", "entries", "lanes", "latency", "source")

    def __init__(
        self,
        clock: Clock,
        lanes: tuple[tuple[float, Lane], ...],
        latency: float,
        delay: float,
        out: Body,
        left: Callable[[], None] | None,
        complete: bool,
    ) -> None:
        super().__init__(clock, delay, out, left)
        self.lanes = lanes
        self.latency = latency
        self.delay = delay  # the latency and what chance adds to it, behind the first lane
        self.ends = [inf] * len(lanes)
        self.entries: list[tuple[Lane, Sending]] = []
        self.source = clock.time if complete else inf  # when all of it had come

    def start(self, lanes: tuple[tuple[float, Lane], ...], size: int) -> None:
        for index, (offset, lane) in enumerate(lanes):
            wait = offset + self.delay - self.latency if index else offset
            if wait > 0:
                self.clock.after(wait, self._join_at, (index, lane, size))
            else:
                self._join_at((index, lane, size))

    def _join_at(self, at: tuple[int, Lane, int]) -> None:
        index, lane, size = at
        if not self.out.broken:
            self.entries.append((lane, lane.join(size, partial(self._sent, index))))

    def _sent(self, index: int) -> None:
        self.ends[index] = self.clock.time
        self._check()

    def source_done(self) -> None:
        self.source = self.clock.time
        self._check()

    def _check(self) -> None:
        ends = self.ends
        if self.left is not None and self.source < inf and ends[0] < inf:
            left, self.left = self.left, None
            left()
        if self.source == inf or inf in ends:
            return
        # Lane by lane: the last byte enters when it has come, and leaves no sooner than all others.
        last, entered = self.source, 0.0
        for (offset, _), end in zip(self.lanes, ends, strict=True):
            last = max(end, last + offset - entered)
            entered = offset
        rest = last + self.delay - entered - self.clock.time
        if rest > 0:
            self.clock.after(rest, self.out.finish)
        else:
            self.out.finish()

    def stop(self) -> None:
        self.left = None
        for lane, entry in self.entries:
            lane.leave(entry)
