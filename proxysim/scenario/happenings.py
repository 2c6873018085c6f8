"""Events of a scenario as the results tell of them: what happens, and from when to when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from proxysim.scenario.document import Event
from proxysim.units import format_bandwidth, format_duration

__all__ = ["Step", "duration_of", "event_facts", "steps_of"]


def duration_of(event: Event) -> float | None:
    """For how many seconds it lasts; None: it is over at once."""
    given = (event.down_for, event.silent_for, event.drain_for, event.restart_for, event.for_)
    return next((seconds for seconds in given if seconds is not None), None)


class Step(NamedTuple):
    """At a time, in seconds, an event begins or ends."""

    at: float
    event: Event
    begins: bool


def steps_of(events: Iterable[Event]) -> list[Step]:
    """Beginnings and ends of *events* in order of time; of equal ones ends come first."""
    steps = []
    for event in events:
        steps.append(Step(event.at, event, True))
        lasts = duration_of(event)
        if lasts is not None:
            steps.append(Step(event.at + lasts, event, False))
    return sorted(steps, key=lambda step: (step.at, step.begins))


def event_facts(event: Event) -> dict[str, Any]:
    """The event as plain values, for the results."""
    lasts = duration_of(event)
    if event.node is not None:
        what = f"{event.node} {_what(event)}"
    else:
        what = f"{'-'.join(event.link or ())} {_what(event)}"
    return {
        "at": event.at,
        "until": None if lasts is None else event.at + lasts,
        "label": what,
        "node": event.node,
        "link": list(event.link) if event.link is not None else None,
    }


def _what(event: Event) -> str:
    if event.down_for is not None:
        return "down"
    if event.silent_for is not None:
        return "silent"
    if event.drain_for is not None:
        return "drained"
    if event.restart_for is not None:
        return "restarts"
    if event.slow is not None:
        return f"{event.slow:g} times slower"
    if event.fail is not None:
        return f"fails {event.fail:.0%}"
    if event.flush:
        return "cache flushed"
    if event.extra_latency is not None:
        return f"+{format_duration(event.extra_latency)}"
    if event.loss is not None:
        return f"loses {event.loss:.1%}"
    return f"at {format_bandwidth(event.bandwidth or 0.0)}"
