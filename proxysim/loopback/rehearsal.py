"""Whether this machine can carry a scenario's rate at all: found out before, by trying."""

from __future__ import annotations

from collections.abc import Callable

from proxysim.errors import ScenarioError
from proxysim.results.run import Run
from proxysim.scenario import Scenario
from proxysim.scenario import nodes as said
from proxysim.workload.draws import ClosedGroup, OpenGroup, Workload
from proxysim.workload.replay import ReplayGroup

__all__ = ["rehearse", "wanted_rate"]

#: Requests a second that need no trial.
EASY = 100.0
#: Seconds that a trial lasts. All connections are new in it, so it is harder than the rest.
TRIAL = 2.0
#: How much more than in the trial may be carried by connections that are kept.
BETTER = 2.0


def wanted_rate(workload: Workload, duration: float) -> float:
    """Requests a second on average, of all groups that do not wait for answers."""
    rate = 0.0
    for group in workload.groups:
        if isinstance(group, OpenGroup):
            rate += group.arrivals.mean_rate(duration)
        elif isinstance(group, ReplayGroup):
            rate += len(group.rows) / duration
    return rate


def rehearse(scenario: Scenario, workload: Workload, play: Callable[[Scenario], Run]) -> None:
    """Try *scenario* for a moment by *play*, where its rate is not easy to carry.

    ScenarioError where the machine carries far less, with the rate that it does.
    """
    run = scenario.document.run
    rate = wanted_rate(workload, run.duration)
    if rate <= EASY or run.duration <= 2 * TRIAL:
        return
    trial = scenario.set({"run.duration": TRIAL, "run.warmup": 0.0, "events": []})
    carried = BETTER * play(trial).extra["live"]["carried"]
    if rate > carried:
        raise ScenarioError(
            f"{rate:,.0f} requests a second are more than this machine carries live: about"
            f" {carried:,.0f}",
            place="live",
            mend=_mend(scenario, workload, 0.8 * carried / rate),
        )


def _mend(scenario: Scenario, workload: Workload, share: float) -> str:
    """How to ask for *share* of what is asked for now."""
    for group in workload.groups:
        node = scenario.document.nodes[group.name]
        if isinstance(group, ClosedGroup) or not isinstance(node, said.Clients):
            continue
        if node.arrivals.kind in ("poisson", "even"):
            kind, given = node.arrivals.kind, node.arrivals.parameters
            less = max(1.0, share * given)
            return f"Ask for less: --set nodes.{group.name}.arrivals.{kind}={less:.0f}/s"
    return "Ask for less, or run it simulated."
