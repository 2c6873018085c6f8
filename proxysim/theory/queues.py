"""Queues with an exact solution.

Rates are per unit of time, service and response times in that unit; any unit will do, so long as
it is the same throughout. *service* is the mean demand S, *rate* the arrivals from all sources
together, rho = rate * service / servers. Response time T counts waiting and service.

All raise :class:`TheoryError` for parameters out of range, and for queues that never settle
(rho >= 1).
"""

from __future__ import annotations

import math
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from proxysim.errors import ProxysimError

__all__ = [
    "Loop",
    "Loss",
    "TheoryError",
    "closed_loop",
    "erlang_b",
    "erlang_c",
    "join_shortest_queue",
    "mg1",
    "mg1_sharing",
    "mm1",
    "mmc",
    "mmck",
    "power_of_choices",
    "random_split",
    "round_robin",
]


class TheoryError(ProxysimError, ValueError):
    """A model with parameters for which it has no answer."""


class Loss(NamedTuple):
    """Where room is bounded: the share of requests turned away, and T of the others."""

    blocked: float
    response: float


class Loop(NamedTuple):
    """A closed loop at rest: requests a unit of time, and the mean response time."""

    throughput: float
    response: float


# One queue.


def erlang_b(servers: int, load: float) -> float:
    """The chance that all *servers* are busy where nobody waits (M/M/c/c, any service: M/G/c/c).

    *load* = rate * service, in erlangs. B(0) = 1, 1/B(c) = 1 + (c / a) / B(c - 1).

    Source: Cooper, "Introduction to Queueing Theory", 2nd ed., section 3.3.
    """
    _at_least_one(servers, "servers")
    if load < 0 or not math.isfinite(load):
        raise TheoryError(f"a load of {load!r} erlangs", mend="Give a number from zero up.")
    if load == 0:
        return 0.0
    inverse = 1.0
    for busy in range(1, servers + 1):
        inverse = 1.0 + inverse * busy / load
    return 1.0 / inverse


def erlang_c(servers: int, load: float) -> float:
    """The chance that a request must wait for one of *servers* (M/M/c); *load* in erlangs.

    C = B / (1 - rho (1 - B)). Source: as :func:`erlang_b`, section 3.4.
    """
    blocked = erlang_b(servers, load)
    rho = _settles(load / servers)
    return blocked / (1.0 - rho * (1.0 - blocked))


def mm1(rate: float, service: float) -> float:
    """T of M/M/1, first come, first served: S / (1 - rho)."""
    return service / (1.0 - _rho(rate, service))


def mmc(rate: float, service: float, servers: int) -> float:
    """T of M/M/c, one queue for all: S + C(c, a) S / (c - a) with a = rate * service."""
    _rho(rate, service, servers)
    load = rate * service
    return service * (1.0 + erlang_c(servers, load) / (servers - load))


def mmck(rate: float, service: float, servers: int, room: int) -> Loss:
    """M/M/c with room for *room* requests, those in service included.

    p(n) ~ a^n / n! up to c, then times a / c for each further one; the last state turns away
    (arrivals see time averages), the others' T is E[N] / (rate (1 - p)). Any rho is allowed.

    Source: Cooper, "Introduction to Queueing Theory", section 3.5.
    """
    if not (rate > 0 and service > 0):
        raise TheoryError(f"rate {rate!r}, service {service!r}", mend="Give numbers above zero.")
    _at_least_one(servers, "servers")
    if room < servers:
        raise TheoryError(f"room for {room}, with {servers} servers", mend="Give no less room.")
    weights = [1.0]
    for present in range(1, room + 1):
        weights.append(weights[-1] * rate * service / min(present, servers))
    chances = np.array(weights) / math.fsum(weights)
    blocked = float(chances[-1])
    return Loss(blocked, float(chances @ np.arange(room + 1)) / (rate * (1.0 - blocked)))


def mg1(rate: float, service: float, variation: float) -> float:
    """T of M/G/1, first come, first served; *variation* is C^2 = variance / mean^2 of the demand.

    T = S + S rho (1 + C^2) / (2 (1 - rho)), by Pollaczek and Khinchine.

    Source: Kleinrock, "Queueing Systems", volume 1, section 5.6.
    """
    if not variation >= 0:
        raise TheoryError(f"a variation of {variation!r}", mend="Give a number from zero up.")
    rho = _rho(rate, service)
    return service * (1.0 + rho * (1.0 + variation) / (2.0 * (1.0 - rho)))


def mg1_sharing(rate: float, service: float) -> float:
    """T of M/G/1 under processor sharing: S / (1 - rho), whatever the distribution.

    Source: Kleinrock, "Queueing Systems", volume 2, section 4.4.
    """
    return service / (1.0 - _rho(rate, service))


def closed_loop(users: int, think: float, service: float, servers: int = 1) -> Loop:
    """*users* who each think (mean *think*), ask, and wait for the answer; exponential service.

    The machine repairman: p(n) of n asking ~ users! / (users - n)! (S/Z)^n over n!, beyond c over
    c! c^(n - c); X = sum p(n) min(n, c) / S, R = users / X - Z. The think time's distribution does
    not matter.

    Source: Cooper, "Introduction to Queueing Theory", section 3.6; Little's law for R.
    """
    _at_least_one(users, "users")
    _at_least_one(servers, "servers")
    if not (think >= 0 and service > 0):
        raise TheoryError(f"think {think!r}, service {service!r}", mend="Give times.")
    if think == 0:
        throughput = min(users, servers) / service
    else:
        logs = [0.0]
        for asking in range(1, users + 1):
            rates = (users - asking + 1) / think * service / min(asking, servers)
            logs.append(logs[-1] + math.log(rates))
        chances = np.exp(np.array(logs) - max(logs))
        chances /= chances.sum()
        busy = np.minimum(np.arange(users + 1), servers)
        throughput = float(chances @ busy) / service
    return Loop(throughput, users / throughput - think)


# Several queues, one server each, and how requests are spread over them.


def random_split(rate: float, service: float, queues: int) -> float:
    """T where each request goes to one of *queues* at random: as many M/M/1."""
    _rho(rate, service, queues)
    return mm1(rate / queues, service)


def round_robin(rate: float, service: float, queues: int) -> float:
    """T where requests go to *queues* in turn: each is E_c/M/1, so T = S / (1 - sigma).

    sigma, the chance of finding the server busy, is the root below 1 of
    sigma = (c rho / (c rho + 1 - sigma))^c.

    Source: Kleinrock, "Queueing Systems", volume 1, section 6.4 (G/M/1).
    """
    rho = _rho(rate, service, queues)

    def excess(sigma: float) -> float:
        return (queues * rho / (queues * rho + 1.0 - sigma)) ** queues - sigma

    # The root at 1 is left out by a step that is small beside the distance, about 1 - rho.
    sigma = brentq(excess, 0.0, 1.0 - (1.0 - rho) / 2, xtol=1e-15, rtol=1e-14)
    return service / (1.0 - float(sigma))


def power_of_choices(rate: float, service: float, queues: int, choices: int = 2) -> float:
    """T where each request joins the shortest of *choices* distinct queues; *queues* very many.

    T = S sum over i >= 1 of rho^((d^i - d) / (d - 1)); the limit of many queues, and for few of
    them an approximation: 1 % low for 100 at rho .9.

    Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 1996.
    """
    _at_least_one(choices, "choices")
    rho = _rho(rate, service, queues)
    if choices == 1:
        return mm1(rho, 1.0) * service
    terms = []
    for step in range(1, 200):
        power = (float(choices) ** step - choices) / (choices - 1)
        terms.append(rho**power)
        if terms[-1] < 1e-18:
            break
    return service * math.fsum(terms)


def join_shortest_queue(
    rate: float, service: float, queues: int, *, spread: int | None = None
) -> float:
    """T where each request joins the shortest of *queues*, ties at random: least connections.

    The Markov chain of queue lengths in order of size, solved where it practically stays: the
    longest queue at most *spread* longer than the shortest, and no more in all than is reached with
    a chance of 1e-12. The states number about spread^(c - 1) / (c - 1)! times the depth; made for
    up to five queues.

    Source: Haight, "Two queues in parallel", Biometrika 45, 1958, for the model.
    """
    rho = _rho(rate, service, queues)
    if queues == 1:
        return mm1(rate, service)
    lengths, chances = ordered_lengths(rho, queues, spread)
    return service * float(chances @ lengths.sum(axis=1)) / (rho * queues)


def ordered_lengths(
    rho: float, queues: int, spread: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Lengths of *queues* that are joined where shortest, shortest first, and each row's chance.

    The chain of :func:`join_shortest_queue`, two to five queues at utilisation *rho*.
    """
    if not 2 <= queues <= 5:
        raise TheoryError(f"{queues} queues are too many states", mend="Give five or fewer.")
    spread = spread if spread is not None else {2: 40, 3: 20, 4: 12, 5: 8}[queues]
    # The total has the tail of M/M/c: rho^n.
    depth = math.ceil(math.log(1e-12) / math.log(rho) / queues) + 2 if rho > 0 else 2
    states: dict[tuple[int, ...], int] = {}
    for least in range(depth + 1):
        for more in combinations_with_replacement(range(spread + 1), queues - 1):
            states[(least, *(least + extra for extra in more))] = len(states)
    rows, columns, rates = [], [], []
    for state, row in states.items():
        moves = [(_with(state, 0, 1), rho * queues)]
        moves += [(_with(state, at, -1), 1.0) for at in range(queues) if state[at]]
        for target, speed in moves:
            column = states.get(target)
            if column is not None and column != row:
                rows += [column, row]
                columns += [row, row]
                rates += [speed, -speed]
    size = len(states)
    balance = coo_matrix(
        (np.array(rates), (np.array(rows), np.array(columns))), shape=(size, size)
    ).tocsc()
    # One equation follows from the others: the first state counts as 1, then all are scaled.
    chances = np.concatenate([[1.0], spsolve(balance[1:, 1:], -balance[1:, 0].toarray().ravel())])
    return np.array(list(states)), chances / chances.sum()


def _with(state: tuple[int, ...], at: int, change: int) -> tuple[int, ...]:
    moved = list(state)
    moved[at] += change
    return tuple(sorted(moved))


# Parameters.


def _rho(rate: float, service: float, servers: int = 1) -> float:
    _at_least_one(servers, "servers")
    if not (rate > 0 and service > 0):
        raise TheoryError(f"rate {rate!r}, service {service!r}", mend="Give numbers above zero.")
    return _settles(rate * service / servers)


def _settles(rho: float) -> float:
    if not rho < 1:
        raise TheoryError(
            f"a utilisation of {rho:g}: the queue grows for ever", mend="Stay below 1."
        )
    return rho


def _at_least_one(count: int, what: str) -> None:
    if count < 1:
        raise TheoryError(f"{count!r} {what}", mend="Give one or more.")
