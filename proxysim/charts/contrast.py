"""The same requests with a proxy and without it, side by side."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes

from proxysim.charts.canvas import annotate_empty, axes_for, finish, party_text
from proxysim.charts.latency import latency_ccdf
from proxysim.charts.palette import BLUE, GREY, INK, VERMILLION
from proxysim.results.comparison import Difference, compare
from proxysim.results.run import Run

__all__ = ["with_without", "with_without_latency"]

#: Sections of the comparison that are drawn, with a heading for each.
_SECTIONS = {
    "latency": "latency of ok requests",
    "requests": "requests",
    "bytes carried": "bytes carried by links",
    "servers": "at the servers",
}


def with_without(
    run: Run,
    without: Run,
    ax: Axes | None = None,
    *,
    labels: tuple[str, str] = ("with", "without"),
    most: int = 26,
) -> Axes:
    """What a proxy changes: every figure of *run* beside that of *without*, as pairs of bars.

    Each pair has its own scale, on which the larger one fills the width; the figures are written
    out. ResultError where the two are not runs of the same requests.
    """
    rows = [
        row
        for row in compare(run, without)
        if row.section in _SECTIONS
        and (row.with_proxy or row.without)
        and (row.section != "requests" or row.label == "arrived" or row.difference)
    ][:most]
    sections = list(dict.fromkeys(row.section for row in rows))
    ax = axes_for(ax, 8.2, float(np.clip(1.5 + 0.42 * len(rows) + 0.3 * len(sections), 2.6, 13)))
    if rows:
        _pairs(ax, rows, sections, labels)
    else:
        annotate_empty(ax, "nothing to compare: no request arrived in either run")
    arrived = (run.summary().requests["arrived"], without.summary().requests["arrived"])
    n = f"n = {arrived[0]:,} and {arrived[1]:,}"
    finish(ax, run, "With the proxy and without it", n=n, below=5, above=16)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax


def _pairs(ax: Axes, rows: list[Difference], sections: list[str], labels: tuple[str, str]) -> None:
    y, last = 0.0, ""
    places: list[float] = []
    names: list[str] = []
    for row in rows:
        if row.section != last:
            y += 0.1 if last else 0.0
            ax.annotate(
                _SECTIONS[row.section], (0, y), xycoords=("axes fraction", "data"), xytext=(-6, 0),
                textcoords="offset points", ha="right", va="center", fontsize=8, color=GREY,
                style="italic", annotation_clip=False,
            )  # fmt: skip
            y, last = y + 0.66, row.section
        most = max(row.with_proxy or 0.0, row.without or 0.0) or 1.0
        _, mine, other, _ = row.texts()
        both = (
            (-0.2, row.with_proxy, mine, BLUE, "", labels[0]),
            (0.2, row.without, other, "#f7c9a8", "////", labels[1]),
        )
        for shift, value, told, colour, hatch, label in both:
            text = "none" if value is None else told if value else "0"
            ax.barh(
                y + shift, (value or 0.0) / most, height=0.36, color=colour, hatch=hatch,
                edgecolor=INK if not hatch else VERMILLION, linewidth=0.5, gid=label,
                label=label if not places else None,
            )  # fmt: skip
            ax.annotate(
                text, ((value or 0.0) / most, y + shift),
                xytext=(4, 0), textcoords="offset points", va="center", fontsize=7.5, color=INK,
            )  # fmt: skip
        ax.text(1.32, y, _change(row), ha="right", va="center", fontsize=8.5, color=INK)
        places.append(y)
        names.append(party_text(row.label.replace(" > ", ">"), 34))
        y += 1.0
    ax.set_xlim(0, 1.34)
    ax.set_ylim(y - 0.3, -0.5)
    ax.set_xticks([])
    ax.set_yticks(places, names)
    ax.tick_params(axis="y", length=0)
    ax.legend(
        fontsize=8, frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(-0.01, 1.0),
        borderaxespad=0.1, handlelength=1.6,
    )  # fmt: skip
    ax.annotate(
        "change", (1, 1), xycoords="axes fraction", xytext=(-2, 5), textcoords="offset points",
        ha="right", fontsize=8, color=GREY, annotation_clip=False,
    )  # fmt: skip


def with_without_latency(
    run: Run,
    without: Run,
    ax: Axes | None = None,
    *,
    labels: tuple[str, str] = ("with", "without"),
) -> Axes:
    """The tails of latency of both runs on one pair of axes."""
    ax = latency_ccdf(run, axes_for(ax), label=labels[0])
    title = "How many requests took longer, with and without"
    latency_ccdf(without, ax, label=labels[1])
    # Both wrote where they come from; one line says it for both.
    for text in [text for text in ax.texts if text.get_gid() == "provenance"]:
        text.remove()
    n = tuple(run_.summary().requests["ok"] for run_ in (run, without))
    return finish(
        ax, run, title, n=f"n = {n[0]:,} and {n[1]:,}", x="latency, from asking to the last byte",
        y="share of ok requests that took longer",
    )  # fmt: skip


def _change(row: Difference) -> str:
    mine, other = row.with_proxy, row.without
    if mine is None or other is None:
        return ""
    if mine == other:
        return "same"
    if other == 0:
        return "new"
    if mine == 0:
        return "−100%"
    ratio = mine / other
    if ratio >= 10:
        return f"×{ratio:.3g}"
    change = ratio - 1
    text = f"{abs(change):.1%}" if abs(change) < 0.0995 else f"{abs(change):.0%}"
    return f"{'+' if math.copysign(1, change) > 0 else '−'}{text}"
