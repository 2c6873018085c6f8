"""Circuit breakers: a backend that keeps failing is not asked until a trial succeeds."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import inf

from proxysim.policies.backend import Backend

__all__ = ["Breakers", "Trip"]


class Trip:
    """A breaker that is not closed: open *until* then, and half-open from then on."""

    __slots__ = ("passed", "trying", "until")

    def __init__(self, until: float) -> None:
        self.until = until
        self.trying = 0
        self.passed = 0


class Breakers:
    """One breaker for each backend: it opens on failures, and closes after trials that succeed.

    Closed, it opens after *failures* in a row; or, where a *ratio* is given, when of at least
    *least* answers in the last *window* seconds that share failed. Open, the backend is not asked
    for *open_for* seconds. Then it is half-open: *trials* requests at a time may try it; as many
    successes close it, and one failure opens it anew. Answers to what was asked before it opened
    change nothing. Unlike health, breakers never give way when nobody is left: the proxy then
    answers 503 at once, which is what spares the backends.

    Cost: O(1) a request while all are closed, O(len(pool)) when one has changed.

    Source: Nygard, "Release It!", 2nd ed., 2018; Hystrix: 50 % of at least 20 requests in 10 s,
    open for 5 s, one trial. What Envoy calls circuit breakers are limits.
    """

    __slots__ = (
        "_fails",
        "_left",
        "_pool",
        "_trips",
        "_until",
        "_windows",
        "failures",
        "least",
        "open_for",
        "ratio",
        "trials",
        "window",
    )

    def __init__(
        self,
        failures: int = 5,
        open_for: float = 5.0,
        trials: int = 1,
        *,
        ratio: float | None = None,
        window: float = 10.0,
        least: int = 20,
    ) -> None:
        self.failures = failures
        self.open_for = open_for
        self.trials = trials
        self.ratio = ratio
        self.window = window
        self.least = least
        self._fails: dict[Backend, int] = {}
        self._windows: dict[Backend, _Window] = {}
        self._trips: dict[Backend, Trip] = {}
        self._pool: Sequence[Backend] | None = None  # for which, until then, the next holds
        self._left: Sequence[Backend] = ()
        self._until = inf

    def admitted(self, pool: Sequence[Backend], now: float) -> Sequence[Backend]:
        """Who of *pool* may be asked at *now*; *pool* itself while all breakers are closed."""
        if not self._trips:
            return pool
        if pool is not self._pool or now >= self._until:
            self._pool = pool
            self._left = [backend for backend in pool if self.admits(backend, now)]
            self._until = min(
                (trip.until for trip in self._trips.values() if trip.until > now), default=inf
            )
            if len(self._left) == len(pool):
                self._left = pool
        return self._left

    def admits(self, backend: Backend, now: float) -> bool:
        """Whether *backend* may be asked at *now*."""
        trip = self._trips.get(backend)
        return trip is None or (now >= trip.until and trip.trying < self.trials)

    def wait(self, pool: Sequence[Backend], now: float) -> float:
        """Seconds until a breaker of *pool*, all of which are open, lets somebody try."""
        untils = [self._trips[backend].until for backend in pool if backend in self._trips]
        # Where one is being tried, it is known soon what comes of it.
        return max(1.0, min(untils) - now) if untils else 0.0

    def ask(self, backend: Backend) -> Trip | None:
        """*backend* is asked; gives what :meth:`observe` or :meth:`give_up` is to be told."""
        if not self._trips:
            return None
        trip = self._trips.get(backend)
        if trip is not None:
            trip.trying += 1
            self._pool = None
        return trip

    def give_up(self, trip: Trip | None) -> None:
        """Nobody waits for the answer any more."""
        if trip is not None:
            trip.trying -= 1
            self._pool = None

    def observe(self, backend: Backend, trip: Trip | None, ok: bool, now: float) -> None:
        """*backend* answered what it was asked under *trip*, or failed to."""
        if trip is not None:
            self.give_up(trip)
            if self._trips.get(backend) is trip:
                self._tried(backend, trip, ok, now)
        elif backend not in self._trips and self._fails_too_often(backend, ok, now):
            self._open(backend, now)

    def _tried(self, backend: Backend, trip: Trip, ok: bool, now: float) -> None:
        if not ok:
            self._open(backend, now)
            return
        trip.passed += 1
        if trip.passed >= self.trials:
            del self._trips[backend]

    def _open(self, backend: Backend, now: float) -> None:
        self._fails.pop(backend, None)
        self._windows.pop(backend, None)
        self._trips[backend] = Trip(now + self.open_for)
        self._pool = None

    def _fails_too_often(self, backend: Backend, ok: bool, now: float) -> bool:
        if self.ratio is not None:
            window = self._windows.get(backend)
            if window is None:
                window = self._windows[backend] = _Window(self.window)
            asked, failed = window.add(ok, now)
            return not ok and asked >= self.least and failed >= self.ratio * asked
        if ok:
            if self._fails:
                self._fails.pop(backend, None)
            return False
        fails = self._fails[backend] = self._fails.get(backend, 0) + 1
        return fails >= self.failures


class _Window:
    """How many answers, and failures among them, there were in the last *seconds*.

    In ten steps: what is older than that by less than a tenth may still be counted.
    """

    __slots__ = ("_steps", "_width", "asked", "failed")

    STEPS = 10

    def __init__(self, seconds: float) -> None:
        self._width = seconds / self.STEPS
        self._steps: deque[list[int]] = deque()  # number of the step, answers, failures
        self.asked = self.failed = 0

    def add(self, ok: bool, now: float) -> tuple[int, int]:
        number = int(now / self._width)
        steps = self._steps
        while steps and steps[0][0] <= number - self.STEPS:
            _, asked, failed = steps.popleft()
            self.asked -= asked
            self.failed -= failed
        if not steps or steps[-1][0] != number:
            steps.append([number, 0, 0])
        steps[-1][1] += 1
        steps[-1][2] += not ok
        self.asked += 1
        self.failed += not ok
        return self.asked, self.failed
