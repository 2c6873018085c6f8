"""Queues with any arrivals and any service: a bound, and approximations.

*between* and *demand* are squared coefficients of variation (variance / mean^2) of the times
between arrivals and of the demands: 1 for Poisson and exponential, 0 where all are the same. The
rest as in :mod:`proxysim.theory.queues`.
"""

from __future__ import annotations

import math

from proxysim.theory import queues
from proxysim.theory.queues import TheoryError

__all__ = ["allen_cunneen", "kingman", "kingman_bound"]


def kingman_bound(rate: float, service: float, between: float, demand: float) -> float:
    """No GI/G/1 has a longer T: S + (between / rate^2 + demand S^2) rate / (2 (1 - rho)).

    Source: Kingman, "Some inequalities for the queue GI/G/1", Biometrika 49, 1962.
    """
    rho = _rho(rate, service, 1, between, demand)
    spread = between / rate**2 + demand * service**2
    return service + rate * spread / (2 * (1 - rho))


def kingman(rate: float, service: float, between: float, demand: float) -> float:
    """T of GI/G/1, about: S + S rho / (1 - rho) (between + demand) / 2; the better the busier.

    Exact for Poisson arrivals. Source: Kingman, "The single server queue in heavy traffic",
    Mathematical Proceedings of the Cambridge Philosophical Society 57, 1961.
    """
    return allen_cunneen(rate, service, 1, between, demand)


def allen_cunneen(
    rate: float, service: float, servers: int, between: float, demand: float
) -> float:
    """T of GI/G/c, about: the wait of M/M/c, times (between + demand) / 2, and S.

    Exact for M/M/c and, with one server, for M/G/1; mostly within 10 % for rho above 0.7, and for
    few waits and much variation well off.

    Source: Allen, "Probability, Statistics, and Queueing Theory", 2nd ed., 1990, section 5.3.6.
    """
    _rho(rate, service, servers, between, demand)
    wait = queues.mmc(rate, service, servers) - service
    return service + wait * (between + demand) / 2


def _rho(rate: float, service: float, servers: int, between: float, demand: float) -> float:
    if not (0 <= between < math.inf and 0 <= demand < math.inf):
        raise TheoryError(
            f"variations of {between!r} and {demand!r}", mend="Give finite numbers from 0 up."
        )
    queues.mmc(rate, service, servers)  # refuses what has no answer
    return rate * service / servers
