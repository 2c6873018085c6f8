"""Who sees what: which party, and which wire, learns what about the requests."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.path import Path

from proxysim.charts.canvas import annotate_empty, axes_for, finish, party_text
from proxysim.charts.palette import BLUE, GREY, INK
from proxysim.results.knowledge import SECRETS, observers
from proxysim.results.run import Run

__all__ = ["who_sees_what"]


def who_sees_what(run: Run, ax: Axes | None = None) -> Axes:
    """A matrix: for each party and each wire, the share of the requests it saw that told it what.

    Filled circles: in all of them; empty: in none; partly filled: in that share.
    """
    rows = observers(run)
    ax = axes_for(ax, 7.4, float(np.clip(1.9 + 0.4 * len(rows), 2.8, 12.0)))
    if rows:
        parties = sum(not row.wire for row in rows)
        gap = 0.7 if 0 < parties < len(rows) else 0.0
        y = np.array([place + gap * row.wire for place, row in enumerate(rows)])
        for place, row in zip(y, rows, strict=True):
            for column, share in enumerate(row.shares):
                _ball(ax, column, float(place), share)
                ax.annotate(
                    _percent(share), (column, place), xytext=(11, 0), va="center",
                    textcoords="offset points", fontsize=8, color=INK if share else GREY,
                )  # fmt: skip
            ax.text(
                len(SECRETS) - 0.42, place, f"{row.requests:,}", ha="left", va="center",
                fontsize=7.5, color=GREY,
            )  # fmt: skip
        for edge in y[:-1] + np.diff(y) / 2:
            ax.axhline(edge, color="#e4e4e4", linewidth=0.7, zorder=0)
        if gap:
            ax.text(
                -0.72, y[parties] - 0.72, "on the wire, an eavesdropper", fontsize=8, color=GREY,
                style="italic", va="center",
            )  # fmt: skip
        ax.set_xlim(-0.75, len(SECRETS) + 0.1)
        ax.set_ylim(y[-1] + 0.55, -0.6)
        ax.set_xticks([*range(len(SECRETS)), len(SECRETS) - 0.25], [*SECRETS, "requests"])
        ax.set_yticks(y, [party_text(row.name, 34) for row in rows])
        ax.xaxis.tick_top()
    else:
        annotate_empty(ax, "no views were recorded")
    finish(ax, run, "Who sees what", n="share of each observer's requests", below=5)
    ax.tick_params(length=0)
    ax.tick_params(axis="x", labelsize=8.5, pad=2)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax


def _ball(ax: Axes, x: float, y: float, share: float) -> None:
    ax.plot([x], [y], "o", markersize=13, markerfacecolor="white", markeredgecolor=INK,
            markeredgewidth=1.0, zorder=2)  # fmt: skip
    if share >= 1:
        ax.plot([x], [y], "o", markersize=13, color=BLUE, markeredgecolor=INK, zorder=3)
    elif share > 0:
        # A marker's own box, so that the wedge is round whatever the axes' aspect. A sliver and
        # a gap stay visible.
        drawn = min(max(share, 0.04), 0.96)
        wedge = Path.wedge(90 - 360 * drawn, 90)
        # Two lone points keep the marker's box, by which it is scaled, that of the whole circle.
        vertices = np.vstack([np.asarray(wedge.vertices), [[1.0, 1.0], [-1.0, -1.0]]])
        codes = np.append(np.asarray(wedge.codes), [Path.MOVETO, Path.MOVETO])
        marker = Path(vertices, codes)
        ax.plot([x], [y], marker=marker, markersize=13, color=BLUE, markeredgewidth=0, zorder=3)


def _percent(share: float) -> str:
    if 0 < share < 0.01:
        return "<1%"
    return ">99%" if 0.99 < share < 1 else f"{share:.0%}"
