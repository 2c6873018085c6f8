"""A balancer that is to be said in an engine's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from proxysim.engines.configuration import Draft
from proxysim.engines.subject import Member, spec_of
from proxysim.policies.balancers import build_balancer

__all__ = ["Choice", "choice_of", "tiers"]


@dataclass(frozen=True, slots=True)
class Choice:
    """A balancer among *members*: its name, its parameters as written, and with their defaults.

    *stream*: for connections whose requests are not seen.
    """

    name: str
    parameters: Mapping[str, Any]
    policy: Any
    members: Sequence[Member]
    draft: Draft
    stream: bool = False

    @property
    def unequal(self) -> bool:
        """Whether members have different weights."""
        return len({member.weight for member in self.members}) > 1

    @property
    def key(self) -> tuple[str, str]:
        """What is hashed, and its name: ``("header", "x-user")``, ``("client", "")``."""
        kind, _, name = str(self.parameters.get("key", "client")).partition(":")
        return kind, name

    @property
    def within(self) -> Any:
        """The balancer within this one."""
        return self.parameters.get("within", "round_robin")


def choice_of(
    spec: str | Mapping[str, Any], members: Sequence[Member], draft: Draft, *, stream: bool = False
) -> Choice:
    """The balancer that a scenario writes as *spec*."""
    name, parameters = spec_of(spec)
    return Choice(name, parameters, build_balancer(spec, Random(0)), members, draft, stream)


def tiers(members: Sequence[Member], named: Sequence[Sequence[str]]) -> Iterator[list[Member]]:
    """*members* by the tiers that are *named*, or by their groups; those of no tier come last."""
    if not named:
        named = [[group] for group in dict.fromkeys(member.group for member in members)]
    left = list(members)
    for tier in named:
        found = [member for member in left if member.name in tier or member.group in tier]
        left = [member for member in left if member not in found]
        if found:
            yield found
    if left:
        yield left
