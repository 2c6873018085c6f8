"""Categories: hosts by the lists that they stand in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    the host) a category, however long the list.

    Source: squidGuard ``domainlist``; hosts(5); Adblock Plus, "How to write filters".
    """

    __slots__ = ("_lists",)

    in_tunnels: ClassVar[bool] = True

    def __init__(self, names: Iterable[str], categories: Mapping[str, Names] | None = None) -> None:
        known = categories or {}
        for name in (listed := list(names)):
            if name not in known:
                raise ScenarioError(
                    f"no category is called {name!r}", mend=did_you_mean(name, known)
                )
        self._lists = tuple(known[name] for name in listed)

    def matches(self, request: Request, now: float) -> bool:
        host = canonical(request.host)
        return any(names.cover(host) for names in self._lists)
