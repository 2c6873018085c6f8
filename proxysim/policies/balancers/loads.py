"""Loads, as those strategies compare and explain them that look at requests in flight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proxysim.policies.backend import Backend

__all__ = ["by_load", "least", "least_of_drawn", "load_of"]


def load_of(backend: Backend) -> float:
    """``(in_flight + 1) / weight``: what *backend* would carry with the request being placed."""
    return (backend.in_flight + 1) / backend.weight


def by_load(pool: Iterable[Backend]) -> dict[str, Any]:
    """What an explanation says of loads: ``in_flight``, ``weights`` and ``loads``, by name."""
    members = list(pool)
    return {
        "in_flight": {backend.name: backend.in_flight for backend in members},
        "weights": {backend.name: backend.weight for backend in members},
        "loads": {backend.name: load_of(backend) for backend in members},
    }


def least(scores: Mapping[str, float]) -> list[str]:
    """The names of least score."""
    lowest = min(scores.values())
    return [name for name, score in scores.items() if score == lowest]


def least_of_drawn(scores: Mapping[str, float], drawn: int) -> list[str]:
    """The names that can be of least score among *drawn* of them; the order drawn settles ties."""
    if drawn >= len(scores):
        return least(scores)
    heavier: Sequence[float] = sorted(scores.values(), reverse=True)
    return [name for name, score in scores.items() if score <= heavier[drawn - 1]]
