"""The charts that make sense for a run, as figures and as files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proxysim.charts.balance import load, queue, utilisation
from proxysim.charts.caching import cache_split, hit_rate
from proxysim.charts.canvas import DPI
from proxysim.charts.contrast import with_without, with_without_latency
from proxysim.charts.dialogue import sequence
from proxysim.charts.journey import typical, waterfall
from proxysim.charts.knowledge import who_sees_what
from proxysim.charts.latency import latency_ccdf, latency_over_time, latency_percentiles
from proxysim.charts.network import topology
from proxysim.charts.outcomes import outcomes
from proxysim.charts.sample import answered
from proxysim.errors import ResultError
from proxysim.results.columns import Outcome
from proxysim.results.run import Run

__all__ = ["Named", "figure_set", "picture", "save"]

#: A chart's name for files, its title for people, and the figure.
Named = tuple[str, str, Figure]


def figure_set(run: Run, other: Run | None = None) -> list[Named]:
    """The charts that *run* has something to show in; *other* is the same without a proxy."""
    return list(_figures(run, other))


def _figures(run: Run, other: Run | None) -> Iterator[Named]:
    if run.topology or any(fact.get("kind") for fact in run.facts.values()):
        yield _named("topology", "The network", topology(run))
    if other is not None:
        yield _named("with_without", "With the proxy and without it", with_without(run, other))
        if answered(run).n and answered(other).n:
            axes = with_without_latency(run, other)
            yield _named("with_without_latency", "Latency with and without the proxy", axes)
    if len(run.table("views")):
        yield _named("who_sees_what", "Who sees what", who_sees_what(run))
    if answered(run).n:
        yield _named("latency_ccdf", "How many requests took longer", latency_ccdf(run))
        yield _named("latency_percentiles", "Latency by percentile", latency_percentiles(run))
    if _rows(run):
        yield _named("latency_over_time", "Latency over time", latency_over_time(run))
    summary = run.summary()
    if any(ratio is not None for ratio in summary.hit_ratio.values()):
        yield _named("hit_rate", "Hit ratio over time", hit_rate(run))
        yield _named("cache_split", "What the caches answered", cache_split(run))
    if sum(summary.load.values()) and len(summary.load) > 1:
        yield _named("load", "Requests per backend", load(run))
    if summary.utilisation:
        yield _named("utilisation", "Utilisation of servers and proxies", utilisation(run))
    nodes = run.table("nodes")
    if len(nodes) and np.nanmax(nodes.column("queue"), initial=0.0) > 0:
        yield _named("queue", "Queues over time", queue(run))
    if len(run.table("requests")):
        yield _named("outcomes", "What became of the requests", outcomes(run))
    found = typical(run)
    if found is not None:
        yield _named("waterfall", f"Where the time of request {found} went", waterfall(run, found))
        yield _named("sequence", f"Who talked to whom for request {found}", sequence(run, found))


def picture(figure: Figure, kind: str = "png") -> bytes:
    """*figure* as the bytes of a ``png`` (144 dots an inch) or ``svg``; the same for equal runs."""
    if kind not in ("png", "svg"):
        raise ResultError(f"a picture as {kind!r}", mend="Give png or svg.")
    with BytesIO() as buffer:
        if kind == "png":
            figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
        else:
            with matplotlib.rc_context({"svg.hashsalt": "proxysim"}):
                figure.savefig(buffer, format="svg", dpi=DPI, metadata={"Date": None})
        return buffer.getvalue()


def save(
    figures: Iterable[Named], directory: str | Path, kinds: Sequence[str] = ("png", "svg")
) -> list[Path]:
    """Write *figures* into *directory* as ``SLUG.KIND``, and give the files."""
    folder = Path(directory)
    files = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for slug, _, figure in figures:
            for kind in kinds:
                file = folder / f"{slug}.{kind}"
                file.write_bytes(picture(figure, kind))
                files.append(file)
    except OSError as error:
        raise ResultError(
            f"cannot write charts: {error.strerror}", place=str(folder), mend="Give another place."
        ) from error
    return files


def _named(slug: str, title: str, ax: Axes) -> Named:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return slug, title, figure


def _rows(run: Run) -> bool:
    return bool((run.counted & (run.column("outcome") == Outcome.OK)).any())
