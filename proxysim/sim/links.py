"""Wires in simulated time: latency, jitter, loss, and bandwidth that transfers share equally.

Sharing is egalitarian processor sharing by virtual time: with n transfers under way each gets
1/n of the bandwidth, so a transfer of S bytes ends when the work done for each since it joined has
grown by S. Joining and leaving cost O(log n), whatever n is.

Source: processor sharing, Kleinrock, "Queueing Systems", volume 2, section 4.4; virtual time as in
Demers, Keshav and Shenker, "Analysis and Simulation of a Fair Queueing Algorithm", SIGCOMM 1989.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Any

from proxysim.sim.clock import Clock, Timer

__all__ = ["Lane"]


class Lane:
    """One direction of a wire: *bandwidth* in bytes per second, shared by all who send."""

    __slots__ = (
        "_armed",
        "_env",
        "_order",
        "_sending",
        "_since",
        "_timer",
        "_work",
        "bandwidth",
    )

    def __init__(self, env: Clock, bandwidth: float) -> None:
        self.bandwidth = bandwidth
        self._env = env
        self._sending: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._work = 0.0  # bytes done so far for a transfer that had always been there
        self._since = 0.0  # when _work was last brought up to date
        self._armed = inf  # when the timer that counts will fire
        self._timer: Timer | None = None

    def __len__(self) -> int:
        return len(self._sending)

    def join(self, size: float, done: Callable[[], None]) -> None:
        """Send *size* bytes; *done* is called when the last of them has left."""
        sending, now = self._sending, self._env.time
        if sending:
            self._work += (now - self._since) * self.bandwidth / len(sending)
        self._since = now
        heappush(sending, (self._work + size, next(self._order), done))
        self._arm()

    def change(self, bandwidth: float) -> None:
        """Go on with another *bandwidth*, also for what is under way."""
        now = self._env.time
        if self._sending:
            self._work += (now - self._since) * self.bandwidth / len(self._sending)
        self._since = now
        self.bandwidth = bandwidth
        self._timer, self._armed = None, inf
        self._arm()

    def _arm(self) -> None:
        """See to it that a timer fires no later than the next departure.

        A timer that is early is left alone: it finds nothing due and is set again.
        """
        sending = self._sending
        if sending:
            delay = (sending[0][0] - self._work) * len(sending) / self.bandwidth
            if self._since + delay < self._armed:
                self._armed = self._since + delay
                self._timer = Timer(self._env, delay if delay > 0 else 0.0, self._fired)

    def _fired(self, timer: Any) -> None:
        if timer is not self._timer:
            return
        self._timer, self._armed = None, inf
        sending, now, bandwidth = self._sending, self._env.time, self.bandwidth
        if sending:  # whoever armed it may have left in the turn that it joined
            self._work += (now - self._since) * bandwidth / len(sending)
        self._since = now
        while sending:
            left = sending[0][0] - self._work
            # A remainder too small to move the clock is rounding, and counts as done.
            if left > 0 and now + left * len(sending) / bandwidth > now:
                break
            if left > 0:
                self._work += left
            heappop(sending)[2]()
        if not sending:
            self._work = 0.0  # nobody is there to measure by it: keep it small, and so exact
        self._arm()
