"""The wires of a run, made as they are first needed, and the paths along them."""

from __future__ import annotations

from collections.abc import Callable

from proxysim.sim.clock import Clock
from proxysim.sim.paths import Path
from proxysim.topology import Network
from proxysim.topology.directions import Direction, Directions, Tallies
from proxysim.workload.streams import Chance

__all__ = ["Wires"]


class Wires:
    """Every direction of every wire of *network* that something crosses.

    *chance* gives the source of jitter and loss of a wire, by its name.
    """

    def __init__(self, env: Clock, network: Network, chance: Callable[[str], Chance]) -> None:
        self.network = network
        self.directions = Directions(env, network, chance)
        # From party to party: the wires, whether each member has lanes of its own, the paths.
        self._ways: dict[tuple[str, str], tuple[list[Direction], bool, dict[int, Path]]] = {}
        self._joins: dict[tuple[Path, Path], Path] = {}
        self._tallies = Tallies()

    def path(self, a: str, b: str, member: int) -> Path:
        """The way from *a* to *b* for *member* (a client's code; 0 where no client is an end)."""
        way = self._ways.get((a, b))
        if way is None:
            hops = self.network.route(a, b)
            own = any(hop.each for hop in hops) and any(hop.wire.bandwidth for hop in hops)
            way = self._ways[a, b] = ([self.directions[hop] for hop in hops], own, {})
        directions, own, paths = way
        who = member if own else 0
        path = paths.get(who)
        if path is None:
            path = paths[who] = Path([(wire, who) for wire in directions], self._tallies)
        return path

    def joined(self, first: Path, second: Path) -> Path:
        """The way along *first* and then *second*."""
        path = self._joins.get((first, second))
        if path is None:
            legs = first.legs + second.legs
            path = self._joins[first, second] = Path(legs, self._tallies)
        return path

    def by_name(self) -> dict[str, list[Direction]]:
        """All directions of all wires that conversations use, so that every one has its meter."""
        found: dict[str, list[Direction]] = {}
        for one, other in self.network.conversations:
            for hop in (*self.network.route(one, other), *self.network.route(other, one)):
                _ = self.directions[hop]
        for direction in self.directions.values():
            found.setdefault(direction.name, []).append(direction)
        return found
