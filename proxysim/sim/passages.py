"""The passage of a body over the lanes of a path.

A streamed body joins each lane at its first byte. Its last byte comes at ``max(own lane finished,
last byte from upstream) + latency``, lane by lane.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any

from proxysim.messages import Failure
from proxysim.sim.bodies import Body
from proxysim.sim.clock import Clock
from proxysim.topology.lanes import Lane, Sending

if TYPE_CHECKING:
    from proxysim.sim.exchange import Exchange

__all__ = ["BROKEN", "Lanes", "LongPassage", "Passage"]

#: What an asker is told when a connection breaks with its request on it.
BROKEN = Failure("reset", sent=True, retry_safe=False)

#: What a body meets on its way: each lane, and the latency before it.
Lanes = tuple[tuple[float, Lane], ...]


class Passage(Body):
    """The body of *exchange* at the end of a path with at most one lane.

    It is whole when the lane and its source have sent all of it. ``reader`` is the exchange where
    its asker waits for that.
    """

    __slots__ = ("clock", "entry", "exchange", "lane", "left", "reader", "rest", "waiting")
    left: Callable[[Any], None] | None

    def __init__(
        self,
        clock: Clock,
        source: Body,
        delay: float,
        exchange: Exchange,
        left: Callable[[Exchange], None] | None,
        lane: Lane | None,
    ) -> None:
        # The body's fields are set here, not by its own __init__: one call less a request.
        self.length = source.length
        self.origin = source.origin
        self.text = source.text
        self.complete = False
        self.broken = False
        self.replayable = True
        self._followers = None
        self.clock = clock
        self.rest = delay  # seconds, behind the lane
        self.left = left
        self.exchange: Exchange | None = None if left is None else exchange
        self.waiting = 1
        self.reader: Exchange | None = None
        self.lane = lane
        self.entry: Sending | None = None

    def join(self, size: int) -> None:
        """The first byte has got to the lane."""
        if not self.broken and self.lane is not None:
            self.entry = self.lane.join(size, Passage.done, self)

    def done(self) -> None:
        """The lane has sent all of it, or the source has brought all of it."""
        self.waiting -= 1
        if not self.waiting:
            left = self.left
            if left is not None:
                left(self.exchange)
                self.left = self.exchange = None  # no cycle is left for the collector
            if self.rest > 0.0:
                self.clock.after(self.rest, _finish, self)
            else:
                self.finish()

    def finish(self, _: Any = None) -> None:
        if self.broken:
            return
        # As Body.finish does: super() would take longer than all of it.
        self.complete = True
        followers = self._followers
        if followers is not None:
            self._followers = None
            for complete, _, carries in followers:
                complete(carries)
        reader = self.reader
        if reader is not None:
            self.reader = None
            response = reader.response
            if response is not None and not reader.over:
                reader.asker.on_head(reader, response, self)

    def break_off(self, _: Any = None) -> None:
        if self.complete or self.broken:
            return
        super().break_off()
        reader, self.reader = self.reader, None
        if reader is not None:
            reader.fail(BROKEN)

    def stop(self) -> None:
        """Send no more."""
        self.left = self.exchange = None
        if self.lane is not None and self.entry is not None:
            self.lane.leave(self.entry)


#: For the clock: making a method of it for each body would take longer.
_finish = Passage.finish


class LongPassage(Passage):
    """A body at the end of a path with several lanes."""

    __slots__ = ("delay", "ends", "entries", "lanes", "latency", "source")

    def __init__(
        self,
        clock: Clock,
        source: Body,
        delay: float,
        exchange: Exchange,
        left: Callable[[Exchange], None] | None,
        lanes: Lanes,
        latency: float,
    ) -> None:
        super().__init__(clock, source, delay, exchange, left, None)
        self.lanes = lanes
        self.latency = latency
        self.delay = delay  # the latency and what chance adds to it, behind the first lane
        self.ends = [inf] * len(lanes)
        self.entries: list[tuple[Lane, Sending]] = []
        self.source = clock.time if source.complete else inf  # when all of it had come

    def start(self, size: int) -> None:
        """Join each lane when the first byte gets there."""
        for index, (offset, lane) in enumerate(self.lanes):
            wait = offset + self.delay - self.latency if index else offset
            if wait > 0:
                self.clock.after(wait, self._join_at, (index, lane, size))
            else:
                self._join_at((index, lane, size))

    def _join_at(self, at: tuple[int, Lane, int]) -> None:
        index, lane, size = at
        if not self.broken:
            self.entries.append((lane, lane.join(size, self._sent, index)))

    def _sent(self, index: int) -> None:
        self.ends[index] = self.clock.time
        self._check()

    def source_done(self, _: Any = None) -> None:
        """The source has brought all of it."""
        self.source = self.clock.time
        self._check()

    def _check(self) -> None:
        ends = self.ends
        if self.left is not None and self.source < inf and ends[0] < inf:
            left, exchange = self.left, self.exchange
            self.left = self.exchange = None
            left(exchange)
        if self.source == inf or inf in ends:
            return
        # Lane by lane: the last byte enters when it has come, and leaves no sooner than all others.
        last, entered = self.source, 0.0
        for (offset, _), end in zip(self.lanes, ends, strict=True):
            last = max(end, last + offset - entered)
            entered = offset
        rest = last + self.delay - entered - self.clock.time
        if rest > 0:
            self.clock.after(rest, _finish, self)
        else:
            self.finish()

    def stop(self) -> None:
        self.left = self.exchange = None
        for lane, entry in self.entries:
            lane.leave(entry)
