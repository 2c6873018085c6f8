"""Back-off: how long to wait before a request is sent again."""

from __future__ import annotations

from random import Random

__all__ = ["Backoff"]


class Backoff:
    """Wait a random time before the n-th retry: uniform from 0 to ``base * (2**n - 1)`` seconds.

    The upper end grows no further than *most* seconds, 10 times *base* unless said. That the whole
    span is random ("full jitter") keeps requests that failed together from coming back together.

    O(1). Source: Envoy's retry back-off, 25 ms and 250 ms; Brooker, "Exponential Backoff And
    Jitter", AWS Architecture Blog, 2015.
    """

    __slots__ = ("_random", "base", "most")

    def __init__(self, rng: Random, base: float = 0.025, most: float | None = None) -> None:
        self._random = rng.random
        self.base = base
        self.most = 10 * base if most is None else most

    def before(self, retry: int) -> float:
        """Seconds to wait before the *retry*-th retry, counted from 1."""
        return float(self._random() * min(self.most, self.base * (2**retry - 1)))
