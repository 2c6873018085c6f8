"""Directions of wires as a run finds them: latency, chance, bandwidth, and what befalls them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf, log
from typing import Protocol

from proxysim.topology.lanes import Clock, Lane
from proxysim.topology.network import Network
from proxysim.topology.places import Hop

__all__ = ["RETRANSMISSION", "SYN_RETRANSMISSION", "Direction", "Directions", "Tallies", "Tally"]

RETRANSMISSION = 0.2  # s, the least time-out of Linux (TCP_RTO_MIN); doubles each time
SYN_RETRANSMISSION = 1.0  # s, RFC 6298, section 2.1

#: A uniform number in [0, 1) for a request and an attempt.
Chances = Callable[[int, int], float]


class Measured(Protocol):
    """What goes along wires, and is told when one of them changes."""

    def measure(self) -> None: ...


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
        clock: Clock,
        name: str,
        *,
        latency: float,
        jitter: float,
        bandwidth: float | None,
        loss: float,
        slow_start: bool,
        chance: Chances,
        lanes: dict[tuple[str, int], Lane],
        lane: str,
        own_lanes: bool,
    ) -> None:
        self.clock = clock
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
        self.own_lanes = own_lanes
        self.paths: list[Measured] = []
        self.tallies: list[Tally] = []

    def lane(self, member: int) -> Lane | None:
        """The lane of *member* (a client's code); None where bandwidth is without limit."""
        if self.bandwidth is None:
            return None
        key = (self._lane, member if self.own_lanes else 0)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(self.clock, self.bandwidth)
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


class Directions(dict[Hop, Direction]):
    """Every direction of every wire of *network* that something crosses, made when first needed.

    *chance* gives the source of jitter and loss of a wire, by its name.
    """

    def __init__(self, clock: Clock, network: Network, chance: Callable[[str], Chances]) -> None:
        super().__init__()
        self.clock = clock
        self.network = network
        self.chance = chance
        self._lanes: dict[tuple[str, int], Lane] = {}

    def __missing__(self, hop: Hop) -> Direction:
        wire = hop.wire
        direction = self[hop] = Direction(
            self.clock,
            hop.name,
            latency=wire.latency,
            jitter=wire.jitter,
            bandwidth=wire.bandwidth,
            loss=wire.loss,
            slow_start=wire.slow_start,
            chance=self.chance(hop.name),
            lanes=self._lanes,
            lane=hop.lane,
            own_lanes=hop.each,
        )
        return direction
