"""How a scenario changes over many settings: grids, ranges and designs at random, kept as made."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from proxysim.errors import ResultError
from proxysim.results.summary import plain
from proxysim.scenario import Scenario, load
from proxysim.statistics.estimates import share_of_certainty
from proxysim.statistics.intervals import mean_interval
from proxysim.studies.crews import Crew
from proxysim.studies.grids import latin_hypercube
from proxysim.studies.metrics import Metric, Prices, metric, metrics_of, usual
from proxysim.studies.running import Job, Progress, carried_out, whole
from proxysim.studies.settings import (
    Setting,
    Vary,
    fitted,
    setting_of,
    settings,
    short_names,
    value_text,
)
from proxysim.studies.store import Cell, Store, keys_of
from proxysim.studies.variable import LOAD

if TYPE_CHECKING:
    import pandas as pd

    from proxysim.studies.sweep_charts import SweepPlots

__all__ = ["SweepResult", "Sweeping", "planned", "sweep"]

MOST_SETTINGS = 10_000
MOST_CELLS = 100_000
#: Rows that a notebook shows of itself.
_MOST_SHOWN = 64


@dataclass(frozen=True, slots=True)
class Sweeping:
    """A sweep that is checked and not yet made: which cells there are, and what is measured."""

    scenario: Scenario
    settings: tuple[Setting, ...]
    metrics: tuple[Metric, ...]
    replications: int
    seed: int
    confidence: float
    design: str

    @property
    def cells(self) -> int:
        """How many runs it takes: one for each replication of each setting."""
        return len(self.settings) * self.replications

    @property
    def paths(self) -> list[str]:
        """What varies."""
        return list(dict.fromkeys(path for one in self.settings for path in one.changes))

    def made(
        self,
        *,
        store: Store | None = None,
        workers: int | None = None,
        crew: Crew | None = None,
        progress: Progress | None = None,
    ) -> SweepResult:
        """Take what *store* has, make the rest, and keep each cell there as soon as it is made."""
        jobs = [
            Job(setting.scenario, self.seed, replication, setting.label)
            for setting in self.settings
            for replication in range(self.replications)
        ]
        keys = [
            key
            for setting in self.settings
            for key in keys_of(setting.scenario, self.seed, self.replications, self.metrics)
        ]
        found: dict[str, Cell] = {}
        if store is not None:
            kept = ((key, store.get(key)) for key in dict.fromkeys(keys))
            found = {key: cell for key, cell in kept if cell is not None}
        already = len(found)
        missing = {key: job for key, job in zip(keys, jobs, strict=True) if key not in found}
        names = list(missing)
        share = _rest(progress, already, len(names)) if progress else None
        for number, result in carried_out(
            list(missing.values()), self.metrics, workers=workers, crew=crew, progress=share
        ):
            cell = Cell(result.values, result.summary.requests["ok"])
            found[names[number]] = cell
            if store is not None:
                store.put(names[number], cell)
        return SweepResult(
            self, [found[key] for key in keys], already, len(store.damaged) if store else 0
        )


def _rest(progress: Progress, already: int, missing: int) -> Progress:
    """Tell the share of all, of which *already* so many were done."""
    whole = (already + missing) or 1
    return lambda share: progress((already + share * missing) / whole)


def sweep(
    scenario: Scenario | str | os.PathLike[str],
    over: Vary | Sequence[Mapping[str, Any]],
    *,
    random: int | None = None,
    replications: int = 5,
    seed: int | None = None,
    metrics: Iterable[str | Metric] | None = None,
    confidence: float = 0.95,
    prices: Prices | None = None,
    store: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
) -> SweepResult:
    """Run *scenario* in many settings, *replications* times each.

    *over* gives values by dotted path, as lists or ranges (``"1..8"``, ``"100/s..800/s:8"``,
    ``"1MB..1GB:7:log"``): every combination, or as many points of a Latin hypercube as *random*
    says; or it is a list of mappings, one a setting. Replication r has the same draws in all of
    them, from *seed* (default: the scenario's), which also draws the design. Runs are made by
    *workers* processes, or by the dask cluster at the address *dask*; no bit depends on who makes
    them. In the directory *store* each finished cell is kept at once, and found again next time.

    ScenarioError for a path or value that the scenario does not take, before anything runs;
    ResultError for what else cannot be.
    """
    sweeping = planned(
        scenario, over, random=random, replications=replications, seed=seed, metrics=metrics,
        confidence=confidence, prices=prices,
    )  # fmt: skip
    crew: Crew | None = None
    if dask is not None:
        from proxysim.studies.clusters import Cluster

        crew = Cluster(dask)
    kept = Store(store) if store is not None else None
    return sweeping.made(store=kept, workers=workers, crew=crew, progress=progress)


def planned(
    scenario: Scenario | str | os.PathLike[str],
    over: Vary | Sequence[Mapping[str, Any]],
    *,
    random: int | None = None,
    replications: int = 5,
    seed: int | None = None,
    metrics: Iterable[str | Metric] | None = None,
    confidence: float = 0.95,
    prices: Prices | None = None,
) -> Sweeping:
    """What :func:`sweep` is to do, checked: everything that can be wrong is said here."""
    found = scenario if isinstance(scenario, Scenario) else load(scenario)
    share_of_certainty(confidence)
    replications = whole(replications, "replications", least=1)
    seed = found.document.run.seed if seed is None else whole(seed, "seed")
    if not over:
        raise ResultError(
            "there is nothing to vary", mend="Give values of a field: nodes.shop.count=1..8"
        )
    if isinstance(over, Mapping):
        if random is None:
            design = "grid"
            made = settings(found, over, most=min(MOST_SETTINGS, MOST_CELLS // replications))
        else:
            design = "latin hypercube"
            points = latin_hypercube(fitted(found, over), whole(random, "random"), seed)
            made = _listed(found, points, replications)
    else:
        if random is not None:
            raise ResultError(
                "a list of settings leaves nothing to chance", place="random", mend="Leave it out."
            )
        design = "list"
        made = _listed(found, over, replications)
    scenarios = [one.scenario for one in made]
    if metrics is None:
        measured = usual(scenarios)
        if any(_is_load(path) for one in made for path in one.changes):
            measured.append(metric("offered"))
    else:
        measured = metrics_of(metrics, scenarios, prices)
    return Sweeping(found, tuple(made), tuple(measured), replications, seed, confidence, design)


def _listed(
    scenario: Scenario, points: Sequence[Mapping[str, Any]], replications: int
) -> list[Setting]:
    """The settings of *points*, each once."""
    if len(points) * replications > MOST_CELLS:
        raise ResultError(
            f"{len(points):,} settings, {replications:,} times each, are"
            f" {len(points) * replications:,} runs",
            mend=f"Take fewer: {MOST_CELLS:,} at most.",
        )
    for point in points:
        if not isinstance(point, Mapping) or not point:
            raise ResultError(
                f"found {point!r} among the settings", mend="Give mappings of values by path."
            )
    names = short_names(list(dict.fromkeys(path for point in points for path in point)))
    made: dict[str, Setting] = {}
    for point in points:
        one = setting_of(scenario, point, names)
        made.setdefault(one.label, one)
    return list(made.values())


def _is_load(path: str) -> bool:
    return path == LOAD or "arrivals" in path.split(".")


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult:
    """What a sweep found: one *cell* a setting and replication, in the order of the settings.

    *already* so many of them were in the store; *damaged* ones were found there, and made again.
    """

    asked: Sweeping
    cells: Sequence[Cell]
    already: int = field(default=0)
    damaged: int = field(default=0)

    def of(self, place: int) -> Sequence[Cell]:
        """The cells of the setting at *place*, one a replication."""
        count = self.asked.replications
        return self.cells[place * count : (place + 1) * count]

    def figure(self, place: int, one: Metric) -> tuple[float, float, float] | None:
        """Mean, and the bounds of its interval, of a metric in the setting at *place*.

        The bounds are nan from one replication alone. None where a replication has no such thing,
        or too few answers for the quantile.
        """
        cells = self.of(place)
        values = [cell.values[one.name] for cell in cells]
        known = [value for value in values if value is not None]
        if len(known) < len(values) or min(cell.answered for cell in cells) < one.needs:
            return None
        if len(known) == 1:
            return known[0], float("nan"), float("nan")
        found = mean_interval(known, self.asked.confidence)
        return found.mean, found.low, found.high

    @cached_property
    def notes(self) -> list[str]:
        """What was refused, and why."""
        said = []
        for one in self.asked.metrics:
            fewest = min(cell.answered for cell in self.cells)
            if fewest < one.needs:
                said.append(
                    f"{one.name} is refused where a run has fewer than {one.needs:,} ok answers;"
                    f" the fewest are {fewest:,}. Make run.duration longer."
                )
        return said

    @property
    def plot(self) -> SweepPlots:
        """The charts: ``plot.lines("p99")``, ``.heat("p99")``, ``.miss_ratio()``, and so on."""
        from proxysim.studies.sweep_charts import SweepPlots

        return SweepPlots(self)

    def frame(self) -> pd.DataFrame:
        """One row a cell: the values of what varies, replication, ok answers, every metric."""
        import pandas as pd

        rows = [
            {
                **{path: setting.changes.get(path) for path in self.asked.paths},
                "replication": replication,
                "ok": cell.answered,
                **cell.values,
            }
            for place, setting in enumerate(self.asked.settings)
            for replication, cell in enumerate(self.of(place))
        ]
        return pd.DataFrame(rows)

    def table(self) -> pd.DataFrame:
        """One row a setting: what varies, and of every metric the mean with its interval."""
        import pandas as pd

        return pd.DataFrame(list(self._rows()))

    def _rows(self) -> Iterable[dict[str, Any]]:
        for place, setting in enumerate(self.asked.settings):
            row = {path: setting.changes.get(path) for path in self.asked.paths}
            for one in self.asked.metrics:
                found = self.figure(place, one)
                for name, value in zip(("", "_low", "_high"), found or (None,) * 3, strict=True):
                    row[f"{one.name}{name}"] = value
            yield row

    @property
    def manifest(self) -> dict[str, Any]:
        """Where the results come from; equal sweeps have equal ones."""
        import proxysim

        asked = self.asked
        return {
            "proxysim": proxysim.__version__,
            "scenario": asked.scenario.name,
            "scenario_hash": asked.scenario.hash,
            "seed": asked.seed,
            "design": asked.design,
            "over": asked.paths,
            "settings": len(asked.settings),
            "replications": asked.replications,
            "runs": asked.cells,
            "world": "sim",
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``--json`` prints them."""
        said = {
            **self.manifest,
            "title": self.asked.scenario.title,
            "confidence": self.asked.confidence,
            "metrics": {one.name: one.unit for one in self.asked.metrics},
            "table": list(self._rows()),
            "cells": [
                {
                    "changes": dict(setting.changes),
                    "scenario_hash": setting.scenario.hash,
                    "replication": replication,
                    "ok": cell.answered,
                    "values": cell.values,
                }
                for place, setting in enumerate(self.asked.settings)
                for replication, cell in enumerate(self.of(place))
            ],
            "notes": self.notes,
        }
        written: dict[str, Any] = plain(said)
        return written

    def to_json(self, indent: int | None = 2) -> str:
        """:meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False, ensure_ascii=False)

    def _repr_html_(self) -> str:
        from proxysim.results.html import study_html

        asked = self.asked
        names = short_names(asked.paths)
        rows = []
        for place, setting in enumerate(asked.settings[:_MOST_SHOWN]):
            row = [value_text(setting.changes.get(path)) for path in asked.paths]
            for one in asked.metrics:
                mean, _, high = self.figure(place, one) or (None, 0.0, 0.0)
                half = high - mean if mean is not None else 0.0  # nan of one run
                row.append(f"{one.text(mean)} ± {one.text(half)}" if half > 0 else one.text(mean))
            rows.append(row)
        said = list(self.notes)
        if (more := len(asked.settings) - len(rows)) > 0:
            said.append(f"and {more} more: table()")
        head = f"{asked.scenario.name} · {asked.cells} runs · seed {asked.seed}"
        columns = (*names.values(), *(one.name for one in asked.metrics))
        return study_html(head, columns, rows, said)

    def __repr__(self) -> str:
        over = ", ".join(self.asked.paths)
        return f"<Sweep of {self.asked.scenario.name} over {over}: {self.asked.cells} runs>"
