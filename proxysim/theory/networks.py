"""Closed loops through several queues: users who think, ask, and wait for their answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proxysim.theory.queues import TheoryError

__all__ = ["Load", "Network", "Station", "mean_value_analysis"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Station:
    """Where requests are served: *demand* is visits times mean service, for each request.

    *servers* None: as many as there are requests, so nobody waits.
    """

    demand: float
    servers: int | None = 1


@dataclass(frozen=True, slots=True)
class Load:
    """A station at rest: the share of its servers that are busy (nan where they are unbounded).

    *inside* is the mean number of requests there, *response* their time there, over all visits.
    """

    utilisation: float
    inside: float
    response: float


@dataclass(frozen=True, slots=True)
class Network:
    """A closed network at rest: requests a unit of time, mean response time, and each station."""

    throughput: float
    response: float
    stations: tuple[Load, ...]


def mean_value_analysis(users: int, think: float, stations: Sequence[Station]) -> Network:
    """*users* who each think (mean *think*), then visit all *stations*, and think again.

    Exact for product-form networks: exponential service, first come first served, or any service
    under processor sharing or without waiting; routes at random; any think time. What the recursion
    of mean value analysis gives, found by convolution instead, which has only positive terms and so
    keeps its digits where there are several servers; in logarithms, so nothing overflows.
    O(stations * users^2).

    Source: Reiser and Lavenberg, "Mean-value analysis of closed multichain queuing networks", JACM
    27(2), 1980; Buzen, "Computational algorithms for closed queueing networks with exponential
    servers", CACM 16(9), 1973.
    """
    if users < 1:
        raise TheoryError(f"{users!r} users", mend="Give one or more.")
    times = [think, *(station.demand for station in stations)]
    if not all(0 <= time < math.inf for time in times) or not any(times):
        raise TheoryError(f"think and demands of {times}", mend="Give times, some above zero.")
    if any(station.servers is not None and station.servers < 1 for station in stations):
        raise TheoryError("a station without a server", mend="Give one or more.")
    parts = [_weights(Station(think, None), users), *(_weights(one, users) for one in stations)]
    first = [_nobody(users)]
    for part in parts:
        first.append(_convolved(first[-1], part))
    whole = first[-1]
    throughput = math.exp(whole[users - 1] - whole[users])
    # All but the k-th: what stands before it, with what stands behind it.
    rest = _nobody(users)
    loads: list[Load] = []
    for at in range(len(parts) - 1, 0, -1):
        others = _convolved(first[at], rest)
        chances = np.exp(parts[at] + others[::-1] - whole[users])
        loads.append(_load(stations[at - 1], chances, throughput))
        rest = _convolved(parts[at], rest)
    return Network(throughput, users / throughput - think, tuple(reversed(loads)))


def _load(station: Station, chances: Floats, throughput: float) -> Load:
    inside = float(chances @ np.arange(len(chances)))
    busy = throughput * station.demand
    share = math.nan if station.servers is None else busy / station.servers
    return Load(share, inside, inside / throughput)


def _weights(station: Station, users: int) -> Floats:
    """Logarithms of D^n / (1 for each of the first c servers, then c) for n up to *users*."""
    weights = np.full(users + 1, -np.inf)
    weights[0] = 0.0
    if station.demand > 0:
        present = np.arange(1, users + 1)
        servers = present if station.servers is None else np.minimum(present, station.servers)
        weights[1:] = np.cumsum(math.log(station.demand) - np.log(servers))
    return weights


def _nobody(users: int) -> Floats:
    return np.concatenate([[0.0], np.full(users, -np.inf)])


def _convolved(one: Floats, other: Floats) -> Floats:
    """Of two rows of logarithms."""
    found = np.empty_like(one)
    for at in range(len(one)):
        terms = one[: at + 1] + other[at::-1]
        most = terms.max()
        found[at] = most if most == -np.inf else most + math.log(np.exp(terms - most).sum())
    return found
