"""Balancers: which backend a request goes to. One file a strategy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random as Stream

from proxysim.errors import ScenarioError
from proxysim.policies.balancers.base import Balancer, Learner, Marker, Namer
from proxysim.policies.balancers.bounded_load import BoundedLoad
from proxysim.policies.balancers.first_available import FirstAvailable
from proxysim.policies.balancers.least_connections import LeastConnections
from proxysim.policies.balancers.least_response_time import LeastResponseTime
from proxysim.policies.balancers.maglev import Maglev
from proxysim.policies.balancers.peak_ewma import PeakEwma
from proxysim.policies.balancers.power_of_two import PowerOfTwo
from proxysim.policies.balancers.priority import Priority
from proxysim.policies.balancers.random_choice import Random, WeightedRandom
from proxysim.policies.balancers.rendezvous import Rendezvous
from proxysim.policies.balancers.ring import Ring
from proxysim.policies.balancers.round_robin import RoundRobin
from proxysim.policies.balancers.source_hash import SourceHash
from proxysim.policies.balancers.sticky import Sticky
from proxysim.policies.balancers.uri_hash import UriHash
from proxysim.policies.balancers.weighted_round_robin import WeightedRoundRobin
from proxysim.policies.parameters import Spec, build

__all__ = ["ALIASES", "BALANCERS", "Balancer", "Learner", "Marker", "Namer", "build_balancer"]

#: Scenario name -> strategy.
BALANCERS: dict[str, Callable[..., Balancer]] = {
    "round_robin": RoundRobin,
    "weighted_round_robin": WeightedRoundRobin,
    "random": Random,
    "weighted_random": WeightedRandom,
    "least_connections": LeastConnections,
    "power_of_two": PowerOfTwo,
    "least_response_time": LeastResponseTime,
    "peak_ewma": PeakEwma,
    "source_hash": SourceHash,
    "uri_hash": UriHash,
    "ring": Ring,
    "bounded_load": BoundedLoad,
    "rendezvous": Rendezvous,
    "maglev": Maglev,
    "first_available": FirstAvailable,
    "priority": Priority,
    "sticky": Sticky,
}

#: Other names that the field uses.
ALIASES = {
    "p2c": "power_of_two",
    "consistent_hash": "ring",
    "ketama": "ring",
    "hrw": "rendezvous",
}

_DEEPEST = 4


def build_balancer(spec: Spec, rng: Stream, clock: Callable[[], float] | None = None) -> Balancer:
    """The balancer that a scenario names: ``"random"`` or ``{"power_of_two": {"choices": 3}}``.

    *rng* is the balancer's own stream, given to those that draw; *clock* gives the seconds of its
    world to those whose memory fades, which without one does not. Raises
    :class:`~proxysim.errors.ScenarioError` for an unknown name or an impossible parameter.
    """
    return _build(spec, rng, clock or _stopped, 0)


def _build(spec: Spec, rng: Stream, clock: Callable[[], float], depth: int) -> Balancer:
    def inner(within: Spec) -> Balancer:
        if depth == _DEEPEST:
            raise ScenarioError(
                f"found balancers within balancers, more than {_DEEPEST} deep",
                mend="Take some out.",
            )
        try:
            return _build(within, rng, clock, depth + 1)
        except ScenarioError as error:
            outer = spec if isinstance(spec, str) else next(iter(spec))
            raise ScenarioError(
                f"balancer {outer}: within: {error.problem}", mend=error.mend
            ) from None

    given = {"rng": rng, "clock": clock, "inner": inner}
    return build("balancer", BALANCERS, _without_alias(spec), **given)


def _stopped() -> float:
    return 0.0


def _without_alias(spec: Spec) -> Spec:
    if isinstance(spec, str):
        return ALIASES.get(spec, spec)
    if not isinstance(spec, Mapping):
        return spec  # refused with the rest
    return {ALIASES.get(name, name): values for name, values in spec.items()}
