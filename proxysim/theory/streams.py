"""Requests on their way through a scenario: how many, of which sites, and how regular."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

__all__ = ["Declination", "Leaf", "Stream", "merged"]


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
    are what makes that only nearly so. ``filtered``: what it asks for has been through a cache;
    ``leaves`` are these caches, where they are all that came before and nothing went past them.
    """

    rates: Mapping[str, float]
    between: float | None = 1.0
    doubts: tuple[str, ...] = ()
    filtered: bool = False
    leaves: tuple[Leaf, ...] = ()

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
        return replace(self, rates=rates, between=1.0 if self.poisson else None, leaves=())

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
    for stream in found:
        for site, rate in stream.rates.items():
            rates[site] = rates.get(site, 0.0) + rate
    doubts = dict.fromkeys(doubt for stream in found for doubt in stream.doubts)
    between = 1.0 if all(stream.poisson for stream in found) else None
    leaves = tuple(leaf for stream in found for leaf in stream.leaves)
    return Stream(
        rates,
        between,
        tuple(doubts),
        filtered=any(stream.filtered for stream in found),
        leaves=leaves if all(stream.leaves for stream in found) else (),
    )
