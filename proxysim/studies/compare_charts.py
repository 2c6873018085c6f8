"""The charts of a comparison: paired differences, replications, and whole distributions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proxysim.charts.effects import Effect, forest, paired
from proxysim.charts.tails import Floats, distributions
from proxysim.errors import ResultError, did_you_mean
from proxysim.studies.contrasts import Contrast

if TYPE_CHECKING:
    from proxysim.studies.compare import CompareResult

__all__ = ["ComparePlots", "figures"]


class ComparePlots:
    """The charts of one comparison: ``compared.plot.differences(ax=None)``, and so on."""

    def __init__(self, compared: CompareResult) -> None:
        self._compared = compared

    def differences(self, ax: Axes | None = None) -> Axes:
        """A forest plot: each setting's difference from the baseline, as a share, by metric."""
        return self._forest(ax, points=False)

    def points(self, ax: Axes | None = None) -> Axes:
        """The same of metrics that are shares, such as hit ratios, in points."""
        return self._forest(ax, points=True)

    def tails(self, ax: Axes | None = None) -> Axes:
        """The share of ok requests that took longer than each latency, on logarithmic axes."""
        return distributions(self._latencies(), ax, source=self._source())

    def distributions(self, ax: Axes | None = None) -> Axes:
        """The share of ok requests that took at most each latency."""
        return distributions(self._latencies(), ax, source=self._source(), tail=False)

    def replications(self, metric: str, ax: Axes | None = None, *, told: bool = True) -> Axes:
        """Every replication's value of *metric* in each setting, and the means with intervals.

        Lines join what had the same draws. Below it, unless not *told*, where it comes from.
        """
        compared = self._compared
        known = {one.name: one for one in compared.asked.metrics}
        if metric not in known:
            raise ResultError(f"no metric {metric!r}", mend=f"{did_you_mean(metric, known)}.")
        one = known[metric]
        values = {
            name: [value for value in found[metric] if value is not None]
            for name, found in compared.values.items()
            if compared.figure(name, metric) is not None
        }
        if not values:
            raise ResultError(f"no setting has {metric}", mend="Choose another metric.")
        return paired(
            values, ax, title=one.name, source=self._source() if told else "", unit=one.unit,
            confidence=compared.asked.confidence,
        )  # fmt: skip

    def _latencies(self) -> dict[str, list[Floats]]:
        found = self._compared.latencies
        if not any(found.values()):
            raise ResultError("no latencies were kept", mend="Compare with latencies=True.")
        return found

    def _forest(self, ax: Axes | None, *, points: bool) -> Axes:
        asked = self._compared.asked
        rows = [_effect(one, points) for one in shown(self._compared, points=points)]
        return forest(
            rows, ax, title=f"Against {asked.baseline}", source=self._source(), points=points
        )

    def _source(self) -> str:
        asked = self._compared.asked
        return (
            f"{asked.scenario.name} · sim · seed {asked.seed} · {asked.replications} replications"
            f" · {100 * asked.confidence:g} % intervals"
        )


def shown(compared: CompareResult, *, points: bool) -> list[Contrast]:
    """The contrasts that a forest plot shows: those in points, or as shares of the baseline."""
    found = [one for one in compared.contrasts if one.difference is not None]
    if points:
        return [one for one in found if one.metric.unit == "share"]
    return [one for one in found if one.relative is not None]


def figures(compared: CompareResult) -> Iterator[tuple[str, str, Figure]]:
    """All charts that *compared* has something to show on: a slug, a title and the figure."""
    plot = ComparePlots(compared)
    if shown(compared, points=False):
        yield _named("differences", "Paired differences", plot.differences())
    if shown(compared, points=True):
        yield _named("differences-points", "Paired differences in points", plot.points())
    if any(found.size for each in compared.latencies.values() for found in each):
        yield _named("latency-tails", "How many requests took longer", plot.tails())
        yield _named("latency-distributions", "Latency distributions", plot.distributions())
    if found := _measured(compared):
        figure = Figure(
            figsize=(7.2, len(found) * (0.85 + 0.34 * len(compared.asked.settings))),
            layout="constrained", facecolor="white",
        )  # fmt: skip
        panels = figure.subplots(len(found), squeeze=False)[:, 0]
        for ax, name in zip(panels, found, strict=True):
            plot.replications(name, ax, told=ax is panels[-1])
        yield "replications", "Every replication", figure


def _measured(compared: CompareResult) -> list[str]:
    """The metrics that differ between replications or settings."""
    found = []
    for one in compared.asked.metrics:
        names = [name for name in compared.values if compared.figure(name, one.name) is not None]
        if len({value for name in names for value in compared.values[name][one.name]}) > 1:
            found.append(one.name)
    return found


def _effect(one: Contrast, points: bool) -> Effect:
    found = one.difference if points else one.relative
    assert found is not None
    if one.verdict != "real":
        state = "unsure"
    else:
        state = {True: "better", False: "worse", None: "real"}[one.better]
    return Effect(
        one.metric.name, one.setting, found.value, found.low, found.high,
        state, one.change(),  # type: ignore[arg-type]
    )  # fmt: skip


def _named(slug: str, title: str, ax: Axes) -> tuple[str, str, Figure]:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return slug, title, figure
