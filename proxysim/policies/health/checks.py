"""Active health checks: what a row of probes says of a backend."""

from __future__ import annotations

from collections.abc import Collection
from random import Random

from proxysim.policies.backend import Backend

__all__ = ["FIRST_STATES", "HealthChecks"]

#: How a backend counts before its first probe, the best first.
FIRST_STATES = ("fully_up", "up", "down", "fully_down")


class HealthChecks:
    """Leave out a backend after *fall* failed probes in a row, until *rise* have succeeded.

    Each is probed every *interval* by a GET of *path*. A probe fails when it brings no connection,
    or no first byte, within *timeout* seconds each, or a status that is not *expected*. Before the
    first probe a backend is in the state *first*: ``up``, until a first failure, or ``fully_up``,
    until *fall* of them; ``down``, until a first success, or ``fully_down``, until *rise* of them.

    The first probe of a backend is sent at a random time within an interval, and each later one
    up to a twentieth of the interval sooner or later than the interval says, so that probes do not
    come in step. One is never sent while the one before it is out. Who is down is not asked; where
    all are, the proxy answers 503.

    Cost: O(1) a probe, nothing a request.

    Source: HAProxy ``check inter 2s rise 2 fall 3``, ``init-state`` and ``spread-checks``;
    statuses as ``option httpchk`` takes them, 200 to 399.
    """

    __slots__ = (
        "_health",
        "expected",
        "fall",
        "first",
        "interval",
        "path",
        "rise",
        "timeout",
    )

    SPREAD = 0.05

    def __init__(
        self,
        interval: float = 2.0,
        timeout: float = 2.0,
        path: str = "/",
        expected: Collection[int] = range(200, 400),
        rise: int = 2,
        fall: int = 3,
        first: str = "up",
    ) -> None:
        self.interval = interval
        self.timeout = timeout
        self.path = path
        self.expected = expected
        self.rise = rise
        self.fall = fall
        begins = (rise + fall - 1, rise, rise - 1, 0)
        self.first = begins[FIRST_STATES.index(first)]
        # Up from `rise` on: one less for a failure, then none at all; one more for a success, then
        # all of them.
        self._health: dict[Backend, int] = {}

    def up(self, backend: Backend) -> bool:
        """Whether the probes so far say that *backend* is up."""
        return self._health.get(backend, self.first) >= self.rise

    def observe(self, backend: Backend, ok: bool) -> bool:
        """A probe of *backend* succeeded, or failed; whether it has gone up or down by that."""
        before = self._health.get(backend, self.first)
        if ok:
            after = before + 1 if before + 1 < self.rise else self.rise + self.fall - 1
        else:
            after = before - 1 if before > self.rise else 0
        self._health[backend] = after
        return (before >= self.rise) is not (after >= self.rise)

    def begin(self, rng: Random) -> float:
        """Seconds until a backend's first probe."""
        return self.interval * rng.random()

    def next(self, rng: Random) -> float:
        """Seconds from the beginning of one probe to that of the next."""
        return self.interval * (1.0 + self.SPREAD * (2.0 * rng.random() - 1.0))
