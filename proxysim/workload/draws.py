"""The requests of each group of clients, drawn beforehand and the same in every world.

Each purpose has its own stream in each group, and the k-th request of a group takes the k-th
number of each. So another popularity does not move the arrivals, more members do not change the
objects, and a balancer changes nothing at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import NamedTuple, Protocol

import numpy as np

from proxysim.errors import ScenarioError
from proxysim.messages import value
from proxysim.workload.arrivals import Arrivals
from proxysim.workload.catalogue import Catalogue
from proxysim.workload.distributions import Distribution
from proxysim.workload.streams import Chance, generator

__all__ = ["ClosedGroup", "Draw", "Group", "OpenGroup", "Recorded", "Seat", "Workload"]


@value
class Recorded:
    """What a log says became of a request.

    ``status`` and ``size`` (body bytes sent) are as logged. A ``conditional`` request was answered
    304, a ``ranged`` one 206. ``encrypted``: it was https, or a CONNECT tunnel.
    """

    status: int
    size: int
    conditional: bool = False
    ranged: bool = False
    encrypted: bool = False


class Draw(NamedTuple):
    """One request, as it is wanted: everything about it that chance decides.

    ``id`` is the same in every world. ``at`` is in seconds, nan in closed loops. ``member`` counts
    from 0 within the group; ``site`` indexes the workload's sites and ``object`` that site's
    catalogue. ``u`` in [0, 1) stands for its service demand: ``distribution.of(u, size)``.
    """

    id: int
    at: float
    member: int
    site: int
    object: int
    method: str
    u: float
    recorded: Recorded | None = None


#: Draws from the rows of a zip, without a Python call for each.
_draw = partial(tuple.__new__, Draw)


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a group stands in the workload: what all kinds of group have in common.

    It is the *index*-th of *groups* client groups, has *count* members, and asks for *sites*
    (indices into the workload's *catalogues*) by the catalogues' shares.
    """

    name: str
    index: int
    groups: int
    count: int
    sites: Sequence[int]
    catalogues: Sequence[Catalogue]
    seed: int
    replication: int = 0
    duration: float = 60.0

    def __post_init__(self) -> None:
        if not sum(self.catalogues[site].site.share for site in self.sites) > 0:
            raise ScenarioError(
                "the sites it asks for have no share above zero",
                place=f"nodes.{self.name}",
                mend="Give at least one of them a share, or name other sites.",
            )

    def stream(self, purpose: str) -> np.random.Generator:
        return generator(self.seed, f"{self.name}/{purpose}", self.replication)

    def chance(self, purpose: str) -> Chance:
        return Chance(self.seed, f"{self.name}/{purpose}", self.replication)

    def wishes(
        self, us_site: np.ndarray, us_object: np.ndarray, us_method: np.ndarray, ats: np.ndarray
    ) -> tuple[list[int] | repeat[int], list[int], list[str] | repeat[str]]:
        """Site, object and method of each request, from its uniform numbers and time."""
        if len(self.sites) == 1:
            only = self.sites[0]
            found = self.catalogues[only].site.popularity.objects(us_object, ats)
            return repeat(only), found.tolist(), self._methods(only, us_method)
        shares = np.array([self.catalogues[site].site.share for site in self.sites])
        chosen = _pick(shares, us_site)
        objects = np.empty(len(chosen), dtype=np.int64)
        methods = np.empty(len(chosen), dtype=object)
        for position, site in enumerate(self.sites):
            here = chosen == position
            popularity = self.catalogues[site].site.popularity
            objects[here] = popularity.objects(us_object[here], ats[here])
            asked = self._methods(site, us_method[here])
            methods[here] = asked if isinstance(asked, list) else next(asked)
        return np.asarray(self.sites)[chosen].tolist(), objects.tolist(), methods.tolist()

    def _methods(self, site: int, us: np.ndarray) -> list[str] | repeat[str]:
        methods = self.catalogues[site].site.methods
        names = list(methods)
        if len(names) == 1:
            return repeat(names[0])
        picked = _pick(np.array(list(methods.values())), us)
        return [names[index] for index in picked.tolist()]


def _pick(weights: np.ndarray, us: np.ndarray) -> np.ndarray:
    """Indices into *weights*, each as likely as its weight; one of weight zero is never picked."""
    sums = np.cumsum(weights)
    return np.asarray(sums.searchsorted(us * sums[-1], side="right"))


@dataclass(frozen=True, slots=True)
class OpenGroup:
    """Clients whose requests come when they come, however long the answers take."""

    seat: Seat
    arrivals: Arrivals

    @property
    def name(self) -> str:
        return self.seat.name

    @property
    def count(self) -> int:
        return self.seat.count

    def draws(self) -> Iterator[Draw]:
        """The group's requests in order of time, up to the duration; each call starts anew."""
        return chain.from_iterable(self._blocks())

    def _blocks(self) -> Iterator[Iterator[Draw]]:
        seat = self.seat
        members, sites, objects, methods, service = (
            seat.stream(purpose)
            for purpose in ("members", "sites", "objects", "methods", "service")
        )
        first = seat.index
        for ats in self.arrivals.blocks(seat.stream("arrivals"), seat.duration):
            count = len(ats)
            wishes = seat.wishes(
                sites.random(count), objects.random(count), methods.random(count), ats
            )
            past = first + count * seat.groups
            yield map(
                _draw,
                zip(
                    range(first, past, seat.groups),
                    ats.tolist(),
                    (members.random(count) * seat.count).astype(np.int64).tolist(),
                    *wishes,
                    service.random(count).tolist(),
                    repeat(None),
                    strict=False,
                ),
            )
            first = past


@dataclass(frozen=True, slots=True)
class ClosedGroup:
    """Users who each think, ask, wait for the answer, and think again.

    A member's requests depend on the member and their number alone, not on how the members are
    interleaved. Where popularity drifts, a member's clock is the time it has thought.
    """

    seat: Seat
    think_time: Distribution

    @property
    def name(self) -> str:
        return self.seat.name

    @property
    def count(self) -> int:
        return self.seat.count

    def think(self, member: int) -> Iterator[tuple[float, Draw]]:
        """Endless pairs for *member* (from 0): how long it thinks, then what it asks for."""
        seat = self.seat
        chances = [
            seat.chance(purpose) for purpose in ("think", "sites", "objects", "methods", "service")
        ]
        number, clock, ask = 0, 0.0, 16
        while True:
            turns = np.arange(number, number + ask) * seat.count + member
            us_think, us_site, us_object, us_method, us = (chance.many(turns) for chance in chances)
            pauses = self.think_time.of_many(us_think)
            clocks = clock + np.cumsum(pauses)
            draws = map(
                _draw,
                zip(
                    (turns * seat.groups + seat.index).tolist(),
                    repeat(math.nan),
                    repeat(member),
                    *seat.wishes(us_site, us_object, us_method, clocks),
                    us.tolist(),
                    repeat(None),
                    strict=False,
                ),
            )
            yield from zip(pauses.tolist(), draws, strict=True)
            number, clock, ask = number + ask, float(clocks[-1]), min(2 * ask, 512)


class Replayed(Protocol):
    """A group whose requests come from a log; see :mod:`proxysim.workload.replay`."""

    @property
    def name(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def seat(self) -> Seat: ...
    def draws(self) -> Iterator[Draw]: ...


Group = OpenGroup | ClosedGroup | Replayed


@dataclass(frozen=True, slots=True)
class Workload:
    """All that is asked in a run: its groups of clients, and the sites they ask for.

    ``Draw.site`` indexes ``sites``; groups are in the scenario's order.
    """

    groups: tuple[Group, ...]
    sites: tuple[Catalogue, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many members each group has; a log says so itself."""
        return {group.name: group.count for group in self.groups}

    def group(self, name: str) -> Group:
        """The group called *name*; KeyError if there is none."""
        for group in self.groups:
            if group.name == name:
                return group
        raise KeyError(name)
