"""Load shedding: turning requests away early, so that those let in are answered in time."""

from __future__ import annotations

from collections.abc import Collection

from proxysim.messages import Request

__all__ = ["ControlledDelay", "Shedding"]


class Shedding:
    """Turn a request away when *in_flight* are in the proxy already.

    Of this room the share *reserve* is kept for requests for the hosts in *first*: the others are
    turned away when the rest is full.

    O(1). Source: "Handling Overload" in Beyer et al., "Site Reliability Engineering", 2016, for
    shedding by criticality; Envoy ``max_requests`` for the bound.
    """

    __slots__ = ("first", "in_flight", "others")

    def __init__(self, in_flight: int, reserve: float = 0.0, first: Collection[str] = ()) -> None:
        self.in_flight = in_flight
        self.first = frozenset(first)
        self.others = round(in_flight * (1 - reserve))

    def admits(self, request: Request, inside: int) -> bool:
        """Whether *request* may come in, where *inside* are in already."""
        return inside < (self.in_flight if request.host in self.first else self.others)


class ControlledDelay:
    """How long a request may wait in a queue: *interval*, but *target* once a queue is standing.

    A queue is standing when it has not been empty for *interval*. A burst may so wait its time out,
    while in lasting overload all but those who would be served soon are turned away soon. Times
    in seconds.

    O(1). Source: Maurer, "Fail at Scale", ACM Queue 13(8), 2015 (5 ms and 100 ms), after Nichols
    and Jacobson, "Controlling Queue Delay", ACM Queue 10(5), 2012.
    """

    __slots__ = ("_empty_at", "interval", "target")

    def __init__(self, target: float = 0.005, interval: float = 0.1) -> None:
        self.target = target
        self.interval = interval
        self._empty_at = 0.0

    def patience(self, waiting: int, now: float) -> float:
        """Seconds that a request may wait that joins a queue of *waiting* at *now*."""
        if not waiting:
            self._empty_at = now
        return self.target if now - self._empty_at > self.interval else self.interval
