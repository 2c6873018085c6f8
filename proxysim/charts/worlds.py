"""Theory, simulation and sockets laid over one another: whole distributions, and single figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from proxysim.charts.canvas import (
    annotate_empty,
    axes_for,
    brief_duration,
    finish,
    latency_axis,
    light_grid,
    share_axis,
    shortened,
    tail_axis,
)
from proxysim.charts.palette import BLACK, BLUE, GREEN, GREY, INK, LINES, ORANGE, VERMILLION
from proxysim.statistics.spread import Spread

__all__ = ["Pair", "overlay", "parity"]

Floats = NDArray[np.float64]

#: Colour, dashes, width and mark: a formula, then simulations for it, then rounds in each world.
_FORMULA = (BLACK, "solid", 1.1, "")
_LONG = (GREEN, (0, (1, 1.2)), 1.7, "^")
_ROUNDS = ((BLUE, "solid", 1.9, "o"), (VERMILLION, (0, (5, 2)), 1.9, "s"))
#: Quantiles that the legend tells, and how many requests must lie beyond them.
_TOLD = {"p50": 0.5, "p99": 0.99}
_BEYOND = 10
#: The share of the requests, the quickest, for whose sake the axis need not begin earlier.
_FIRST = 0.01
#: Of the axes' width and height, what names of rings have room in.
_NEAR = 0.08
_METRICS = ("o", "s", "^", "D", "v", "P", "X", "*")
_COLOURS = (BLUE, ORANGE, GREEN, VERMILLION, *(colour for colour, _, _ in LINES[3:]))


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure in two worlds: *x* as it should be, *y* as it was found.

    ``series`` is coloured, ``metric`` has a mark; ``name`` is told where it is not *ok*.
    """

    series: str
    metric: str
    x: float
    y: float
    ok: bool
    name: str = ""


def overlay(
    theory: Sequence[Spread],
    rounds: Sequence[Spread],
    ax: Axes | None = None,
    *,
    title: str,
    source: str,
    tail: bool = True,
    what: str = "latency",
) -> Axes:
    """How many took longer than each time (*tail*), or at most as long, in each world.

    *theory* is a formula and the simulations that are held to it, with the band between the lowest
    and the highest of them; *rounds* were given the same requests, all of them, so that these lines
    should lie on one another, and within the band.
    """
    ax = axes_for(ax)
    found = [*zip(theory, (_FORMULA, _LONG), strict=False), *zip(rounds, _ROUNDS, strict=False)]
    if not found:
        annotate_empty(ax, "no answered request to show")
        return finish(ax, source, title, n=None)
    shown, deepest = [], 1.0
    for place, (one, (colour, dashes, width, mark)) in enumerate(found):
        times, above = np.r_[one.times[0], one.times], np.r_[1.0, one.above]
        if one.low:
            low, high = np.maximum(one.low, 1e-12), np.array(one.high)
            under, over = (low, high) if tail else (1 - high, 1 - low)
            ax.fill_between(one.times, under, over, step="post", color=colour, alpha=0.14,
                            linewidth=0, gid="band")  # fmt: skip
        if one.count:
            deepest = min(deepest, 1 / one.count)
        if tail:
            # The last step falls to zero, which a logarithm cannot show.
            above = np.where(above > 0, above, 1 / one.count / 1.6 if one.count else np.nan)
        ax.plot(
            times, above if tail else 1 - above, color=colour, linestyle=dashes, linewidth=width,
            drawstyle="steps-post" if one.count else "default", marker=mark, gid="line",
            markevery=(11 * place % 36, 36), markersize=5, markeredgecolor="white",
            markeredgewidth=0.6, label=_label(one), zorder=5 if not one.count else 3,
        )  # fmt: skip
        early, late = (one.quantile(share) for share in (_FIRST, 1 - deepest))
        shown.append(times[(times >= early) & (times <= late)])
    latency_axis(ax, "x", np.concatenate(shown))
    if tail:
        tail_axis(ax, max(deepest, 1e-6))
    else:
        share_axis(ax, "y")
    light_grid(ax)
    ax.legend(fontsize=7.5, frameon=False, loc="lower left" if tail else "upper left")
    took = "took longer" if tail else "took at most so long"
    return finish(ax, source, title, n=None, x=what, y=f"share of requests that {took}")


def parity(
    pairs: Sequence[Pair],
    ax: Axes | None = None,
    *,
    title: str,
    source: str,
    bounds: Sequence[tuple[str, float]],
    shares: bool = False,
) -> Axes:
    """Each figure as found on sockets against the simulated one; on the line they are the same.

    *bounds* are bands about it, each with its name, as shares of the simulated figure on
    logarithmic axes of time; where *shares*, in points on axes from 0 to 100 %. What is out of its
    own bound is ringed and named.
    """
    ax = axes_for(ax, 5.4, 5.2)
    if not pairs:
        annotate_empty(ax, "no figure that both worlds have")
        return finish(ax, source, title, n=None)
    values = np.array([[pair.x, pair.y] for pair in pairs], dtype=np.float64)
    if shares:
        line = np.array([-0.1, 1.1])
        for which in ("x", "y"):
            share_axis(ax, which)
        ax.set_xlim(-0.03, 1.03)
        ax.set_ylim(-0.03, 1.03)
    else:
        line = np.array([float(values.min()) / 10, float(values.max()) * 10])
        both = np.array([float(values.min()) / 1.2, float(values.max()) * 1.2])
        for which in ("x", "y"):
            latency_axis(ax, which, both)  # type: ignore[arg-type]
    names = _bands(ax, line, bounds, shares)
    ax.plot(line, line, color=INK, linewidth=0.9, zorder=2, gid="identity")
    series = list(dict.fromkeys(pair.series for pair in pairs))
    metrics = list(dict.fromkeys(pair.metric for pair in pairs))
    for pair in pairs:
        colour = _COLOURS[series.index(pair.series) % len(_COLOURS)]
        mark = _METRICS[metrics.index(pair.metric) % len(_METRICS)]
        ax.plot([pair.x], [pair.y], mark, color=colour, markersize=6, alpha=0.85, gid="pair",
                markeredgecolor="white", markeredgewidth=0.5, zorder=4)  # fmt: skip
    _ringed(ax, [pair for pair in pairs if not pair.ok])
    light_grid(ax)
    _legend(ax, names, series, metrics)
    return finish(ax, source, title, n=None, x="simulated", y="on sockets")


def _label(one: Spread) -> str:
    known = [
        f"{name} {brief_duration(one.quantile(share))}"
        for name, share in _TOLD.items()
        if not one.count or one.count * (1 - share) >= _BEYOND
    ]
    return shortened(one.label, 40) + (f": {', '.join(known)}" if known else "")


def _ringed(ax: Axes, missed: Sequence[Pair]) -> None:
    """Rings about those, each with its name on the side away from the line."""
    places: list[tuple[bool, Floats]] = []
    for pair in sorted(missed, key=lambda found: found.x):
        ax.plot([pair.x], [pair.y], "o", markersize=12, markerfacecolor="none", gid="missed",
                markeredgecolor=VERMILLION, markeredgewidth=1.3, zorder=5)  # fmt: skip
        under = pair.y < pair.x
        here: Floats = np.asarray((ax.transScale + ax.transLimits).transform((pair.x, pair.y)))
        # One line further off for each neighbour whose name is there already.
        crowd = sum(side == under and np.abs(at - here).max() < _NEAR for side, at in places)
        places.append((under, here))
        away = -1 if under else 1
        ax.annotate(
            shortened(pair.name, 34), (pair.x, pair.y), fontsize=7.5, color=VERMILLION, zorder=6,
            xytext=(-9 * away, away * (9 + 11 * crowd)), textcoords="offset points",
            ha="left" if under else "right", va="center",
        )  # fmt: skip


def _bands(
    ax: Axes, line: Floats, bounds: Sequence[tuple[str, float]], shares: bool
) -> list[tuple[str, float]]:
    """Bands about the line, the widest first; their names, each with how dark it is."""
    off: Callable[[float], Floats] = (
        (lambda bound: line + bound) if shares else (lambda bound: line * (1 + bound))
    )
    names = []
    for place, (name, bound) in enumerate(sorted(bounds, key=lambda found: -found[1])):
        dark = 0.13 + 0.11 * place
        ax.fill_between(line, off(-bound), off(bound), color=GREY, alpha=dark, linewidth=0,
                        zorder=1, gid="bound")  # fmt: skip
        names.append((name, dark))
    return names


def _legend(
    ax: Axes, bands: Sequence[tuple[str, float]], series: Sequence[str], metrics: Sequence[str]
) -> None:
    """Colours are worlds, marks are figures, greys are bounds; on the side that has room."""
    handles = []
    if len(series) > 1 or series != ["ours"]:
        handles += [
            Line2D([], [], color=_COLOURS[place % len(_COLOURS)], linewidth=5, label=name)
            for place, name in enumerate(series)
        ]
    handles += [
        Line2D([], [], color=INK, marker=_METRICS[place % len(_METRICS)], linestyle="none",
               markersize=5.5, label=name)
        for place, name in enumerate(metrics)
    ]  # fmt: skip
    handles += [
        Line2D([], [], color=GREY, alpha=dark + 0.15, linewidth=7, label=name)
        for name, dark in bands
    ]
    ax.legend(handles=handles, fontsize=7.5, frameon=False, loc="upper left")
