"""What a plan rests on, said in sentences; and what most likely sets the limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from proxysim.scenario import Scenario
from proxysim.scenario.nodes import Clients
from proxysim.studies.evidence import ANSWERED, Trial
from proxysim.studies.outages import unwatched
from proxysim.studies.pricing import Tariff
from proxysim.studies.search import Found
from proxysim.studies.trials import Bench
from proxysim.studies.variable import Variable
from proxysim.units import format_duration

__all__ = ["assumptions", "limit"]

#: Parts of latency, as metrics name them, in words.
_PARTS = {
    "wait": "waiting", "service": "service", "network": "the network", "cpu": "processors",
}  # fmt: skip
#: Busier than this a queue never settles.
_FULL = 0.99


def assumptions(
    scenario: Scenario,
    what: Variable,
    found: Found[Any],
    trials: Sequence[Trial],
    bench: Bench,
    tariff: Tariff | None,
) -> Iterator[str]:
    """What the answer rests on, one thing a sentence, without its full stop."""
    yield (
        "simulated, not measured: the scenario's demands, costs and links are taken to be true"
        " (proxysim validate holds them against real sockets)"
    )
    yield _arrivals(scenario)
    for path, each in what.lists.items():
        values = ", ".join(f"{value:g}" for value in each)
        yield (
            f"{path} lists {values}: members of other counts have these in turn, again from the"
            " beginning where there are more"
        )
    yield from _order(what, found)
    looks = f"{len(bench.looks)} looks" if len(bench.looks) > 1 else "1 look"
    many = len(bench.objectives)
    yield (
        "replications are independent of one another, and the means of a few of them are nearly"
        f" normal: Student's intervals, at {100 * bench.confidence:g} % over up to {looks} and"
        f" {many} objective{'' if many == 1 else 's'} together"
    )
    if any(one.metric.unit == "s" for one in bench.objectives):
        yield "latency is of requests that are answered, from asking to the last byte"
    if ANSWERED in bench.objectives:
        yield (
            "no objective says how many requests may go without a good answer: at most 1 %,"
            " counting those turned away, timed out, failed and left over"
        )
    yield from _survived(scenario, bench)
    span = scenario.document.run.duration
    longer = [trial for trial in trials if trial.duration > span]
    if longer:
        most = max(trial.duration for trial in longer)
        yield (
            f"{len(longer)} of the {len(trials)} values took runs longer than the scenario's"
            f" {span:g} s, up to {most:,.0f} s, for enough requests beyond the percentile"
        )
    if any(trial.busy is not None and trial.busy.share > _FULL for trial in trials):
        yield (
            "where something is all of the time busy nothing settles: how far such a value misses"
            " depends on the length of the run"
        )
    if tariff is not None:
        yield (
            "servers are the members of server groups, down or not; proxies have no price; what"
            " goes out are bodies that reach the clients; a month has 730 hours like the run"
        )


def limit(trial: Trial) -> str:
    """What most likely limits *trial*, in words: the busiest part, or what else takes the time."""
    if trial.busy is not None and trial.busy.limits:
        return f"limited by {trial.busy.text}"
    parts = {part: trial.figures.get(part) for part in _PARTS}
    known = {part: seconds for part, seconds in parts.items() if seconds}
    if not known:
        return ""
    largest = max(known, key=lambda part: known[part])
    busy = "" if trial.busy is None else f": the busiest is {trial.busy.text}"
    return (
        f"though nothing is short of capacity{busy}; most of the mean latency is"
        f" {_PARTS[largest]}, {format_duration(known[largest])}"
    )


def _arrivals(scenario: Scenario) -> str:
    groups = {
        name: node.arrivals.kind
        for name, node in scenario.document.nodes.items()
        if isinstance(node, Clients)
    }
    said = ", ".join(f"{kind} from {name}" for name, kind in groups.items())
    if "closed" in groups.values():
        return (
            f"arrivals as the scenario draws them: {said}; closed loops ask less when slowed down"
        )
    return f"arrivals as the scenario draws them, however slow the answers: {said}"


def _order(what: Variable, found: Found[Any]) -> Iterator[str]:
    tried = ", ".join(what.kind.write(value) for value in sorted(found.verdicts))
    whole = f"of {what.path} all values on one side of the answer meet and all on the other miss"
    if found.strays:
        yield f"{whole}, which what was tried contradicts"
    elif found.answer is not None:
        yield f"{whole}: so far as tried ({tried}) it is so"
    else:
        yield f"{whole}: only {tried} were tried"


def _survived(scenario: Scenario, bench: Bench) -> Iterator[str]:
    if not bench.survive:
        return
    one = bench.survive == 1
    worst = "backend to lose refuses" if one else f"{bench.survive} backends to lose refuse"
    yield f"the worst {worst} connections from beginning to end; alike ones are tried once"
    for name in unwatched(scenario):
        yield (
            f"{name} neither retries nor looks after the health of its backends: it goes on"
            " sending requests to one that is down"
        )
