"""The ground that every chart is drawn on: axes, title, provenance, and how text fits."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from proxysim.charts.palette import FAINT, GREY, INK
from proxysim.results.run import Run

__all__ = [
    "ChartAxes",
    "annotate_empty",
    "axes_for",
    "brief_duration",
    "duration_text",
    "extent",
    "finish",
    "latency_axis",
    "light_grid",
    "party_text",
    "share_axis",
    "shortened",
    "thinned",
    "tick_names",
    "told_marks",
    "without_rows",
]

DPI = 144
Floats = NDArray[np.float64]


class ChartAxes(Axes):
    """Axes of a figure of their own, which no pyplot knows; a notebook shows them as a picture."""

    name = "proxysim"

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        figure = self.get_figure(root=True)
        if figure is None:
            raise ValueError("these axes were taken off their figure")
        with BytesIO() as buffer:
            figure.savefig(buffer, format="png", dpi=DPI)
            width, height = (round(inches * 96) for inches in figure.get_size_inches())
            return buffer.getvalue(), {"width": width, "height": height}


def axes_for(ax: Axes | None, width: float = 7.2, height: float = 4.2) -> Axes:
    """*ax*, or axes of a new figure of *width* by *height* inches that pyplot does not know."""
    if ax is not None:
        return ax
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(w_pad=0.1, h_pad=0.1)  # type: ignore[call-arg]
    return figure.add_subplot(axes_class=ChartAxes)


def finish(
    ax: Axes,
    run: Run | str,
    title: str,
    *,
    n: int | str | None,
    x: str = "",
    y: str = "",
    below: float = 33.0,
    above: float = 0.0,
) -> Axes:
    """Give *ax* its title, labels, light frame and, *below* it in points, where it comes from.

    *n* is the number of requests shown, or words for it. *above*: points to leave under the title.
    What shows many runs says in words where it comes from, in place of a *run*.
    """
    ax.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK, pad=7 + above)
    if x:
        ax.set_xlabel(x, fontsize=9, color=INK)
    if y:
        ax.set_ylabel(y, fontsize=9, color=INK)
    ax.tick_params(labelsize=8, colors=INK, labelcolor=INK)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(GREY)
        ax.spines[side].set_linewidth(0.8)
    ax.set_axisbelow(True)
    sources = [run if isinstance(run, str) else provenance(run, n)]
    for text in [text for text in ax.texts if text.get_gid() == "provenance"]:
        sources = list(dict.fromkeys([*text.get_text().split("\n"), *sources]))
        text.remove()
    ax.annotate(
        "\n".join(sources),
        xy=(1, 0),
        xycoords="axes fraction",
        xytext=(0, -below),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=7,
        color=GREY,
        annotation_clip=False,
        gid="provenance",
    )
    return ax


def provenance(run: Run, n: int | str | None) -> str:
    """Scenario, world, seed and *n* in one line."""
    parts = [shortened(run.scenario, 48), run.world, f"seed {run.seed}"]
    if run.replication:
        parts.append(f"replication {run.replication}")
    if n is not None:
        parts.append(n if isinstance(n, str) else f"n = {n:,}")
    if run.sampled > 1:
        parts.append(f"1 in {run.sampled} requests kept")
    return " · ".join(parts)


def annotate_empty(ax: Axes, why: str) -> None:
    """Say in the middle of *ax* why there is nothing to see."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.text(0.5, 0.5, why, transform=ax.transAxes, ha="center", va="center", fontsize=9, color=GREY)


def without_rows(run: Run, otherwise: str) -> str:
    """Why there are no requests to show: their rows were not kept, or *otherwise*."""
    return otherwise if run.sampled else "the rows of requests were not kept: run with keep='all'"


def shortened(text: str, most: int) -> str:
    """*text* in at most *most* characters; what is left out, an ellipsis in the middle, is told."""
    text = "".join(letter if letter.isprintable() else " " for letter in text).replace("$", r"\$")
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"


def party_text(name: str, most: int) -> str:
    """A node's name, or a link's with both its ends, in about *most* characters."""
    for sign in (">", " – "):
        if sign in name:
            ends = [end.strip() for end in name.split(sign)]
            room = max(4, (most - 3) // len(ends))
            spare = sum(max(0, room - len(end)) for end in ends)
            return (" → " if sign == ">" else sign).join(
                shortened(end, room + spare) for end in ends
            )
    return shortened(name, most)


def duration_text(seconds: float) -> str:
    """*seconds* as short as a tick label can be: ``10 ms``, ``2.5 s``, ``0``."""
    if seconds == 0:
        return "0"
    size = abs(seconds)
    for limit, factor, unit in ((1e-6, 1e9, "ns"), (1e-3, 1e6, "µs"), (1, 1e3, "ms")):
        if size < limit * 0.9999999:
            return f"{seconds * factor:.4g} {unit}"
    return f"{seconds:.4g} s" if size < 600 else f"{seconds / 60:.4g} min"


def brief_duration(seconds: float) -> str:
    """*seconds* to three digits, as :func:`duration_text` writes them."""
    return duration_text(float(f"{seconds:.3g}"))


def latency_axis(ax: Axes, which: Literal["x", "y"], values: Floats) -> None:
    """Scale an axis for latencies: logarithmic over their positive range; linear where all equal.

    Zeros have no place on a logarithm: they lie at its lower edge.
    """
    axis = ax.xaxis if which == "x" else ax.yaxis
    set_scale = ax.set_xscale if which == "x" else ax.set_yscale
    set_limits = ax.set_xlim if which == "x" else ax.set_ylim
    positive = values[values > 0]
    low, high = (float(positive.min()), float(positive.max())) if positive.size else (0.0, 0.0)
    if high > low:
        set_scale("log")
        set_limits(low / 1.15, high * 1.25)
        wide = high / low > 300
        axis.set_minor_formatter(
            FuncFormatter(lambda value, _: "" if wide else _sparse(value, high / low))
        )
        ax.tick_params(axis=which, which="minor", labelsize=8, labelcolor=INK, color=GREY)
    else:
        centre = high or 1e-3
        set_limits(-0.04 * centre, 2 * centre)
    axis.set_major_formatter(FuncFormatter(lambda value, _: duration_text(value)))


def _sparse(value: float, ratio: float) -> str:
    """Labels of minor ticks on a short logarithmic axis: 2 and 5, all of them on a very short."""
    digit = round(value / 10 ** np.floor(np.log10(value) + 1e-9))
    return duration_text(value) if digit in (2, 5) or (ratio < 4 and digit < 8) else ""


def share_axis(ax: Axes, which: str) -> None:
    """An axis of shares from 0 % to 100 %."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    (ax.set_xlim if which == "x" else ax.set_ylim)(0, 1.005)
    axis.set_ticks(np.linspace(0, 1, 6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))


def tail_axis(ax: Axes, deepest: float) -> None:
    """A y axis of shares down to *deepest*, on a log scale that shows the rare ones."""
    ax.set_yscale("log")
    ax.set_ylim(deepest / 1.6, 1.25)
    ax.yaxis.set_major_locator(LogLocator(numticks=12))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.12g} %"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def tick_names(ax: Axes, names: list[str], at: Floats | None = None, most: int = 26) -> None:
    """Write *names* along y, as many of them as there is room for, evenly left out."""
    places = np.arange(len(names), dtype=float) if at is None else at
    each = extent(ax)[1] / max(len(names), 1)
    step = max(1, int(np.ceil(7.0 / max(each, 1e-9))))
    ax.set_yticks(places[::step], [shortened(name, most) for name in names[::step]])
    ax.tick_params(axis="y", labelsize=8 if each >= 10 else 6.5, length=0)


def thinned(x: Floats, y: Floats, cells: int = 3000) -> tuple[Floats, Floats]:
    """The points of a monotone curve that a picture can show, the first and last of each cell.

    *x* and *y* are in the axes' own scales (take logarithms first); no two neighbours that are
    left out differ by more than 1/*cells* of the range in either.
    """
    keep = thinning(x, y, cells)
    return x[keep], y[keep]


def thinning(x: Floats, y: Floats, cells: int = 3000) -> NDArray[np.bool_]:
    """Which points :func:`thinned` keeps."""
    keep = np.ones(len(x), dtype=np.bool_)
    if len(x) <= 2 * cells:
        return keep
    columns, rows = (_cells(values, cells) for values in (x, y))
    new = (columns[1:] != columns[:-1]) | (rows[1:] != rows[:-1])
    keep[1:-1] = new[:-1] | new[1:]
    return keep


def _cells(values: Floats, cells: int) -> NDArray[np.int64]:
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    width = (high - low) or 1.0
    scaled = np.nan_to_num((values - low) / width, nan=-1.0, posinf=2.0, neginf=-1.0)
    return np.floor(scaled * cells).astype(np.int64)


def told_marks(y: Floats, about: int = 12) -> list[int]:
    """Where to put marks on a line: *about* so many, and on points that no line joins."""
    known = np.isfinite(np.r_[np.nan, y, np.nan])
    alone = np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:])
    regular = np.arange(0, len(y), max(1, len(y) // about))
    return [int(place) for place in np.union1d(regular, alone)]


def extent(ax: Axes) -> tuple[float, float]:
    """Width and height of *ax* in points, before its figure's layout is settled."""
    figure = ax.get_figure(root=True)
    dpi = figure.dpi if figure is not None else 72.0
    box = ax.get_window_extent()
    return box.width / dpi * 72, box.height / dpi * 72


def light_grid(ax: Axes, axis: Any = "both") -> None:
    """A grid that stays behind the data."""
    ax.grid(visible=True, axis=axis, color=FAINT, linewidth=0.6)
