"""Balancers: which backend a request goes to. One file a strategy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random as Stream

from proxysim.policies.balancers.base import Balancer
from proxysim.policies.balancers.least_connections import LeastConnections
from proxysim.policies.balancers.power_of_two import PowerOfTwo
from proxysim.policies.balancers.random_choice import Random, WeightedRandom
from proxysim.policies.balancers.round_robin import RoundRobin
from proxysim.policies.balancers.source_hash import SourceHash
from proxysim.policies.balancers.weighted_round_robin import WeightedRoundRobin
from proxysim.policies.parameters import Spec, build

__all__ = ["ALIASES", "BALANCERS", "build_balancer"]

#: Scenario name -> strategy.
BALANCERS: dict[str, Callable[..., Balancer]] = {
    "round_robin": RoundRobin,
    "weighted_round_robin": WeightedRoundRobin,
    "random": Random,
    "weighted_random": WeightedRandom,
    "least_connections": LeastConnections,
    "power_of_two": PowerOfTwo,
    "source_hash": SourceHash,
}

#: Other names that the field uses.
ALIASES = {"p2c": "power_of_two"}


def build_balancer(spec: Spec, rng: Stream) -> Balancer:
    """The balancer that a scenario names: ``"random"`` or ``{"power_of_two": {"choices": 3}}``.

    *rng* is the balancer's own stream, given to those that draw. Raises
    :class:`~proxysim.errors.ScenarioError` for an unknown name or an impossible parameter.
    """
    return build("balancer", BALANCERS, _without_alias(spec), rng=rng)


def _without_alias(spec: Spec) -> Spec:
    if isinstance(spec, str):
        return ALIASES.get(spec, spec)
    if not isinstance(spec, Mapping):
        return spec  # refused with the rest
    return {ALIASES.get(name, name): values for name, values in spec.items()}
