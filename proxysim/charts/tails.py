"""Whole distributions of latency of several settings, each over all its replications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
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
from proxysim.charts.latency import marked
from proxysim.charts.palette import LINES

__all__ = ["Floats", "distributions"]

Floats = NDArray[np.float64]

_POINTS = 400


def distributions(
    latencies: Mapping[str, Sequence[Floats]],
    ax: Axes | None = None,
    *,
    source: str,
    tail: bool = True,
) -> Axes:
    """How many requests took longer than each latency (*tail*), or at most as long.

    ``latencies[setting]`` has one array a replication, ascending, in seconds. The line is over all
    of them together, the band from the lowest to the highest replication.
    """
    ax = axes_for(ax)
    pooled = {name: np.concatenate(found) for name, found in latencies.items() if found}
    everything = [values[values > 0] for values in pooled.values() if values.size]
    if not any(values.size for values in everything):
        annotate_empty(ax, "no answered request to show")
        return finish(ax, source, "Latency of every setting", n=None)
    low = min(float(values.min()) for values in everything if values.size)
    high = max(float(values.max()) for values in everything if values.size)
    x = np.geomspace(low, max(high, low * 1.001), _POINTS)
    deepest = 1.0
    for place, (name, values) in enumerate(pooled.items()):
        if not values.size:
            continue
        colour, dashes, mark = LINES[place % len(LINES)]
        values = np.sort(values)
        line = _share(values, x, tail)
        each = np.array([_share(found, x, tail) for found in latencies[name] if found.size])
        lowest, highest = each.min(axis=0), each.max(axis=0)
        if tail:
            deepest = min(deepest, 1 / values.size)
            line = np.where(line > 0, line, np.nan)
            lowest = np.maximum(lowest, 1e-12)
        ax.fill_between(x, lowest, highest, color=colour, alpha=0.15, linewidth=0, gid="band")
        told = [
            f"{text} {brief_duration(float(np.quantile(values, share)))}"
            for text, share in marked(values.size).items()
            if text in ("p50", "p99")
        ]
        label = ": ".join([shortened(name, 34), *([", ".join(told)] if told else [])])
        ax.plot(x, line, color=colour, linestyle=dashes, linewidth=1.7, label=label, gid="line",
                marker=mark, markevery=(13 * place % 40, 40), markersize=4.5,
                markeredgecolor="white", markeredgewidth=0.6)  # fmt: skip
    latency_axis(ax, "x", x)
    if tail:
        tail_axis(ax, max(deepest, 1e-7))
    else:
        share_axis(ax, "y")
    light_grid(ax)
    ax.legend(fontsize=8, frameon=False, loc="lower left" if tail else "lower right")
    return finish(
        ax,
        source,
        "How many requests took longer" if tail else "How many requests took at most so long",
        n=None,
        x="latency, from asking to the last byte",
        y="share of ok requests",
    )


def _share(values: Floats, x: Floats, tail: bool) -> Floats:
    below = np.searchsorted(values, x, side="right") / values.size
    share: Floats = 1 - below if tail else below
    return share
