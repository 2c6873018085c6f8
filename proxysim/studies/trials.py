"""Trying one value: replications, until an objective is surely met, surely missed, or too near."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import copy

from proxysim.errors import ResultError
from proxysim.results.summary import Summary
from proxysim.scenario import Scenario
from proxysim.studies.crews import Alone, Crew
from proxysim.studies.evidence import Measured, Trial, estimated
from proxysim.studies.lengths import lengthened, shortfall, supported
from proxysim.studies.limits import busiest
from proxysim.studies.metrics import Metric, metric
from proxysim.studies.objectives import Objective
from proxysim.studies.outages import Case, outages
from proxysim.studies.running import Job, Result, run_all
from proxysim.studies.search import Verdict

__all__ = ["FIRST_LOOK", "Bench", "Steps", "Trials", "looks_at"]

#: Replications before the first look; twice as many before each further one. From three, intervals
#: at the confidence that several looks leave are twice as wide, and hardly any look would tell.
FIRST_LOOK = 4
#: An interval inside this share of the bound is as near as it need be known: too near to tell.
NEAR = 0.01
#: Where, from so many on, so many times the most replications would be needed, one gives up.
EARLIEST, FAR = 8, 2.0
#: What is measured beside the objectives.
_BESIDE = ("mean", "throughput", "offered", "wait", "service", "network", "cpu")


def looks_at(most: int) -> list[int]:
    """After how many replications one looks: 4, 8, 16 and so on up to *most*."""
    looks = [min(FIRST_LOOK, most)]
    while looks[-1] < most:
        looks.append(min(2 * looks[-1], most))
    return looks


class Bench:
    """Where values are tried: every value on the same draws, each as often as it takes.

    *survive* backends may be down. A verdict is given when all of an interval lies on one side of
    the bound; one looks after 4, 8, 16 ... replications, *most* at last, and at *confidence* over
    all looks and objectives together (Bonferroni). *added* are further metrics, such as a cost.
    """

    def __init__(
        self,
        objectives: Sequence[Objective],
        *,
        seed: int,
        survive: int = 0,
        confidence: float = 0.95,
        most: int = 48,
        added: Sequence[Metric] = (),
        crew: Crew | None = None,
        steps: Steps | None = None,
    ) -> None:
        self.objectives = tuple(objectives)
        self.seed = seed
        self.survive = survive
        self.looks = looks_at(most)
        self.confidence = confidence
        self.within = 1 - (1 - confidence) / (len(self.looks) * len(self.objectives))
        beside = [metric(name) for name in _BESIDE]
        metrics = [objective.metric for objective in self.objectives]
        self.metrics = list({one.name: one for one in [*metrics, *beside, *added]}.values())
        self.crew = crew or Alone()
        self.steps = steps or Steps(None, 1)
        self.version = ""

    def fixed(self, count: int, objectives: Sequence[Objective]) -> Bench:
        """The same with all backends up, and so many replications of each value, no verdicts."""
        other = copy(self)
        other.survive, other.looks, other.objectives = 0, [count], tuple(objectives)
        return other

    def trial(self, value: float, scenario: Scenario, label: str = "") -> Trial:
        """What becomes of *scenario*, which *value* was put in; *label* names it in errors."""
        label = label or f"{value:g}"
        longer, factor = scenario, 1.0
        while True:
            found, more = self._tried(value, longer, label)
            if more <= 1:
                self.steps.step()
                return found
            factor *= more
            try:
                longer = lengthened(scenario, factor, self.objectives)
            except ResultError as error:
                error.problem = f"with {label}, {error.problem}"
                raise

    def _tried(self, value: float, scenario: Scenario, label: str) -> tuple[Trial, float]:
        """The trial, and how many times longer it would have to be for its percentiles."""
        open_cases = [_Tried(case) for case in outages(scenario, self.survive)]
        all_cases = list(open_cases)
        for count in self.looks:
            self._replicate(open_cases, count, label)
            for one in open_cases:
                one.measured = tuple(
                    self._measured(objective, one) for objective in self.objectives
                )
            missed = [one for one in open_cases if one.verdict is Verdict.MISSES]
            if missed:
                return missed[0].told(value, missed[0].verdict), 1.0
            more = max(shortfall(self.objectives, one.results) for one in open_cases)
            if more > 1:
                return open_cases[0].told(value, Verdict.UNSURE), more
            open_cases = [one for one in open_cases if one.verdict is Verdict.UNSURE]
            if not open_cases or any(self._in_vain(one) for one in open_cases):
                break
        verdict = Verdict.UNSURE if open_cases else Verdict.MEETS
        worst = min(open_cases or all_cases, key=lambda one: one.tightest)
        return worst.told(value, verdict), 1.0

    def _in_vain(self, one: _Tried) -> bool:
        """Whether to give up: it is as near as need be known, or would take far too many runs."""
        count = len(one.results)
        return one.near or (count >= EARLIEST and one.would_take > FAR * self.looks[-1])

    def _replicate(self, cases: Sequence[_Tried], count: int, label: str) -> None:
        jobs, owners = [], []
        for one in cases:
            for replication in range(len(one.results), count):
                named = f"{label}, {one.case.text}" if one.case.text else label
                jobs.append(Job(one.case.scenario, self.seed, replication, named))
                owners.append(one)
        found = run_all(jobs, self.metrics, crew=self.crew, progress=self.steps.within)
        self.version = str(found[0].summary.manifest["proxysim"])
        for one, result in zip(owners, found, strict=True):
            one.results.append(result)

    def _measured(self, objective: Objective, tried: _Tried) -> Measured:
        one = objective.metric
        values = [result.values[one.name] for result in tried.results]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            if all(result.summary.requests["ok"] for result in tried.results):
                raise ResultError(
                    f"{tried.case.scenario.name} has no {objective.name}",
                    place="objective",
                    mend="Ask for something that it has; proxysim show says what it is.",
                )
            return Measured(objective, None, Verdict.MISSES, self.confidence)
        requests = sum(result.summary.requests["arrived"] for result in tried.results)
        found = estimated(known, one, requests, self.within)
        enough = supported(objective, tried.results)
        verdict = objective.judge(found) if enough else Verdict.UNSURE
        return Measured(objective, found, verdict, self.confidence)


class Trials(dict[float, Trial]):
    """What came of the values that were tried on a *bench*, each put *into* the scenario.

    *phrase* writes a value in words, for errors.
    """

    def __init__(
        self, bench: Bench, into: Callable[[float], Scenario], phrase: Callable[[float], str]
    ) -> None:
        super().__init__()
        self.bench = bench
        self.into = into
        self.phrase = phrase

    def judge(self, value: float) -> Verdict:
        """Try *value*, if it was not, and give the verdict."""
        if value not in self:
            self[value] = self.bench.trial(value, self.into(value), self.phrase(value))
        return self[value].verdict


class Steps:
    """How far along: *tell* is told the share done of about *expected* trials."""

    def __init__(self, tell: Callable[[float], None] | None, expected: float) -> None:
        self.tell = tell
        self.expected = expected
        self.done = 0
        self.told = 0.0

    def within(self, share: float) -> None:
        """A trial has come so far."""
        if self.tell is not None:
            self.told = max(self.told, (self.done + share) / max(self.expected, self.done + 1))
            self.tell(self.told)

    def step(self) -> None:
        """A trial is over."""
        self.done += 1


class _Tried:
    """A case, and what its replications found so far."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.results: list[Result] = []
        self.measured: tuple[Measured, ...] = ()

    @property
    def verdict(self) -> Verdict:
        verdicts = {one.verdict for one in self.measured}
        for verdict in (Verdict.MISSES, Verdict.UNSURE):
            if verdict in verdicts:
                return verdict
        return Verdict.MEETS

    @property
    def near(self) -> bool:
        """Whether some objective is so near its bound that more replications are not worth it."""
        return any(
            one.found is not None
            and one.verdict is Verdict.UNSURE
            and max(abs(end - one.objective.bound) for end in (one.found.low, one.found.high))
            <= NEAR * one.objective.bound
            for one in self.measured
        )

    @property
    def would_take(self) -> float:
        """About how many replications would tell."""
        return max((one.would_take(len(self.results)) for one in self.measured), default=0.0)

    @property
    def tightest(self) -> float:
        return min((one.spare for one in self.measured), default=math.inf)

    def told(self, value: float, verdict: Verdict) -> Trial:
        summaries: list[Summary] = [result.summary for result in self.results]
        names = self.results[0].values
        take = self.would_take if verdict is Verdict.UNSURE else 0.0
        return Trial(
            value,
            verdict,
            self.measured,
            len(self.results),
            self.case.scenario.document.run.duration,
            busiest(self.case.scenario, summaries),
            self.case.text,
            {name: self._mean(name) for name in names},
            math.ceil(take) if 0 < take < math.inf else None,
        )

    def _mean(self, name: str) -> float | None:
        """Of a metric; of a cost over as many replications as were made of every value."""
        results = self.results[:FIRST_LOOK] if name == "cost" else self.results
        known = [value for result in results if (value := result.values[name]) is not None]
        return sum(known) / len(known) if known else None
