"""Simulation held against an exact value: replications, corrected for their own luck.

The rule: seeds 1 to R are fixed beforehand; the half-width of the 99 % interval is at most the
tolerance times the exact value, and the mean no more than 3.5 standard errors away from it.

A run that happened to draw more arrivals or longer demands than expected also waits longer. Those
two are known exactly beforehand, so each replication's result is corrected by them, with factors
that the other replications alone decide: linear control variates, split so that no result enters
its own correction and the interval stays honest.

Source: Avramidis and Wilson, "A splitting scheme for control variates", Operations Research
Letters 14, 1993.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from proxysim.results.run import Run
from proxysim.scenario import Scenario
from proxysim.sim import simulate
from proxysim.statistics.intervals import Interval, mean_interval

SITE = "app.example"
SEEDS = range(1, 21)

Measure = Callable[[Run], float]
Controls = Callable[[Run], tuple[float, ...]]


def scenario(
    nodes: Mapping[str, Any],
    *,
    duration: float,
    warmup: float,
    site: Mapping[str, Any] | None = None,
    **rest: Any,
) -> Scenario:
    """Clients and servers that differ by *nodes* alone; without costs, on ideal wires."""
    return Scenario.checked(
        {
            "proxysim": 1,
            "title": "A queue with an exact solution",
            "run": {"duration": duration, "warmup": warmup, "drain": 1e6},
            "sites": {SITE: {"objects": 1, "size": 1, **(site or {})}},
            "nodes": nodes,
            **rest,
        },
        name="queue",
    )


def response(run: Run) -> float:
    """The mean latency, seconds, of requests that arrived after the warm-up."""
    assert not run.column("outcome").any(), "every request is answered"
    return float(run.column("latency")[run.counted].mean())


def luck(rate: float, demand: Callable[[Run], np.ndarray]) -> Controls:
    """How many more arrivals there were than *rate* gives, and how much the mean *demand* of a
    request is above its expectation of 1 s.
    """

    def controls(run: Run) -> tuple[float, ...]:
        counted = run.counted
        expected = rate * (run.duration - run.warmup)
        return float(counted.sum()) / expected - 1.0, float(demand(run)[counted].mean()) - 1.0

    return controls


def replicate(
    scenario: Scenario, *measures: Measure, controls: Controls | None = None
) -> tuple[Interval, ...]:
    """The 99 % interval for what each measure finds, from one run of *scenario* a seed."""
    found, chance = [], []
    for seed in SEEDS:
        run = simulate(scenario, seed=seed, views=False)
        found.append([measure(run) for measure in measures])
        chance.append(controls(run) if controls is not None else ())
    return tuple(
        mean_interval(corrected(values, np.array(chance)), 0.99) for values in np.array(found).T
    )


def corrected(found: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """*found* less what *chance* (one row a replication, expectation zero) explains of it."""
    if not chance.size:
        return found
    better = np.empty_like(found)
    for mine in range(len(found)):
        others = np.arange(len(found)) != mine
        basis = np.column_stack([np.ones(len(found) - 1), chance[others]])
        factors = np.linalg.lstsq(basis, found[others], rcond=None)[0][1:]
        better[mine] = found[mine] - chance[mine] @ factors
    return better


def report(said: str) -> None:
    """Shown by ``pytest -s`` and where a test fails."""
    sys.stdout.write(f"{said}\n")


def assert_exact(interval: Interval, exact: float, tolerance: float) -> None:
    """Hold *interval* against the *exact* value by the rule."""
    away = (interval.mean - exact) / interval.standard_error
    said = (
        f"exact {exact:.6g}, found {interval.mean:.6g} +- {interval.half_width / exact:.2%}"
        f" (99 %), {away:+.2f} standard errors away"
    )
    report(said)
    assert interval.half_width <= tolerance * exact, said
    assert abs(away) <= 3.5, said
