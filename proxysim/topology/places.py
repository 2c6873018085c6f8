"""What a network is made of: places, and wires between them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CLIENTS", "ROUTER", "Hop", "Place", "Wire"]

CLIENTS, ROUTER = "clients", "router"


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the scenario, or a group of them.

    ``kind`` is clients, forward_proxy, reverse_proxy, server or router. Members are NAME-1,
    NAME-2, ...; anything but clients of which there is one keeps its NAME.
    """

    name: str
    kind: str
    count: int = 1
    zone: str = ""

    @property
    def numbered(self) -> bool:
        return self.count > 1 or self.kind == CLIENTS

    def member(self, index: int) -> str:
        """The name of the member *index*, from 0."""
        return f"{self.name}-{index + 1}" if self.numbered else self.name


@dataclass(frozen=True, slots=True)
class Wire:
    """A link between two nodes or groups.

    ``latency`` and ``jitter`` (mean of an exponential) are one way, in seconds; ``bandwidth`` is
    in bytes per second in each direction, None without limit; ``loss`` is a chance. Each pair of
    members has a wire of its own unless it is ``shared``.
    """

    between: tuple[str, str]
    latency: float = 0.0
    jitter: float = 0.0
    bandwidth: float | None = None
    loss: float = 0.0
    shared: bool = False
    slow_start: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Hop:
    """One direction of one wire. The same two ends always give the same object.

    ``name`` is ``start>end``. ``lane`` names what shares the bandwidth: two hops over a ``shared``
    wire have one lane in each direction. Where ``each`` is true, every member of the group of
    clients at one end has this lane to itself.
    """

    wire: Wire
    start: str
    end: str
    lane: str
    each: bool

    @property
    def name(self) -> str:
        return f"{self.start}>{self.end}"
