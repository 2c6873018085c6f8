"""A plan in pictures: what was tried, what it costs, where latency bends, how long it lasts.

All draw what ``Plan.to_dict()`` says, so that what was written to a file can be drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import NDArray

from proxysim import units
from proxysim.charts.canvas import (
    annotate_empty,
    axes_for,
    brief_duration,
    duration_text,
    finish,
    light_grid,
    shortened,
)
from proxysim.charts.palette import BLUE, GREY, INK, LINES, VERMILLION

__all__ = ["CHARTS", "cost", "evidence", "latency_throughput", "outlook", "plan_charts"]

Said = Mapping[str, Any]
Floats = NDArray[np.float64]

#: Colour, mark and whether it is filled, by verdict; the marks tell them apart in grey.
_VERDICTS = {
    "meets": (BLUE, "o", True, "meets all objectives"),
    "misses": (VERMILLION, "X", True, "misses"),
    "unsure": (GREY, "D", False, "cannot be told"),
}
_UNITS = {
    "s": duration_text,
    "share": lambda share: f"{100 * share:.4g} %",
    "B": units.format_bytes,
}
#: Beyond such a ratio of values an axis is logarithmic.
_WIDE = 12.0


def evidence(said: Said, ax: Axes | None = None, *, objective: int = 0) -> Axes:
    """The metric of an objective at each value that was tried, with intervals and its bound."""
    ax = axes_for(ax)
    rows = [row for row in said["evidence"] if row["objectives"][objective]["found"] is not None]
    asked = said["evidence"][0]["objectives"][objective]
    if not rows:
        annotate_empty(ax, "no value that was tried answered a request")
    else:
        values = _column(rows, "value")
        _verdicts(ax, values, rows, objective)
        _bound(ax, asked)
        _value_axis(ax, "x", values, {row["value"]: row["text"] for row in rows})
        _metric_axis(ax, asked, [row["objectives"][objective] for row in rows])
        if said["met"]:
            ax.axvline(said["answer"], color=BLUE, alpha=0.25, linewidth=6, zorder=0)
        light_grid(ax, "y")
        ax.legend(fontsize=8, frameon=False, loc="best")
    return finish(
        ax, _source(said), _what_it_takes(said), n=None, x=_vary(said), y=_metric_name(asked)
    )


def cost(said: Said, ax: Axes | None = None) -> Axes:
    """What each value that was tried costs a month, and whether it meets the objectives."""
    ax = axes_for(ax)
    rows = [row for row in said["evidence"] if row.get("cost_a_month") is not None]
    currency = (said.get("cost") or {}).get("currency") or ""
    if not rows:
        annotate_empty(ax, "nothing has a price: give price or price_out")
    else:
        values, months = _column(rows, "value"), _column(rows, "cost_a_month")
        ax.plot(values, months, color=GREY, linewidth=1.2, zorder=2)
        for verdict, mine in _by_verdict(rows):
            colour, mark, filled, label = _VERDICTS[verdict]
            ax.plot(
                values[mine], months[mine], mark, color=colour, markersize=8, label=label,
                markerfacecolor=colour if filled else "white", zorder=3,
            )  # fmt: skip
        _value_axis(ax, "x", values, {row["value"]: row["text"] for row in rows})
        ax.set_ylim(0, 1.15 * float(months.max()) or 1.0)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda amount, _: f"{amount:,.4g}"))
        best = next((row for row in rows if row["value"] == said["answer"]), None)
        if best is not None:
            ax.annotate(
                _money(best["cost_a_month"], currency),
                (best["value"], best["cost_a_month"]), xytext=(0, 10), ha="center",
                textcoords="offset points", fontsize=8.5, color=INK, fontweight="bold",
            )  # fmt: skip
        light_grid(ax, "y")
        ax.legend(fontsize=8, frameon=False, loc="best")
    y = f"cost, {currency} a month".replace(",  ", ", ")
    return finish(ax, _source(said), "What it costs", n=None, x=_vary(said), y=y)


def latency_throughput(said: Said, ax: Axes | None = None) -> Axes:
    """Latency against throughput as load grows: interval band, objective, knee, and theory."""
    ax = axes_for(ax)
    curve = said.get("curve") or {"points": [], "knee": None, "metric": "mean"}
    name = curve["metric"]
    points = sorted(
        (point for point in curve["points"] if _figure(point, name) is not None),
        key=lambda point: float(point["throughput"] or 0.0),
    )
    asked = next(
        (one for row in said["evidence"][:1] for one in row["objectives"] if one["metric"] == name),
        None,
    )
    if not points:
        annotate_empty(ax, "no curve was measured: give curve=True, or --curve")
    else:
        x = _column(points, "throughput")
        figures = [_figure(point, name) or (0.0, 0.0, 0.0) for point in points]
        low, found, high = (np.array(part, dtype=np.float64) for part in zip(*figures, strict=True))
        ax.fill_between(x, low, high, color=BLUE, alpha=0.18, linewidth=0, label="interval")
        ax.plot(x, found, "o-", color=BLUE, markersize=5, linewidth=1.6, label="simulated")
        _theory(ax, points)
        if curve["knee"] is not None:
            at = float(curve["knee"])
            ax.axvline(at, color=INK, linestyle=(0, (1, 1.5)), linewidth=1.2)
            ax.annotate(
                f"knee {at:.3g}/s", (at, 1), xycoords=("data", "axes fraction"), xytext=(4, -10),
                textcoords="offset points", fontsize=8.5, color=INK,
            )  # fmt: skip
        if asked is not None:
            _bound(ax, asked)
        ax.set_xlim(0, 1.04 * float(x.max()))
        ax.set_yscale("log")
        bounds = [] if asked is None else [asked["bound"]]
        ax.set_ylim(0.8 * min([*low[low > 0], *bounds]), 1.3 * max([*high, *bounds]))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: duration_text(value)))
        ax.yaxis.set_minor_formatter(FuncFormatter(_between_decades))
        ax.tick_params(axis="y", which="minor", labelsize=7.5, labelcolor=INK)
        light_grid(ax)
        ax.legend(fontsize=8, frameon=False, loc="best")
    return finish(
        ax, _source(said, points), "Latency against throughput", n=None,
        x="throughput, good answers a second", y=f"{name} latency",
    )  # fmt: skip


def outlook(said: Said, ax: Axes | None = None) -> Axes:
    """The metric of the first objective month by month, as load grows."""
    ax = axes_for(ax)
    growth = said.get("growth")
    rows = [
        row for row in (growth or {}).get("evidence", ())
        if row["objectives"][0]["found"] is not None
    ]  # fmt: skip
    if growth is None or not rows:
        annotate_empty(ax, "no growth was asked about: give growth='8%/month'")
        return finish(ax, _source(said), "How long it lasts", n=None)
    asked = rows[0]["objectives"][0]
    months = _column(rows, "value")
    _verdicts(ax, months, rows, 0)
    _bound(ax, asked)
    _metric_axis(ax, asked, [row["objectives"][0] for row in rows])
    ax.set_xticks(months, [f"{row['value']:g}\n× {row['load']:.3g}" for row in rows])
    light_grid(ax, "y")
    ax.legend(fontsize=8, frameon=False, loc="best")
    return finish(
        ax, _source(said, rows), f"How long it lasts, growing by {growth['said']}", n=None,
        below=44,
        x="months from now, and load in multiples of today's", y=_metric_name(asked),
    )  # fmt: skip


#: The charts by the names under which ``plan.plot`` knows them.
CHARTS: dict[str, Callable[..., Axes]] = {
    "evidence": evidence,
    "cost": cost,
    "latency_throughput": latency_throughput,
    "outlook": outlook,
}


def plan_charts(said: Said) -> Iterator[tuple[str, str, Figure]]:
    """The charts that a plan has something to show in: a name for files, a title, the figure."""
    shown = {
        "evidence": True,
        "cost": "cost" in said,
        "latency_throughput": "curve" in said,
        "outlook": "growth" in said,
    }
    for name, draw in CHARTS.items():
        if shown[name]:
            ax = draw(said)
            figure = ax.get_figure(root=True)
            assert figure is not None
            yield name, ax.get_title(loc="left"), figure


def _column(rows: Sequence[Said], name: str) -> Floats:
    return np.array([row[name] for row in rows], dtype=np.float64)


def _by_verdict(rows: Sequence[Said]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    for verdict in _VERDICTS:
        mine = np.array([row["verdict"] == verdict for row in rows], dtype=np.bool_)
        if mine.any():
            yield verdict, mine


def _verdicts(ax: Axes, x: Floats, rows: Sequence[Said], objective: int) -> None:
    """A mark with its interval for each row."""
    measured = [row["objectives"][objective] for row in rows]
    found, low, high = (_column(measured, name) for name in ("found", "low", "high"))
    ax.plot(x, found, color=GREY, linewidth=1.0, zorder=2)
    for verdict, mine in _by_verdict(rows):
        colour, mark, filled, label = _VERDICTS[verdict]
        ax.errorbar(
            x[mine], found[mine], yerr=(found[mine] - low[mine], high[mine] - found[mine]),
            fmt=mark, color=colour, markersize=7, capsize=3, linewidth=1.2, label=label,
            markerfacecolor=colour if filled else "white", zorder=3,
        )  # fmt: skip


def _bound(ax: Axes, asked: Said) -> None:
    _, dashes, _ = LINES[1]
    ax.axhline(
        asked["bound"], color=INK, linestyle=dashes, linewidth=1.2, zorder=1,
        label=shortened(asked["objective"], 40),
    )  # fmt: skip


def _value_axis(ax: Axes, which: str, values: Floats, texts: Mapping[float, str]) -> None:
    """The values that were tried, written as they are, where they do not crowd."""
    wide = float(values.min()) > 0 and float(values.max() / values.min()) > _WIDE
    if wide:
        ax.set_xscale("log")
    scaled = np.log(values) if wide else values
    room = 0.055 * (float(scaled.max() - scaled.min()) or 1.0)
    kept: list[int] = []
    for place in range(len(values)):
        if not kept or scaled[place] - scaled[kept[-1]] >= room:
            kept.append(place)
    ax.set_xticks(values[kept], [texts[float(values[place])] for place in kept])
    ax.xaxis.set_minor_formatter(NullFormatter())
    long = max(len(texts[float(values[place])]) for place in kept) > 5
    if long:
        ax.tick_params(axis=which, rotation=30)  # type: ignore[arg-type]


def _metric_axis(ax: Axes, asked: Said, measured: Sequence[Said]) -> None:
    """Logarithmic where it has to be; written in the metric's unit."""
    found = np.array([one[name] for one in measured for name in ("found", "low", "high")])
    positive = np.append(found[found > 0], asked["bound"] or 1.0)
    write = _UNITS.get(asked["unit"], lambda value: f"{value:.4g}")
    if float(positive.max() / positive.min()) > _WIDE and (found > 0).all():
        ax.set_yscale("log")
        ax.yaxis.set_minor_formatter(
            FuncFormatter(_between_decades if asked["unit"] == "s" else NullFormatter())
        )
        ax.tick_params(axis="y", which="minor", labelsize=7.5, labelcolor=INK)
    else:
        ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))


def _between_decades(value: float, _: Any) -> str:
    digit = round(value / 10 ** np.floor(np.log10(value) + 1e-9))
    return brief_duration(value) if digit in (2, 5) else ""


def _figure(point: Said, name: str) -> tuple[float, float, float] | None:
    """Low, middle and high of the metric *name* at a point of a curve."""
    for one in point["objectives"]:
        if one["metric"] == name and one["found"] is not None:
            return one["low"], one["found"], one["high"]
    value = point.get(name)
    return None if value is None else (value, value, value)


def _theory(ax: Axes, points: Sequence[Said]) -> None:
    told = [(point["offered"], point["theory"]) for point in points if point["theory"] is not None]
    if told:
        _, dashes, _ = LINES[2]
        x, y = zip(*told, strict=True)
        ax.plot(x, y, color=VERMILLION, linestyle=dashes, linewidth=1.8, label="theory", zorder=4)


def _what_it_takes(said: Said) -> str:
    if not said["met"]:
        return "Nothing that was tried is sure to do"
    return f"{shortened(said['answer_text'], 40)}: the {said['sense']} that is sure to do"


def _vary(said: Said) -> str:
    return "load, in multiples of today's" if said["vary"] == "load" else str(said["vary"])


def _metric_name(asked: Said) -> str:
    name = str(asked["metric"]).replace("_", " ")
    return f"{name} latency" if asked["unit"] == "s" and " " not in name else name


def _money(amount: float, currency: str) -> str:
    digits = f"{amount:,.0f}" if amount >= 100 else f"{amount:,.2f}"
    return f"{digits} {currency}" if len(currency) > 1 else f"{currency}{digits}"


def _source(said: Said, rows: Sequence[Said] = ()) -> str:
    """Scenario, seed, and how many replications the *rows* that are shown took."""
    counts = [row["replications"] for row in rows or said["evidence"]]
    low, high = min(counts), max(counts)
    many = f"{low}" if low == high else f"{low} to {high}"
    parts = [shortened(said["scenario"], 48), "sim", f"seed {said['seed']}"]
    parts.append(f"{many} replications a value, {100 * said['confidence']:g} % intervals")
    if said["survive"] and not any("theory" in row for row in rows):
        parts.append(f"worst {said['survive']} down")
    return " · ".join(parts)
