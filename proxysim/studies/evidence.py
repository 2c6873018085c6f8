"""What was found of one value: figures with their intervals, and the verdict that follows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from proxysim.results.run import Run
from proxysim.statistics.estimates import Estimate
from proxysim.statistics.intervals import mean_interval
from proxysim.studies.limits import Busy
from proxysim.studies.metrics import Metric
from proxysim.studies.objectives import Objective
from proxysim.studies.search import Verdict

__all__ = ["ANSWERED", "Measured", "Trial", "estimated"]


def _unanswered(run: Run) -> float | None:
    requests = run.summary().requests
    lost = sum(requests[name] for name in ("rejected", "timed_out", "failed", "in_flight"))
    return lost / requests["arrived"] if requests["arrived"] else None


#: Latency is of answers only, so who answers few may be quick. What is asked where nobody says
#: otherwise: that hardly any request goes without one.
ANSWERED = Objective(
    Metric("unanswered", "share", "less", "share without a good answer", _unanswered),
    below=True,
    bound=0.01,
    written="1%",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one *objective* came to; *found* is None where no request was answered at all.

    The interval holds at *confidence* however often one looked, and for all objectives together.
    """

    objective: Objective
    found: Estimate | None
    verdict: Verdict
    confidence: float

    @property
    def spare(self) -> float:
        """How far it is from being missed, as a share of the bound; below zero where it is."""
        return -math.inf if self.found is None else self.objective.spare(self.found.value)

    def would_take(self, count: int) -> float:
        """About how many replications would tell, of which *count* were made; 0: they do.

        An interval narrows with the square root of their number.
        """
        if self.found is None or self.verdict is not Verdict.UNSURE:
            return 0.0
        away = abs(self.found.value - self.objective.bound)
        half = (self.found.high - self.found.low) / 2
        return count * (half / away) ** 2 if away > 0 else math.inf

    @property
    def text(self) -> str:
        """``p99 231 ms (95 % interval 219 ms to 243 ms)``."""
        if self.found is None:
            return f"{self.objective.name}: no request was answered"
        said, found = self.objective.metric.text, self.found
        interval = f"{100 * self.confidence:g} % interval {said(found.low)} to {said(found.high)}"
        return f"{self.objective.name} {said(found.value)} ({interval})"


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one *value*: in the worst *case*, where several were tried.

    ``figures`` are means over the replications, by metric; a cost over the first few, which all
    values have in common. *duration* is that of each run, longer than the scenario says where a
    percentile took more requests. Where no verdict could be given it *would_take* about so many
    replications.
    """

    value: float
    verdict: Verdict
    measured: tuple[Measured, ...]
    replications: int
    duration: float
    busy: Busy | None
    case: str = ""
    figures: Mapping[str, float | None] = field(default_factory=dict)
    would_take: int | None = None

    @property
    def tightest(self) -> Measured:
        """The objective with the least to spare."""
        return min(self.measured, key=lambda one: one.spare)


def estimated(values: Sequence[float], one: Metric, requests: int, confidence: float) -> Estimate:
    """The mean of *values*, one from each replication, with Student's interval.

    Where all replications found a share of none, or of all, of *requests* in total, chance may have
    hidden the rest: the other end is where the like would come about with half of what confidence
    leaves, 1 - ((1 - confidence) / 2)^(1/n).

    Source: Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA
    249(13), 1983.
    """
    interval = mean_interval(values, confidence)
    low, high = interval.low, interval.high
    if one.unit == "share":
        unseen = 1 - ((1 - confidence) / 2) ** (1 / max(requests, 1))
        if interval.half_width == 0 and interval.mean == 0:
            high = unseen
        elif interval.half_width == 0 and interval.mean == 1:
            low = 1 - unseen
        high = min(high, 1.0)
    return Estimate(interval.mean, max(low, 0.0), high, confidence, interval.n)
