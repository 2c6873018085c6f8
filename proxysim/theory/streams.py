"""Requests on their way through a scenario: how many, of which sites, and how regular."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Declination", "Leaf", "Stream", "merged"]

Floats = NDArray[np.float64]


class Declination(Exception):  # noqa: N818 - no error: a model that does not apply
    """Why no model applies; the text is shown."""


class Leaf(NamedTuple):
    """An LRU cache that requests have been through, asked for each site at these rates before.

    ``capacity`` in answers where ``counted``, else in bytes.
    """

    capacity: float
    counted: bool
    asked: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """Arrivals at one place.

    ``rates`` by site, a second. ``between`` is the squared coefficient of variation of the times
    between them: 1 for Poisson, 0 where all are the same, None where that is not known. ``doubts``
    are what makes that only nearly so. ``filtered``: the share that has been through a cache;
    ``hidden``: by site, how often a second these have answered for each object; ``leaves`` are
    these caches, where they are all that came before and nothing went past them. ``methods``: those
    of a site that are left, where others were turned away.
    """

    rates: Mapping[str, float]
    between: float | None = 1.0
    doubts: tuple[str, ...] = ()
    filtered: float = 0.0
    leaves: tuple[Leaf, ...] = ()
    hidden: Mapping[str, Floats] = field(default_factory=dict, compare=False)
    methods: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Of all sites together."""
        return sum(self.rates.values())

    @property
    def poisson(self) -> bool:
        """Whether arrivals come at random."""
        return self.between == 1.0

    def thinned(self, share: float) -> Stream:
        """Each request taken at random with this chance: Poisson stays Poisson."""
        if share == 1.0:
            return self
        rates = {site: rate * share for site, rate in self.rates.items()}
        hidden = {site: found * share for site, found in self.hidden.items()}
        between = 1.0 if self.poisson else None
        return replace(self, rates=rates, between=between, leaves=(), hidden=hidden)

    def only(self, sites: Iterable[str]) -> Stream:
        """The requests for *sites*: chosen at random, as each request's site is."""
        kept = {site: self.rates[site] for site in sites if self.rates.get(site)}
        whole = len(kept) == sum(rate > 0 for rate in self.rates.values())
        between = self.between if whole or self.poisson else None
        leaves = self.leaves if whole else ()
        return replace(self, rates=kept, between=between, leaves=leaves)

    def doubted(self, *doubts: str) -> Stream:
        """The same, less surely."""
        return replace(self, doubts=tuple(dict.fromkeys((*self.doubts, *doubts))))


def merged(streams: Iterable[Stream]) -> Stream:
    """All *streams* together: Poisson if all are."""
    found = [stream for stream in streams if stream.rate > 0]
    if len(found) == 1:
        return found[0]
    rates: dict[str, float] = {}
    hidden: dict[str, Floats] = {}
    for stream in found:
        for site, rate in stream.rates.items():
            rates[site] = rates.get(site, 0.0) + rate
        for site, answered in stream.hidden.items():
            hidden[site] = hidden.get(site, 0.0) + answered
    doubts = dict.fromkeys(doubt for stream in found for doubt in stream.doubts)
    between = 1.0 if all(stream.poisson for stream in found) else None
    leaves = tuple(leaf for stream in found for leaf in stream.leaves)
    whole = sum(rates.values())
    # What is left of a site's methods is known where all streams for it agree.
    methods = {
        site: left
        for stream in found
        for site, left in stream.methods.items()
        if all(other.methods.get(site) == left for other in found if site in other.rates)
    }
    return Stream(
        rates,
        between,
        tuple(doubts),
        filtered=sum(stream.filtered * stream.rate for stream in found) / whole if whole else 0.0,
        leaves=leaves if all(stream.leaves for stream in found) else (),
        hidden=hidden,
        methods=methods,
    )
