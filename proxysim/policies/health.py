"""Passive health: a backend that keeps failing is left out for a while."""

from __future__ import annotations

from collections.abc import Sequence

from proxysim.policies.backend import Backend

__all__ = ["PassiveHealth"]


class PassiveHealth:
    """Leave out a backend for *seconds* after *failures* in a row.

    An answer in between starts the count again. A backend that comes back is on trial: its next
    failure leaves it out at once, its next answer clears it. When nobody would be left, all
    are taken back, so that a wrong guess does not close a site that is only slow.

    Asking is O(1) as long as nothing changes, O(len(pool)) when something has.
    Source: nginx ``max_fails`` and ``fail_timeout``; for the empty pool Envoy's panic routing.
    """

    __slots__ = ("_fails", "_left", "_out", "_pool", "_until", "failures", "seconds")

    def __init__(self, failures: int = 1, seconds: float = 10.0) -> None:
        self.failures = failures
        self.seconds = seconds
        self._fails: dict[Backend, int] = {}
        self._out: dict[Backend, float] = {}
        self._pool: Sequence[Backend] | None = None
        self._left: Sequence[Backend] = ()
        self._until = 0.0

    def observe(self, backend: Backend, ok: bool, now: float) -> None:
        """*backend* answered, or failed to."""
        if ok:
            if self._fails:
                self._fails.pop(backend, None)
            return
        fails = self._fails.get(backend, 0) + 1
        self._fails[backend] = fails
        if fails >= self.failures and self.available(backend, now):
            self._out[backend] = now + self.seconds
            self._pool = None

    def available(self, backend: Backend, now: float) -> bool:
        """Whether *backend* is not left out at *now*."""
        return now >= self._out.get(backend, now)

    def healthy(self, pool: Sequence[Backend], now: float) -> Sequence[Backend]:
        """Who of *pool* may be asked; the same object as before as long as nothing has changed.

        That object is *pool* itself while nobody is left out.
        """
        if not self._out:
            return pool
        if pool is self._pool and now < self._until:
            return self._left
        self._out = {backend: until for backend, until in self._out.items() if now < until}
        left = [backend for backend in pool if backend not in self._out]
        if not left:
            for backend in pool:
                self._out.pop(backend, None)
                self._fails.pop(backend, None)
        if len(left) in (0, len(pool)):
            self._pool = None
            return pool
        self._pool, self._left, self._until = pool, left, min(self._out.values())
        return left
