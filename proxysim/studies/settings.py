"""Settings of a scenario: which values several of its fields take together, and what to call it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from proxysim.errors import ProxysimError, ResultError, ScenarioError
from proxysim.scenario import Scenario
from proxysim.studies.grids import Range, range_of, values_of
from proxysim.studies.ladder import COUNT
from proxysim.studies.load import with_load
from proxysim.studies.variable import LOAD, variable

__all__ = [
    "Setting",
    "Vary",
    "fitted",
    "left_out",
    "setting_of",
    "settings",
    "short_names",
    "value_text",
]

#: Values of fields by their dotted paths: a list of them, or a range such as ``"1..8"``. The path
#: ``load`` stands for all arrivals, by factors.
Vary = Mapping[str, "Iterable[Any] | str | Range"]

AS_IT_IS = "as it is"
SEED = "run.seed"


@dataclass(frozen=True, slots=True)
class Setting:
    """A *scenario* with *changes*, values by path, and *without* some of its proxies."""

    label: str
    scenario: Scenario
    changes: Mapping[str, Any]
    without: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "label": self.label,
            "changes": dict(self.changes),
            "without": list(self.without),
            "scenario_hash": self.scenario.hash,
        }


def settings(
    scenario: Scenario, vary: Vary, without: Sequence[Sequence[str]] = (), *, most: int
) -> list[Setting]:
    """Every combination of the values in *vary*, with all proxies and *without* each set of some.

    In the order of the values, those without proxies last; where a proxy is gone, settings of it
    that make no difference any more are one. ResultError for more than *most*; ScenarioError, the
    scenario's own, for a path or a value that it does not take.
    """
    values = {path: values_of(found, path) for path, found in fitted(scenario, vary).items()}
    count = math.prod(map(len, values.values())) * (1 + len(without))
    if count > most:
        sizes = " × ".join(f"{len(found)}" for found in values.values())
        raise ResultError(
            f"{sizes} values make {count:,} settings",
            mend=f"Take fewer: {most:,} at most.",
        )
    names = short_names(list(values))
    combined = [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]
    made = [setting_of(scenario, changes, names) for changes in combined]
    for removed in without:
        found: dict[Scenario, Setting] = {}
        for changes in combined:
            one = setting_of(scenario, changes, names, tuple(removed))
            twin = found.get(one.scenario)
            if twin is not None:  # called by what they have in common
                known = twin.changes.items()
                shared = dict(change for change in changes.items() if change in known)
                one = setting_of(scenario, shared, names, tuple(removed), twin.scenario)
            found[one.scenario] = one
        made += found.values()
    return made


def fitted(scenario: Scenario, vary: Vary) -> dict[str, Iterable[Any] | Range]:
    """*vary* with its ranges read: counts go by whole numbers, ``load=1..2:3`` does not."""
    return {path: _fitted(scenario, path, found) for path, found in vary.items()}


def _fitted(
    scenario: Scenario, path: str, found: Iterable[Any] | str | Range
) -> Iterable[Any] | Range:
    said = range_of(found, path) if isinstance(found, str) else found
    if not isinstance(said, Range):
        return found if said is None else said
    try:
        counts = variable(scenario, path).kind is COUNT
    except ProxysimError:  # no part of what exists, or none at all, which is said where it is set
        counts = not path.startswith("run.")
    return said if counts else replace(said, whole=False)


def setting_of(
    scenario: Scenario,
    changes: Mapping[str, Any],
    names: Mapping[str, str],
    without: tuple[str, ...] = (),
    built: Scenario | None = None,
) -> Setting:
    """The setting of *changes*, called by the *names* of their paths; *built*, where it is."""
    if built is None:
        built = _built(scenario, changes, without)
    alone = len(names) == 1
    parts = [
        value_text(value)
        if alone and isinstance(value, str) and not value[:1].isdigit()
        else f"{names[path]}={value_text(value)}"
        for path, value in changes.items()
    ]
    if without:
        parts.append(f"without {' and '.join(without)}")
    return Setting(", ".join(parts) or AS_IT_IS, built, dict(changes), without)


def _built(scenario: Scenario, changes: Mapping[str, Any], without: Iterable[str]) -> Scenario:
    if SEED in changes:
        raise ScenarioError(
            "all settings have the same draws, so the seed does not vary",
            place=SEED,
            mend="Replications have draws of their own; the seed of them all is given apart.",
        )
    fields = {path: value for path, value in changes.items() if path != LOAD}
    built = scenario.set(fields) if fields else scenario
    if LOAD in changes:
        factor = changes[LOAD]
        if isinstance(factor, bool) or not isinstance(factor, int | float) or not factor > 0:
            raise ScenarioError(
                f"found {factor!r}", place=LOAD, mend="Give a factor above zero: load=0.5,1,2"
            )
        built = with_load(built, float(factor))
    for node in without:
        built = built.without(node)
    return built


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """The shortest endings of dotted *paths* that tell them apart, by path."""
    return {path: _ending(path, [other for other in paths if other != path]) for path in paths}


def _ending(path: str, others: Sequence[str]) -> str:
    steps = path.split(".")
    for first in reversed(range(1, len(steps))):
        ending = ".".join(steps[first:])
        if not any(f".{other}".endswith(f".{ending}") for other in others):
            return ending
    return path


def value_text(value: Any) -> str:
    """*value* as a scenario may have it, on one line."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str).replace('"', "")


def left_out(without: Iterable[str | Sequence[str]] | str | None) -> list[tuple[str, ...]]:
    """Sets of proxies to leave out: each a name, or several joined by commas."""
    listed = [without] if isinstance(without, str) else list(without or ())
    found = []
    for one in listed:
        names = tuple(part.strip() for part in (one.split(",") if isinstance(one, str) else one))
        if not names or not all(names):
            raise ScenarioError(
                f"found {one!r}", place="without", mend="Name a proxy, or several with commas."
            )
        found.append(names)
    return found
