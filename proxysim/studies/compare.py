"""Which is better: settings of a scenario given the same draws, and how sure the difference is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from proxysim.errors import ResultError, did_you_mean
from proxysim.results.summary import plain
from proxysim.scenario import Scenario, load
from proxysim.statistics.estimates import share_of_certainty
from proxysim.statistics.intervals import Interval, mean_interval
from proxysim.studies.contrasts import Contrast, Method, contrasts
from proxysim.studies.crews import Crew
from proxysim.studies.metrics import Metric, Prices, metrics_of, usual
from proxysim.studies.running import Job, Progress, Result, run_all, whole
from proxysim.studies.settings import Setting, Vary, left_out, settings

if TYPE_CHECKING:
    import pandas as pd

    from proxysim.studies.compare_charts import ComparePlots

__all__ = ["CompareResult", "Comparing", "compare", "prepared"]

Floats = NDArray[np.float64]

MOST_SETTINGS = 50
MOST_RUNS = 10_000


@dataclass(frozen=True, slots=True)
class Comparing:
    """A comparison that is checked and not yet made: what is to be run, and what measured."""

    scenario: Scenario
    settings: tuple[Setting, ...]
    metrics: tuple[Metric, ...]
    baseline: str
    replications: int
    seed: int
    confidence: float
    method: Method

    @property
    def runs(self) -> int:
        """How many runs it takes."""
        return len(self.settings) * self.replications

    def made(
        self,
        *,
        workers: int | None = None,
        crew: Crew | None = None,
        latencies: bool = True,
        progress: Progress | None = None,
    ) -> CompareResult:
        """Make all runs, and the comparison of them."""
        jobs = [
            Job(setting.scenario, self.seed, replication, setting.label)
            for setting in self.settings
            for replication in range(self.replications)
        ]
        results = run_all(
            jobs, self.metrics, latencies=latencies, workers=workers, crew=crew, progress=progress
        )
        return CompareResult(self, results)


def compare(
    scenario: Scenario | str | os.PathLike[str],
    vary: Vary | None = None,
    *,
    without: str | Iterable[str | Sequence[str]] | None = None,
    replications: int = 20,
    seed: int | None = None,
    metrics: Iterable[str | Metric] | None = None,
    baseline: str | None = None,
    confidence: float = 0.95,
    method: Method = "student",
    prices: Prices | None = None,
    workers: int | None = None,
    latencies: bool = True,
    progress: Progress | None = None,
) -> CompareResult:
    """Run *scenario* with every combination of the values in *vary*, and tell real differences.

    *vary* gives values by dotted path, as lists or ranges (``"1..4"``); *without* names proxies,
    each to be left out in further settings. Replication r has the same draws in every setting
    (common random numbers), from *seed* (default: the scenario's), and differences to the
    *baseline* (default: the first setting) are taken pair by pair: by Student's t, or by *method*
    ``"bootstrap"``, with intervals as wide as looking at many takes (Holm). *metrics* are names
    such as ``"p99"`` or ``"utilisation.shop"``; *prices* are for ``"cost"``. *latencies* are kept
    for the charts of distributions. *workers* processes make the runs; their number changes no bit.

    ScenarioError for a path or value that the scenario does not take, before anything runs;
    ResultError for a metric, baseline or number of runs that cannot be.
    """
    comparing = prepared(
        scenario, vary, without=without, replications=replications, seed=seed, metrics=metrics,
        baseline=baseline, confidence=confidence, method=method, prices=prices,
    )  # fmt: skip
    return comparing.made(workers=workers, latencies=latencies, progress=progress)


def prepared(
    scenario: Scenario | str | os.PathLike[str],
    vary: Vary | None = None,
    *,
    without: str | Iterable[str | Sequence[str]] | None = None,
    replications: int = 20,
    seed: int | None = None,
    metrics: Iterable[str | Metric] | None = None,
    baseline: str | None = None,
    confidence: float = 0.95,
    method: Method = "student",
    prices: Prices | None = None,
) -> Comparing:
    """What :func:`compare` is to do, checked: everything that can be wrong is said here."""
    found = scenario if isinstance(scenario, Scenario) else load(scenario)
    share_of_certainty(confidence)
    if method not in ("student", "bootstrap"):
        raise ResultError(f"found {method!r}", place="method", mend="Give student or bootstrap.")
    made = settings(found, vary or {}, left_out(without), most=MOST_SETTINGS)
    if len(made) == 1 and made[0].changes:
        made = [*settings(found, {}, most=1), *made]
    if len(made) < 2:
        raise ResultError(
            "there is nothing to compare",
            mend="Give values of a field, such as nodes.edge.balancer=round_robin,random.",
        )
    replications = _checked(replications, len(made))
    names = [setting.label for setting in made]
    if baseline is not None and baseline not in names:
        raise ResultError(
            f"there is no setting {baseline!r}",
            place="baseline",
            mend=did_you_mean(baseline, names),
        )
    scenarios = [setting.scenario for setting in made]
    measured = usual(scenarios) if metrics is None else metrics_of(metrics, scenarios, prices)
    return Comparing(
        found,
        tuple(made),
        tuple(measured),
        names[0] if baseline is None else baseline,
        replications,
        found.document.run.seed if seed is None else whole(seed, "seed"),
        confidence,
        method,
    )


def _checked(replications: int, count: int) -> int:
    replications = whole(replications, "replications", least=2)
    if count * replications > MOST_RUNS:
        raise ResultError(
            f"{count} settings, {replications:,} times each, are {count * replications:,} runs",
            mend=f"Take fewer: {MOST_RUNS:,} at most.",
        )
    return replications


class CompareResult:
    """What a comparison found: values a replication, and contrasts with the baseline.

    ``values[setting][metric]`` has one entry a replication, ``latencies[setting]`` one ascending
    array a replication (empty where they were not kept); settings go by their labels.
    """

    def __init__(self, comparing: Comparing, results: Sequence[Result]) -> None:
        self.asked = comparing
        count = comparing.replications
        names = [setting.label for setting in comparing.settings]
        by_setting = {
            name: results[place * count : (place + 1) * count] for place, name in enumerate(names)
        }
        self.values: dict[str, dict[str, list[float | None]]] = {
            name: {one.name: [r.values[one.name] for r in found] for one in comparing.metrics}
            for name, found in by_setting.items()
        }
        self.answered = {
            name: [result.summary.requests["ok"] for result in found]
            for name, found in by_setting.items()
        }
        self.latencies: dict[str, list[Floats]] = {
            name: [result.latencies for result in found if result.latencies is not None]
            for name, found in by_setting.items()
        }
        self.contrasts: list[Contrast] = contrasts(
            comparing.metrics,
            self.values,
            self.answered,
            comparing.baseline,
            confidence=comparing.confidence,
            method=comparing.method,
            seed=comparing.seed,
        )

    @property
    def real(self) -> list[Contrast]:
        """The differences that are real."""
        return [found for found in self.contrasts if found.verdict == "real"]

    @cached_property
    def statements(self) -> list[str]:
        """The findings as sentences, each once; what is the same everywhere in one of them."""
        said = []
        for one in self.asked.metrics:
            mine = [found for found in self.contrasts if found.metric == one]
            if all(found.verdict == "same" for found in mine):
                said.append(
                    f"{one.name} is the same in every setting and replication:"
                    f" {one.text(mine[0].base)} on average."
                )
            else:
                said += [found.text() for found in mine]
        return list(dict.fromkeys(said))

    def figure(self, setting: str, metric: str) -> Interval | None:
        """The mean of a *metric* over the replications of a *setting*; None where it has none."""
        found = self.values[setting][metric]
        needs = next(one.needs for one in self.asked.metrics if one.name == metric)
        known = [value for value in found if value is not None]
        if len(known) < len(found) or min(self.answered[setting]) < needs:
            return None
        return mean_interval(known, self.asked.confidence)

    @property
    def plot(self) -> ComparePlots:
        """The charts: ``plot.differences()``, ``.tails()``, ``.replications("p99")``."""
        from proxysim.studies.compare_charts import ComparePlots

        return ComparePlots(self)

    def frame(self) -> pd.DataFrame:
        """One row a setting and replication: what was varied, and every metric."""
        import pandas as pd

        asked = self.asked
        paths = list(dict.fromkeys(path for one in asked.settings for path in one.changes))
        rows = [
            {
                "setting": one.label,
                **{path: one.changes.get(path) for path in paths},
                "without": ", ".join(one.without),
                "replication": replication,
                "ok": self.answered[one.label][replication],
                **{name: found[replication] for name, found in self.values[one.label].items()},
            }
            for one in asked.settings
            for replication in range(asked.replications)
        ]
        return pd.DataFrame(rows)

    def differences(self) -> pd.DataFrame:
        """One row a contrast with the baseline."""
        import pandas as pd

        rows = []
        for found in self.contrasts:
            said = found.to_dict()
            for name in ("difference", "relative"):
                bounds = said.pop(name) or {}
                said |= {f"{name}_{end}": bounds.get(end) for end in ("value", "low", "high")}
            rows.append({**said, "text": said.pop("text")})
        return pd.DataFrame(rows)

    @property
    def manifest(self) -> dict[str, Any]:
        """Where the results come from; equal comparisons have equal ones."""
        import proxysim

        asked = self.asked
        return {
            "proxysim": proxysim.__version__,
            "scenario": asked.scenario.name,
            "scenario_hash": asked.scenario.hash,
            "seed": asked.seed,
            "replications": asked.replications,
            "runs": asked.runs,
            "world": "sim",
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``--json`` prints them."""
        asked = self.asked
        figures = []
        for one in asked.settings:
            for metric in asked.metrics:
                found = self.figure(one.label, metric.name)
                figures.append(
                    {
                        "setting": one.label,
                        "metric": metric.name,
                        "unit": metric.unit,
                        "mean": found and found.mean,
                        "low": found and found.low,
                        "high": found and found.high,
                    }
                )
        said = {
            **self.manifest,
            "title": asked.scenario.title,
            "confidence": asked.confidence,
            "method": asked.method,
            "baseline": asked.baseline,
            "metrics": [one.name for one in asked.metrics],
            "settings": [one.to_dict() for one in asked.settings],
            "figures": figures,
            "differences": [found.to_dict() for found in self.contrasts],
            "statements": self.statements,
        }
        written: dict[str, Any] = plain(said)
        return written

    def to_json(self, indent: int | None = 2) -> str:
        """:meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False, ensure_ascii=False)

    def _repr_html_(self) -> str:
        from proxysim.results.html import study_html

        asked = self.asked
        by_setting = {(one.metric.name, one.setting): one for one in self.contrasts}
        rows = []
        for metric in asked.metrics:
            for setting in asked.settings:
                figure = self.figure(setting.label, metric.name)
                row = [metric.name, setting.label, metric.text(figure.mean if figure else None)]
                found = by_setting.get((metric.name, setting.label))
                told = ("baseline", "", "")
                if found is not None:
                    told = (found.change(), found.between(), found.verdict)
                rows.append([*row, *told])
        interval = f"{100 * asked.confidence:g} % interval"
        head = f"{asked.scenario.name} · {asked.runs} runs · seed {asked.seed}"
        columns = ("metric", "setting", "mean", "difference", interval, "")
        return study_html(head, columns, rows, self.statements)

    def __repr__(self) -> str:
        names = ", ".join(one.label for one in self.asked.settings)
        return f"<Comparison of {self.asked.scenario.name}: {names}; {self.asked.runs} runs>"
