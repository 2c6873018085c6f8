"""Balancers that leave the choice to another one, within bounds of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proxysim.messages import Request, Response
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.base import Balancer
from proxysim.policies.parameters import Spec, Stated

__all__ = ["WITHIN", "Check", "MakeInner", "Mark", "Observe"]

#: Makes the balancer that a scenario names, with the outer one's stream and clock.
MakeInner = Callable[[Spec], Balancer]

Check = Callable[[Sequence[Backend]], None]
Observe = Callable[[Backend, float, bool, float], None]
Mark = Callable[[Request, Response, Backend], Response]


def _as_it_stands(found: object) -> object:
    return found


#: A balancer as a parameter; it is checked when it is made.
WITHIN = Stated("a balancer, or one with its parameters", _as_it_stands)
