"""Peak EWMA: of a few drawn, ask who is likely to answer soonest; believe bad news at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import exp
from random import Random as Stream
from typing import Any, ClassVar

from proxysim.messages import Request
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.base import forget_the_gone
from proxysim.policies.balancers.least_response_time import UNHEARD
from proxysim.policies.balancers.loads import least_of_drawn
from proxysim.policies.parameters import Reader, span, whole

__all__ = ["PeakEwma"]


class PeakEwma:
    """Draw *choices* distinct backends; take the one of least ``ewma * (in_flight + 1) / weight``.

    The average is that of the seconds to the first byte. An answer slower than it becomes the
    average at once (the peak); a quicker one, t seconds after the last, takes it
    ``1 - exp(-t / decay)`` of the way. While nothing is heard it counts less, by
    ``exp(-t / decay)``, so that one that was slow is tried again. A failure counts as an answer
    that took *penalty* longer; with none, who fails fast looks quick and draws the requests. Ties
    go to the first drawn. A pool of no more than *choices* members is compared whole.

    Cost: O(choices) a choice, O(1) an answer.

    Members: one not heard of is asked at once, one request alone; until it answers it counts as
    slower than all others. One that leaves is remembered for its return, unless very many have left
    since.

    Source: Finagle ``PeakEwma`` and Envoy's ``peak_ewma``, with weights besides.
    """

    __slots__ = ("_clock", "_heard", "_pool", "_random", "_rng", "choices", "decay", "penalty")

    parameters: ClassVar[Mapping[str, Reader]] = {
        "decay": span(0.001, 3600),
        "choices": whole(1, 1000),
        "penalty": span(0, 3600),
    }

    def __init__(
        self,
        rng: Stream,
        clock: Callable[[], float],
        decay: float = 10.0,
        choices: int = 2,
        penalty: float = 0.0,
    ) -> None:
        self._rng = rng
        self._random = rng.random
        self._clock = clock
        self.decay = decay
        self.choices = choices
        self.penalty = penalty
        self._pool: Sequence[Backend] = ()
        # The average, and when it was brought up to date.
        self._heard: dict[Backend, tuple[float, float]] = {}

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        if pool is not self._pool:
            self._pool = pool
            forget_the_gone(self._heard, pool)
        size, now = len(pool), self._clock()
        if self.choices != 2 or size < 3:
            drawn = self._rng.sample(pool, min(self.choices, size))
            return min(drawn, key=lambda backend: self._cost(backend, now))
        at = int(self._random() * size)
        other = int(self._random() * (size - 1))
        if other >= at:
            other += 1
        first, second = pool[at], pool[other]
        return second if self._cost(second, now) < self._cost(first, now) else first

    def observe(self, backend: Backend, seconds: float, ok: bool, now: float) -> None:
        if not ok:
            seconds += self.penalty
        average, since = self._heard.get(backend, (0.0, now))
        if seconds < average:
            seconds += (average - seconds) * exp(min(since - now, 0.0) / self.decay)
        self._heard[backend] = (seconds, now)

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        now = self._clock()
        costs = {backend.name: self._cost(backend, now) for backend in pool}
        drawn = min(self.choices, len(pool))
        return {
            "averages": {
                backend.name: self._average(backend, now) if backend in self._heard else None
                for backend in pool
            },
            "in_flight": {backend.name: backend.in_flight for backend in pool},
            "weights": {backend.name: backend.weight for backend in pool},
            "costs": costs,
            "drawn": drawn,
            "candidates": least_of_drawn(costs, drawn),
        }

    def _cost(self, backend: Backend, now: float) -> float:
        return self._average(backend, now) * (backend.in_flight + 1) / backend.weight

    def _average(self, backend: Backend, now: float) -> float:
        found = self._heard.get(backend)
        if found is None:
            return UNHEARD if backend.in_flight else 0.0
        average, since = found
        return average * exp((since - now) / self.decay) if now > since else average
