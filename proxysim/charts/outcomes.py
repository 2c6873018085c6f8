"""What became of the requests as the run went on."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from proxysim.charts.canvas import annotate_empty, axes_for, finish, light_grid, without_rows
from proxysim.charts.palette import GREY, OUTCOME_FILLS
from proxysim.charts.timeline import time_axis, window_edges
from proxysim.results.columns import OUTCOMES
from proxysim.results.run import Run

__all__ = ["outcomes"]


def outcomes(run: Run, ax: Axes | None = None) -> Axes:
    """Requests a second by outcome over time, stacked, by the time of arrival.

    The shares beside the names are over [warmup, duration).
    """
    ax = axes_for(ax, 8.2, 3.8)
    label, above = time_axis(ax, run)
    mine = run.column("at") < run.duration
    at, codes = run.column("at")[mine], run.column("outcome")[mine]
    if at.size:
        edges = window_edges(run, at.size, each=60, most=100)
        floor = np.zeros(len(edges) - 1)
        counts = run.summary().requests
        for code, name in enumerate(OUTCOMES):
            fill = OUTCOME_FILLS[name]
            rate = np.histogram(at[codes == code], edges)[0] / np.diff(edges) * run.sampled
            if not rate.any():
                continue
            share = f" {_percent(counts[name], counts['arrived'])}" if counts["arrived"] else ""
            ax.stairs(
                floor + rate, edges, baseline=floor, fill=True, facecolor=fill.colour,
                hatch=fill.hatch, edgecolor="#444444" if fill.hatch else fill.colour,
                linewidth=0.0, label=f"{name.replace('_', ' ')}{share}", gid=name,
            )  # fmt: skip
            floor = floor + rate
        ax.stairs(floor, edges, color=GREY, linewidth=0.8)
        ax.set_ylim(0, float(floor.max()) * 1.08)
        light_grid(ax, "y")
        handles, labels = ax.get_legend_handles_labels()
        ax.legend(
            handles[::-1], labels[::-1], fontsize=8, frameon=False, loc="upper left",
            bbox_to_anchor=(1.0, 1.0), handlelength=1.6,
        )  # fmt: skip
    else:
        annotate_empty(ax, without_rows(run, "no request arrived"))
    return finish(
        ax, run, "What became of the requests", n=at.size, x=label, y="requests a second",
        above=above,
    )  # fmt: skip


def _percent(count: int, of: int) -> str:
    share = count / of
    return "<0.1%" if 0 < share < 0.001 else f"{share:.1%}"
