"""What theory says of a scenario, held against simulations of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from proxysim import theory
from proxysim.results.run import Run
from proxysim.results.summary import plain
from proxysim.scenario import Scenario
from proxysim.sim import simulate

__all__ = ["Doctrine", "doctrine"]

REPLICATIONS = 10
#: How many standard errors the simulated mean may be away from an exact formula.
ERRORS = 3.5
#: What an approximation may be off besides, as a share of its value.
NEAR = 0.05


@dataclass(frozen=True, slots=True)
class Doctrine:
    """A *value* of theory for a figure of a node, and what simulations give: mean and error."""

    node: str
    model: str
    grade: str
    figure: str
    value: float
    simulated: float
    error: float

    @property
    def allowed(self) -> float:
        """How far apart the two may be."""
        return ERRORS * self.error + (0.0 if self.grade == "exact" else NEAR * abs(self.value))

    @property
    def ok(self) -> bool:
        """Whether they are no further apart."""
        return abs(self.simulated - self.value) <= self.allowed

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        named = {name: plain(getattr(self, name)) for name in self.__slots__}
        return {**named, "allowed": plain(self.allowed), "ok": self.ok}


def doctrine(
    scenario: Scenario, *, seed: int | None = None, replications: int = REPLICATIONS
) -> tuple[tuple[Doctrine, ...], tuple[str, ...]]:
    """What theory says of *scenario* beside simulations of it; and why it declines the rest.

    Looks at times at servers, at how busy they are, and at hit ratios. A formula must be met within
    3.5 standard errors of *replications*; one that approximates within 5 % more.
    """
    said = theory.of(scenario)
    declined = tuple(f"{row.node}: {row.reason}" for row in said.declined)
    wanted = [
        (prediction, figure)
        for prediction in said.made
        if prediction.grade != "bound"
        for figure in ("response", "utilisation", "hit_ratio")
        if figure in prediction.values
    ]
    if not wanted:
        return (), declined
    runs = [
        simulate(scenario, seed=seed, replication=number, views=False)
        for number in range(replications)
    ]
    rows = []
    for prediction, figure in wanted:
        values = [_figure(run, scenario, prediction.node, figure) for run in runs]
        found = np.array([value for value in values if value is not None])
        if len(found) < 2:
            continue
        error = float(found.std(ddof=1) / np.sqrt(len(found)))
        rows.append(
            Doctrine(
                prediction.node,
                prediction.model,
                prediction.grade,
                figure,
                prediction.values[figure],
                float(found.mean()),
                error,
            )
        )
    return tuple(rows), declined


def _figure(run: Run, scenario: Scenario, node: str, figure: str) -> float | None:
    """A figure of *node*, a group of servers or a member of it, or a proxy."""
    summary = run.summary()
    members = scenario.members(node) if node in scenario.document.nodes else [node]
    if figure == "hit_ratio":
        return summary.hit_ratio.get(node)
    if figure == "utilisation":
        found = [summary.utilisation[name] for name in members if name in summary.utilisation]
        return sum(found) / len(found) if found else None
    names = run.names("served_by")
    codes = [names.index(name) for name in members if name in names]
    mine = run.counted & np.isin(run.column("served_by"), codes)
    if not mine.any():
        return None
    return float((run.column("wait") + run.column("service"))[mine].mean())
