"""What caches did: hit ratio over time, and what became of every request."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from proxysim import units
from proxysim.charts.canvas import (
    annotate_empty,
    axes_for,
    finish,
    light_grid,
    share_axis,
    shortened,
    tick_names,
    told_marks,
)
from proxysim.charts.palette import CACHES, GREY, INK, LINES, Fill
from proxysim.charts.timeline import time_axis
from proxysim.results.run import Run

__all__ = ["cache_split", "hit_rate"]

_NONE = "no cache was asked"


def hit_rate(run: Run, ax: Axes | None = None) -> Axes:
    """Hit ratio of each cache over time, of objects (solid) and of bytes (dashed).

    From the windows of ``run.nodes``; a window in which a cache was not asked leaves a gap. The
    ratios beside the names are over [warmup, duration).
    """
    ax = axes_for(ax, 8.2, 3.8)
    label, above = time_axis(ax, run)
    summary = run.summary()
    table = run.table("nodes")
    caches = [node for node, ratio in summary.hit_ratio.items() if ratio is not None]
    for place, node in enumerate(caches):
        mine = table.column("node") == table.code("node", node)
        mine &= table.column("start") < run.duration
        start, end = table.column("start")[mine], table.column("end")[mine]
        colour, _, mark = LINES[place % len(LINES)]
        for words, dashes, ratio, hits, misses in (
            ("objects", "solid", summary.hit_ratio[node], "hits", "misses"),
            ("bytes", (0, (4, 2)), summary.byte_hit_ratio[node], "hit_bytes", "miss_bytes"),
        ):
            hit, miss = table.column(hits)[mine], table.column(misses)[mine]
            asked = hit + miss
            share = np.divide(hit, asked, out=np.full(len(hit), np.nan), where=asked > 0)
            told = "" if ratio is None else f" {ratio:.1%}"
            ax.plot(
                (start + end) / 2, share, color=colour, linestyle=dashes, linewidth=1.6,
                marker=mark if words == "objects" else "", markersize=4,
                markevery=told_marks(share), markeredgecolor="white", markeredgewidth=0.5,
                label=f"{shortened(node, 22)}, {words}:{told}" if len(caches) <= 6 else None,
                gid=f"{node} {words}", zorder=3,
            )  # fmt: skip
    if caches:
        share_axis(ax, "y")
        light_grid(ax, "y")
        if len(caches) <= 6:
            ax.legend(
                fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0),
                handlelength=3.2,
            )  # fmt: skip
    else:
        annotate_empty(ax, _NONE)
    return finish(
        ax, run, "Hit ratio over time", n=_asked(run), x=label, y="share answered from the store",
        above=above,
    )  # fmt: skip


def cache_split(run: Run, ax: Axes | None = None) -> Axes:
    """What caches made of the requests, of the whole run and at each cache, as stacked shares.

    The uppermost bar counts every request by its cache state; below, what each cache was asked
    for and the bytes of it. Over [warmup, duration).
    """
    summary = run.summary()
    caches = [node for node, ratio in summary.hit_ratio.items() if ratio is not None]
    ax = axes_for(ax, 7.6, min(9.0, 2.3 + 0.75 * len(caches)))
    states = {state: summary.cache[state] for state in CACHES if summary.cache[state]}
    rows: list[tuple[str, str, list[tuple[Fill, float]]]] = []
    if any(state != "none" for state in states):
        parts = [(CACHES[state], float(count)) for state, count in states.items()]
        total = sum(states.values())
        rows.append(("all requests", f"{total:,}", parts))
    for node in caches:
        hits, misses, hit_bytes, miss_bytes = (
            _total(run, node, column) for column in ("hits", "misses", "hit_bytes", "miss_bytes")
        )
        fills = (CACHES["hit"], CACHES["miss"])
        asked, carried = hits + misses, hit_bytes + miss_bytes
        rows.append((f"{node}: requests", f"{asked:,.0f}", [*zip(fills, (hits, misses))]))  # noqa: B905
        if carried:
            rows.append(
                (
                    f"{node}: bytes",
                    units.format_bytes(carried),
                    [(fills[0], hit_bytes), (fills[1], miss_bytes)],
                )
            )
    if rows:
        _stack(ax, rows)
        named = [state for state in CACHES if state in states or (caches and state in _BOTH)]
        ax.legend(
            handles=[
                Patch(
                    facecolor=CACHES[state].colour, hatch=CACHES[state].hatch, edgecolor=GREY,
                    linewidth=0.4, label=state,
                )
                for state in named
            ],
            fontsize=8, frameon=False, ncols=len(named), loc="lower left",
            bbox_to_anchor=(-0.01, 1.0), borderaxespad=0.1, handlelength=1.6, columnspacing=1.2,
        )  # fmt: skip
    else:
        annotate_empty(ax, _NONE)
    return finish(
        ax, run, "What the caches answered", n=summary.requests["arrived"],
        x="share", above=18 if rows else 0,
    )  # fmt: skip


_BOTH = ("hit", "miss")


def _stack(ax: Axes, rows: Sequence[tuple[str, str, list[tuple[Fill, float]]]]) -> None:
    for place, (_, total, parts) in enumerate(rows):
        whole = sum(amount for _, amount in parts) or 1.0
        left = 0.0
        for fill, amount in parts:
            share = amount / whole
            ax.barh(
                place, share, left=left, height=0.66, color=fill.colour, hatch=fill.hatch,
                edgecolor="#555555" if fill.hatch else "white", linewidth=0.4, gid="part",
            )  # fmt: skip
            if share >= 0.055:
                ax.text(
                    left + share / 2, place, f"{share:.1%}" if share < 0.995 else f"{share:.0%}",
                    ha="center", va="center", fontsize=7.5, color=fill.ink,
                    bbox={"boxstyle": "round,pad=0.15", "facecolor": fill.colour,
                          "edgecolor": "none"} if fill.hatch else None,
                )  # fmt: skip
            left += share
        ax.text(1.012, place, total, va="center", fontsize=8, color=INK)
    share_axis(ax, "x")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    ax.set_ylim(len(rows) - 0.4, -0.6)
    tick_names(ax, [name for name, _, _ in rows], most=34)


def _total(run: Run, node: str, column: str) -> float:
    return float((run.column(column, "nodes") * run.window_shares(node)).sum())


def _asked(run: Run) -> str:
    share = run.window_shares()
    asked = (run.column("hits", "nodes") + run.column("misses", "nodes")) * share
    return f"{asked.sum():,.0f} look-ups after warm-up"
