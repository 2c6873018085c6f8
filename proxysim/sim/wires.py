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
        self._paths: dict[tuple[str, str], Path] = {}
        self._joins: dict[tuple[Path, Path], Path] = {}
        self._tallies = Tallies()

    def path(self, a: str, b: str) -> Path:
        """The way from *a* to *b*, parties or groups of them."""
        path = self._paths.get((a, b))
        if path is None:
            directions = tuple([self.directions[hop] for hop in self.network.route(a, b)])
            path = self._paths[a, b] = Path(directions, self._tallies)
        return path

    def joined(self, first: Path, second: Path) -> Path:
        """The way along *first* and then *second*."""
        path = self._joins.get((first, second))
        if path is None:
            directions = first.directions + second.directions
            path = self._joins[first, second] = Path(directions, self._tallies)
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
