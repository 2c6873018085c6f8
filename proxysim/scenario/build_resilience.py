"""How a scenario's proxies meet trouble, made into policies."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from proxysim.policies.backend import Backend
from proxysim.policies.backoff import Backoff
from proxysim.policies.breaker import Breakers
from proxysim.policies.hedging import Hedging
from proxysim.policies.rate_limit import TokenBucket
from proxysim.policies.retry import Retry
from proxysim.policies.shedding import ControlledDelay, Shedding
from proxysim.proxies.gate import Gate
from proxysim.proxies.slots import Slots
from proxysim.scenario import resilience as said
from proxysim.scenario.nodes import ProxyBase, ReverseProxy

__all__ = ["breakers_of", "gate_of", "hedging_of", "retry_of", "slots_of"]


def retry_of(proxy: ReverseProxy, rng: Random) -> Retry | None:
    """When *proxy* sends a request again; its back-off draws from *rng*."""
    wanted = proxy.retry
    if wanted is None:
        return None
    backoff = None
    if wanted.backoff is not None:
        backoff = Backoff(rng, wanted.backoff.base, wanted.backoff.max)
    return Retry(wanted.attempts, wanted.budget, wanted.reasons, backoff)


def hedging_of(proxy: ReverseProxy) -> Hedging | None:
    """When *proxy* sends a request twice at a time."""
    wanted = proxy.hedge
    if wanted is None:
        return None
    return Hedging(
        wanted.after, 0.95 if wanted.quantile is None else wanted.quantile, wanted.budget
    )


def breakers_of(proxy: ReverseProxy) -> Breakers | None:
    """What keeps *proxy* from asking backends that keep failing."""
    wanted = proxy.breaker
    if wanted is None:
        return None
    return Breakers(
        5 if wanted.failures is None else wanted.failures,
        wanted.open_for,
        wanted.trials,
        ratio=wanted.ratio,
        window=wanted.window,
        least=wanted.least,
    )


def slots_of(proxy: ProxyBase, clock: Callable[[], float]) -> Slots[Backend] | None:
    """How many requests *proxy* has at each backend at a time."""
    room = proxy.limits.backend
    if room is None:
        return None
    return Slots(room.in_flight, clock, queue=room.queue, timeout=room.timeout)


def gate_of(proxy: ProxyBase, clock: Callable[[], float]) -> Gate | None:
    """What requests pass before *proxy* works on them; None where that is nothing."""
    rate, shedding, room = proxy.rate_limit, proxy.shedding, proxy.limits.proxy
    if rate is None and shedding is None and room is None:
        return None
    return Gate(
        clock,
        rate_limit=None if rate is None else TokenBucket(rate.rate, rate.burst),
        whole=rate is not None and rate.by == "all",
        shedding=_shedding(shedding),
        slots=None if room is None else _inside(room, shedding, clock),
    )


def _shedding(shedding: said.Shedding | None) -> Shedding | None:
    if shedding is None or shedding.in_flight is None:
        return None
    return Shedding(shedding.in_flight, shedding.reserve, shedding.first)


def _inside(
    room: said.Room, shedding: said.Shedding | None, clock: Callable[[], float]
) -> Slots[str]:
    delay = None
    if shedding is not None and (wanted := shedding.queue_delay) is not None:
        delay = ControlledDelay(wanted.target, wanted.interval)
    return Slots(room.in_flight, clock, queue=room.queue, timeout=room.timeout, delay=delay)
