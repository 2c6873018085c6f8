"""How long requests took: the tail, the percentiles, and both over time."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

from proxysim.charts.canvas import (
    annotate_empty,
    axes_for,
    brief_duration,
    duration_text,
    finish,
    latency_axis,
    light_grid,
    shortened,
    thinning,
    without_rows,
)
from proxysim.charts.palette import HEAT, INK, LINES
from proxysim.charts.sample import Sample, answered, sketched
from proxysim.charts.timeline import time_axis, window_edges
from proxysim.errors import ResultError
from proxysim.results.columns import Outcome
from proxysim.results.run import Run
from proxysim.statistics.quantiles import windowed_quantiles

__all__ = ["latency_ccdf", "latency_over_time", "latency_percentiles", "marked"]

Floats = NDArray[np.float64]

#: Requests that must lie beyond a percentile before it is marked.
BEYOND = 10
#: Relative error of a run's sketches.
SKETCH = 0.005
_MARKS = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
_GROUPS = ("cache", "site", "backend", "served_by", "method", "coding")
_NONE = "no answered request to show"
_HEAT = LinearSegmentedColormap.from_list("proxysim-heat", HEAT[1:])


def latency_ccdf(
    run: Run, ax: Axes | None = None, *, by: str | None = None, label: str | None = None
) -> Axes:
    """The share of ok requests that took longer than each latency, on logarithmic axes.

    Percentiles are marked where at least ten requests lie beyond them. *by* draws one line for
    each value of a column (cache, site, backend, served_by, method, coding); *label* names the
    line, for several runs on one *ax*. Requests that arrive in [warmup, duration).
    """
    ax = axes_for(ax)
    drawn = [line for line in ax.get_lines() if line.get_gid() == "ccdf"]
    for told in [told for told in ax.texts if drawn and told.get_gid() == "percentile"]:
        told.remove()  # the legend tells them, now that there are several lines
    shown = 0
    everything = [values for line in drawn if (values := np.asarray(line.get_xdata())).size]
    for place, (name, sample) in enumerate(_groups(run, by), start=len(drawn)):
        n, values = sample.n, sample.values
        shown += n
        if not n:
            continue
        everything.append(values)
        colour, dashes, mark = LINES[place % len(LINES)]
        x, above = np.r_[values[0], values], np.r_[1.0, sample.above()]
        # The last step falls to zero, which a logarithm cannot show: it ends at 1/n.
        above[-1] = 1 / n / 1.6
        keep = thinning(np.log(np.maximum(x, 1e-9)), np.log(above))
        ax.plot(
            x[keep], above[keep], drawstyle="steps-post", color=colour, linestyle=dashes,
            linewidth=1.7, label=_with_figures(label or name, sample), gid="ccdf", zorder=3,
        )  # fmt: skip
        for text, share in marked(n).items():
            at = sample.quantile(share)
            ax.plot(
                [at], [1 - share], mark, color=colour, markersize=6, markeredgecolor="white",
                markeredgewidth=0.9, gid=text, zorder=4,
            )  # fmt: skip
            if by is None and label is None and not drawn:
                ax.annotate(
                    f"{text}  {brief_duration(at)}", (at, 1 - share), xytext=(7, 3),
                    textcoords="offset points", fontsize=8, color=INK, zorder=5, gid="percentile",
                    bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none",
                          "alpha": 0.75},
                )  # fmt: skip
    if everything:
        values = np.concatenate(everything)
        latency_axis(ax, "x", values)
        ax.set_yscale("log")
        lowest = min(
            float(np.min(line.get_ydata())) for line in ax.get_lines() if line.get_gid() == "ccdf"
        )
        ax.set_ylim(min(lowest, 0.09), 1.25)
        ax.yaxis.set_major_locator(LogLocator(numticks=12))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.12g} %"))
        ax.yaxis.set_minor_formatter(NullFormatter())
        light_grid(ax)
        if by is not None or drawn or label:
            ax.legend(fontsize=8, frameon=False, title=by, title_fontsize=8)
    else:
        annotate_empty(ax, without_rows(run, _NONE))
    return finish(
        ax,
        run,
        "How many requests took longer",
        n=_told(run, shown),
        x="latency, from asking to the last byte",
        y="share of ok requests that took longer",
    )


def latency_percentiles(run: Run, ax: Axes | None = None, *, label: str | None = None) -> Axes:
    """Latency at each percentile p, against 1/(1 - p), so that the tail has the room.

    The i-th of n latencies in ascending order (from 0) stands at p = i/n.
    Source of the axis: HdrHistogram's percentile plots.
    """
    ax = axes_for(ax)
    earlier = [line for line in ax.get_lines() if line.get_gid() == "percentiles"]
    sample = answered(run)
    n = sample.n
    if n:
        colour, dashes, _ = LINES[len(earlier) % len(LINES)]
        ends = np.cumsum(sample.counts)
        # Equal values are a level stretch: its first and its last one will do.
        ranks = np.column_stack([ends - sample.counts, ends - 1]).ravel()
        values = np.repeat(sample.values, 2)
        inverse = n / (n - ranks)
        keep = thinning(np.log(inverse), values)
        ax.plot(
            inverse[keep], values[keep], color=colour, linestyle=dashes, linewidth=1.7,
            label=label or run.scenario, gid="percentiles", zorder=3,
        )  # fmt: skip
        if n == 1:
            ax.plot(inverse, values, "o", color=colour, clip_on=False)
        ax.set_xscale("log")
        widest = max(n, *(float(np.max(line.get_xdata())) for line in earlier), 2)
        ax.set_xlim(1, widest * 1.05)
        places = [1.0, 2.0, *(10.0**power for power in range(1, int(np.log10(widest)) + 1))]
        ax.xaxis.set_major_locator(FixedLocator(places))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 - 100 / x:.10g} %"))
        ax.set_ylim(0, None)
        if values[-1] == 0:
            ax.set_ylim(0, 1e-3)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: duration_text(value)))
        light_grid(ax)
        if earlier or label:
            ax.legend(fontsize=8, frameon=False, loc="upper left")
    else:
        annotate_empty(ax, without_rows(run, _NONE))
    return finish(
        ax, run, "Latency by percentile", n=_told(run, n), x="percentile of ok requests",
        y="latency",
    )  # fmt: skip


def latency_over_time(run: Run, ax: Axes | None = None) -> Axes:
    """Where latencies lie as the run goes on: a heat map, with p50, p95 and p99 of each window.

    By the time of arrival; ok requests, the warm-up included. A window's percentile is drawn where
    one request at least is expected beyond it.
    """
    ax = axes_for(ax, 8.2, 4.2)
    mine = (run.column("outcome") == Outcome.OK) & (run.column("at") < run.duration)
    at, latency = run.column("at")[mine], run.column("latency")[mine]
    label, above = time_axis(ax, run, over_heat=True)
    if latency.size:
        latency_axis(ax, "y", latency)
        low, high = ax.get_ylim()
        scale = np.geomspace if ax.get_yscale() == "log" else np.linspace
        fine = window_edges(run, latency.size, each=40, most=160)
        bins = scale(low, high, 61)
        counts, _, _ = np.histogram2d(at, np.clip(latency, low, high), bins=(fine, bins))
        mesh = ax.pcolormesh(
            fine,
            bins,
            np.ma.masked_equal(counts.T, 0),
            cmap=_HEAT,
            norm=LogNorm(1, max(2.0, float(counts.max()))),
            rasterized=True,
            gid="heat",
        )
        figure = ax.get_figure()
        if figure is not None:
            bar = figure.colorbar(mesh, ax=ax, pad=0.02, fraction=0.045, aspect=30)
            bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
            bar.ax.yaxis.set_minor_formatter(NullFormatter())
            bar.ax.tick_params(labelsize=7, colors=INK)
            bar.set_label("requests in a cell", fontsize=8, color=INK)
            bar.outline.set_visible(False)
        # Room for the legend.
        ax.set_ylim(low, high * 1.7 if ax.get_yscale() == "log" else high * 1.15)
        edges = window_edges(run, latency.size, each=200, most=60)
        _percentile_lines(ax, at, latency, edges)
    else:
        annotate_empty(ax, without_rows(run, _NONE))
    return finish(ax, run, "Latency over time", n=latency.size, x=label, y="latency", above=above)


def _percentile_lines(ax: Axes, at: Floats, latency: Floats, edges: Floats) -> None:
    shares = {"p99": 0.99, "p95": 0.95, "p50": 0.5}
    found = windowed_quantiles(at, latency, edges, list(shares.values()))
    counts, _ = np.histogram(at, edges)
    middles = (edges[1:] + edges[:-1]) / 2
    styles = (("#d55e00", "solid", "^"), ("#e69f00", (0, (4, 1.5)), "s"), ("#000000", "solid", "o"))
    for (name, share), column, (colour, dashes, mark) in zip(
        shares.items(), found.T, styles, strict=True
    ):
        known = np.where(counts * (1 - share) >= 1, column, np.nan)
        if not np.isfinite(known).any():
            continue
        for width, ink, text in ((3.4, "white", None), (1.6, colour, name)):
            ax.plot(
                middles, known, color=ink, linestyle=dashes if text else "solid", linewidth=width,
                marker=mark if text else None, markevery=max(1, len(middles) // 10),
                markersize=4.5, markeredgecolor="white", markeredgewidth=0.6, label=text,
                zorder=3.5,
            )  # fmt: skip
    if ax.get_legend_handles_labels()[0]:
        ax.legend(
            fontsize=8, loc="upper right", ncols=3, framealpha=0.85, edgecolor="none",
            borderpad=0.3,
        )  # fmt: skip


def marked(n: int) -> dict[str, float]:
    """The percentiles that a sample of *n* supports: at least ten values lie beyond each."""
    return {name: share for name, share in _MARKS.items() if n * (1 - share) >= BEYOND - 1e-6}


def _told(run: Run, n: int) -> int | str:
    """*n* for the figure, and that a sketch was drawn where there were no rows."""
    return f"n = {n:,}, from a sketch right to {SKETCH:.1%}" if n and sketched(run) else n


def _groups(run: Run, by: str | None) -> list[tuple[str, Sample]]:
    if by is None:
        return [(run.scenario, answered(run))]
    if by not in _GROUPS:
        raise ResultError(f"by={by!r}", mend=f"Give one of: {', '.join(_GROUPS)}.")
    mine = run.counted & (run.column("outcome") == Outcome.OK)
    latency, codes = run.column("latency")[mine], run.column(by)[mine]
    found = [
        (shortened(name or "none", 26), latency[codes == code])
        for code, name in enumerate(run.names(by))
    ]
    order = [name for name, _ in found]
    largest = sorted((group for group in found if group[1].size), key=lambda g: -g[1].size)
    room = len(LINES) if len(largest) <= len(LINES) else len(LINES) - 1
    kept = sorted(largest[:room], key=lambda group: order.index(group[0]))
    if rest := [values for _, values in largest[room:]]:
        kept.append((f"{len(rest)} others", np.concatenate(rest)))
    return [(name, Sample.of(values)) for name, values in kept]


def _with_figures(name: str, sample: Sample) -> str:
    shares = marked(sample.n)
    told = [
        f"{text} {brief_duration(sample.quantile(shares[text]))}"
        for text in ("p50", "p99")
        if text in shares
    ]
    return ": ".join([shortened(name, 26), *([", ".join(told)] if told else [])])
