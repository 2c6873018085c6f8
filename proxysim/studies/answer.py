"""What a plan found: the value, the evidence for it, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

from proxysim.errors import ResultError
from proxysim.results.summary import plain
from proxysim.studies.evidence import Measured, Trial
from proxysim.studies.objectives import Objective
from proxysim.studies.pricing import HOURS_A_MONTH, Growth, Tariff
from proxysim.studies.search import Found
from proxysim.studies.telling import sure, told, unsure
from proxysim.studies.variable import Variable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Curve", "CurvePoint", "Headroom", "Outlook", "Plan"]


@dataclass(frozen=True, slots=True)
class Headroom:
    """The *load*, as a multiple of today's, that the answer sustains; *at_least*: or more."""

    load: float
    at_least: bool


@dataclass(frozen=True, slots=True)
class Outlook:
    """How long a fleet lasts under *growth*.

    *months* is the last month that is sure to meet the objectives, None where not even today does;
    *at_least*: it lasts so long or longer. The values of *trials* are months.
    """

    growth: Growth
    months: int | None
    trials: tuple[Trial, ...]
    at_least: bool


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One *load* (a multiple of today's) and what came of it; *theory*: the figure by formula."""

    load: float
    trial: Trial
    theory: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """The latency *metric* against throughput, load by load.

    *knee* is a throughput, None where *why_not* says why; *today*'s is that of the scenario's load.
    """

    metric: str
    points: tuple[CurvePoint, ...]
    knee: float | None
    today: float | None = None
    why_not: str = ""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Plan:
    """What :func:`proxysim.studies.plan.plan` found.

    ``answer`` is the value, in base units, or None where no value is sure to meet all objectives;
    ``sense`` says whether it is the least that does or the most. ``trials`` are all values that
    were tried, ascending. ``headroom``, ``outlook``, ``curve`` and ``tariff`` are there where they
    were asked for.
    """

    scenario: str
    title: str
    seed: int
    variable: Variable
    objectives: tuple[Objective, ...]
    confidence: float
    survive: int
    found: Found[Any]
    trials: tuple[Trial, ...]
    assumptions: tuple[str, ...]
    limit: str = ""
    headroom: Headroom | None = None
    outlook: Outlook | None = None
    curve: Curve | None = None
    tariff: Tariff | None = None
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def answer(self) -> float | None:
        """The value found, in base units."""
        return self.found.answer

    @property
    def sense(self) -> Literal["least", "most"]:
        """Whether the answer is the least value that meets the objectives, or the most."""
        return self.found.sense

    @property
    def met(self) -> bool:
        """Whether some value is sure to meet all objectives."""
        return self.found.met

    def trial(self, value: float) -> Trial:
        """What came of *value*; ResultError where it was not tried."""
        for trial in self.trials:
            if trial.value == value:
                return trial
        tried = ", ".join(self.variable.kind.write(trial.value) for trial in self.trials)
        raise ResultError(f"{value!r} was not tried", mend=f"These were: {tried}.")

    @property
    def best(self) -> Trial:
        """The trial of the answer; where there is none, of the end that should have met it."""
        return self.trial(self.found.best)

    @property
    def beyond(self) -> Trial | None:
        """The trial of the value next to the answer, which is not sure to do; None at the end."""
        return None if self.found.next is None else self.trial(self.found.next)

    @property
    def evidence(self) -> list[dict[str, Any]]:
        """One row for each value that was tried, ascending, as plain values."""
        return [self._row(trial) for trial in self.trials]

    def frame(self) -> pd.DataFrame:
        """The evidence as a table: a row for each value and objective."""
        import pandas as pd

        rows = [
            {**{key: value for key, value in row.items() if key != "objectives"}, **measured}
            for row in self.evidence
            for measured in row["objectives"]
        ]
        return pd.DataFrame(rows)

    def a_month(self, trial: Trial) -> float | None:
        """What a month like *trial* costs."""
        cost = trial.figures.get("cost")
        return None if cost is None else cost * HOURS_A_MONTH

    @property
    def plot(self) -> SimpleNamespace:
        """The charts, each ``(ax=None) -> Axes``: evidence, cost, latency_throughput, outlook."""
        from proxysim.charts import planning

        said = self.to_dict()
        return SimpleNamespace(
            **{name: partial(draw, said) for name, draw in planning.CHARTS.items()}
        )

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as ``--json`` prints it."""
        said: dict[str, Any] = {
            "scenario": self.scenario,
            "seed": self.seed,
            "vary": self.variable.path,
            "objective": [str(objective) for objective in self.objectives],
            "answer": self.answer,
            "answer_text": "" if self.answer is None else self.variable.phrase(self.answer),
            "sense": self.sense,
            "met": self.met,
            "confidence": self.confidence,
            "survive": self.survive,
            "limit": self.limit or None,
            "headroom": None if self.headroom is None else self.headroom.load,
            "sure": list(sure(self)),
            "unsure": list(unsure(self)),
            "evidence": self.evidence,
            "assumptions": list(self.assumptions),
            "manifest": dict(self.manifest),
        }
        if self.outlook is not None:
            said["growth"] = self._outlook(self.outlook)
        if self.curve is not None:
            said["curve"] = self._curve(self.curve)
        if self.tariff is not None:
            said["cost"] = self._cost(self.tariff)
        return {name: plain(value) for name, value in said.items()}

    def __str__(self) -> str:
        return "\n".join(f"{word}: {line}" for word, line in told(self))

    def __repr__(self) -> str:
        found = "no answer" if self.answer is None else self.variable.phrase(self.answer)
        return f"<Plan of {self.scenario}: {found}>"

    def _repr_html_(self) -> str:
        from proxysim.results.html import study_html

        columns = [self.variable.name, ""]
        for objective in self.objectives:
            columns += [objective.name, "interval"]
        rows = []
        for trial in self.trials:
            row = [self.variable.kind.write(trial.value), trial.verdict.value]
            for one in trial.measured:
                text, found = one.objective.metric.text, one.found
                row += ["no answers", ""] if found is None else [
                    text(found.value), f"{text(found.low)} to {text(found.high)}"
                ]  # fmt: skip
            case = f", {trial.case}" if trial.case else ""
            busy = "" if trial.busy is None else trial.busy.text
            rows.append([*row, f"{busy}{case}", str(trial.replications)])
        head = f"{self.scenario} · {' and '.join(map(str, self.objectives))} · seed {self.seed}"
        return study_html(head, [*columns, "busiest", "runs"], rows, str(self).splitlines())

    def _row(self, trial: Trial, text: str | None = None) -> dict[str, Any]:
        row: dict[str, Any] = {
            "value": trial.value,
            "text": self.variable.kind.write(trial.value) if text is None else text,
            "verdict": trial.verdict.value,
            "replications": trial.replications,
            "would_take": trial.would_take,
            "duration": trial.duration,
            "worst_case": trial.case or None,
            "objectives": [_measured(one) for one in trial.measured],
            "busiest": None if trial.busy is None else trial.busy.name,
            "busiest_share": None if trial.busy is None else trial.busy.share,
            **{name: trial.figures.get(name) for name in _SHOWN},
        }
        if "cost" in trial.figures:
            row["cost_an_hour"] = trial.figures["cost"]
            row["cost_a_month"] = self.a_month(trial)
        return row

    def _outlook(self, outlook: Outlook) -> dict[str, Any]:
        return {
            "said": outlook.growth.said,
            "a_month": outlook.growth.month,
            "months": outlook.months,
            "at_least": outlook.at_least,
            "evidence": [
                self._row(trial, f"month {trial.value:g}")
                | {"load": outlook.growth.after(trial.value)}
                for trial in outlook.trials
            ],
        }

    def _curve(self, curve: Curve) -> dict[str, Any]:
        return {
            "metric": curve.metric,
            "knee": curve.knee,
            "why_no_knee": curve.why_not or None,
            "points": [
                self._row(point.trial, f"{point.load:.3g} ×")
                | {"load": point.load, "theory": point.theory}
                for point in curve.points
            ],
        }

    def _cost(self, tariff: Tariff) -> dict[str, Any]:
        return {
            "currency": tariff.currency or None,
            "server_hour": tariff.prices.server_hour,
            "gb_out": tariff.prices.gb_out,
            "an_hour": self.best.figures.get("cost"),
            "a_month": self.a_month(self.best),
        }


#: Figures beside the objectives that stand in a row of evidence.
_SHOWN = ("offered", "throughput", "mean", "wait", "service", "network", "cpu")


def _measured(one: Measured) -> dict[str, Any]:
    found = one.found
    return {
        "objective": str(one.objective),
        "metric": one.objective.metric.name,
        "unit": one.objective.metric.unit,
        "bound": one.objective.bound,
        "found": None if found is None else found.value,
        "low": None if found is None else found.low,
        "high": None if found is None else found.high,
        "met": one.verdict.value,
    }
