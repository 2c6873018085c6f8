"""How long requests stay, not on average but for each share of them: p95, p99 and the like.

The queues of :mod:`proxysim.theory.queues`, with their parameters and errors. Where a request that
finds n others must first see some of them served, the chances of n give a mixture of Erlang
distributions. First come, first served throughout.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import gammainc, gammaincc

from proxysim.theory import queues
from proxysim.theory.queues import TheoryError

__all__ = [
    "Sojourn",
    "closed_loop",
    "dm1",
    "join_shortest_queue",
    "mg1",
    "mm1",
    "mmc",
    "mmck",
    "power_of_choices",
    "random_split",
    "round_robin",
]

Floats = NDArray[np.float64]

#: Steps of time of a distribution that is found numerically.
_STEPS = 4096
_MIDDLES: Floats = np.arange(_STEPS, dtype=np.float64) + 0.5


@dataclass(frozen=True, slots=True)
class Sojourn:
    """The time in system: its *mean*, and *tail*, the chance that it takes longer than a time."""

    mean: float
    tail: Callable[[float], float]

    def quantile(self, share: float) -> float:
        """The time within which this *share* of the requests is done."""
        if not 0 < share < 1:
            raise TheoryError(f"a quantile at {share!r}", mend="Give a share between 0 and 1.")
        if self.tail(0.0) <= 1 - share:
            return 0.0
        above = self.mean
        while self.tail(above) > 1 - share:
            above *= 2.0
        return float(
            brentq(lambda time: self.tail(time) - (1 - share), 0.0, above, xtol=1e-12 * above)
        )


def mm1(rate: float, service: float) -> Sojourn:
    """M/M/1: exponential. Source: Kleinrock, "Queueing Systems", volume 1, section 5.7."""
    return _exponential(queues.mm1(rate, service))


def random_split(rate: float, service: float, count: int) -> Sojourn:
    """One of *count* queues at random: each M/M/1."""
    return _exponential(queues.random_split(rate, service, count))


def round_robin(rate: float, service: float, count: int) -> Sojourn:
    """*count* queues in turn: exponential, as in every GI/M/1.

    Source: Kleinrock, "Queueing Systems", volume 1, section 6.4.
    """
    return _exponential(queues.round_robin(rate, service, count))


def dm1(rate: float, service: float) -> Sojourn:
    """D/M/1, arrivals all the same time apart: exponential of mean S / (1 - sigma).

    sigma is the root below 1 of sigma = exp(-(1 - sigma) / rho). Source: as :func:`round_robin`.
    """
    rho = rate * service
    queues.mm1(rate, service)  # refuses what has no answer
    sigma = brentq(
        lambda found: math.exp(-(1 - found) / rho) - found, 0.0, 1 - (1 - rho) / 2, xtol=1e-15
    )
    return _exponential(service / (1 - float(sigma)))


def mmc(rate: float, service: float, servers: int) -> Sojourn:
    """M/M/c, one queue for all.

    P(T > t) = e^(-mu t) (1 + C (1 - e^(-mu t (c - 1 - a))) / (c - 1 - a)), a = rate * service.

    Source: Gross, Shortle, Thompson, Harris, "Fundamentals of Queueing Theory", 4th ed., 2.3.
    """
    mean = queues.mmc(rate, service, servers)
    load = rate * service
    waits, more = queues.erlang_c(servers, load), servers - 1 - load

    def tail(time: float) -> float:
        times = time / service
        # exp(-x) (1 - exp(-x m)) / m, with its limit x exp(-x) where m is zero.
        if abs(more) * times < 1e-9:
            return math.exp(-times) * (1 + waits * times)
        behind = (math.exp(-times) - math.exp(-times * (1 + more))) / more
        return math.exp(-times) + waits * behind

    return Sojourn(mean, tail)


def mmck(rate: float, service: float, servers: int, room: int) -> Sojourn:
    """M/M/c/K: of the requests that are let in, as in :func:`~proxysim.theory.queues.mmck`.

    Source: Gross, Shortle, Thompson, Harris, "Fundamentals of Queueing Theory", 4th ed., 2.5.
    """
    mean = queues.mmck(rate, service, servers, room).response
    logs = np.zeros(room)
    present = np.arange(1, room)
    logs[1:] = np.cumsum(math.log(rate * service) - np.log(np.minimum(present, servers)))
    return _after(mean, _normed(logs), service, servers)


def closed_loop(users: int, think: float, service: float, servers: int = 1) -> Sojourn:
    """A closed loop, as :func:`~proxysim.theory.queues.closed_loop`.

    Who arrives finds the others as they would be without him: N - 1 users at rest.

    Source: Sevcik and Mitrani, "The distribution of queuing network states at input and output
    instants", JACM 28(2), 1981.
    """
    mean = queues.closed_loop(users, think, service, servers).response
    logs = np.zeros(users)
    if think == 0:
        logs[:-1] = -np.inf
    else:
        asking = np.arange(1, users)
        logs[1:] = np.cumsum(
            np.log((users - asking) / think * service / np.minimum(asking, servers))
        )
    return _after(mean, _normed(logs), service, servers)


def join_shortest_queue(rate: float, service: float, count: int) -> Sojourn:
    """The shortest of *count* queues, at most five: Erlang of one more than its length.

    The chain of :func:`~proxysim.theory.queues.join_shortest_queue`; arrivals see time averages.
    """
    if count == 1:
        return mm1(rate, service)
    queues.random_split(rate, service, count)  # refuses what has no answer
    lengths, chances = queues.ordered_lengths(rate * service / count, count)
    shortest = np.asarray(np.bincount(lengths[:, 0], weights=chances), dtype=np.float64)
    mean = service * float(chances @ lengths.sum(axis=1)) / (rate * service)
    return _after(mean, shortest, service, 1)


def power_of_choices(rate: float, service: float, count: int, choices: int = 2) -> Sojourn:
    """The shortest of *choices* of *count* queues, very many of them: the limit.

    The queue that is joined has i or more with the chance rho^((d^(i + 1) - d) / (d - 1)).

    Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 1996.
    """
    mean = queues.power_of_choices(rate, service, count, choices)
    if choices == 1:
        return random_split(rate, service, count)
    rho = rate * service / count
    longer = [1.0]
    while longer[-1] > 1e-18:
        power = (float(choices) ** (len(longer) + 1) - choices) / (choices - 1)
        longer.append(rho**power)
    chances = np.asarray(-np.diff(np.array([*longer, 0.0])), dtype=np.float64)
    return _after(mean, chances, service, 1)


def mg1(rate: float, demands: ArrayLike, mean: float, variation: float) -> Sojourn:
    """M/G/1, numerically: the wait is a geometric number of residual demands.

    *demands* stand for the distribution, all equally likely: some hundred thousand quantiles at
    evenly spaced shares. *mean* and *variation* are exact, for T by Pollaczek and Khinchine.
    On a lattice of 4096 steps up to a time that fewer than 1 in 10,000 exceed; about 0.1 % off.
    O(steps^2).

    Source: Tijms, "A First Course in Stochastic Models", 2003, section 9.2.
    """
    response = queues.mg1(rate, mean, variation)
    found = np.sort(np.asarray(demands, dtype=np.float64).ravel())
    if not (found.size and found[0] >= 0 and 0 < found[-1] < math.inf and response < math.inf):
        raise TheoryError(
            "demands that are no times, or vary without bound", mend="Give finite numbers."
        )
    sums = np.concatenate([[0.0], np.cumsum(found)])

    def residual(times: Floats) -> Floats:
        """The chance that what is left of a demand found in service is no more: E min(S, t)/m."""
        below = np.searchsorted(found, times)
        return np.asarray((sums[below] + times * (found.size - below)) / sums[-1])

    until = 4 * response
    while True:
        step = until / _STEPS
        chances = _waits(residual, rate * mean, step)
        # Between the lattice's points, where a rounded wait and the time agree which came first.
        times = step * _MIDDLES
        demand = np.searchsorted(found, times, side="right") / found.size
        done = np.convolve(chances, demand)[:_STEPS]
        if done[-1] > 1 - 1e-4:
            break
        until *= 2.0
    late = np.concatenate([[1.0], 1 - done])
    times = np.concatenate([[0.0], times])
    return Sojourn(response, lambda time: float(np.interp(time, times, late, right=0.0)))


def _waits(residual: Callable[[Floats], Floats], rho: float, step: float) -> Floats:
    """The chances of waits of 0, 1, 2 ... steps, residual demands rounded to whole steps."""
    borders = residual(step * _MIDDLES)
    pieces = np.diff(borders, prepend=0.0)
    chances = np.empty(_STEPS)
    chances[0] = (1 - rho) / (1 - rho * pieces[0])
    for at in range(1, _STEPS):
        chances[at] = (
            rho * float(pieces[1 : at + 1] @ chances[at - 1 :: -1]) / (1 - rho * pieces[0])
        )
    return chances


def _exponential(mean: float) -> Sojourn:
    return Sojourn(mean, lambda time: math.exp(-time / mean))


def _normed(logs: Floats) -> Floats:
    chances = np.exp(logs - logs.max())
    return np.asarray(chances / chances.sum())


def _after(mean: float, found: Floats, service: float, servers: int) -> Sojourn:
    """Who finds n with the chance found[n] waits for n - c + 1 of them, then is served."""
    numbers = np.arange(len(found))
    if servers == 1:
        return Sojourn(mean, lambda time: float(found @ gammaincc(numbers + 1, time / service)))
    idle = float(found[:servers].sum())
    waiting, stages = found[servers:], numbers[servers:] - servers + 1
    growth = stages * math.log(servers / (servers - 1))

    def tail(time: float) -> float:
        times = time / service
        with np.errstate(divide="ignore"):
            inside = np.log(gammainc(stages, (servers - 1) * times))
        served = np.exp(growth + inside - times)
        late = gammaincc(stages, servers * times) + served
        return idle * math.exp(-times) + float(waiting @ late)

    return Sojourn(mean, tail)
