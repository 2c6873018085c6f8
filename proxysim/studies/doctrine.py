"""What theory says of a scenario, held against simulations of it, with sockets beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxysim import theory
from proxysim.results.run import Run
from proxysim.results.summary import plain
from proxysim.scenario import Scenario
from proxysim.scenario.nodes import ProxyBase
from proxysim.sim import simulate
from proxysim.statistics.spread import Spread, formula, spread
from proxysim.studies.overlay import whole_latency
from proxysim.theory import Prediction
from proxysim.units import format_duration

__all__ = ["Doctrine", "Taught", "doctrine", "times_at"]

Floats = NDArray[np.float64]

#: Replications go on until they have so many requests together, or are so many; at least the first.
REQUESTS = 200_000
REPLICATIONS = (20, 100)
#: How many standard errors the simulated mean may be away from an exact formula.
ERRORS = 3.5
#: What an approximation may be off besides, as a share of its value.
NEAR = 0.05
#: Requests that must lie beyond a percentile in every run, for it to be held against theory.
BEYOND = 10

_PERCENTILES = {"p95": 0.95, "p99": 0.99}
_TIMES = ("response", *_PERCENTILES)
#: What is held against simulations, and what pages call it.
FIGURES = {
    "response": "waiting and service, mean",
    "p95": "waiting and service, p95",
    "p99": "waiting and service, p99",
    "utilisation": "busy",
    "hit_ratio": "hit ratio",
}


@dataclass(frozen=True, slots=True)
class Doctrine:
    """A *value* of theory for a figure of a node, and what simulations give: mean and error.

    ``live`` is what the rounds on sockets gave, the median; they are too short to be held to it.
    """

    node: str
    model: str
    grade: str
    figure: str
    value: float
    simulated: float
    error: float
    live: float | None = None

    @property
    def allowed(self) -> float:
        """How far apart the two may be."""
        return ERRORS * self.error + (0.0 if self.grade == "exact" else NEAR * abs(self.value))

    @property
    def ok(self) -> bool:
        """Whether they are no further apart."""
        return abs(self.simulated - self.value) <= self.allowed

    def text(self, value: float | None) -> str:
        """*value* as people read it."""
        if value is None:
            return "-"
        return format_duration(value) if self.figure in _TIMES else f"{value:.2%}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        named = {name: plain(getattr(self, name)) for name in self.__slots__}
        return {**named, "allowed": plain(self.allowed), "ok": self.ok}


@dataclass(frozen=True, slots=True)
class Taught:
    """All that theory has to say: *rows*, why it *declines* the rest, and whole distributions.

    ``whole`` are those of the clients' latency, where the scenario is one queue and nothing else;
    ``queues`` those of waiting and service, by node. The formula comes first, then simulations.
    """

    rows: tuple[Doctrine, ...] = ()
    declined: tuple[str, ...] = ()
    whole: tuple[Spread, ...] = ()
    queues: tuple[tuple[str, tuple[Spread, ...]], ...] = ()


def doctrine(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replications: int | None = None,
    rounds: Sequence[Run] = (),
) -> Taught:
    """What theory says of *scenario* beside simulations of it; and why it declines the rest.

    Looks at times at servers, their mean, p95 and p99, at how busy they are, and at hit ratios. A
    formula must be met within 3.5 standard errors of *replications* (default: as many as have
    200,000 requests, 20 to 100); one that approximates within 5 % more. *rounds* on sockets stand
    beside.
    """
    said = theory.of(scenario)
    declined = [f"{row.node}: {row.reason}" for row in said.declined]
    wanted = [
        (prediction, figure)
        for prediction in said.made
        if prediction.grade != "bound"
        for figure in FIGURES
        if figure in prediction.values and (figure not in _TIMES or _serves(scenario, prediction))
    ]
    if not wanted:
        return Taught(declined=tuple(declined))
    known = [
        found
        for found in said.made
        if found.times is not None and found.grade != "bound" and _serves(scenario, found)
    ]
    values: list[list[float | None]] = [[] for _ in wanted]
    samples: dict[str, list[Floats]] = {found.node: [] for found in known}
    made, wanted_runs = 0, replications
    while wanted_runs is None or made < wanted_runs:
        run = simulate(scenario, seed=seed, replication=made, views=False)
        made += 1
        if wanted_runs is None:
            each = max(1, len(run.column("id")))
            wanted_runs = min(max(REQUESTS // each, REPLICATIONS[0]), REPLICATIONS[1])
        for found, (prediction, figure) in zip(values, wanted, strict=True):
            found.append(_figure(run, scenario, prediction.node, figure))
        for node, taken in samples.items():
            taken.append(times_at(run, scenario, node))
    rows = []
    for found, (prediction, figure) in zip(values, wanted, strict=True):
        told = [value for value in found if value is not None]
        if len(told) == made >= 2:
            beside = _beside(rounds, scenario, prediction, figure)
            rows.append(_row(prediction, figure, told, beside))
        elif figure in _PERCENTILES:
            declined.append(f"{prediction.node}: {_too_few(figure)}")
    for prediction in said.made:
        if (prediction, "response") in wanted and prediction.times is None:
            declined.append(f"{prediction.node}: {prediction.model} tells the mean alone, no p95")
    curves = tuple((found.node, _curves(found, samples[found.node])) for found in known)
    alone = whole_latency(scenario)
    if alone is not None and alone.times is not None:
        return Taught(tuple(rows), tuple(declined), dict(curves)[alone.node])
    return Taught(tuple(rows), tuple(declined), (), curves)


def times_at(run: Run, scenario: Scenario, node: str) -> Floats:
    """Waiting and service of the requests that *node*, a group of servers or one, answered."""
    names = run.names("served_by")
    codes = [names.index(name) for name in _members(scenario, node) if name in names]
    mine = run.counted & np.isin(run.column("served_by"), codes)
    found: Floats = (run.column("wait") + run.column("service"))[mine]
    return found


def _row(
    prediction: Prediction, figure: str, told: Sequence[float], live: float | None
) -> Doctrine:
    return Doctrine(
        prediction.node,
        prediction.model,
        prediction.grade,
        figure,
        prediction.values[figure],
        float(np.mean(told)),
        float(np.std(told, ddof=1) / np.sqrt(len(told))),
        live,
    )


def _beside(
    rounds: Sequence[Run], scenario: Scenario, prediction: Prediction, figure: str
) -> float | None:
    """The median of the rounds that have the figure."""
    found = [_figure(run, scenario, prediction.node, figure) for run in rounds]
    known = [value for value in found if value is not None]
    return float(np.median(known)) if known else None


def _curves(prediction: Prediction, samples: Sequence[Floats]) -> tuple[Spread, ...]:
    assert prediction.times is not None
    near = "" if prediction.grade == "exact" else ", approximate"
    told = formula(
        f"theory, {prediction.model}{near}", prediction.times.tail, prediction.times.mean
    )
    simulated = spread(f"simulated {len(samples)} times", samples, band=True)
    return (told,) if simulated is None else (told, simulated)


def _serves(scenario: Scenario, prediction: Prediction) -> bool:
    """Whether runs tell its times apart: servers' they do, a proxy's processor's they do not."""
    return not isinstance(scenario.document.nodes.get(prediction.node), ProxyBase)


def _members(scenario: Scenario, node: str) -> Sequence[str]:
    return scenario.members(node) if node in scenario.document.nodes else [node]


def _figure(run: Run, scenario: Scenario, node: str, figure: str) -> float | None:
    """A figure of *node*, a group of servers or a member of it, or a proxy."""
    if figure == "hit_ratio":
        return run.summary().hit_ratio.get(node)
    if figure == "utilisation":
        busy = run.summary().utilisation
        found = [busy[name] for name in _members(scenario, node) if name in busy]
        return sum(found) / len(found) if found else None
    times = times_at(run, scenario, node)
    if figure in _PERCENTILES:
        share = _PERCENTILES[figure]
        enough = times.size * (1 - share) >= BEYOND - 1e-9
        return float(np.quantile(times, share)) if enough else None
    return float(times.mean()) if times.size else None


def _too_few(figure: str) -> str:
    wanted = round(BEYOND / (1 - _PERCENTILES[figure]))
    return f"a {figure} takes {wanted:,} requests in a run, and there are fewer"
