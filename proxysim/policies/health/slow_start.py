"""Slow start: a backend that has been away is given its share little by little."""

from __future__ import annotations

__all__ = ["SlowStart"]


class SlowStart:
    """Let the weight of a backend that comes back grow over *seconds*, in ten equal steps.

    In the first tenth of the time it has a tenth of its weight, in the second two tenths, and in
    the last all of it. It applies after an ejection, after having been down, and after draining;
    not when the proxy starts, and not when all are taken back because nobody was left. Balancers
    that look at no weights cannot be combined with it.

    Cost: nothing a request; ten new pools for each backend that comes back.

    Source: HAProxy ``slowstart``, whose weight is renewed with each check instead; Envoy's slow
    start mode, whose least weight is a tenth too.
    """

    __slots__ = ("seconds",)

    STEPS = 10

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def share(self, step: int) -> float:
        """The share of its weight that a backend has in *step*, the first being 1."""
        return min(1.0, step / self.STEPS)

    def ends(self, step: int) -> float:
        """Seconds from a backend's return to the end of *step*."""
        return self.seconds * step / self.STEPS
