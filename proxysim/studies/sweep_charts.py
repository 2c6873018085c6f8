"""The charts of a sweep: lines with bands, heat maps, goodput, miss ratios with theory beside."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from proxysim import theory
from proxysim.charts.sweeps import MOST, Scale, Series, clouds, goodput, heat, lines, unit_text
from proxysim.errors import ProxysimError, ResultError, UnitError, did_you_mean
from proxysim.scenario import Scenario
from proxysim.studies.ladder import kind_of
from proxysim.studies.metrics import Metric
from proxysim.studies.overlay import predicted
from proxysim.studies.settings import value_text

if TYPE_CHECKING:
    from proxysim.studies.sweep import SweepResult

__all__ = ["SweepPlots", "figures"]

Floats = NDArray[np.float64]

#: Of how many values between the smallest and the largest theory is asked.
_BETWEEN = 24
#: What axes call the unit of a kind of quantity.
_UNITS = {"time": "s", "size": "B", "rate": "1/s", "share": "share", "number": ""}
#: So many heat maps, lines or clouds at most, one a metric.
_MOST_METRICS = 8


class SweepPlots:
    """The charts of one sweep: ``swept.plot.lines("p99")``, and so on."""

    def __init__(self, swept: SweepResult) -> None:
        self._swept = swept

    def lines(self, metric: str, ax: Axes | None = None, *, along: str | None = None) -> Axes:
        """*metric* along a path (default: the one with most values), a line for each other value.

        Where a formula tells the metric of the whole scenario, it stands beside.
        """
        one, path = self._metric(metric), self._along(along)
        series = self._series(path, one)
        told = {}
        for label, places in self._lines_of(path):
            y = np.array([_theory(self._setting(place), one.name) for place in places])
            if np.isfinite(y).any():
                told[label] = (self._x(path)[places], y)
        return lines(
            series, ax, title=one.name, source=self._source(), across=self._scale(path),
            up=_up(one), theory=told,
        )  # fmt: skip

    def heat(self, metric: str, ax: Axes | None = None) -> Axes:
        """A map of *metric* over two paths. ResultError where other than two vary."""
        one = self._metric(metric)
        paths = self._paths
        if len(paths) != 2 or self._swept.asked.design != "grid":
            raise ResultError("a heat map shows a grid of two paths", mend="Sweep over two.")
        across, up = sorted(paths, key=lambda path: -len(self._values(path)))
        columns, rows = (
            {value_text(value): place for place, value in enumerate(self._values(path))}
            for path in (across, up)
        )
        values = np.full((len(rows), len(columns)), np.nan)
        for place, setting in enumerate(self._swept.asked.settings):
            found = self._swept.figure(place, one)
            row = rows[value_text(setting.changes[up])]
            column = columns[value_text(setting.changes[across])]
            values[row, column] = np.nan if found is None else found[0]
        return heat(
            values, ax, title=one.name, source=self._source(), text=unit_text(one.unit),
            across=Scale(self._name(across), str, tuple(columns)),
            up=Scale(self._name(up), str, tuple(rows)), what=one.says,
        )  # fmt: skip

    def goodput(self, ax: Axes | None = None, *, along: str | None = None) -> Axes:
        """Ok answers against requests a second; needs the metrics throughput and offered."""
        path = self._along(along)
        answered, offered = self._metric("throughput"), self._metric("offered")
        found = []
        for one, asked in zip(
            self._series(path, answered), self._series(path, offered), strict=True
        ):
            order = np.argsort(asked.y, kind="stable")
            found.append(
                Series(one.label, asked.y[order], one.y[order], one.low[order], one.high[order])
            )
        return goodput(found, ax, source=self._source())

    def miss_ratio(self, ax: Axes | None = None) -> Axes:
        """The share of requests that a cache misses against its capacity, with theory beside.

        Che's approximation, or what else :func:`proxysim.theory.of` knows; where it declines, the
        reason stands above. ResultError unless a cache's capacity varies and hit_ratio is measured.
        """
        path = capacity_path(self._swept)
        if path is None:
            raise ResultError(
                "no cache's capacity varies, or hit_ratio is not measured",
                mend="Sweep over nodes.NAME.cache.capacity, with --metric hit_ratio.",
            )
        node = path.split(".")[1]
        names = [one.name for one in self._swept.asked.metrics]
        one = self._metric(f"hit_ratio.{node}" if f"hit_ratio.{node}" in names else "hit_ratio")
        hits = self._series(path, one)
        misses = [Series(s.label, s.x, 1 - s.y, 1 - s.high, 1 - s.low) for s in hits]
        told, models, why = {}, [], ""
        for label, places in self._lines_of(path):
            seeded = self._setting(places[0]).set("run.seed", self._swept.asked.seed)
            curve, model, reason = _misses(seeded, node, self._x(path)[places])
            why = why or reason
            if curve is not None:
                told[label] = curve
                models.append(model)
        return lines(
            misses, ax, title=f"What the cache of {node} misses", source=self._source(),
            across=self._scale(path), up=Scale("share of requests missed", unit_text("share")),
            theory=told, model=f"theory: {models[0]}" if models else "",
            note=f"no theory: {why}" if why and not told else "",
        )  # fmt: skip

    def clouds(self, metric: str) -> Figure:
        """*metric* of every setting against each quantity that varies, a panel each."""
        one = self._metric(metric)
        panels = [(self._scale(path), self._x(path)) for path in self._paths]
        return clouds(panels, self._means(one), title=one.name, source=self._source(), up=_up(one))

    @property
    def _paths(self) -> list[str]:
        return self._swept.asked.paths

    def _metric(self, name: str) -> Metric:
        known = {one.name: one for one in self._swept.asked.metrics}
        if name not in known:
            raise ResultError(f"{name!r} was not measured", mend=f"{did_you_mean(name, known)}.")
        return known[name]

    def _setting(self, place: int) -> Scenario:
        return self._swept.asked.settings[place].scenario

    def _name(self, path: str) -> str:
        from proxysim.studies.settings import short_names

        return short_names(self._paths)[path]

    def _values(self, path: str) -> list[Any]:
        """The values of *path*, each once, in the order given."""
        found = {
            value_text(one.changes.get(path)): one.changes.get(path)
            for one in self._swept.asked.settings
        }
        return list(found.values())

    def _x(self, path: str) -> Floats:
        """Where each setting lies along *path*: its quantity, or its place in the list."""
        given = [one.changes.get(path) for one in self._swept.asked.settings]
        numbers = _numbers(given)
        if numbers is not None:
            return numbers
        places = {value_text(value): place for place, value in enumerate(self._values(path))}
        return np.array([places[value_text(value)] for value in given], dtype=np.float64)

    def _scale(self, path: str) -> Scale:
        given = self._values(path)
        if _numbers(given) is None:
            return Scale(path, str, tuple(value_text(value) for value in given))
        kind = kind_of(given[0])
        text = unit_text(_UNITS[kind.name]) if kind.name in _UNITS else kind.write
        return Scale(path, text, whole=kind.name == "count")

    def _along(self, along: str | None) -> str:
        if along is not None:
            if along not in self._paths:
                mend = f"{did_you_mean(along, self._paths)}."
                raise ResultError(f"{along!r} does not vary", mend=mend)
            return along
        numeric = [path for path in self._paths if _numbers(self._values(path)) is not None]
        return max(numeric or self._paths, key=lambda path: len(self._values(path)))

    def _lines_of(self, path: str) -> list[tuple[str, list[int]]]:
        """Places of settings that differ in *path* alone, ascending along it, and their label."""
        settings = self._swept.asked.settings
        others = [other for other in self._paths if other != path]

        def label(place: int) -> str:
            changes = settings[place].changes
            texts = [f"{self._name(other)}={value_text(changes.get(other))}" for other in others]
            return ", ".join(texts) or self._swept.asked.scenario.name

        x = self._x(path)
        order = list(dict.fromkeys(map(label, range(len(settings)))))
        ranked = sorted(range(len(settings)), key=lambda place: order.index(label(place)))
        return [
            (name, sorted(places, key=lambda place: x[place]))
            for name, places in groupby(ranked, key=label)
        ]

    def _series(self, path: str, one: Metric) -> list[Series]:
        x = self._x(path)
        made = []
        for label, places in self._lines_of(path):
            found = [self._swept.figure(place, one) or (np.nan,) * 3 for place in places]
            mean, low, high = np.array(found, dtype=np.float64).T
            made.append(Series(label, x[places], mean, low, high))
        return made

    def _means(self, one: Metric) -> Floats:
        found = [self._swept.figure(place, one) for place in range(len(self._swept.asked.settings))]
        return np.array([np.nan if each is None else each[0] for each in found])

    def _source(self) -> str:
        asked = self._swept.asked
        each = f"{asked.replications} replications · {100 * asked.confidence:g} % intervals"
        return (
            f"{asked.scenario.name} · sim · seed {asked.seed} · {len(asked.settings)} settings"
            f" · {each if asked.replications > 1 else '1 run each'}"
        )


def figures(swept: SweepResult) -> Iterator[tuple[str, str, Figure]]:
    """All charts that *swept* has something to show on: a slug, a title and the figure."""
    plot = SweepPlots(swept)
    names = [one.name for one in swept.asked.metrics]
    grid = swept.asked.design == "grid"
    for name in names[:_MOST_METRICS]:
        slug = "".join(letter if letter.isalnum() else "-" for letter in name)
        if not grid:
            yield f"clouds-{slug}", name, plot.clouds(name)
            continue
        if len(plot._lines_of(plot._along(None))) <= MOST:
            yield f"lines-{slug}", name, _of(plot.lines(name))
        if len(swept.asked.paths) == 2:
            yield f"heat-{slug}", name, _of(plot.heat(name))
    if grid and {"throughput", "offered"} <= set(names):
        yield "goodput", "Goodput", _of(plot.goodput())
    if grid and capacity_path(swept) is not None:
        yield "miss-ratio", "Miss ratio", _of(plot.miss_ratio())


def capacity_path(swept: SweepResult) -> str | None:
    """The path of a cache's capacity that varies, where the cache's hit ratio is measured."""
    names = {one.name for one in swept.asked.metrics}
    for path in swept.asked.paths:
        steps = path.split(".")
        measured = names & {"hit_ratio", f"hit_ratio.{steps[1]}"} if len(steps) > 1 else None
        if measured and steps[0] == "nodes" and steps[2:4] == ["cache", "capacity"]:
            return path
    return None


def _misses(
    scenario: Scenario, node: str, x: Floats
) -> tuple[tuple[Floats, Floats] | None, str, str]:
    """Capacities and the miss ratios that theory tells of them, its model, and else why not."""
    counted = not isinstance(scenario.document.nodes[node].cache.capacity, int | float)  # type: ignore[union-attr]
    between = np.geomspace(max(float(x.min()), 1.0), float(x.max()), _BETWEEN)
    capacities: Floats = np.unique(np.round(np.r_[x, between])).astype(np.float64)
    misses, model = [], ""
    for capacity in capacities.tolist():
        told: Any = {"objects": int(capacity)} if counted else int(capacity)
        try:
            found = theory.of(scenario.set(f"nodes.{node}.cache.capacity", told))
        except ProxysimError as error:
            return None, "", str(error)
        hits = [one for one in found.of(node) if "hit_ratio" in one.values]
        if not hits:
            return None, "", "; ".join(found.why_not(node))
        misses.append(1 - hits[0].values["hit_ratio"])
        model = hits[0].model
    return (capacities, np.array(misses)), model, ""


def _theory(scenario: Scenario, name: str) -> float:
    try:
        found = predicted(scenario, name)
    except ProxysimError:
        return float("nan")
    return float("nan") if found is None else found


def _numbers(values: list[Any]) -> Floats | None:
    """*values* as numbers of one kind; None where some are none."""
    try:
        kinds = {kind_of(value) for value in values}
        if len({kind.name for kind in kinds} - {"count", "number"}) > 1:
            return None
        return np.array([kind_of(value).read(value) for value in values], dtype=np.float64)
    except UnitError:
        return None


def _up(one: Metric) -> Scale:
    return Scale(one.says, unit_text(one.unit))


def _of(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure
