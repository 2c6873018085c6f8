"""What a balancer is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from proxysim.messages import Request
from proxysim.policies.backend import Backend

__all__ = ["Balancer"]


class Balancer(Protocol):
    """Chooses a backend for a request.

    *pool* holds the backends that may be chosen now, healthy and of weight above zero, in the
    order of the scenario; it is never empty, and the same list object as long as nothing changed.
    A balancer that learns from answers also has ``observe(backend, seconds, ok)``.
    """

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend: ...
