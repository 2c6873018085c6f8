"""M/M/1 in equilibrium, many runs at a time: no simulator, so intervals can be tried by the
thousand.
"""

import math

import numpy as np

RHO = 0.5
#: Of the time in system, mean service time 1: exponential, so p95 is ln 20 times the mean.
MEAN = 1 / (1 - RHO)
P95 = MEAN * math.log(20)


def responses(seed: int, runs: int, requests: int) -> np.ndarray:
    """Times in system, one row a run, from Lindley's recursion W' = max(W + S - A, 0).

    The first request waits as long as one in equilibrium: not at all, or exponentially. Unrolled,
    W_n = U_n - min(U_0 .. U_n, -W_0) with U the sums of S - A.
    """
    rng = np.random.default_rng(seed)
    services = rng.exponential(1.0, (runs, requests))
    gaps = rng.exponential(1 / RHO, (runs, requests - 1))
    first = rng.exponential(MEAN, runs) * (rng.random(runs) < RHO)
    walk = np.zeros((runs, requests))
    np.cumsum(services[:, :-1] - gaps, axis=1, out=walk[:, 1:])
    lowest = np.minimum.accumulate(walk, axis=1)
    waits = walk - np.minimum(lowest, -first[:, None])
    return waits + services
