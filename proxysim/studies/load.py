"""A scenario with more of the same to do: all its arrivals multiplied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proxysim.errors import ScenarioError
from proxysim.scenario import Scenario
from proxysim.scenario.nodes import Clients

__all__ = ["offered", "with_load"]


def _all(*names: str) -> Callable[[Mapping[str, Any], float], dict[str, Any]]:
    """Multiply these parameters, and leave the others."""
    return lambda found, factor: {
        **found, **{name: found[name] * factor for name in names}
    }  # fmt: skip


def _replayed(found: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """The same requests in so much less time."""
    if found.get("spread") is not None:
        return {**found, "spread": found["spread"] / factor}
    return {**found, "speed": (found.get("speed") or 1.0) * factor}


_TIMES: dict[str, Callable[[Any, float], Any]] = {
    "poisson": lambda rate, factor: rate * factor,
    "even": lambda rate, factor: rate * factor,
    "bursty": _all("calm", "burst"),
    "ramp": _all("start", "end"),
    "daily": _all("mean"),
    "steps": lambda steps, factor: [_all("rate")(step, factor) for step in steps],
    "replay": _replayed,
}


def with_load(scenario: Scenario, factor: float) -> Scenario:
    """*scenario* with *factor* times as many requests a second, from every group of clients.

    Rates are multiplied and times kept: bursts come as often, and are as much higher. A log is
    replayed faster. Of closed loops the users are multiplied, to whole ones. ScenarioError where
    that leaves none, or makes the scenario wrong.
    """
    changes: dict[str, Any] = {}
    for name, node in scenario.document.nodes.items():
        if not isinstance(node, Clients):
            continue
        if node.arrivals.kind == "closed":
            users = round(node.count * factor)
            if users < 1:
                raise ScenarioError(
                    f"{factor:g} times {node.count} users are none",
                    place=f"nodes.{name}.count",
                    mend="Take a larger factor.",
                )
            changes[f"nodes.{name}.count"] = users
            continue
        said = node.arrivals.model_dump(exclude_unset=True, by_alias=True)
        kind = node.arrivals.kind
        changes[f"nodes.{name}.arrivals"] = {kind: _TIMES[kind](said[kind], factor)}
    return scenario.set(changes)


def offered(scenario: Scenario) -> float | None:
    """How many requests a second *scenario* asks on average; None where that is not said.

    It is said of Poisson, even, daily and bursty arrivals.
    """
    whole = 0.0
    for node in scenario.document.nodes.values():
        if not isinstance(node, Clients):
            continue
        found = node.arrivals.parameters
        match node.arrivals.kind:
            case "poisson" | "even":
                whole += found
            case "daily":
                whole += found.mean
            case "bursty":
                times = found.calm_for + found.burst_for
                whole += (found.calm * found.calm_for + found.burst * found.burst_for) / times
            case _:
                return None
    return whole
