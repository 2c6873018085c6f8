"""The same scenario with backends down: which of them to try, so that the worst is among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb

from proxysim.errors import ResultError
from proxysim.scenario import Scenario
from proxysim.scenario.nodes import ReverseProxy, Server
from proxysim.scenario.serving import behind
from proxysim.studies.running import whole

__all__ = ["Case", "outages", "unwatched"]

#: More ways of losing backends are too many to try.
MOST = 100
#: Balancers to which servers of one weight are alike, wherever they stand in the list.
_EVEN = {
    "round_robin", "weighted_round_robin", "random", "weighted_random", "least_connections",
    "power_of_two", "peak_ewma", "least_response_time",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A *scenario*, and the names of the backends that are *down* in it all the time."""

    scenario: Scenario
    down: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """``shop-4 down``; empty where all are up."""
        return f"{' and '.join(self.down)} down" if self.down else ""


def outages(scenario: Scenario, survive: int) -> list[Case]:
    """*scenario* with each set of *survive* backends down for the whole run, and as it is, last.

    Servers are tried once where they are alike: same group, speed and weight, nothing happens to
    one of them alone, and the balancer goes by loads or turns. ResultError where there are no
    backends, or more sets than can be tried.
    """
    if whole(survive, "survive") == 0:
        return [Case(scenario)]
    classes = _classes(scenario)
    servers = sum(map(len, classes))
    if not servers:
        raise ResultError(
            "no server stands behind a reverse proxy",
            place="survive",
            mend="Leave it out: there is no backend that could be spared.",
        )
    if len(classes) > MOST or comb(len(classes) + survive - 1, survive) > MOST:
        raise ResultError(
            f"there are too many ways for {survive} of {servers} unlike backends to be down",
            place="survive",
            mend="Take fewer, or make the servers alike.",
        )
    sets = dict.fromkeys(_sets(classes, min(survive, servers)))
    return [*(_down(scenario, names) for names in sets), Case(scenario)]


def _sets(classes: list[list[str]], survive: int) -> Iterator[tuple[str, ...]]:
    """Sets of *survive* names, one for each way to take so many from each class."""
    pool = [name for alike in classes for name in alike[:survive]]
    place = {name: (at, alike.index(name)) for at, alike in enumerate(classes) for name in alike}
    for names in combinations(pool, survive):
        taken: dict[int, int] = {}
        for name in names:
            at, index = place[name]
            if index != taken.get(at, 0):
                break  # the same as the set that takes the first of them
            taken[at] = index + 1
        else:
            yield names


def _classes(scenario: Scenario) -> list[list[str]]:
    """The backends that are servers, those that are alike together."""
    nodes = scenario.document.nodes
    alone = {event.node for event in scenario.document.events}
    alone |= {end for event in scenario.document.events for end in event.link or ()}
    uneven = {
        target
        for node in nodes.values()
        if isinstance(node, ReverseProxy) and _balancer(node) not in _EVEN
        for target in node.backend_names
    }
    found: dict[object, list[str]] = {}
    for group in sorted(behind(scenario.document)):
        node = nodes[group]
        if not isinstance(node, Server):
            continue
        for place, name in enumerate(scenario.members(group)):
            itself = name if group in uneven or name in alone else ""
            key = (group, _nth(node.speed, place), _nth(node.weight, place), itself)
            found.setdefault(key, []).append(name)
    return list(found.values())


def _balancer(node: ReverseProxy) -> str:
    return node.balancer if isinstance(node.balancer, str) else next(iter(node.balancer))


def _nth(found: float | list[float], place: int) -> float:
    return found[place] if isinstance(found, list) else found


def _down(scenario: Scenario, names: tuple[str, ...]) -> Case:
    run = scenario.document.run
    lasts = run.duration + run.drain
    events = [*(scenario.tree.get("events") or [])]
    events += [{"at": 0, "node": name, "down_for": lasts} for name in names]
    return Case(scenario.set("events", events), names)


def unwatched(scenario: Scenario) -> list[str]:
    """The reverse proxies that neither retry nor look after the health of their backends.

    Of a backend that is down they lose whatever they send to it.
    """
    return [
        name
        for name, node in scenario.document.nodes.items()
        if isinstance(node, ReverseProxy)
        and node.retry is None
        and node.breaker is None
        and node.health.active is None
        and node.health.passive is None
        and node.health.outliers is None
    ]
