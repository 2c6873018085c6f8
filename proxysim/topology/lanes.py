"""Bandwidth that transfers share equally.

Sharing is egalitarian processor sharing by virtual time: with n transfers under way each gets
1/n of the bandwidth, so a transfer of S bytes ends when the work done for each since it joined has
grown by S. Joining and leaving cost O(log n), whatever n is.

Source: processor sharing, Kleinrock, "Queueing Systems", volume 2, section 4.4; virtual time as in
Demers, Keshav and Shenker, "Analysis and Simulation of a Fair Queueing Algorithm", SIGCOMM 1989.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import Any, Protocol

__all__ = ["Clock", "Lane", "Sending"]


class Clock(Protocol):
    """A world's clock: ``time`` in seconds, and calls in *delay* seconds from now."""

    @property
    def time(self) -> float: ...
    @property
    def after(self) -> Callable[..., Any]: ...


#: A transfer on a lane: the work at which it is done, its number, whom to call (None: gone), and
#: with what.
Sending = list[Any]


class Lane:
    """One direction of a wire: *bandwidth* in bytes per second, shared by all who send."""

    __slots__ = (
        "_active",
        "_armed",
        "_env",
        "_joined",
        "_sending",
        "_since",
        "_timer",
        "_work",
        "bandwidth",
    )

    def __init__(self, env: Clock, bandwidth: float) -> None:
        self.bandwidth = bandwidth
        self._env = env
        self._sending: list[Sending] = []
        self._active = 0
        self._joined = 0  # transfers so far
        self._work = 0.0  # bytes done so far for a transfer that had always been there
        self._since = 0.0  # when _work was last brought up to date
        self._armed = inf  # when the timer that counts will fire
        self._timer = 0  # its number; an older one is late

    def __len__(self) -> int:
        return self._active

    def join(self, size: float, call: Callable[[Any], None], carries: Any = None) -> Sending:
        """Send *size* bytes; *call* is called with *carries* when the last of them has left.

        What is returned is for :meth:`leave`.
        """
        now, sending = self._env.time, self._sending
        self._joined += 1
        if sending:
            active, bandwidth = self._active, self.bandwidth
            if active:
                self._work += (now - self._since) * bandwidth / active
            self._since = now
            entry: Sending = [self._work + size, self._joined, call, carries]
            self._active = active = active + 1
            heappush(sending, entry)
            if sending[0] is not entry:
                return entry  # whoever was there before leaves later now, which is soon enough
            delay = size * active / bandwidth
        else:
            self._since = now
            entry = [self._work + size, self._joined, call, carries]
            self._active = 1
            sending.append(entry)
            delay = size / self.bandwidth
        if now + delay < self._armed:
            self._armed = now + delay
            self._timer += 1
            self._env.after(delay, _fire, (self, self._timer))
        return entry

    def leave(self, entry: Sending) -> None:
        """Stop sending: the others share what that frees."""
        if entry[2] is not None:
            self._advance()
            entry[2] = entry[3] = None
            self._active -= 1
            self._arm()

    def change(self, bandwidth: float) -> None:
        """Go on with another *bandwidth*, also for what is under way."""
        self._advance()
        self.bandwidth = bandwidth
        self._armed = inf
        self._timer += 1
        self._arm()

    def _advance(self) -> None:
        now = self._env.time
        if self._active:
            self._work += (now - self._since) * self.bandwidth / self._active
        self._since = now

    def _arm(self) -> None:
        """See to it that a timer fires no later than the next departure.

        A timer that is early is left alone: it finds nothing due and is set again.
        """
        sending = self._sending
        while sending and sending[0][2] is None:
            heappop(sending)
        if sending:
            delay = (sending[0][0] - self._work) * self._active / self.bandwidth
            if self._since + delay < self._armed:
                self._armed = self._since + delay
                self._timer += 1
                self._env.after(max(0.0, delay), _fire, (self, self._timer))
        else:
            self._work = 0.0  # nobody is there to measure by it: keep it small, and so exact


def _fire(due: tuple[Lane, int]) -> None:
    """A timer fires: the next may leave. The clock calls a function: methods are made each time."""
    lane, timer = due
    if timer != lane._timer:
        return
    lane._armed = inf
    sending, now, bandwidth = lane._sending, lane._env.time, lane.bandwidth
    if lane._active:  # as _advance does
        lane._work += (now - lane._since) * bandwidth / lane._active
    lane._since = now
    while sending:
        entry = sending[0]
        call = entry[2]
        if call is not None:
            left = entry[0] - lane._work
            # A remainder too small to move the clock is rounding, and counts as done.
            if left > 0.0:
                if now + left * lane._active / bandwidth > now:
                    break
                lane._work += left
            lane._active -= 1
            carries = entry[3]
            entry[2] = entry[3] = None  # no cycle is left for the collector
            heappop(sending)
            call(carries)
        else:
            heappop(sending)
    if sending:
        lane._arm()
    else:
        lane._work = 0.0
