"""How a scenario's reverse proxy meets trouble, made into policies."""

from __future__ import annotations

from random import Random

from proxysim.policies.backoff import Backoff
from proxysim.policies.hedging import Hedging
from proxysim.policies.retry import Retry
from proxysim.scenario.nodes import ReverseProxy

__all__ = ["hedging_of", "retry_of"]


def retry_of(proxy: ReverseProxy, rng: Random) -> Retry | None:
    """When *proxy* sends a request again; its back-off draws from *rng*."""
    said = proxy.retry
    if said is None:
        return None
    backoff = None
    if said.backoff is not None:
        backoff = Backoff(rng, said.backoff.base, said.backoff.max)
    return Retry(said.attempts, said.budget, said.reasons, backoff)


def hedging_of(proxy: ReverseProxy) -> Hedging | None:
    """When *proxy* sends a request twice at a time."""
    said = proxy.hedge
    if said is None:
        return None
    return Hedging(said.after, 0.95 if said.quantile is None else said.quantile, said.budget)
