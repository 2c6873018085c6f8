"""The backends of a reverse proxy: who may be asked now, and with what weight."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from proxysim.policies.backend import Backend
from proxysim.policies.health import Ejector, HealthChecks, SlowStart

__all__ = ["Fleet"]


class Fleet:
    """Who of the *backends* may be asked, by all that is known of them.

    Those of weight zero never are; nor those being drained, nor those that *checks* hold to be
    down. Of the rest all are asked whom none of the *ejectors* leaves out; where it leaves out
    everybody, all are taken back. Where fewer are well than the share *panic* of those that are
    not drained, all these are asked, well or not. With *slow_start* a backend that was away comes
    back with little weight, which grows.

    A backend that is drained is sent nothing new and finishes what it has. A session that was
    bound to it is placed anew.

    Cost: O(1) a request as long as nothing changes, O(len(pool)) when something does. ``pool`` is
    the same list until then, a new one after: balancers keep tables by it.

    Source: nginx for taking all back; Envoy's panic threshold, which is 50 % there and off here;
    HAProxy ``set server state drain``, which lets bound sessions through.
    """

    __slots__ = (
        "_configured",
        "_drains",
        "_ramps",
        "away",
        "backends",
        "checks",
        "ejectors",
        "panic",
        "pool",
        "slow_start",
        "tell",
        "until",
    )

    def __init__(
        self,
        backends: Sequence[Backend],
        *,
        ejectors: Iterable[Ejector] = (),
        checks: HealthChecks | None = None,
        slow_start: SlowStart | None = None,
        panic: float = 0.0,
    ) -> None:
        self.backends = tuple(backends)
        self.ejectors = tuple(ejectors)
        self.checks = checks
        self.slow_start = slow_start
        self.panic = panic
        self.tell: Callable[[str, str, float], None] | None = None
        #: Why each backend that is away is: drained, down or ejected.
        self.away: dict[Backend, str] = {}
        #: Who may be asked, up to the second ``until`` (None: until something happens).
        self.pool: Sequence[Backend] = []
        self.until: float | None = None
        self._configured = {backend: backend.weight for backend in backends if backend.weight > 0}
        self._drains: dict[Backend, int] = {}
        self._ramps: dict[Backend, tuple[float, int]] = {}  # back since, step
        self._settle(0.0)

    # What is asked of it.

    def at(self, now: float) -> Sequence[Backend]:
        """Who may be asked at *now*, which does not go back; see ``pool``."""
        while self.until is not None and self.until <= now:
            self._settle(self.until)
        return self.pool

    def in_flight(self) -> int:
        """Requests under way to all backends, those that are away included."""
        return sum(backend.in_flight for backend in self.backends)

    # What it is told.

    def observe(self, backend: Backend, ok: bool, now: float) -> None:
        """*backend* answered a request at *now*, or failed to."""
        changed = False
        for ejector in self.ejectors:
            changed |= ejector.observe(backend, ok, now)
        if changed:
            self._change(now)

    def probed(self, backend: Backend, ok: bool, now: float) -> None:
        """A probe of *backend* brought what it should, or did not."""
        if self.tell is not None:
            self.tell(backend.name, "well" if ok else "unwell", now)
        if self.checks is not None and self.checks.observe(backend, ok):
            self._change(now)

    def drain(self, name: str, now: float) -> None:
        """Send nothing new to the backend *name*, until :meth:`undrain`; several times add up."""
        for backend in self._called(name):
            self._drains[backend] = self._drains.get(backend, 0) + 1
            self._change(now)

    def undrain(self, name: str, now: float) -> None:
        """Take the backend *name* back, unless another drain goes on."""
        for backend in self._called(name):
            self._drains[backend] -= 1
            if not self._drains[backend]:
                del self._drains[backend]
                self._change(now)

    def _called(self, name: str) -> list[Backend]:
        return [backend for backend in self._configured if backend.name == name]

    def tell_to(self, tell: Callable[[str, str, float], None], now: float) -> None:
        """Have *tell* told of all news from *now* on: of which backend, what, and when.

        What is ``well`` or ``unwell`` (a probe said so), ``drained``, ``down``, ``ejected`` or
        ``back``.
        """
        self.tell = tell
        self._tell_of({}, self.away, now)

    # How it makes up its mind.

    def _change(self, now: float) -> None:
        self.at(now)  # what was due before comes first
        self._settle(now)

    def _settle(self, now: float) -> None:
        """Say anew who may be asked from *now* on, with what weight, and until when."""
        before = self.away if self.tell is None else dict(self.away)
        away = self._absent(now)
        candidates = [backend for backend in self._configured if backend not in self._drains]
        well = [backend for backend in candidates if backend not in away]
        if len(well) < self.panic * len(candidates):
            pool = candidates
        elif not well and (ejected := [b for b in candidates if away[b] == "ejected"]):
            for ejector in self.ejectors:
                ejector.pardon(ejected)
            for backend in ejected:
                del away[backend]
                self.away.pop(backend, None)  # no slow start, where all start at once
            pool = ejected
        else:
            pool = well
        if self.slow_start is not None:
            for backend in self.away:
                if backend not in away:
                    self._ramps[backend] = (now, 0)
        if self.tell is not None:
            self._tell_of(before, away, now)
        self.away = away
        changed = self._weigh(now) if self._ramps else False
        if changed or pool != self.pool:
            self.pool = pool
        self.until = self._next(now)

    def _tell_of(self, old: dict[Backend, str], new: dict[Backend, str], now: float) -> None:
        for backend in self._configured:
            what = new.get(backend, "back")
            if self.tell is not None and what != old.get(backend, "back"):
                self.tell(backend.name, what, now)

    def _absent(self, now: float) -> dict[Backend, str]:
        away = {}
        for backend in self._configured:
            if backend in self._drains:
                away[backend] = "drained"
            elif self.checks is not None and not self.checks.up(backend):
                away[backend] = "down"
            elif any(now < ejector.out.get(backend, now) for ejector in self.ejectors):
                away[backend] = "ejected"
        return away

    def _weigh(self, now: float) -> bool:
        """Give those who are coming back the weights of *now*; whether any has changed."""
        assert self.slow_start is not None
        changed = False
        for backend, (since, step) in list(self._ramps.items()):
            while since + self.slow_start.ends(step) <= now and step < SlowStart.STEPS:
                step += 1
            if backend in self.away:
                step = SlowStart.STEPS  # it will start anew
            weight = self._configured[backend] * self.slow_start.share(step)
            changed |= weight != backend.weight
            backend.weight = weight
            self._ramps[backend] = (since, step)
            if step == SlowStart.STEPS:
                del self._ramps[backend]
        return changed

    def _next(self, now: float) -> float | None:
        """When time alone will change something."""
        times = [
            until
            for ejector in self.ejectors
            for backend, until in ejector.out.items()
            if now < until and backend in self._configured
        ]
        if self.slow_start is not None:
            times += [since + self.slow_start.ends(step) for since, step in self._ramps.values()]
        return min(times, default=None)
