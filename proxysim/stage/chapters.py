"""Which requests of a run are shown: all, or whole stretches of it, so many in all."""

from __future__ import annotations

import numpy as np

from proxysim.results.run import Run
from proxysim.results.table import Array

__all__ = ["MOST", "chosen_rows", "stretches_of"]

#: Requests that one page shows: some 600 kB.
MOST = 2000
#: Events that get a stretch of their own beside the run's start.
_EVENTS = 3
#: The share of an event's stretch that lies before it.
_BEFORE = 0.25


def chosen_rows(
    run: Run, most: int = MOST, since: float | None = None, until: float | None = None
) -> tuple[Array, int]:
    """Rows of the requests table that are shown, by time of arrival, and how many had spans.

    Of requests whose spans were kept those in [*since*, *until*), at most *most*. Where there are
    more: unbroken stretches, since a queue with gaps would be none; from the start (cold caches
    fill before one's eyes), and around the first events.
    """
    kept = np.unique(run.column("request", "hops"))
    rows = np.flatnonzero(np.isin(run.column("id"), kept[kept >= 0]))
    at = run.column("at")[rows]
    order = np.argsort(at, kind="stable")
    rows, at = rows[order], at[order]
    found = len(rows)
    inside = (at >= (0.0 if since is None else since)) & (at < (np.inf if until is None else until))
    rows, at = rows[inside], at[inside]
    if len(rows) <= most:
        return rows, found
    events = sorted({float(event["at"]) for event in run.events if event["at"] < run.duration})
    begins = [0]
    if since is None and until is None:
        share = most // (min(_EVENTS, len(events)) + 1)
        for moment in events[:_EVENTS]:
            place = int(np.searchsorted(at, moment)) - int(_BEFORE * share)
            if place < len(rows):
                begins.append(max(0, place))
    share = most // len(begins)
    shown = np.zeros(len(rows), dtype=bool)
    for begin in begins:
        shown[begin : begin + share] = True
    return rows[shown], found


def stretches_of(run: Run, rows: Array) -> list[tuple[float, float]]:
    """The unbroken stretches of time that *rows* make, each up to the end of its last request."""
    if run.sampled != 1:
        return [(0.0, np.inf)]
    at, end = run.column("at"), run.column("end")
    order = np.argsort(at, kind="stable")
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    breaks = np.flatnonzero(np.diff(rank[rows]) > 1) + 1
    if len(breaks) >= len(rows) // 2:  # every n-th request: one stretch with gaps
        breaks = breaks[:0]
    return [
        (float(at[part].min()), float(np.nanmax(np.append(end[part], at[part]))))
        for part in np.split(rows, breaks)
    ]
