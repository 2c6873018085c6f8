"""Whether this machine can carry a scenario's rate at all: found out before, by trying."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from proxysim.errors import ScenarioError
from proxysim.results.run import Run
from proxysim.scenario import Scenario
from proxysim.scenario import nodes as said
from proxysim.workload.draws import OpenGroup, Workload
from proxysim.workload.replay import ReplayGroup

__all__ = ["rehearse", "wanted_rate"]

#: Requests a second that need no trial.
EASY = 100.0
#: Seconds that a trial lasts. All connections are new in it, so it is harder than the rest.
TRIAL = 2.0
#: At most so many requests a second are asked in it, and so long is waited for their answers.
GENTLE = 150.0
DRAIN = 5.0
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
    carried = BETTER * play(_trial(scenario, rate)).extra["live"]["carried"]
    if rate > carried:
        raise ScenarioError(
            f"{rate:,.0f} requests a second are more than this machine carries live: about"
            f" {carried:,.0f}",
            place="live",
            mend=_mend(scenario, 0.8 * carried / rate),
        )


def _trial(scenario: Scenario, rate: float) -> Scenario:
    """A moment of *scenario*, in which no more is asked than shows what a request takes."""
    changes: dict[str, object] = {
        "run.duration": TRIAL,
        "run.warmup": 0.0,
        "run.drain": DRAIN,
        "events": [],
    }
    share = min(1.0, GENTLE / rate)
    return scenario.set(changes | {path: share * given for path, given in _rates(scenario)})


def _mend(scenario: Scenario, share: float) -> str:
    """How to ask for *share* of what is asked for now."""
    less = [f"--set {path}={max(1.0, share * given):.0f}/s" for path, given in _rates(scenario)]
    return f"Ask for less: {' '.join(less)}" if less else "Ask for less, or run it simulated."


def _rates(scenario: Scenario) -> Iterator[tuple[str, float]]:
    """The rates that are plain numbers, by their paths."""
    for name, node in scenario.document.nodes.items():
        if isinstance(node, said.Clients) and node.arrivals.kind in ("poisson", "even"):
            yield f"nodes.{name}.arrivals.{node.arrivals.kind}", float(node.arrivals.parameters)
