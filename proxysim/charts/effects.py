"""How far settings lie from a baseline: their differences, and each replication's values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from proxysim.charts.canvas import (
    annotate_empty,
    axes_for,
    brief_duration,
    finish,
    light_grid,
    shortened,
)
from proxysim.charts.palette import BLUE, GREY, INK, LINES, VERMILLION
from proxysim.statistics.intervals import mean_interval

__all__ = ["Effect", "forest", "paired"]

_STATES = {"better": (BLUE, "o", True), "worse": (VERMILLION, "s", True),
           "real": (INK, "D", True), "unsure": (GREY, "o", False)}  # fmt: skip
_WORDS = {"better": "real, for the better", "worse": "real, for the worse", "real": "real",
          "unsure": "cannot be told from none"}  # fmt: skip
#: Above this change either way, equal ratios are drawn equally wide.
_LINEAR = 0.75
#: Below this ratio to the baseline, and above its inverse, nothing is drawn.
_LEAST = 0.05


@dataclass(frozen=True, slots=True)
class Effect:
    """A difference as a share, or in points, with its interval; *section* says of what."""

    section: str
    label: str
    value: float
    low: float
    high: float
    state: Literal["better", "worse", "real", "unsure"]
    text: str = ""


def forest(
    rows: Sequence[Effect],
    ax: Axes | None = None,
    *,
    title: str,
    source: str,
    points: bool = False,
) -> Axes:
    """One line a difference: its interval, and zero, where there would be none.

    As shares of the baseline, on a scale of equal ratios where some are large; or in *points*.
    """
    sections = [(name, list(found)) for name, found in groupby(rows, lambda row: row.section)]
    height = 1.7 + 0.27 * len(rows) + 0.36 * len(sections)
    ax = axes_for(ax, 8.2, float(np.clip(height, 2.4, 14)))
    if not rows:
        annotate_empty(ax, "no difference to show")
        return finish(ax, source, title, n=None)
    widest = max(max(abs(row.low), abs(row.high)) for row in rows)
    ratios = not points and widest > _LINEAR
    y, places, names = 0.0, [], []
    shown: dict[str, None] = {}
    for name, found in sections:
        ax.annotate(
            name, (0, y), xycoords=("axes fraction", "data"), xytext=(-6, 0), fontsize=8.5,
            textcoords="offset points", ha="right", va="center", color=INK, fontweight="bold",
            annotation_clip=False,
        )  # fmt: skip
        for row in found:
            y += 1.0
            colour, mark, filled = _STATES[row.state]
            low, value, high = (_at(x, ratios) for x in (row.low, row.value, row.high))
            ax.plot([low, high], [y, y], color=colour, linewidth=1.8, solid_capstyle="butt",
                    linestyle="solid" if filled else (0, (3, 1.5)), gid="interval")  # fmt: skip
            ax.plot(
                [value], [y], mark, color=colour, markersize=6.5, gid="effect", zorder=4,
                markerfacecolor=colour if filled else "white", markeredgewidth=1.2,
                label=None if row.state in shown else _WORDS[row.state],
            )  # fmt: skip
            shown[row.state] = None
            ax.annotate(
                row.text, (1, y), xycoords=("axes fraction", "data"), xytext=(6, 0), fontsize=8,
                textcoords="offset points", va="center", color=colour, annotation_clip=False,
                fontweight="bold" if filled else "normal",
            )  # fmt: skip
            places.append(y)
            names.append(shortened(row.label, 34))
        y += 1.35
    ax.axvline(_at(0.0, ratios), color=INK, linewidth=0.9, zorder=1)
    ax.set_yticks(places, names)
    ax.set_ylim(y - 0.5, -0.6)
    _scale(ax, rows, ratios=ratios, points=points)
    light_grid(ax, "x")
    across = "difference, in points" if points else "difference"
    finish(ax, source, title, n=None, x=across, above=14)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.legend(fontsize=7.5, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1),
              borderaxespad=0.1, handletextpad=0.3, columnspacing=1.2)  # fmt: skip
    return ax


def _at(share: float, ratios: bool) -> float:
    return math.log(min(max(1 + share, _LEAST), 1 / _LEAST)) if ratios else share


def _scale(ax: Axes, rows: Sequence[Effect], *, ratios: bool, points: bool) -> None:
    ends = [_at(end, ratios) for row in rows for end in (row.low, row.high, 0.0)]
    room = 0.06 * (max(ends) - min(ends)) or 0.01
    ax.set_xlim(min(ends) - room, max(ends) + room)
    if not ratios:
        unit = "" if points else " %"
        ax.xaxis.set_major_formatter(
            FuncFormatter(lambda x, _: f"{100 * x:+.4g}{unit}" if abs(x) > 1e-12 else "0")
        )
        return
    low, high = ax.get_xlim()
    told: list[float] = []  # the roundest first, and others where there is room
    for share in (0, -0.5, 1, -0.9, 9, -0.75, 3, -0.25, 0.5, -0.95, 19):
        place = math.log(1 + share)
        near = min((abs(place - other) for other in told), default=math.inf)
        if low <= place <= high and near > 0.07 * (high - low):
            told.append(place)
    ax.xaxis.set_major_locator(FixedLocator(sorted(told)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(_ratio_text))


def _ratio_text(x: float, _: object) -> str:
    share = math.exp(x) - 1
    if abs(share) < 1e-9:
        return "0"
    return f"{100 * share:+.0f} %" if share < 2.5 else f"{1 + share:.0f} times"


def paired(
    values: Mapping[str, Sequence[float]],
    ax: Axes | None = None,
    *,
    title: str,
    source: str,
    unit: str = "",
    confidence: float = 0.95,
) -> Axes:
    """Every replication's value in each setting, joined by a line, and the mean with its interval.

    Lines that rise or fall together are what common draws bring. ``values[setting][r]`` is of
    replication r; *unit* is ``s``, ``share`` or another.
    """
    names = list(values)
    ax = axes_for(ax, 6.4, 1.5 + 0.42 * len(names))
    grid = np.array([values[name] for name in names], dtype=np.float64)
    places = list(range(len(names)))
    for column in grid.T:
        ax.plot(column, places, color="#b5b5b5", linewidth=0.7, zorder=1, gid="replication")
    for place, found in enumerate(grid):
        colour, _, mark = LINES[place % len(LINES)]
        ax.plot(found, [place] * len(found), mark, color=colour, alpha=0.35, markersize=3.5,
                markeredgewidth=0, zorder=2)  # fmt: skip
        interval = mean_interval(found, confidence)
        ax.errorbar(
            [interval.mean], [place], xerr=[interval.half_width], fmt=mark, color=colour,
            markersize=7, capsize=5, elinewidth=1.8, markeredgecolor="white", zorder=4,
        )  # fmt: skip
    ax.set_yticks(places, [shortened(name, 34) for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _text(value, unit)))
    light_grid(ax, "x")
    finish(ax, source, title, n=None, below=22)
    ax.tick_params(axis="y", length=0)
    return ax


def _text(value: float, unit: str) -> str:
    if unit == "s":
        return brief_duration(value)
    return f"{100 * value:.4g} %" if unit == "share" else f"{value:.4g}"
