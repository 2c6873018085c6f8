"""Hedging: a request that takes long is sent a second time, and the first good answer wins."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from math import ceil

__all__ = ["Hedging", "Recent"]


class Recent:
    """The last *window* numbers, and their quantiles, exactly.

    O(log window) and one move of memory a number, O(1) a quantile.
    """

    __slots__ = ("_in_order", "_sorted", "window")

    def __init__(self, window: int = 1000) -> None:
        self.window = window
        self._in_order: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, number: float) -> None:
        if len(self._in_order) == self.window:
            del self._sorted[bisect_left(self._sorted, self._in_order.popleft())]
        self._in_order.append(number)
        insort(self._sorted, number)

    def quantile(self, q: float) -> float:
        """The least number that at least the share *q* of all do not exceed; not of none."""
        return self._sorted[max(0, ceil(q * len(self._sorted)) - 1)]

    def __len__(self) -> int:
        return len(self._in_order)


class Hedging:
    """Send a request again when it has had no answer for *after* seconds, to another backend.

    Without *after* the delay is the *quantile* of the last thousand times to the first byte, once
    50 are known. One that lost against its hedge counts as long as it was waited for: it lies above
    the delay in any case, so the quantile stays right. Where answers take no time, as by the clock
    of a run in sequence, which stands still, there is no hedge. Every request earns the share
    *budget* of a hedge, up to 10 are saved, and each hedge spends one: so hedges never exceed
    ``10 + budget * requests``. Only safe methods are hedged.

    O(1) a request with *after*, else O(log 1000).
    Source: Dean and Barroso, "The Tail at Scale", CACM 2013: after the 95th percentile a hedge
    costs about 5 % more requests; the bucket is gRPC's retry throttling (proposal A6).
    """

    __slots__ = ("_recent", "_saved", "after", "budget", "quantile")

    ENOUGH = 50
    MOST_SAVED = 10.0

    def __init__(
        self, after: float | None = None, quantile: float = 0.95, budget: float = 0.1
    ) -> None:
        self.after = after
        self.quantile = quantile
        self.budget = budget
        self._recent = Recent()
        self._saved = self.MOST_SAVED

    def delay(self) -> float | None:
        """Seconds to wait for a first answer before the hedge; None: there is to be none."""
        if self.after is not None:
            return self.after
        if len(self._recent) < self.ENOUGH:
            return None
        # Where answers take no time, nothing can be gained by asking twice.
        return self._recent.quantile(self.quantile) or None

    def earn(self) -> None:
        """A request has come."""
        self._saved = min(self.MOST_SAVED, self._saved + self.budget)

    def spend(self) -> bool:
        """Whether a hedge may be sent; if so it is paid for."""
        # Tenths add up to a little less than whole numbers.
        if self._saved < 1 - 1e-9:
            return False
        self._saved -= 1
        return True

    def observe(self, seconds: float) -> None:
        """A first sending was answered after *seconds*, or given up after them."""
        if self.after is None:
            self._recent.add(seconds)
