"""Priority: all requests to the first tier as long as any of it is well, then to the next."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

from proxysim.errors import ScenarioError, did_you_mean
from proxysim.messages import Request, Response
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.base import Balancer
from proxysim.policies.balancers.nested import WITHIN, MakeInner, Mark, Observe
from proxysim.policies.parameters import Reader, Spec, Stated

__all__ = ["Priority"]


def _read_tiers(found: object) -> list[list[str]]:
    if (
        not isinstance(found, list)
        or not found
        or not all(isinstance(tier, list) for tier in found)
    ):
        raise ScenarioError(
            f"found {found!r}", mend="Give lists of backends, as [[shop-1, shop-2], [shop-3]]."
        )
    seen = set()
    for tier in found:
        if not tier:
            raise ScenarioError("found an empty tier", mend="Name at least one backend in each.")
        for name in tier:
            if not isinstance(name, str):
                raise ScenarioError(f"found {name!r} in a tier", mend="Give a backend's name.")
            if name in seen:
                raise ScenarioError(f"found {name!r} twice", mend="A backend is of one tier.")
            seen.add(name)
    return found


class Priority:
    """Choose, by another balancer, among the first tier of which any backend may be chosen.

    *tiers* lists names of backends, or of groups for all their members, the first preferred.
    Without it each group of servers is a tier, in the order in which the scenario lists them as
    ``backends``. Each tier has a balancer *within* of its own.

    Cost: that of the balancer within, and O(len(pool)) when the pool changes.

    Members: when the last of a tier leaves, the next tier takes over; with the first that comes
    back all requests return to it. Those that no tier names come last.

    Source: HAProxy and nginx ``backup`` servers; Envoy's priority levels, without the spill-over
    that sets in before a tier is wholly down.
    """

    __slots__ = (
        "_balancer",
        "_beyond",
        "_make",
        "_members",
        "_pool",
        "_rank",
        "_tiers",
        "_within",
        "mark",
        "observe",
    )

    parameters: ClassVar[Mapping[str, Reader]] = {
        "tiers": Stated("lists of names of backends or groups", _read_tiers),
        "within": WITHIN,
    }

    #: Only where the balancers within have them.
    mark: Mark
    observe: Observe

    def __init__(
        self,
        inner: MakeInner,
        tiers: Sequence[Sequence[str]] = (),
        within: Spec = "round_robin",
    ) -> None:
        self._make = inner
        self._within = within
        self._rank = {name: number for number, tier in enumerate(tiers) for name in tier}
        self._beyond = len(tiers)
        self._tiers: dict[Hashable, Balancer] = {}
        self._pool: Sequence[Backend] = ()
        self._members: Sequence[Backend] = ()
        self._balancer = inner(within)
        if hasattr(self._balancer, "observe"):
            self.observe = self._observe
        if hasattr(self._balancer, "mark"):
            self.mark = self._mark

    @property
    def weighted(self) -> bool:
        """Whether the balancer within looks at weights."""
        return getattr(self._balancer, "weighted", True)

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        if pool is not self._pool:
            tier, self._members = self._first(pool)
            self._balancer = self._of(tier)
            self._pool = pool
        return self._balancer.choose(request, self._members)

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        tier, members = self._first(pool)
        if pool is self._pool:
            members = self._members
        within = self._of(tier).explain(request, members)
        return {
            "tier": tier,
            "members": [backend.name for backend in members],
            "within": within,
            "candidates": within["candidates"],
        }

    def check(self, backends: Sequence[Backend]) -> None:
        """Raise ScenarioError where a tier names nobody of *backends*, or one of them has no tier.

        *backends* are all that may ever be in the pool.
        """
        if not self._rank:
            return
        names = [backend.name for backend in backends]
        known = {*names, *map(_group, names)}
        for name in self._rank:
            if name not in known:
                raise ScenarioError(
                    f"balancer priority: tiers: no backend or group is called {name!r}",
                    mend=did_you_mean(name, known),
                )
        for name in names:
            if self._tier(name) == self._beyond:
                raise ScenarioError(
                    f"balancer priority: tiers: {name!r} is in none of them",
                    mend="Name it, or its group, in one.",
                )

    def _first(self, pool: Sequence[Backend]) -> tuple[Hashable, Sequence[Backend]]:
        """The tier that is to be asked, and who of *pool* is in it."""
        tiers = [self._tier(backend.name) for backend in pool]
        first = min(tiers) if self._rank else tiers[0]  # type: ignore[type-var]
        members = [backend for backend, tier in zip(pool, tiers, strict=True) if tier == first]
        return first, members

    def _tier(self, name: str) -> Hashable:
        """The number of the tier that names *name*, or its group; without tiers the group."""
        group = _group(name)
        if not self._rank:
            return group
        return self._rank.get(name, self._rank.get(group, self._beyond))

    def _of(self, tier: Hashable) -> Balancer:
        found = self._tiers.get(tier)
        if found is None:
            found = self._tiers[tier] = self._make(self._within)
        return found

    def _observe(self, backend: Backend, seconds: float, ok: bool, now: float) -> None:
        inner: Any = self._of(self._tier(backend.name))
        inner.observe(backend, seconds, ok, now)

    def _mark(self, request: Request, response: Response, backend: Backend) -> Response:
        inner: Any = self._of(self._tier(backend.name))
        marked: Response = inner.mark(request, response, backend)
        return marked


def _group(name: str) -> str:
    """The group of a member such as ``shop-2``: ``shop``; of any other name the name itself."""
    group, _, number = name.rpartition("-")
    return group if group and number.isdigit() else name
