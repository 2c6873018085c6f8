"""A pool as what is worked out from it may remember it: names and weights, no loads."""

from __future__ import annotations

from collections.abc import Sequence

from proxysim.policies.backend import Backend

__all__ = ["Members", "members_of"]

#: The name and the weight of each member, in the order of the pool.
Members = tuple[tuple[str, float], ...]


def members_of(pool: Sequence[Backend]) -> Members:
    """What a table for *pool* depends on."""
    return tuple([(backend.name, backend.weight) for backend in pool])
