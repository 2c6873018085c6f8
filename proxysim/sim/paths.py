"""Ways through the network: what a head and a body meet between two parties."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf, log
from typing import Any, Protocol

from proxysim.sim.clock import Clock
from proxysim.sim.links import Lane
from proxysim.sim.passages import LongPassage, Passage
from proxysim.workload.streams import Chance

__all__ = ["Body", "Direction", "Path", "Tallies"]

RETRANSMISSION = 0.2  # s, the least time-out of Linux (TCP_RTO_MIN); doubles each time
SYN_RETRANSMISSION = 1.0  # s, RFC 6298, section 2.1
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


class Trouble(Protocol):
    """What can befall a wire for a while; None where it does not."""

    @property
    def extra_latency(self) -> float | None: ...
    @property
    def loss(self) -> float | None: ...
    @property
    def bandwidth(self) -> float | None: ...


class Direction:
    """One direction of a wire, such as ``gateway>web``, and all that flows through it.

    Its bandwidth is that of a lane, one of *lanes*: each member of a group of clients has its own
    where *own_lanes* says so; a shared wire has one for all.
    """

    def __init__(
        self,
        env: Clock,
        name: str,
        *,
        latency: float,
        jitter: float,
        bandwidth: float | None,
        loss: float,
        slow_start: bool,
        chance: Chance,
        lanes: dict[tuple[str, int], Lane],
        lane: str,
        own_lanes: bool,
    ) -> None:
        self.env = env
        self.name = name
        self.latency = latency
        self.extra_latency = 0.0
        self.jitter = jitter
        self.bandwidth = bandwidth
        self.loss = loss
        self._bandwidth, self._loss = bandwidth, loss  # without any trouble
        self._troubles: list[Trouble] = []
        self.slow_start = slow_start
        self.chance = chance
        self._lanes = lanes
        self._lane = lane
        self._own_lanes = own_lanes
        self.paths: list[Path] = []
        self.tallies: list[Tally] = []

    def lane(self, member: int) -> Lane | None:
        """The lane of *member* (a client's code); None where bandwidth is without limit."""
        if self.bandwidth is None:
            return None
        key = (self._lane, member if self._own_lanes else 0)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(self.env, self.bandwidth)
        return lane

    @property
    def bytes(self) -> int:
        """All that has been sent along it."""
        return sum(tally.bytes for tally in self.tallies)

    def begin(self, trouble: Trouble) -> None:
        """Suffer *trouble* until :meth:`end`; several at a time add up, the worst counts."""
        self._troubles.append(trouble)
        self._change()

    def end(self, trouble: Trouble) -> None:
        """*trouble* is over."""
        self._troubles.remove(trouble)
        self._change()

    def _change(self) -> None:
        troubles = self._troubles
        self.extra_latency = sum(trouble.extra_latency or 0.0 for trouble in troubles)
        self.loss = max([self._loss, *(t.loss for t in troubles if t.loss is not None)])
        widths = [self._bandwidth, *(trouble.bandwidth for trouble in troubles)]
        self.bandwidth = min([width for width in widths if width is not None], default=None)
        for (name, _), lane in self._lanes.items():
            if name == self._lane:
                lane.change(inf if self.bandwidth is None else self.bandwidth)
        for path in self.paths:
            path.measure()

    def chance_delay(self, request: int, attempt: int, first_timeout: float) -> float:
        """What jitter and loss add to one crossing: a hash of who crosses, not a stream."""
        extra = 0.0
        if self.jitter:
            extra -= self.jitter * log(1.0 - self.chance(request, 2 * attempt))
        if self.loss >= 1:
            return inf
        if self.loss:
            # The k-th copy is lost too when the one uniform number is below loss**k.
            u, timeout, below = self.chance(request, 2 * attempt + 1), first_timeout, self.loss
            while u < below and below > 1e-9:
                extra += timeout
                timeout *= 2
                below *= self.loss
        return extra


class Tally:
    """Bytes sent along one sequence of wires, by their *names*; all paths along it share one."""

    __slots__ = ("bytes", "names")

    def __init__(self, directions: Iterable[Direction]) -> None:
        self.bytes = 0
        self.names = tuple(direction.name for direction in directions)
        for direction in directions:
            direction.tallies.append(self)


class Tallies(dict[tuple[Direction, ...], Tally]):
    """The tally of each sequence of wires, made when first asked for."""

    def __missing__(self, directions: tuple[Direction, ...]) -> Tally:
        tally = self[directions] = Tally(directions)
        return tally


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
