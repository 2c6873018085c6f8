"""Least response time: ask who has answered soonest, and has little to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random as Stream
from typing import Any, ClassVar

from proxysim.messages import Request
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.base import forget_the_gone
from proxysim.policies.balancers.loads import least
from proxysim.policies.parameters import Reader, share, span

__all__ = ["UNHEARD", "LeastResponseTime"]

#: In seconds: slower than any that has answered counts one that has been asked and has not yet.
UNHEARD = 1e6


class LeastResponseTime:
    """Choose the backend of least ``average * (in_flight + 1) / weight``, ties broken by *rng*.

    The average is that of the seconds to the first byte, moving exponentially: each answer takes it
    the share *smoothing* of the way to its own time. A failure counts as an answer that took
    *penalty* longer; with none, who fails fast looks quick and draws the requests. An average does
    not change while nothing is heard, so one slow answer can starve a backend for good: that is the
    rule's, and peak EWMA's remedy.

    Cost: O(len(pool)) a choice, O(1) an answer.

    Members: one not heard of is asked at once, one request alone; until it answers it counts as
    slower than all others. One that leaves is remembered for its return, unless very many have left
    since.

    Source: Traefik ``leasttime``, its average over the last answers here an exponential one;
    *smoothing* as in Angie's ``response_time_factor`` 90.
    """

    __slots__ = ("_averages", "_pool", "_random", "penalty", "smoothing")

    parameters: ClassVar[Mapping[str, Reader]] = {
        "smoothing": share(0.001, 1),
        "penalty": span(0, 3600),
    }

    def __init__(self, rng: Stream, smoothing: float = 0.1, penalty: float = 0.0) -> None:
        self._random = rng.random
        self.smoothing = smoothing
        self.penalty = penalty
        self._pool: Sequence[Backend] = ()
        self._averages: dict[Backend, float] = {}

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        averages = self._averages
        if pool is not self._pool:
            self._pool = pool
            forget_the_gone(averages, pool)
        best, lowest = pool[0], float("inf")
        tied: list[Backend] | None = None
        for backend in pool:
            load = backend.in_flight
            average = averages.get(backend, UNHEARD if load else 0.0)
            score = average * (load + 1) / backend.weight
            if score < lowest:
                best, lowest, tied = backend, score, None
            elif score == lowest:
                if tied is None:
                    tied = [best, backend]
                else:
                    tied.append(backend)
        return best if tied is None else tied[int(self._random() * len(tied))]

    def observe(self, backend: Backend, seconds: float, ok: bool, now: float) -> None:
        if not ok:
            seconds += self.penalty
        average = self._averages.get(backend)
        if average is None:
            self._averages[backend] = seconds
        else:
            self._averages[backend] = average + (seconds - average) * self.smoothing

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        scores = {}
        for backend in pool:
            average = self._averages.get(backend, UNHEARD if backend.in_flight else 0.0)
            scores[backend.name] = average * (backend.in_flight + 1) / backend.weight
        return {
            "averages": {backend.name: self._averages.get(backend) for backend in pool},
            "in_flight": {backend.name: backend.in_flight for backend in pool},
            "weights": {backend.name: backend.weight for backend in pool},
            "scores": scores,
            "candidates": least(scores),
        }
