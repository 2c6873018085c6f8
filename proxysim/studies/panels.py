"""What a validation keeps for its pictures: whole distributions of each world, in bounded size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxysim.results.columns import Outcome
from proxysim.results.run import Run
from proxysim.scenario import Scenario
from proxysim.statistics.spread import Spread, spread
from proxysim.studies.doctrine import Taught, times_at

__all__ = ["Panel", "panels"]


@dataclass(frozen=True, slots=True)
class Panel:
    """Distributions that belong together: of clients' latency, or of the time at a *node*.

    ``theory`` is a formula with simulations that are held to it, where there is one; ``rounds``
    are the simulated and the live ones, of the same requests.
    """

    node: str
    theory: tuple[Spread, ...]
    rounds: tuple[Spread, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "node": self.node or None,
            "theory": [one.to_dict() for one in self.theory],
            "rounds": [one.to_dict() for one in self.rounds],
        }


def panels(
    pairs: Sequence[tuple[Run, Run]], scenario: Scenario, taught: Taught, engine: str = ""
) -> tuple[Panel, ...]:
    """Of latency first, then of each node's queue that theory tells; *pairs* are live, simulated.

    All rounds of a world are taken together.
    """
    worlds = {
        "simulated, same requests": [simulated for _, simulated in pairs],
        f"on sockets, with {engine}" if engine else "on sockets": [found for found, _ in pairs],
    }

    def rounds(node: str) -> tuple[Spread, ...]:
        made = (
            spread(name, [times_at(run, scenario, node) if node else _latency(run) for run in runs])
            for name, runs in worlds.items()
        )
        return tuple(one for one in made if one is not None)

    return (
        Panel("", taught.whole, rounds("")),
        *(Panel(node, told, rounds(node)) for node, told in taught.queues),
    )


def _latency(run: Run) -> NDArray[np.float64]:
    ok = run.counted & (run.column("outcome") == Outcome.OK)
    found: NDArray[np.float64] = run.column("latency")[ok]
    return found
