"""What theory says of a scenario: predictions with their assumptions, and refusals with reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from proxysim.theory.sojourns import Sojourn

__all__ = ["Declined", "Grade", "Prediction", "Predictions"]

#: Exact under its assumptions; near it; or a bound that holds whatever the rest.
Grade = Literal["exact", "approximate", "bound"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a *model* says of a *node*, if all its *assumptions* hold.

    ``values`` by name, times in seconds: ``rate`` (a second), ``utilisation``, ``response`` (mean
    of waiting and service), ``p50`` ``p95`` ``p99`` of it, ``blocked`` (share turned away),
    ``throughput``, ``hit_ratio``, ``overall_hit_ratio`` (of all tiers of caches),
    ``characteristic_time``, ``peak`` (the largest load over the mean). A bound's names say which
    side: ``response_at_least``, ``hit_ratio_at_most``. ``times`` is the whole distribution of
    waiting and service, where that is known and not its mean alone.
    """

    node: str
    model: str
    grade: Grade
    values: Mapping[str, float]
    assumptions: tuple[str, ...] = ()
    times: Sojourn | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Declined:
    """A *node* of which theory says nothing, and the *reason*."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class Predictions:
    """All that theory says of a scenario, in the order of the requests' way."""

    made: tuple[Prediction, ...] = ()
    declined: tuple[Declined, ...] = ()

    def of(self, node: str) -> tuple[Prediction, ...]:
        """Those of *node*, a group or a member of it."""
        return tuple(found for found in self.made if found.node == node)

    def why_not(self, node: str) -> tuple[str, ...]:
        """The reasons why something of *node* was declined."""
        return tuple(found.reason for found in self.declined if found.node == node)
