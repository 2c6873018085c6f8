"""How long runs must be for the percentiles that are asked for, and whether they may be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from proxysim.errors import ResultError
from proxysim.scenario import Scenario
from proxysim.scenario.nodes import Clients
from proxysim.studies.objectives import Objective
from proxysim.studies.running import Result

__all__ = ["lengthened", "shortfall", "supported"]

#: Answers that should lie beyond a percentile in each replication: with fewer it is biased.
BEYOND = 10
#: A run is lengthened by itself up to so many times what the scenario says.
LONGER = 20.0
#: A little more than it takes, so that it suffices in every replication.
_MARGIN = 1.1
#: Arrivals that go on alike for as long as one likes.
_STEADY = {"poisson", "even", "bursty", "closed"}


def supported(objective: Objective, results: Iterable[Result]) -> bool:
    """Whether each of *results* has answers enough for what *objective* is about."""
    return _answered(results) >= _needed(objective)


def shortfall(objectives: Iterable[Objective], results: Sequence[Result]) -> float:
    """How many times longer runs must be for all *objectives*; 1 where they are long enough."""
    needed = max(map(_needed, objectives), default=0)
    answered = _answered(results)
    return 1.0 if answered >= needed else _MARGIN * needed / max(answered, 1)


def lengthened(scenario: Scenario, factor: float, objectives: Sequence[Objective]) -> Scenario:
    """*scenario*, counting *factor* times as long; ResultError where that would change it.

    It would where events happen at fixed times, or arrivals are not the same at all times; and
    nobody waits for runs of more than twenty times what was said.
    """
    run = scenario.document.run
    whole = run.warmup + (run.duration - run.warmup) * factor
    why = ""
    if factor > LONGER:
        why = f"more than {LONGER:g} times what the scenario says"
    elif scenario.document.events:
        why = "and longer, its events would be a smaller part of it"
    elif any(
        isinstance(node, Clients) and node.arrivals.kind not in _STEADY
        for node in scenario.document.nodes.values()
    ):
        why = "and its arrivals are not the same at all times"
    if why:
        names = [
            f"{one.name} ({_needed(one):,} answers a run)" for one in objectives if _needed(one)
        ]
        raise ResultError(
            f"{' and '.join(names)} takes runs of {whole:,.0f} s, {why}",
            place="objective",
            mend=f"Set run.duration yourself, to {math.ceil(whole)}s or more,"
            " or ask for a lower percentile.",
        )
    return scenario.set("run.duration", whole)


def _needed(objective: Objective) -> int:
    """How many answers a run must have."""
    share = objective.metric.share
    if share is None:
        return 0
    return max(objective.metric.needs, math.ceil(round(BEYOND / (1 - share), 6)))


def _answered(results: Iterable[Result]) -> int:
    return min(result.summary.requests["ok"] for result in results)
