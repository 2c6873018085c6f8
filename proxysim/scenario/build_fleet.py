"""The backends of a scenario's reverse proxy, and what watches over them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from proxysim.policies.backend import Backend
from proxysim.policies.health import (
    Ejector,
    HealthChecks,
    OutlierEjection,
    PassiveHealth,
    SlowStart,
    SuccessRate,
)
from proxysim.proxies.fleet import Fleet
from proxysim.proxies.probing import Prober
from proxysim.scenario import health as said
from proxysim.scenario.nodes import ReverseProxy
from proxysim.scenario.scenario import Scenario

__all__ = ["fleet_of", "prober_of"]


def fleet_of(scenario: Scenario, proxy: ReverseProxy) -> Fleet:
    """The backends of *proxy*, named like the members that they are."""
    backends = _backends(scenario, proxy)
    health = proxy.health
    ejectors: list[Ejector] = []
    if (passive := health.passive) is not None:
        ejectors.append(PassiveHealth(passive.failures, passive.for_))
    if (outliers := health.outliers) is not None:
        ejectors.append(_outliers(outliers, sum(backend.weight > 0 for backend in backends)))
    return Fleet(
        backends,
        ejectors=ejectors,
        checks=_checks(health.active) if health.active is not None else None,
        slow_start=SlowStart(health.slow_start) if health.slow_start is not None else None,
        panic=health.panic,
    )


def prober_of(
    fleet: Fleet,
    proxy: ReverseProxy,
    clock: Callable[[], float],
    streams: Callable[[str], Random],
) -> Prober | None:
    """What runs the checks of *fleet*, with a stream of *streams* for each backend's name."""
    if fleet.checks is None:
        return None
    scheme = "https" if proxy.mode.to_backends else "http"
    return Prober(fleet, fleet.checks, clock, streams, host=proxy.sites[0], scheme=scheme)


def _checks(active: said.Active) -> HealthChecks:
    return HealthChecks(
        active.interval,
        active.timeout,
        active.path,
        active.statuses,
        active.rise,
        active.fall,
        active.first,
    )


def _outliers(outliers: said.Outliers, size: int) -> OutlierEjection:
    rate = outliers.success_rate
    return OutlierEjection(
        size,
        outliers.failures,
        outliers.for_,
        outliers.at_most,
        None
        if rate is None
        else SuccessRate(rate.factor, rate.requests, rate.backends, rate.interval),
    )


def _backends(scenario: Scenario, proxy: ReverseProxy) -> list[Backend]:
    backends = []
    for group in proxy.backend_names:
        node = scenario.document.nodes[group]
        members = scenario.members(group)
        weights = getattr(node, "weight", 1.0)
        if not isinstance(weights, list):
            weights = [weights] * len(members)
        backends += [
            Backend(member, member, weight=float(weight))
            for member, weight in zip(members, weights, strict=True)
        ]
    return backends
