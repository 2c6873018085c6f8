"""Charts of a run: ``draw(run, ax=None) -> Axes``, one family a file.

Importing this room registers them with the results, so that ``run.plot.latency_ccdf()`` works.
Charts change no global state: without *ax* they draw on a figure that pyplot does not know, and
notebooks show what they return.
"""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes

from proxysim.charts.balance import load, queue, utilisation
from proxysim.charts.caching import cache_split, hit_rate
from proxysim.charts.contrast import with_without, with_without_latency
from proxysim.charts.dialogue import ascii_sequence, mermaid, sequence
from proxysim.charts.figures import figure_set, picture, save
from proxysim.charts.journey import waterfall
from proxysim.charts.knowledge import who_sees_what
from proxysim.charts.latency import latency_ccdf, latency_over_time, latency_percentiles
from proxysim.charts.network import topology
from proxysim.charts.outcomes import outcomes
from proxysim.results import registry

__all__ = ["CHARTS", "ascii_sequence", "figure_set", "mermaid", "picture", "save"]

#: The charts by the names under which ``run.plot`` knows them.
CHARTS: dict[str, Callable[..., Axes]] = {
    "cache_split": cache_split,
    "hit_rate": hit_rate,
    "latency": latency_ccdf,
    "latency_ccdf": latency_ccdf,
    "latency_over_time": latency_over_time,
    "latency_percentiles": latency_percentiles,
    "load": load,
    "outcomes": outcomes,
    "queue": queue,
    "sequence": sequence,
    "topology": topology,
    "utilisation": utilisation,
    "waterfall": waterfall,
    "who_sees_what": who_sees_what,
    "with_without": with_without,
    "with_without_latency": with_without_latency,
}

for _name, _draw in CHARTS.items():
    registry.register(_name, _draw)
