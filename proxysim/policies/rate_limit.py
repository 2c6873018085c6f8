"""Rate limits: how many requests a client, or all together, may make in a while."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["TokenBucket"]


class TokenBucket:
    """Let through *rate* requests a second, and up to *burst* of them at a time, for each key.

    A bucket holds *burst* tokens and gains *rate* a second; a request takes one, or is refused. So
    in any span of t seconds no more than ``burst + rate * t`` pass. A bucket is kept as the moment
    at which it is full again; one that is full is the same as none, and is forgotten. Should more
    than *most* keys be under way, the one that asked longest ago is.

    O(1) a request; memory for as many keys as have asked in the last ``burst / rate`` seconds.
    Source: token bucket as in ITU-T I.371 (the generic cell rate algorithm) and nginx
    ``limit_req`` with ``nodelay``, where ``burst`` counts one less.
    """

    __slots__ = ("_full_at", "_span", "_step", "burst", "most", "rate")

    MOST = 100_000

    def __init__(self, rate: float, burst: int = 1, most: int = MOST) -> None:
        self.rate = rate
        self.burst = burst
        self.most = most
        self._step = 1 / rate
        # A millionth of a token more, lest rounding refuse who comes exactly in time.
        self._span = (burst + 1e-6) / rate
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str, now: float) -> float:
        """Take a token of *key* at *now*: 0, or where there is none, seconds until there is."""
        buckets = self._full_at
        full_at = max(now, buckets.get(key, now)) + self._step
        late = full_at - now - self._span
        if late > 0:
            return late
        buckets[key] = full_at
        buckets.move_to_end(key)
        self._forget(now)
        return 0.0

    def _forget(self, now: float) -> None:
        """Drop the oldest bucket or two where they are full: more than one is ever added."""
        buckets = self._full_at
        for _ in range(2):
            key, full_at = next(iter(buckets.items()))
            if full_at > now and len(buckets) <= self.most:
                return
            del buckets[key]

    def __len__(self) -> int:
        return len(self._full_at)
