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

WARM_UP = "warm-up"
_ROWS = 2  # of labels above the axes
_ROW = 9.5  # points
_LETTER = 3.9  # points wide
_KEY_LINES = 5


def window_edges(run: Run, rows: int, each: int = 100, most: int = 90) -> NDArray[np.float64]:
    """Edges of equal windows over [0, duration] that hold about *each* of *rows*, 12 to *most*."""
    count = int(np.clip(rows // max(each, 1), min(12, most), most))
    return np.linspace(0.0, run.duration, count + 1)


def time_axis(ax: Axes, run: Run, *, over_heat: bool = False) -> tuple[str, float]:
    """Make x the run's time, hatch the warm-up, shade the events; labels stand above the axes.

    Where labels would crowd, numbers stand for them, with a key above. *over_heat*: on a heat map,
    whose colours must be left alone, events are bounded by lines and stand under a bar. Gives the
    label of the axis, and how many points the title has to leave for the labels.
    """
    ax.set_xlim(0, run.duration)
    label = _ticks(ax, run.duration)
    labels: list[tuple[float, str]] = []
    if run.warmup > 0:
        ax.axvspan(
            0, run.warmup, facecolor="none" if over_heat else "#f2f2f2",
            edgecolor="#8f8f8f" if over_heat else "#c4c4c4", hatch="//" if over_heat else "////",
            linewidth=0, alpha=0.55, zorder=2.6, gid="warmup",
        )  # fmt: skip
        ax.axvline(run.warmup, color=GREY, linewidth=0.8, linestyle=(0, (1, 2)), zorder=2.7)
        labels.append((0.0, WARM_UP))
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
        labels.append((start, _words(event)))
    return label, _tell(ax, run.duration, labels) * _ROW


def _words(event: dict[str, Any]) -> str:
    label = str(event.get("label") or "event")
    found = event.get("node") or event.get("link") or ""
    where = found if isinstance(found, str) else ">".join(map(str, found))
    if not where or where in label or where.replace(">", "-") in label:
        return shortened(label, 36)
    return f"{party_text(where, 18)}: {shortened(label, 22)}"


def _tell(ax: Axes, duration: float, labels: list[tuple[float, str]]) -> int:
    """Write *labels* above the axes, by numbers with a key where they would crowd; gives rows."""
    placed = _placed(ax, duration, labels)
    if placed is not None:
        for (at, text), (row, align) in zip(labels, placed, strict=True):
            _write(ax, at, text, row, align)
        return max((row + 1 for row, _ in placed), default=0)
    events = [(at, text) for at, text in labels if text != WARM_UP]
    numbers: list[tuple[float, str]] = []
    for number, (at, _) in enumerate(events, start=1):
        before, text = numbers[-1] if numbers else (-duration, "")
        if at / duration < before / duration + _width(ax, text):
            numbers[-1] = (before, f"{text.partition('-')[0]}-{number}")
        else:
            numbers.append((at, str(number)))
    for at, text in numbers:
        _write(ax, at, text, 0, "right" if at / duration + _width(ax, text) > 1 else "left")
    key = [f"{number} {text}" for number, (_, text) in enumerate(events, start=1)]
    if len(events) < len(labels):
        key.insert(0, f"hatched: {WARM_UP}")
    lines = _wrapped(key, max(24, int(extent(ax)[0] / _LETTER)))
    for row, line in enumerate(reversed(lines), start=1):
        _write(ax, 0.0, line, row, "left")
    return 1 + len(lines)


def _placed(
    ax: Axes, duration: float, labels: list[tuple[float, str]]
) -> list[tuple[int, str]] | None:
    """For each label the row in which it fits, and how it is aligned; None if one fits nowhere."""
    taken: list[list[tuple[float, float]]] = [[] for _ in range(_ROWS)]
    placed = []
    for at, text in labels:
        left, width = at / duration, _width(ax, text)
        align = "right" if left + width > 1.0 else "left"
        left, right = (max(left - width, 0.0), left) if align == "right" else (left, left + width)
        for row, spans in enumerate(taken):
            if all(right <= begin or left >= end for begin, end in spans):
                spans.append((left, right))
                placed.append((row, align))
                break
        else:
            return None
    return placed


def _width(ax: Axes, text: str) -> float:
    """About the share of the axes' width that *text* takes."""
    return (len(text) * _LETTER + 6) / max(extent(ax)[0], 1.0)


def _wrapped(key: list[str], most: int) -> list[str]:
    """*key* in lines of about *most* letters; what is more than a few lines is counted."""
    lines: list[str] = []
    for place, entry in enumerate(key):
        if lines and len(lines[-1]) + len(entry) + 3 <= most:
            lines[-1] += f" · {entry}"
        elif len(lines) < _KEY_LINES:
            lines.append(entry)
        else:
            lines[-1] += f" · and {len(key) - place} more"
            break
    return lines


def _write(ax: Axes, at: float, text: str, row: int, align: str) -> None:
    ax.annotate(
        text,
        xy=(at, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-1 if align == "right" else 1, 2 + row * _ROW),
        textcoords="offset points",
        ha=align,
        va="bottom",
        fontsize=7,
        color=GREY,
        annotation_clip=False,
    )


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
