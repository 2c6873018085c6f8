"""A slow processor: what a process does takes it several times as long."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import prod

__all__ = ["Drag"]


class Drag:
    """Holds its process up for as long as a processor *factor* times slower would be busy.

    Pulled before anything leaves the process, it lets the whole of it stand still: what was spent
    since the last time, *factor* - 1 times. So the real cores stay free for other processes. ``on``
    says whether to pull; ``held`` sums the seconds. What *spent* counts is processor time.
    """

    def __init__(
        self,
        spent: Callable[[], float] = time.process_time,
        stand: Callable[[float], None] = time.sleep,
    ) -> None:
        self.on = False
        self.held = 0.0
        self._spent = spent
        self._stand = stand
        self._factors: list[float] = []
        self._more = 0.0
        self._since = 0.0

    def begin(self, factor: float) -> None:
        """Be *factor* times as slow from now on, over all that slows it already."""
        self._factors.append(factor)
        self._set()

    def end(self, factor: float) -> None:
        """Be *factor* times slow no longer."""
        self._factors.remove(factor)
        self._set()

    def pull(self) -> None:
        """Stand still for what was done since the last time."""
        seconds = self._more * (self._spent() - self._since)
        self._stand(seconds)
        self.held += seconds
        self._since = self._spent()

    def _set(self) -> None:
        self._more = prod(self._factors) - 1
        self.on = self._more > 0
        self._since = self._spent()
