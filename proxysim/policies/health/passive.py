"""Passive health: a backend that keeps failing is left out for a while."""

from __future__ import annotations

from collections.abc import Iterable

from proxysim.policies.backend import Backend

__all__ = ["PassiveHealth"]


class PassiveHealth:
    """Leave out a backend for *seconds* after *failures* in a row.

    No answer, and an answer of 500 and above, is a failure; any other starts the count again. A
    backend that comes back is on trial: its next failure leaves it out at once, its next answer
    clears it. When nobody would be left, all are taken back, so that a wrong guess does not close a
    site that is only slow.

    Cost: O(1) an answer.

    Source: nginx ``max_fails`` and ``fail_timeout``, whose peers are all tried again when all have
    failed.
    """

    __slots__ = ("_fails", "failures", "out", "seconds")

    def __init__(self, failures: int = 1, seconds: float = 10.0) -> None:
        self.failures = failures
        self.seconds = seconds
        self.out: dict[Backend, float] = {}
        self._fails: dict[Backend, int] = {}

    def observe(self, backend: Backend, ok: bool, now: float) -> bool:
        """*backend* answered at *now*, or failed to; whether it is left out for that."""
        if ok:
            if self._fails:
                self._fails.pop(backend, None)
            return False
        fails = self._fails.get(backend, 0) + 1
        self._fails[backend] = fails
        if fails < self.failures or now < self.out.get(backend, now):
            return False
        self.out[backend] = now + self.seconds
        return True

    def pardon(self, backends: Iterable[Backend]) -> None:
        """Take *backends* back at once, as if they had never failed."""
        for backend in backends:
            self.out.pop(backend, None)
            self._fails.pop(backend, None)
