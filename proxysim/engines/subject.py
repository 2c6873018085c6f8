"""What every engine asks of a scenario's proxy: its backends and sites, policies and times."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any, Generic, TypeVar

from proxysim.engines.configuration import Draft
from proxysim.engines.places import Place, Places
from proxysim.policies.balancers import ALIASES
from proxysim.policies.identity import HIDDEN
from proxysim.scenario import Scenario
from proxysim.scenario.build_fleet import fleet_of
from proxysim.scenario.build_identity import addresses_of
from proxysim.scenario.nodes import ForwardProxy, ReverseProxy

__all__ = [
    "Member",
    "Subject",
    "hidden_fields",
    "lack_of_resilience",
    "milliseconds",
    "per_minute",
    "plain",
    "servers_in_locations",
    "spec_of",
    "whole_weights",
]

Node = TypeVar("Node", ForwardProxy, ReverseProxy)
#: Weights are told as whole numbers, of which none is a larger multiple of the least than that.
FINEST = 1000


@dataclass(frozen=True, slots=True)
class Member:
    """A backend: its name, the group that it is of, where it is, and its weight."""

    name: str
    group: str
    place: Place
    weight: float


@dataclass(frozen=True, slots=True)
class Subject(Generic[Node]):
    """The proxy *name* of a scenario, and where everybody is."""

    scenario: Scenario
    name: str
    node: Node
    places: Places

    @property
    def place(self) -> Place:
        return self.places[self.name]

    def members(self) -> list[Member]:
        """The backends of a reverse proxy, in the order of the scenario."""
        assert isinstance(self.node, ReverseProxy)
        groups = [group for group in self.node.backend_names for _ in self.scenario.members(group)]
        backends = fleet_of(self.scenario, self.node).backends
        return [
            Member(backend.name, group, self.places[backend.name], backend.weight)
            for backend, group in zip(backends, groups, strict=True)
        ]

    def sites(self, *, tls: bool) -> list[str]:
        """The sites of a reverse proxy that are asked for over TLS, or those that are not."""
        assert isinstance(self.node, ReverseProxy)
        said = self.scenario.document.sites
        return [site for site in self.node.sites if said[site].tls is tls]

    def networks(self, written: str) -> Sequence[str]:
        """The networks that a node, a member, an address or a network stands for."""
        return addresses_of(self.scenario, written)


def spec_of(found: str | Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The name of a policy and its parameters, as a scenario writes them."""
    if isinstance(found, str):
        return ALIASES.get(found, found), {}
    ((name, parameters),) = found.items()
    return ALIASES.get(name, name), parameters or {}


def whole_weights(weights: Sequence[float], most: int) -> tuple[list[int], bool]:
    """*weights* as whole numbers of at most *most* in the same proportion; whether exactly so.

    None that is above zero becomes zero.
    """
    fractions = [Fraction(weight).limit_denominator(FINEST) for weight in weights]
    whole = lcm(*(each.denominator for each in fractions))
    scaled = [int(each * whole) for each in fractions]
    factor = Fraction(1, gcd(*scaled) or 1)
    if (largest := max(scaled)) * factor > most:
        factor = Fraction(most, largest)
    found = [
        max(1, round(each * factor)) if weight else 0
        for each, weight in zip(scaled, weights, strict=True)
    ]
    total, sum_found = sum(weights), sum(found)
    exact = all(
        abs(each * total - weight * sum_found) <= 1e-9 * total * sum_found
        for each, weight in zip(found, weights, strict=True)
    )
    return found, exact


def milliseconds(seconds: float) -> str:
    """A time as the engines write it; at least one millisecond."""
    return f"{max(1, round(seconds * 1000))}ms"


def per_minute(rate: float) -> tuple[str, bool]:
    """A rate as whole requests a second, or else a minute; whether that is exact."""
    if rate == int(rate):
        return f"{int(rate)}r/s", True
    minutely = max(1, round(rate * 60))
    return f"{minutely}r/m", abs(minutely - rate * 60) < 1e-9


def servers_in_locations(subject: Subject[ReverseProxy]) -> str:
    """A regular expression for addresses of the servers; group 1 is the path, less its slash."""
    names = "|".join(member.name for member in subject.members())
    return f"^(?:https?:)?//(?:{names})(?::[0-9]+)?/?(.*)$"


def hidden_fields(subject: Subject[ReverseProxy], draft: Draft) -> list[str]:
    """The fields that are taken off answers; empty where all may stay."""
    hide = subject.node.hide
    if hide is False:
        return []
    names = sorted(HIDDEN if hide is True else HIDDEN | {name.lower() for name in hide})
    for name in names:
        if not plain(name):
            draft.lacks(f"The field {name} cannot be named in a configuration: it is not hidden.")
    return [name for name in names if plain(name)]


def plain(name: str) -> bool:
    """Whether a name means nothing but itself in any configuration."""
    return re.fullmatch(r"[0-9A-Za-z._-]+", name) is not None


def lack_of_resilience(subject: Subject[ReverseProxy], draft: Draft, engine: str) -> None:
    """Say what none of the engines has."""
    node = subject.node
    if node.hedge is not None:
        draft.lacks(f"{engine} asks no second server while the first is slow (hedge).")
    if node.breaker is not None:
        draft.lacks(f"{engine} has no circuit breaker (breaker).")
    if node.health.outliers is not None:
        draft.lacks(f"{engine} does not compare servers with each other (health.outliers).")
    if node.health.panic > 0:
        draft.lacks(f"{engine} knows no panic threshold (health.panic).")
