"""Outlier ejection: whoever fails unlike the others is left out, but never many at a time."""

from __future__ import annotations

from collections.abc import Iterable

from proxysim.policies.backend import Backend
from proxysim.policies.health.success_rate import SuccessRate

__all__ = ["OutlierEjection"]


class OutlierEjection:
    """Eject a backend after *failures* in a row, the longer the more often it has been.

    It is out for *seconds* times the number of its ejections, at most for 5 minutes (or *seconds*
    where that is longer); for each 10 s that it then stays in, one of them is forgotten. At most
    the share *at_most* of the *size* backends may be out at a time, but one always may: beyond
    that failing backends stay, because if many fail the fault is likely not theirs. Back in, it
    starts with a clean slate. With *success_rate* those are ejected too who fail more often than
    the rest, though not always. When nobody would be left, all are taken back.

    Cost: O(1) an answer; O(len(pool)) where one is ejected.

    Source: Envoy's outlier detection: ``consecutive_5xx`` 5, ``base_ejection_time`` 30 s,
    ``max_ejection_time`` 300 s, ``max_ejection_percent`` 10, ``always_eject_one_host``. Envoy takes
    backends back at its next sweep, every 10 s; here they return when their time is up.
    """

    __slots__ = (
        "_fails",
        "_record",
        "at_most",
        "failures",
        "out",
        "seconds",
        "size",
        "success_rate",
    )

    LONGEST = 300.0
    FORGETS = 10.0

    def __init__(
        self,
        size: int,
        failures: int = 5,
        seconds: float = 30.0,
        at_most: float = 0.1,
        success_rate: SuccessRate | None = None,
    ) -> None:
        self.size = size
        self.failures = failures
        self.seconds = seconds
        self.at_most = at_most
        self.success_rate = success_rate
        self.out: dict[Backend, float] = {}
        self._fails: dict[Backend, int] = {}
        self._record: dict[Backend, tuple[int, float]] = {}  # ejections, and the end of the last

    def observe(self, backend: Backend, ok: bool, now: float) -> bool:
        """*backend* answered at *now*, or failed to; whether anybody is ejected for that."""
        ejected = False
        if self.success_rate is not None:
            for outlier in self.success_rate.outliers(backend, ok, now, self.out):
                ejected |= self._eject(outlier, now)
        if ok:
            if self._fails:
                self._fails.pop(backend, None)
            return ejected
        fails = self._fails.get(backend, 0) + 1
        if fails < self.failures:
            self._fails[backend] = fails
            return ejected
        self._fails.pop(backend, None)
        return self._eject(backend, now) or ejected

    def pardon(self, backends: Iterable[Backend]) -> None:
        """Take *backends* back at once; how often they were ejected is remembered."""
        for backend in backends:
            self.out.pop(backend, None)

    def _eject(self, backend: Backend, now: float) -> bool:
        """Eject *backend*, unless it is out or no more may be."""
        self.out = {member: until for member, until in self.out.items() if now < until}
        # 29 % of 100 comes out a little below 29.
        if backend in self.out or len(self.out) >= max(1, int(self.at_most * self.size + 1e-9)):
            return False
        times, back = self._record.get(backend, (0, now))
        times = max(0, times - max(0, int((now - back) / self.FORGETS))) + 1
        until = now + min(self.seconds * times, max(self.LONGEST, self.seconds))
        self.out[backend] = until
        self._record[backend] = (times, until)
        return True
