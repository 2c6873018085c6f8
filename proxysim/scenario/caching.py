"""What a scenario says of a proxy's cache."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from proxysim.scenario.menus import Admission, Eviction
from proxysim.scenario.quantities import Duration, Grammar, Ratio, Size

__all__ = ["Cache", "Heuristic", "Objects"]


class Objects(Grammar):
    """A capacity that counts answers, whatever their size."""

    objects: Annotated[int, Field(ge=0, le=10**9, strict=True)] = Field(
        description="How many answers it holds."
    )


class Heuristic(Grammar):
    """How long an answer is fresh that does not say."""

    share: Ratio = Field(default=0.1, description="For this share of the time since it changed.")
    limit: Duration = Field(default=86400.0, description="For no longer than this.")


def _counted(found: object) -> str:
    return "objects" if isinstance(found, dict | Objects) else "bytes"


class Cache(Grammar):
    """A shared cache inside a proxy."""

    eviction: Eviction = Field(default="lru", description="What a full cache lets go.")
    capacity: Annotated[
        Annotated[Size, Tag("bytes")] | Annotated[Objects, Tag("objects")],
        Discriminator(_counted),
    ] = Field(description="How much it holds: bytes of heads and bodies, or answers.")
    admission: Admission | None = Field(
        default=None, description="What may enter at all. Default: everything."
    )
    max_object: Size | None = Field(default=None, description="Larger answers are not stored.")
    collapse: bool = Field(
        default=False, description="Concurrent misses for one object share a single fetch."
    )
    hit_for_miss: Duration = Field(
        default=120.0,
        description="With `collapse`: how long it is remembered that an answer could not be kept,"
        " so that requests for it do not wait for one another. 0s: not at all.",
    )
    stale_while_revalidate: Duration = Field(
        default=0.0, description="How long past its time an object is still given out."
    )
    stale_if_error: Duration = Field(
        default=0.0,
        description="How long past its time an object stands in for an error of the origin.",
    )
    negative_ttl: Duration = Field(
        default=0.0,
        description="How long an error such as 404 that does not say is fresh.",
    )
    heuristic: Heuristic = Heuristic()
    status: bool = Field(
        default=False,
        description="Whether answers tell by Cache-Status what the cache made of the request.",
    )
