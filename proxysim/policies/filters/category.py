"""Categories: hosts by the lists that they stand in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import ClassVar

from proxysim.errors import ScenarioError, did_you_mean
from proxysim.messages import Request
from proxysim.policies.filters.names import Names
from proxysim.policies.hosts import canonical

__all__ = ["Category"]


class Category:
    """Matches hosts in the lists of the categories named.

    Each category has a list, or several: hosts files, lists of domains, or the plain ``||name^`` of
    ad blockers. A hosts file names single hosts, the others a domain and all below it. O(labels of
    the host), however many lists and however long; O(1) for the last hosts. Several categories in
    one condition are put together once, which takes as much memory again, but for the names.

    Source: squidGuard ``domainlist``; hosts(5); Adblock Plus, "How to write filters".
    """

    __slots__ = ("_among",)

    in_tunnels: ClassVar[bool] = True

    def __init__(self, names: Iterable[str], categories: Mapping[str, Names] | None = None) -> None:
        known = categories or {}
        for name in (listed := list(names)):
            if name not in known:
                raise ScenarioError(
                    f"no category is called {name!r}", mend=did_you_mean(name, known)
                )
        names_of_all = Names.union(known[name] for name in listed)
        self._among = lru_cache(4096)(lambda host: names_of_all.cover(canonical(host)))

    def matches(self, request: Request, now: float) -> bool:
        return self._among(request.host)
