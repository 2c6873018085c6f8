"""One request from its hops: the waterfall, and the choice of a request worth looking at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from proxysim.charts.canvas import (
    annotate_empty,
    axes_for,
    brief_duration,
    duration_text,
    finish,
    light_grid,
    party_text,
    shortened,
)
from proxysim.charts.network import layers_of
from proxysim.charts.palette import GREY, INK, STEPS
from proxysim.errors import ResultError
from proxysim.results.columns import CACHE_STATES, METHODS, OUTCOMES
from proxysim.results.run import Run

__all__ = ["Span", "family", "headline", "in_order", "spans_of", "typical", "waterfall"]


@dataclass(frozen=True, slots=True)
class Span:
    """What a node or link did for a request, in seconds since the client asked."""

    node: str
    step: str
    start: float
    end: float

    @property
    def ends(self) -> tuple[str, str] | None:
        """Both ends of a link, in the direction of travel; None for a node."""
        left, arrow, right = self.node.partition(">")
        return (left, right) if arrow else None


def typical(run: Run) -> int | None:
    """The id of a request to show: ok, seen by the most nodes, of median latency among those.

    None where no request has hops.
    """
    hops = run.table("hops")
    request = hops.column("request")
    kept = request[request >= 0]
    if not kept.size:
        return None
    ids = run.column("id")
    own = np.unique(kept)
    places = np.flatnonzero(np.isin(ids, own) & (run.column("outcome") == 0))
    counted = places[run.counted[places]]
    places = counted if counted.size else places
    if not places.size:
        return int(own[0])
    many = len(hops.names("node"))
    pairs = np.unique(request * many + hops.column("node"))
    which, nodes = np.unique(pairs // many, return_counts=True)
    reach = nodes[np.searchsorted(which, ids[places])]
    places = places[reach == reach.max()]
    latency = run.column("latency")[places]
    return int(ids[places[np.argsort(latency, kind="stable")[(len(places) - 1) // 2]]])


def spans_of(run: Run, request: int | None) -> tuple[int | None, list[Span]]:
    """The id (of a typical request where None is given) and its spans in order of time.

    ResultError where the id is unknown, or its spans were not kept.
    """
    if request is None:
        request = typical(run)
        if request is None:
            return None, []
    hops = run.table("hops")
    low, high = np.searchsorted(hops.column("request"), [request, request + 1])
    if low == high:
        known = int(np.isin(request, run.column("id")))
        raise ResultError(
            f"no spans of request {request} were kept" if known else f"no request {request}",
            mend="Run with hops='all'." if known else "Look at run.requests for the ids there are.",
        )
    names, steps = hops.names("node"), hops.names("step")
    node, step, start, end = (hops.column(n)[low:high] for n in ("node", "step", "start", "end"))
    row = _row(run, request)
    begin = float(run.column("at")[row]) if row is not None else float(start.min())
    rows = zip(node.tolist(), step.tolist(), start.tolist(), end.tolist(), strict=True)
    return request, [Span(names[a], steps[b], c - begin, d - begin) for a, b, c, d in rows]


def in_order(run: Run, spans: list[Span]) -> list[Span]:
    """*spans* by time; those that took none at one instant as a request goes there and back."""
    layers = layers_of(run)

    def key(span: Span) -> tuple[float, float, bool, float]:
        if span.ends is None:
            before = 0.7 if family(span.step) == "setting up" else 0.0
            return span.start, span.end, False, layers.get(span.node, 0) - before
        start, end = (layers.get(party, 0) for party in span.ends)
        back = end < start
        later = 0.1 if span.step in ("body", "transfer") else 0.0
        return span.start, span.end, back, (-start if back else start + 0.2) + later

    return sorted(spans, key=key)


def headline(run: Run, request: int) -> str:
    """The request in one line: method, site and path, status, what the cache did, latency."""
    row = _row(run, request)
    if row is None:
        return f"request {request}"

    def name(column: str) -> str:
        return run.names(column)[int(run.column(column)[row])]

    status, latency = int(run.column("status")[row]), float(run.column("latency")[row])
    cache = CACHE_STATES[int(run.column("cache")[row])]
    parts = [
        f"{METHODS[int(run.column('method')[row])]} {shortened(name('site') + name('path'), 44)}",
        str(status) if status else "no answer",
        OUTCOMES[int(run.column("outcome")[row])].replace("_", " "),
        *([cache] if cache != "none" else []),
        *([brief_duration(latency)] if np.isfinite(latency) else []),
    ]
    return " · ".join(parts)


def family(step: str) -> str:
    """Which family of steps *step* is of."""
    return next(name for name, (_, words) in STEPS.items() if step.lower().startswith(words))


def waterfall(
    run: Run, request_id: int | None = None, ax: Axes | None = None, *, most: int = 40
) -> Axes:
    """Where the time of one request went: its spans, one below the other, on a common time axis.

    Without *request_id*, a typical request that went furthest. Of more than *most* spans, the
    longest are shown.
    """
    found, spans = spans_of(run, request_id)
    left_out = max(0, len(spans) - most)
    if left_out:
        longest = sorted(spans, key=lambda span: span.start - span.end)[:most]
        spans = longest
    spans = in_order(run, spans)
    ax = axes_for(ax, 8.2, float(np.clip(1.7 + 0.26 * len(spans), 2.6, 11.0)))
    if not spans or found is None:
        annotate_empty(ax, "no spans were kept: run with hops")
        return finish(ax, run, "One request", n=None)
    until = max(span.end for span in spans)
    since = min(0.0, *(span.start for span in spans))
    width = (until - since) or 1e-3
    used = []
    for place, span in enumerate(spans):
        kind = family(span.step)
        used.append(kind)
        fill = STEPS[kind][0]
        ax.barh(
            place, max(span.end - span.start, width / 500), left=span.start, height=0.68,
            color=fill.colour, hatch=fill.hatch, edgecolor="#333333", linewidth=0.6, gid="span",
        )  # fmt: skip
        took = brief_duration(span.end - span.start)
        late = span.end > since + 0.86 * width
        inside = late and span.end - span.start > 0.2 * width
        ax.annotate(
            took, (span.start if late and not inside else span.end, place),
            xytext=(-4 if late else 4, 0), textcoords="offset points", va="center",
            ha="right" if late else "left", fontsize=7.5,
            color=fill.ink if inside and not fill.hatch else INK,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
            if inside and fill.hatch else None,
        )  # fmt: skip
    ax.set_xlim(since - 0.005 * width, until + 0.02 * width)
    ax.set_ylim(len(spans) - 0.4, -0.6)
    ax.set_yticks(
        range(len(spans)),
        [f"{party_text(span.node, 30)}  {shortened(span.step, 14)}" for span in spans],
    )
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_locator(MaxNLocator(7))
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: duration_text(float(f"{value:.6g}")))
    )
    light_grid(ax, "x")
    named = [kind for kind in STEPS if kind in used]
    ax.legend(
        handles=[
            Patch(facecolor=STEPS[kind][0].colour, hatch=STEPS[kind][0].hatch, edgecolor=GREY,
                  linewidth=0.4, label=kind)
            for kind in named
        ],
        fontsize=8, frameon=False, ncols=len(named), loc="lower right",
        bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1, handlelength=1.6, columnspacing=1.2,
    )  # fmt: skip
    ax.annotate(
        headline(run, found), xy=(0, 1), xycoords="axes fraction", xytext=(0, 19),
        textcoords="offset points", fontsize=8.5, color=INK, annotation_clip=False,
    )  # fmt: skip
    note = f"{left_out} shorter spans left out" if left_out else "1 request"
    return finish(
        ax, run, f"Where the time of request {found} went", n=note,
        x="time since the client asked", above=28,
    )  # fmt: skip


def _row(run: Run, request: int) -> int | None:
    ids = run.column("id")
    row = int(np.searchsorted(ids, request))
    return row if row < len(ids) and ids[row] == request else None
