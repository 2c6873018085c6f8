"""What a scenario says of a proxy's cache."""

from __future__ import annotations

from pydantic import Field

from proxysim.scenario.menus import Eviction
from proxysim.scenario.quantities import Duration, Grammar, Size

__all__ = ["Cache"]


class Cache(Grammar):
    """A shared cache inside a proxy."""

    eviction: Eviction = Field(default="lru", description="What a full cache lets go.")
    capacity: Size = Field(description="How much it holds.")
    max_object: Size | None = Field(default=None, description="Larger answers are not stored.")
    collapse: bool = Field(
        default=False, description="Concurrent misses for one object share a single fetch."
    )
    stale_while_revalidate: Duration = Field(
        default=0.0, description="How long past its time an object is still given out."
    )
