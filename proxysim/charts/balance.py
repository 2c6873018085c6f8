"""How work is spread over servers and proxies: load, utilisation, queues."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FuncFormatter, MaxNLocator

from proxysim.charts.canvas import (
    annotate_empty,
    axes_for,
    extent,
    finish,
    light_grid,
    shortened,
    tick_names,
)
from proxysim.charts.palette import BLUE, HEAT, INK, LINES, VERMILLION
from proxysim.charts.timeline import time_axis
from proxysim.results.run import Run
from proxysim.results.table import natural
from proxysim.statistics.fairness import jain_index, max_over_mean

__all__ = ["load", "queue", "utilisation"]

_HEAT = LinearSegmentedColormap.from_list("proxysim-heat", HEAT)


def load(run: Run, ax: Axes | None = None) -> Axes:
    """Requests that each backend was given, with Jain's index and the busiest over the mean.

    Diamonds mark the fair share where the facts of the backends tell of unequal ``weight``, and
    triangles where they tell of unequal ``speed``. Requests that arrive in [warmup, duration).
    """
    counts = run.summary().load
    names = list(counts)
    ax = axes_for(ax, 7.2, float(np.clip(1.6 + 0.28 * len(names), 2.4, 10.0)))
    values = np.array(list(counts.values()), dtype=float)
    total = float(values.sum())
    title, above = "Requests per backend", 0.0
    if names and total > 0:
        places = np.arange(len(names), dtype=float)
        ax.barh(places, values, height=0.72, color="#8fc1e3", edgecolor=BLUE, linewidth=0.8,
                gid="load")  # fmt: skip
        ax.axvline(total / len(names), color=INK, linewidth=1.0, linestyle=(0, (4, 2)),
                   label=f"mean {_mean(total / len(names))}", zorder=3)  # fmt: skip
        furthest = float(values.max())
        for fact, mark, colour in (("weight", "D", VERMILLION), ("speed", "^", "#000000")):
            fair = _fair(run, names, fact, total)
            if fair is None:
                continue
            furthest = max(furthest, float(fair.max()))
            ax.plot(
                fair, places, mark, color=colour, markersize=6, markeredgecolor="white",
                markeredgewidth=0.8, label=f"fair share by {fact}", gid=fact, zorder=4,
            )  # fmt: skip
        ax.set_xlim(0, furthest * (1.16 if len(names) <= 24 else 1.04))
        ax.set_ylim(len(names) - 0.4, -0.6)
        tick_names(ax, names)
        if len(names) <= 24:
            for place, value in zip(places, values, strict=True):
                ax.annotate(
                    f"{value:,.0f}  {value / total:.1%}", (value, place), xytext=(4, 0),
                    textcoords="offset points", va="center", fontsize=7.5, color=INK, zorder=5,
                    bbox={"boxstyle": "square,pad=0.08", "facecolor": "white",
                          "edgecolor": "none", "alpha": 0.8},
                )  # fmt: skip
        ax.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        light_grid(ax, "x")
        # In narrow axes the legend stands above the figures, not beside them.
        narrow = extent(ax)[0] < 380
        above = 33.0 if narrow else 18.0
        ax.legend(
            fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3,
            borderaxespad=2.0 if narrow else 0.1,
        )  # fmt: skip
        ax.annotate(
            f"Jain's index {jain_index(values):.4f} · max/mean {max_over_mean(values):.3f}",
            xy=(0, 1), xycoords="axes fraction", xytext=(0, 6), textcoords="offset points",
            fontsize=8.5, color=INK, annotation_clip=False, gid="fairness",
        )  # fmt: skip
    else:
        annotate_empty(ax, "no request was given to a backend")
    return finish(ax, run, title, n=int(total), x="requests", above=above)


def utilisation(run: Run, ax: Axes | None = None) -> Axes:
    """How busy the workers and cores of each server and proxy are, node by time.

    The figure at the right is the mean over [warmup, duration).
    """
    table = run.table("nodes")
    means = run.summary().utilisation
    within = (table.column("start") < run.duration) & ~np.isnan(table.column("utilisation"))
    codes, names = table.column("node"), table.names("node")
    seen = {names[code] for code in np.unique(codes[within]).tolist()}
    order = sorted(seen, key=lambda name: (_rank(run, name), natural(name)))
    ax = axes_for(ax, 8.2, float(np.clip(1.9 + 0.3 * len(order), 2.6, 10.0)))
    label, above = time_axis(ax, run, over_heat=True)
    if order:
        mesh = None
        for place, name in enumerate(order):
            mine = within & (codes == table.code("node", name))
            start, end = table.column("start")[mine], table.column("end")[mine]
            mesh = ax.pcolormesh(
                np.r_[start, end[-1]], [place - 0.46, place + 0.46],
                table.column("utilisation")[mine][None, :], cmap=_HEAT, vmin=0, vmax=1,
                rasterized=True, gid=name,
            )  # fmt: skip
            if name in means and len(order) <= 40:
                ax.annotate(
                    f"{means[name]:.0%}", (1, place), xycoords=("axes fraction", "data"),
                    xytext=(4, 0), textcoords="offset points", va="center", color=INK,
                    fontsize=8 if len(order) <= 24 else 6.5, annotation_clip=False,
                )  # fmt: skip
        ax.set_ylim(len(order) - 0.5, -0.5)
        tick_names(ax, order)
        figure = ax.get_figure()
        if figure is not None and mesh is not None:
            bar = figure.colorbar(mesh, ax=ax, pad=0.06, fraction=0.04, aspect=18)
            bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
            bar.ax.tick_params(labelsize=7, colors=INK)
            bar.set_label("workers or cores busy", fontsize=8, color=INK)
            bar.outline.set_visible(False)
    else:
        annotate_empty(ax, "no node has workers or cores to be busy")
    return finish(
        ax, run, "Utilisation of servers and proxies", n=f"{len(order)} nodes", x=label,
        above=above,
    )  # fmt: skip


def queue(run: Run, ax: Axes | None = None, *, most: int = 7) -> Axes:
    """How many requests wait at each node over time; beyond the *most* longest, in grey."""
    ax = axes_for(ax, 8.2, 3.8)
    label, above = time_axis(ax, run)
    table = run.table("nodes")
    codes, waiting = table.column("node"), table.column("queue")
    within = (table.column("start") < run.duration) & np.isfinite(waiting)
    tallest = {
        name: float(waiting[within & (codes == code)].max(initial=0.0))
        for code, name in enumerate(table.names("node"))
        if ">" not in name
    }
    ranked = sorted(
        (name for name, top in tallest.items() if top > 0), key=lambda name: -tallest[name]
    )
    places = {name: place for place, name in enumerate(sorted(ranked[:most], key=natural))}
    for name in sorted(ranked, key=lambda name: (name in places, natural(name))):
        mine = within & (codes == table.code("node", name))
        middle = (table.column("start")[mine] + table.column("end")[mine]) / 2
        if name in places:
            colour, dashes, mark = LINES[places[name] % len(LINES)]
            ax.plot(
                middle, waiting[mine], color=colour, linestyle=dashes, linewidth=1.6, marker=mark,
                markersize=4, markevery=max(1, len(middle) // 12), markeredgecolor="white",
                markeredgewidth=0.5, label=shortened(name, 24), gid=name, zorder=3,
            )  # fmt: skip
        else:
            rest = f"{len(ranked) - most} others" if name == ranked[-1] else None
            ax.plot(middle, waiting[mine], color="#bdbdbd", linewidth=0.7, label=rest, zorder=2)
    if ranked:
        ax.set_ylim(0, max(tallest.values()) * 1.08)
        light_grid(ax, "y")
        ax.legend(
            fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0),
            handlelength=3.2,
        )  # fmt: skip
    else:
        annotate_empty(ax, "nothing ever waited")
    return finish(
        ax, run, "Queues over time", n=f"{len(ranked)} nodes", x=label,
        y="requests waiting, mean of a window", above=above,
    )  # fmt: skip


def _fair(run: Run, names: list[str], fact: str, total: float) -> np.ndarray | None:
    """The shares of *total* in proportion to a fact of the backends; None where all are equal."""
    found = [run.facts.get(name, {}).get(fact) for name in names]
    if any(value is None for value in found):
        return None
    shares = np.array(found, dtype=float)
    if not shares.sum() > 0 or np.ptp(shares) == 0:
        return None
    return np.asarray(total * shares / shares.sum())


def _mean(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _rank(run: Run, name: str) -> int:
    kinds = ("clients", "forward_proxy", "router", "reverse_proxy", "server")
    kind = run.facts.get(name, {}).get("kind")
    return kinds.index(kind) if kind in kinds else len(kinds)
