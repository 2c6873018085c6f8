"""How a figure changes over many settings: lines with bands, heat maps, and clouds of points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

from proxysim import units
from proxysim.charts.canvas import (
    annotate_empty,
    axes_for,
    brief_duration,
    finish,
    light_grid,
    shortened,
    told_marks,
)
from proxysim.charts.palette import GREY, HEAT, INK, LINES

__all__ = ["Scale", "Series", "clouds", "goodput", "heat", "lines", "unit_text"]

Floats = NDArray[np.float64]
Text = Callable[[float], str]

#: More lines in one picture nobody tells apart.
MOST = len(LINES)
#: Beyond such a ratio of values an axis is logarithmic.
_WIDE = 15.0
#: Cells are told in figures up to so many.
_TOLD = 220
_MAP = LinearSegmentedColormap.from_list("proxysim-sweep", HEAT)


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis: what it shows, and how its numbers are written; *names* where it is no quantity.

    *whole*: it counts.
    """

    label: str
    text: Text
    names: tuple[str, ...] = ()
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One line: *x* ascending, the mean *y* there, and its interval (nan where there is none)."""

    label: str
    x: Floats
    y: Floats
    low: Floats
    high: Floats


def lines(
    series: Sequence[Series],
    ax: Axes | None = None,
    *,
    title: str,
    source: str,
    across: Scale,
    up: Scale,
    theory: Mapping[str, tuple[Floats, Floats]] | None = None,
    model: str = "theory",
    note: str = "",
) -> Axes:
    """One line a series, its interval as a band; what *theory* says of a series beside it, dashed.

    *model* names the theory, *note* says in a line why there is none. Axes are logarithmic where
    values span more than a decade.
    """
    ax = axes_for(ax)
    known = [one for one in series if np.isfinite(one.y).any()]
    if not known:
        annotate_empty(ax, "no setting has this figure")
        return finish(ax, source, title, n=None)
    for place, one in enumerate(known[:MOST]):
        colour, dashes, mark = LINES[place]
        ax.fill_between(one.x, one.low, one.high, color=colour, alpha=0.18, linewidth=0, gid="band")
        ax.plot(
            one.x, one.y, color=colour, linestyle=dashes, linewidth=1.7, marker=mark, markersize=5,
            markevery=told_marks(one.y, 14), markeredgecolor="white", markeredgewidth=0.6,
            label=shortened(one.label, 38), gid="line", zorder=3,
        )  # fmt: skip
        if theory and one.label in theory:
            x, y = theory[one.label]
            ax.plot(x, y, color=INK, linestyle=(0, (2, 1.6)), linewidth=1.1, gid="theory", zorder=4,
                    label=model if place == 0 else None)  # fmt: skip
    _axis(ax, "x", np.concatenate([one.x for one in known]), across)
    ends = np.concatenate([part for one in known for part in (one.y, one.low, one.high)])
    lowest = min(float(np.nanmin(one.y)) for one in known)
    _axis(ax, "y", ends[np.isfinite(ends)], up, lowest)
    light_grid(ax, "y" if across.names else "both")
    if len(known) > MOST:
        note = f"{note}; " if note else ""
        note += f"{len(known) - MOST} more lines are in the table"
    if note:
        ax.annotate(
            note, (0, 1), xycoords="axes fraction", xytext=(0, 3), textcoords="offset points",
            fontsize=7.5, color=GREY, style="italic",
        )  # fmt: skip
    if len(known) > 1 or theory:
        ax.legend(fontsize=8, frameon=False)
    return finish(ax, source, title, n=None, x=across.label, y=up.label, above=8.0 if note else 0.0)


def goodput(
    series: Sequence[Series], ax: Axes | None = None, *, source: str, title: str = "Goodput"
) -> Axes:
    """Ok answers a second against requests a second: on the diagonal nothing is lost."""
    rate = Scale("requests that arrive a second", unit_text("1/s"))
    ax = lines(
        series, ax, title=title, source=source, across=rate,
        up=Scale("ok answers a second", unit_text("1/s")),
    )  # fmt: skip
    known = [one for one in series if np.isfinite(one.y).any()]
    if known:
        ends = np.concatenate([one.x for one in known])
        both = [float(ends.min()), float(ends.max())]
        ax.plot(both, both, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1,
                label="all are answered", gid="diagonal")  # fmt: skip
        ax.legend(fontsize=8, frameon=False)
    return ax


def heat(
    values: Floats,
    ax: Axes | None = None,
    *,
    title: str,
    source: str,
    across: Scale,
    up: Scale,
    text: Text,
    what: str = "",
) -> Axes:
    """``values[row, column]`` as a map: rows go up by ``up.names``, columns by ``across.names``.

    Light is little, dark much; figures are written in the cells of a map that is not too large.
    """
    rows, columns = values.shape
    ax = axes_for(
        ax, float(np.clip(2.8 + 0.62 * columns, 4.8, 12)), float(np.clip(1.8 + 0.4 * rows, 2.8, 10))
    )
    known = values[np.isfinite(values)]
    if not known.size:
        annotate_empty(ax, "no setting has this figure")
        return finish(ax, source, title, n=None)
    low, high = float(known.min()), float(known.max())
    wide = low > 0 and high / low > _WIDE
    norm: Normalize = (
        LogNorm(low, high) if wide else Normalize(low, high if high > low else low + 1)
    )
    ax.set_facecolor("#f4f4f4")
    mesh = ax.pcolormesh(
        np.ma.masked_invalid(values), cmap=_MAP, norm=norm, edgecolors="white", linewidth=0.8,
        gid="heat",
    )  # fmt: skip
    if values.size <= _TOLD:
        for row, column in np.argwhere(np.isfinite(values)):
            value = float(values[row, column])
            ink = "white" if norm(value) > 0.55 else INK
            ax.text(column + 0.5, row + 0.5, text(value), ha="center", va="center", fontsize=7,
                    color=ink)  # fmt: skip
    for row, column in np.argwhere(~np.isfinite(values)):
        ax.text(column + 0.5, row + 0.5, "-", ha="center", va="center", fontsize=7, color=GREY)
    figure = ax.get_figure()
    if figure is not None:
        bar = figure.colorbar(mesh, ax=ax, pad=0.02, fraction=0.05, aspect=25)
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
        bar.ax.yaxis.set_minor_formatter(NullFormatter())
        bar.ax.tick_params(labelsize=7, colors=INK)
        bar.set_label(what or title, fontsize=8, color=INK)
        bar.outline.set_visible(False)
    ax.set_xticks(np.arange(columns) + 0.5, [shortened(name, 16) for name in across.names])
    ax.set_yticks(np.arange(rows) + 0.5, [shortened(name, 22) for name in up.names])
    long = max(map(len, across.names), default=0) > 7 and columns > 6
    finish(ax, source, title, n=None, x=across.label, y=up.label, below=52.0 if long else 33.0)
    if long:
        ax.tick_params(axis="x", rotation=35)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax


def clouds(
    panels: Sequence[tuple[Scale, Floats]],
    y: Floats,
    *,
    title: str,
    source: str,
    up: Scale,
) -> Figure:
    """One panel for each quantity that was drawn at random: the figure *y* against it."""
    figure = Figure(
        figsize=(max(4.4, 2.9 * len(panels) + 0.8), 3.4), layout="constrained", facecolor="white"
    )
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    known = np.isfinite(y)
    for ax, (across, x) in zip(axes, panels, strict=True):
        colour, _, mark = LINES[0]
        ax.plot(x[known], y[known], mark, color=colour, alpha=0.65, markersize=4.5,
                markeredgewidth=0, gid="points")  # fmt: skip
        _axis(ax, "x", x, across)
        light_grid(ax)
        first = ax is axes[0]
        finish(ax, "", title if first else "", n=None, x=across.label, y=up.label if first else "")
    if known.any():
        _axis(axes[0], "y", y[known], up)
    figure.supxlabel(source, x=0.995, ha="right", fontsize=7, color=GREY)
    return figure


def _axis(ax: Axes, which: str, values: Floats, scale: Scale, lowest: float | None = None) -> None:
    """Scale and label an axis for *values*; from *lowest* on, where intervals reach below."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    if scale.names:
        places = range(len(scale.names))
        axis.set_major_locator(FixedLocator(list(places)))
        axis.set_major_formatter(
            FuncFormatter(
                lambda x, _: shortened(scale.names[round(x)], 18) if round(x) in places else ""
            )
        )
        (ax.set_xlim if which == "x" else ax.set_ylim)(-0.4, len(scale.names) - 0.6)
        return
    low, high = float(values.min()), float(values.max())
    floor = low if lowest is None else lowest
    limits = ax.set_xlim if which == "x" else ax.set_ylim
    if floor > 0 and high / floor > _WIDE:
        (ax.set_xscale if which == "x" else ax.set_yscale)("log")
        limits(max(low, floor / 2) / 1.12, high * 1.12)
        if high / floor < 40:  # few powers of ten are inside
            steps = [m * 10.0**p for p in range(-12, 16) for m in (1, 2, 5)]
            axis.set_major_locator(
                FixedLocator([step for step in steps if floor / 1.2 <= step <= high * 1.2])
            )
            axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())
    elif which == "y":
        limits(min(0.0, floor), (high * 1.06) if high > 0 else 1.0)
    if scale.whole and axis.get_scale() == "linear":
        axis.set_major_locator(MaxNLocator(integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: scale.text(value)))


def unit_text(unit: str) -> Text:
    """How numbers of a *unit* (s, B, 1/s, share, or none) are written at an axis, briefly."""
    if unit == "s":
        return brief_duration
    if unit == "B":
        return _bytes_text
    if unit == "1/s":
        return lambda value: f"{value:.4g}/s"
    return (lambda value: f"{100 * value:.4g} %") if unit == "share" else lambda v: f"{v:.4g}"


def _bytes_text(count: float) -> str:
    number, _, unit = units.format_bytes(count).partition(" ")
    return f"{float(number):.4g} {unit}"
