"""Capacity planning: the least, or the most, of a quantity that meets what is asked."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from typing import Any

from proxysim.scenario import Scenario, load
from proxysim.statistics.estimates import share_of_certainty
from proxysim.studies.answer import Plan
from proxysim.studies.assumed import assumptions, limit
from proxysim.studies.crews import crew_of
from proxysim.studies.evidence import ANSWERED
from proxysim.studies.ladder import PRECISION, Ladder, ladder, read_range
from proxysim.studies.metrics import metric, metrics_of
from proxysim.studies.objectives import Objective, objectives
from proxysim.studies.outages import outages
from proxysim.studies.pricing import Growth, Tariff, tariff
from proxysim.studies.pricing import growth as growing
from proxysim.studies.prospects import headroom_of, measured_curve, outlook_of
from proxysim.studies.running import whole
from proxysim.studies.search import search
from proxysim.studies.trials import FIRST_LOOK, Bench, Steps, Trials
from proxysim.studies.variable import LOAD, Variable, variable

__all__ = ["plan"]

#: Metrics an objective on which says how many requests may go without an answer.
_OF_ANSWERS = ("error_rate", "throughput", "outcome")


def plan(
    scenario: Scenario | str | os.PathLike[str],
    objective: str | Objective | Iterable[str | Objective],
    vary: str = LOAD,
    *,
    between: tuple[Any, Any] | str | None = None,
    precision: float = PRECISION,
    survive: int = 0,
    growth: str | float | Growth | None = None,
    price: str | float | None = None,
    price_out: str | float | None = None,
    headroom: bool = False,
    curve: bool = False,
    confidence: float = 0.95,
    replications: int = 48,
    check: bool = True,
    seed: int | None = None,
    workers: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Plan:
    """How much of *vary* it takes to meet an *objective* such as ``"p99 < 250ms"``.

    *vary* is a path to a count or a quantity: of servers, workers, bytes of cache, bandwidth the
    least is found that will do; of rates of arrival, and of ``load`` (all arrivals together, in
    multiples of today's), the most. It is looked for *between* two values, such as ``(1, 64)`` or
    ``"8MB..1GB"``, by bisection over replications on the same draws, of quantities in steps of
    *precision*. *survive* keeps the objective with the worst so many backends down all the time.
    *growth* (``"8%/month"``) asks how long the answer lasts, *headroom* how much more load it
    takes, *curve* for latency against throughput; *price* (of a server, ``"0.12/h"``) and
    *price_out* (``"0.08/GB"``) what it costs.

    Each verdict holds with *confidence* and takes at most so many *replications*, made by *workers*
    processes (default: the cores; neither changes the result). *check* tries the neighbours of the
    answer too. Where nobody says how many requests may go unanswered, it is 1 %. Raises ResultError
    and ScenarioError for what cannot be read or does not exist, and for a percentile that runs of
    any reasonable length cannot tell.
    """
    base = scenario if isinstance(scenario, Scenario) else load(scenario)
    share_of_certainty(confidence)
    most = whole(replications, "replications", FIRST_LOOK)
    prices = tariff(price, price_out)
    asked = _asked(base, objective, prices)
    what = variable(base, vary)
    rungs = _rungs(what, between, precision)
    grows = None if growth is None else growing(growth)
    for end in (rungs.values[0], rungs.values[-1]):
        outages(what.at(base, end), survive)  # so that what cannot be is told before all runs
    expected = math.log2(len(rungs.values)) + 3 + 7 * (headroom + (grows is not None)) + 12 * curve
    bench = Bench(
        asked,
        seed=base.document.run.seed if seed is None else whole(seed, "seed"),
        survive=survive,
        confidence=confidence,
        most=most,
        added=[] if prices is None else [metric("cost", prices.prices)],
        crew=crew_of(workers, most),
        steps=Steps(progress, expected),
    )
    trials = Trials(bench, lambda value: what.at(base, value), what.phrase)
    found = search(
        rungs.values, trials.judge, first=what.first, either=not what.is_load, check=check
    )
    fleet = base if what.is_load else what.at(base, found.best)
    tried = tuple(trials[value] for value in sorted(trials))
    return Plan(
        scenario=base.name,
        title=base.title,
        seed=bench.seed,
        variable=what,
        objectives=asked,
        confidence=confidence,
        survive=survive,
        found=found,
        trials=tried,
        assumptions=tuple(assumptions(base, what, found, tried, bench, prices)),
        limit="" if found.met else limit(trials[found.best]),
        headroom=headroom_of(bench, fleet) if headroom and not what.is_load else None,
        outlook=None if grows is None else outlook_of(bench, fleet, grows),
        curve=measured_curve(bench, fleet) if curve else None,
        tariff=prices,
        manifest={
            "proxysim": bench.version,
            "scenario": base.name,
            "scenario_hash": base.hash,
            "without": list(base.removed),
            "seed": bench.seed,
            "world": "sim",
        },
    )


def _asked(
    scenario: Scenario,
    objective: str | Objective | Iterable[str | Objective],
    prices: Tariff | None,
) -> tuple[Objective, ...]:
    """The objectives, and that requests are answered where none of them is about that."""
    found = objectives(objective, None if prices is None else prices.prices)
    metrics_of([one.metric for one in found], [scenario])
    if any(one.metric.name.partition(".")[0] in _OF_ANSWERS for one in found):
        return found
    return (*found, ANSWERED)


def _rungs(what: Variable, between: tuple[Any, Any] | str | None, precision: float) -> Ladder:
    ends = read_range(between) if isinstance(between, str) else between
    return ladder(ends, now=what.now, kind=what.kind, precision=precision)
