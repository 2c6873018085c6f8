"""The yardstick: the same job, written by hand in SimPy, keeping sums and nothing else."""

from __future__ import annotations

from collections.abc import Generator
from random import Random
from typing import Any

import simpy

__all__ = ["least_connections"]


def least_connections(requests: int, *, servers: int = 4, rho: float = 0.8, seed: int = 1) -> float:
    """The mean response time of *requests*; mean service time 1.

    One arrivals process; each server a process with a Store for its queue; each request goes where
    the fewest are queued and in service, ties at random.
    """
    env = simpy.Environment()
    rng = Random(seed)
    stores = [simpy.Store(env) for _ in range(servers)]
    load = [0] * servers
    total, served = 0.0, 0

    def serve(number: int) -> Generator[Any, Any, None]:
        nonlocal total, served
        store = stores[number]
        while True:
            came = yield store.get()
            yield env.timeout(rng.expovariate(1.0))
            load[number] -= 1
            total += env.now - came
            served += 1

    def arrive() -> Generator[Any, Any, None]:
        for _ in range(requests):
            yield env.timeout(rng.expovariate(rho * servers))
            least = min(load)
            chosen = rng.choice([number for number in range(servers) if load[number] == least])
            load[chosen] += 1
            stores[chosen].put(env.now)

    for number in range(servers):
        env.process(serve(number))
    env.process(arrive())
    env.run()
    return total / served
