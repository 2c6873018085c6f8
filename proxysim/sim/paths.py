"""Ways through the network: what a head and a body meet between two parties."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from proxysim.sim.bodies import Body
from proxysim.sim.clock import Clock
from proxysim.sim.passages import Lanes, LongPassage, Passage
from proxysim.topology.directions import RETRANSMISSION, Direction, Tallies

if TYPE_CHECKING:
    from proxysim.sim.exchange import Exchange

__all__ = ["Path"]

#: Looked up once: each body that passes needs them.
_done, _break_off = Passage.done, Passage.break_off

SEGMENT = 1460  # bytes of payload
INITIAL_WINDOW = 10 * SEGMENT  # RFC 6928


class Path:
    """The way from one party to another, for all who go it: its latency and the lanes on it.

    ``limited`` says whether any bandwidth is, and ``slowness`` is seconds for each byte of a head
    that travels alone.
    """

    __slots__ = (
        "_lanes",
        "_own",
        "directions",
        "latency",
        "limited",
        "slow_start",
        "slowness",
        "tally",
        "uncertain",
    )

    def __init__(self, directions: tuple[Direction, ...], tallies: Tallies) -> None:
        self.directions = directions
        self.tally = tallies[directions]
        self.slow_start = any(direction.slow_start for direction in directions)
        self._own = any(direction.own_lanes for direction in directions)
        self._lanes: dict[int, Lanes] = {}  # by member, where each has lanes of its own
        for direction in directions:
            direction.paths.append(self)
        self.measure()

    def measure(self) -> None:
        """Add up what the wires are like now; called again when one of them changes."""
        latency, slowness = 0.0, 0.0
        widths = [d.bandwidth for d in self.directions if d.bandwidth is not None]
        for direction in self.directions:
            latency += direction.latency + direction.extra_latency
        for width in widths:
            slowness += 1 / width
        self.latency, self.slowness, self.limited = latency, slowness, bool(widths)
        self.uncertain = any(d.jitter or d.loss for d in self.directions)
        self._lanes.clear()

    def lanes(self, member: int) -> Lanes:
        """The lanes that *member* (a client's code; else 0) meets, each with the latency before."""
        who = member if self._own else 0
        found = self._lanes.get(who)
        if found is None:
            latency, lanes = 0.0, []
            for direction in self.directions:
                lane = direction.lane(who)
                if lane is not None:
                    lanes.append((latency, lane))
                latency += direction.latency + direction.extra_latency
            found = self._lanes[who] = tuple(lanes)
        return found

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
        delay: float,
        member: int,
        exchange: Exchange,
        left: Callable[[Exchange], None] | None,
    ) -> Passage:
        """Send *body* (*size* bytes with its head) along; what is returned is it at the other end.

        A body joins each lane at its first byte. Its last byte comes at
        ``max(own lane finished, last byte from upstream) + latency``, lane by lane. *left* is
        called with *exchange* when the last byte has left the sender; *delay* is what this
        crossing's head takes; *member* is who crosses.
        """
        lanes: Lanes = ()
        if self.limited:
            lanes = self._lanes.get(member if self._own else 0) or self.lanes(member)
        if len(lanes) > 1:
            long = LongPassage(clock, body, delay, exchange, left, lanes, self.latency)
            if not body.complete:
                body.follow(long.source_done, long.break_off)
            long.start(size)
            return long
        offset, lane = lanes[0] if lanes else (0.0, None)
        passage = Passage(clock, body, delay - offset, exchange, left, lane)
        if not body.complete:
            passage.waiting = 2
            body.follow(_done, _break_off, passage)
        if offset:
            clock.after(offset, passage.join, size)
        elif lane is not None:
            passage.entry = lane.join(size, _done, passage)
        else:
            passage.done()
        return passage
