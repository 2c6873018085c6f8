"""A shipped scenario on the stage, as it is or with something changed."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from proxysim import Run, load, simulate

__all__ = ["counted", "hit_share", "play"]


def play(
    name: str,
    changes: Mapping[str, Any] | None = None,
    *,
    seed: int | None = None,
    without: Iterable[str] = (),
) -> Run:
    """A run of the scenario *name* with *changes* by dotted path; *seed* None is its own."""
    scenario = load(name)
    for node in without:
        scenario = scenario.without(node)
    return simulate(scenario.set(changes) if changes else scenario, seed=seed)


def counted(run: Run, start: float = 0.0, end: float = float("inf")) -> pd.DataFrame:
    """The requests that the summary counts, of those that arrive in [*start*, *end*)."""
    requests = run.requests
    at = requests["at"]
    return requests[run.counted & (at >= start) & (at < end)]


def hit_share(requests: pd.DataFrame) -> float:
    """The share that a cache answered by itself."""
    return float(requests["cache"].isin(["hit", "stale"]).mean())
