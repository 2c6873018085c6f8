"""What all charts over time share: the axis, windows, the warm-up, and the events."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator
from numpy.typing import NDArray

from proxysim.charts.canvas import extent, party_text, shortened
from proxysim.charts.palette import GREY, INK
from proxysim.results.run import Run

__all__ = ["time_axis", "window_edges"]

_ROWS = 2  # of labels above the axes
_ROW = 9.5  # points


def window_edges(run: Run, rows: int, each: int = 100, most: int = 90) -> NDArray[np.float64]:
    """Edges of equal windows over [0, duration] that hold about *each* of *rows*, 12 to *most*."""
    count = int(np.clip(rows // max(each, 1), min(12, most), most))
    return np.linspace(0.0, run.duration, count + 1)


def time_axis(ax: Axes, run: Run, *, over_heat: bool = False) -> tuple[str, float]:
    """Make x the run's time, hatch the warm-up, shade the events; labels stand above the axes.

    *over_heat*: on a heat map, whose colours must be left alone, events are bounded by lines and
    stand under a bar. Gives the label of the axis, and how many points the title has to leave for
    those above.
    """
    ax.set_xlim(0, run.duration)
    label = _ticks(ax, run.duration)
    taken: list[list[tuple[float, float]]] = [[] for _ in range(_ROWS)]
    rows = 0
    if run.warmup > 0:
        ax.axvspan(
            0, run.warmup, facecolor="none" if over_heat else "#f2f2f2",
            edgecolor="#8f8f8f" if over_heat else "#c4c4c4", hatch="//" if over_heat else "////",
            linewidth=0, alpha=0.55, zorder=2.6, gid="warmup",
        )  # fmt: skip
        ax.axvline(run.warmup, color=GREY, linewidth=0.8, linestyle=(0, (1, 2)), zorder=2.7)
        rows = max(rows, _label(ax, 0.0, run.duration, "warm-up", taken))
    for event in sorted(run.events, key=lambda found: float(found["at"])):
        start = float(event["at"])
        if start >= run.duration:
            continue
        until = event.get("until")
        if until is None:
            ax.axvline(start, color=INK, linewidth=0.9, linestyle=(0, (4, 2)), zorder=2.7)
        else:
            end = min(float(until), run.duration)
            if over_heat:
                ax.plot(
                    [start, end], [1, 1], transform=ax.get_xaxis_transform(), color=INK,
                    linewidth=3, solid_capstyle="butt", clip_on=False, zorder=4, gid="event",
                )  # fmt: skip
            else:
                ax.axvspan(
                    start, end, color="#7a7a7a", alpha=0.22, linewidth=0, zorder=2.6, gid="event"
                )
            for edge in (start, end):
                ax.axvline(edge, color=INK if over_heat else GREY, linewidth=0.7, zorder=2.7)
        rows = max(rows, _label(ax, start, run.duration, _words(event), taken))
    return label, rows * _ROW


def _words(event: dict[str, Any]) -> str:
    label = str(event.get("label") or "event")
    found = event.get("node") or event.get("link") or ""
    where = found if isinstance(found, str) else ">".join(map(str, found))
    if not where or where in label or where.replace(">", "-") in label:
        return shortened(label, 36)
    return f"{party_text(where, 18)}: {shortened(label, 22)}"


def _label(
    ax: Axes, at: float, duration: float, text: str, taken: list[list[tuple[float, float]]]
) -> int:
    """Write *text* above the axes in the first row where it fits; 0 if in none, else which."""
    width = (len(text) * 3.9 + 6) / max(extent(ax)[0], 1.0)
    left = at / duration
    right_aligned = left + width > 1.0
    if right_aligned:
        left, right = max(left - width, 0.0), left
    else:
        right = left + width
    for row, spans in enumerate(taken):
        if all(right <= begin or left >= end for begin, end in spans):
            spans.append((left, right))
            ax.annotate(
                text,
                xy=(at, 1),
                xycoords=("data", "axes fraction"),
                xytext=(-1 if right_aligned else 1, 2 + row * _ROW),
                textcoords="offset points",
                ha="right" if right_aligned else "left",
                va="bottom",
                fontsize=7,
                color=GREY,
                annotation_clip=False,
            )
            return row + 1
    return 0


def _ticks(ax: Axes, duration: float) -> str:
    factor, unit = (1.0, "s")
    for least, seconds, name in ((180.0, 60.0, "min"), (3 * 3600.0, 3600.0, "h")):
        if duration >= least:
            factor, unit = seconds, name
    if duration < 1:
        factor, unit = 1e-3, "ms"
    if unit in ("min", "h"):
        steps = (
            (0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120) if unit == "min" else (1, 2, 3, 4, 6, 12, 24)
        )
        wanted = duration / factor / 7
        fitting = [step for step in steps if step >= wanted] or [math.ceil(wanted / 24) * 24]
        ax.xaxis.set_major_locator(MultipleLocator(fitting[0] * factor))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(8))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / factor:g}"))
    return f"time since the run's start ({unit})"
