"""Success rates: who fails more often than the others do."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, sqrt

from proxysim.policies.backend import Backend

__all__ = ["SuccessRate"]


class SuccessRate:
    """Find backends whose share of answers is far below that of the pool.

    At the end of each *interval*, of the backends that were asked *requests* times in it, those
    are outliers that answered a smaller share than the mean less *factor* standard deviations; none
    where fewer than *backends* were asked so often. One bad backend among n is at most
    ``sqrt(n - 1)`` deviations away, so 1.9 finds nobody in a pool of fewer than five.

    Cost: O(1) an answer, and O(len(pool)) an interval. Memory O(len(pool)).

    Source: Envoy ``success_rate_stdev_factor`` 1.9, ``success_rate_minimum_hosts`` 5,
    ``success_rate_request_volume`` 100, ``interval`` 10 s.
    """

    __slots__ = ("_asked", "_ends", "backends", "factor", "interval", "requests")

    def __init__(
        self,
        factor: float = 1.9,
        requests: int = 100,
        backends: int = 5,
        interval: float = 10.0,
    ) -> None:
        self.factor = factor
        self.requests = requests
        self.backends = backends
        self.interval = interval
        self._asked: dict[Backend, list[int]] = {}
        self._ends = inf

    def outliers(
        self, backend: Backend, ok: bool, now: float, out: Mapping[Backend, float]
    ) -> list[Backend]:
        """Count an answer of *backend* at *now*; who stands out where an interval is over by now.

        Those who are *out* until later than *now* are not compared.
        """
        found: list[Backend] = []
        if now >= self._ends:
            found = self._compare(now, out)
            self._asked.clear()
            self._ends = inf
        if self._ends == inf:
            self._ends = now + self.interval
        counts = self._asked.get(backend)
        if counts is None:
            counts = self._asked[backend] = [0, 0]
        counts[ok] += 1
        return found

    def _compare(self, now: float, out: Mapping[Backend, float]) -> list[Backend]:
        rates = {
            backend: answered / (failed + answered)
            for backend, (failed, answered) in self._asked.items()
            if failed + answered >= self.requests and now >= out.get(backend, now)
        }
        if len(rates) < self.backends:
            return []
        mean = sum(rates.values()) / len(rates)
        deviation = sqrt(sum((rate - mean) ** 2 for rate in rates.values()) / len(rates))
        return [backend for backend, rate in rates.items() if rate < mean - self.factor * deviation]
