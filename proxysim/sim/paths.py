"""Ways through the network: what a head and a body meet between two parties."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from proxysim.sim.clock import Clock
from proxysim.sim.passages import LongPassage, Passage
from proxysim.topology.directions import RETRANSMISSION, Direction, Tallies
from proxysim.topology.lanes import Lane

__all__ = ["Body", "Path"]

SEGMENT = 1460  # bytes of payload
INITIAL_WINDOW = 10 * SEGMENT  # RFC 6928


Call = Callable[[], None]


class Body:
    """A body in simulated time: how long it is, who made it, and whether all of it is here."""

    __slots__ = (
        "_followers",
        "broken",
        "complete",
        "length",
        "origin",
        "passage",
        "replayable",
        "text",
    )

    def __init__(
        self, length: int, origin: int, *, complete: bool = False, text: bool = False
    ) -> None:
        self.length = length
        self.origin = origin  # the code of the node that made or kept it
        self.complete = complete
        self.text = text
        self.replayable = True
        self.broken = False
        self.passage: Passage | None = None  # on which it is coming
        self._followers: list[tuple[Call, Call]] | None = None

    def follow(self, complete: Call, broken: Call) -> None:
        """Call *complete* when the last byte is here, *broken* if the rest will never come.

        What is known already is said at once.
        """
        if self.complete:
            complete()
        elif self.broken:
            broken()
        elif self._followers is None:
            self._followers = [(complete, broken)]
        else:
            self._followers.append((complete, broken))

    def when_complete(self, call: Call) -> None:
        """Call *call* when the last byte is here; at once if it is."""
        self.follow(call, _nothing)

    def when_broken(self, call: Call) -> None:
        """Call *call* if the rest will never come."""
        self.follow(_nothing, call)

    def finish(self, _: Any = None) -> None:
        """The last byte is here."""
        if self.broken:
            return
        self.complete = True
        followers, self._followers, self.passage = self._followers, None, None
        if followers is not None:
            for complete, _ in followers:
                complete()

    def break_off(self) -> None:
        """The rest will never come: who sends it stops, who waits for it is told."""
        if self.complete or self.broken:
            return
        self.broken = True
        if self.passage is not None:
            self.passage.stop()
        followers, self._followers, self.passage = self._followers, None, None
        for _, broken in followers or ():
            broken()


def _nothing() -> None:
    """What a follower does that wants to hear of the other end only."""


class Path:
    """The way from one party to another: its latency and the lanes on it.

    *legs* are directions of wires, each with the member (a client's code, else 0) who crosses it.
    ``slowness`` is seconds for each byte of a head that travels alone.
    """

    __slots__ = (
        "directions",
        "lanes",
        "latency",
        "legs",
        "slow_start",
        "slowness",
        "tally",
        "uncertain",
    )

    def __init__(self, legs: Iterable[tuple[Direction, int]], tallies: Tallies) -> None:
        self.legs = tuple(legs)
        self.directions = tuple([direction for direction, _ in self.legs])
        self.tally = tallies[self.directions]
        self.latency = 0.0
        self.lanes: tuple[tuple[float, Lane], ...] = ()
        self.uncertain = False
        self.slow_start = any(direction.slow_start for direction in self.directions)
        for direction in self.directions:
            direction.paths.append(self)
        self.measure()

    def measure(self) -> None:
        """Add up what the wires are like now; called again when one of them changes."""
        latency, slowness, lanes = 0.0, 0.0, []
        for direction, member in self.legs:
            lane = direction.lane(member)
            if lane is not None:
                lanes.append((latency, lane))
                slowness += 1 / lane.bandwidth
            latency += direction.latency + direction.extra_latency
        self.latency, self.slowness, self.lanes = latency, slowness, tuple(lanes)
        self.uncertain = any(d.jitter or d.loss for d in self.directions)

    def delay(self, request: int, attempt: int, first_timeout: float = RETRANSMISSION) -> float:
        """Seconds for a head to cross, chance included."""
        if not self.uncertain:
            return self.latency
        return self.latency + sum(
            direction.chance_delay(request, attempt, first_timeout) for direction in self.directions
        )

    def stalls(self, size: int, warm: int) -> int:
        """Round trips that slow start adds to *size* bytes on a connection that has sent *warm*.

        The window starts at ten segments and grows by what is acknowledged.
        """
        window, rounds = INITIAL_WINDOW + warm, 0
        while size > window:
            size -= window
            window *= 2
            rounds += 1
        return rounds

    def carry(
        self,
        clock: Clock,
        body: Body,
        size: int,
        out: Body,
        delay: float,
        left: Callable[[], None] | None,
    ) -> None:
        """Send *body* (*size* bytes with its head) along; *out* is the same at the other end.

        A body joins each lane at its first byte. Its last byte comes at
        ``max(own lane finished, last byte from upstream) + latency``, lane by lane. *left* is
        called when the last byte has left the sender; *delay* is what this crossing's head takes.
        """
        passage: Passage
        if len(self.lanes) > 1:
            passage = LongPassage(clock, self.lanes, self.latency, delay, out, left, body.complete)
        else:
            passage = Passage(clock, delay, out, left)
        out.passage = passage
        if not body.complete:
            passage.waiting += 1
            body.follow(passage.source_done, out.break_off)
        if self.lanes:
            passage.start(self.lanes, size)
        else:
            passage.done()
