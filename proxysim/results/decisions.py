"""What policies decided in a run, and whether another run decided the same."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from proxysim.errors import ResultError
from proxysim.results.run import Run

__all__ = ["DECIDED", "Disagreement", "disagreements"]

#: Columns of the requests table that say what was decided, and not how long it took.
DECIDED = ("outcome", "status", "served_by", "backend", "cache", "attempts", "coding")


class Disagreement(NamedTuple):
    """Two runs of the same *request* tell different things in a *column*."""

    request: int
    column: str
    one: str
    other: str


def disagreements(one: Run, other: Run) -> list[Disagreement]:
    """Where two runs of the same requests decided differently, by request and column.

    Empty where all decisions are equal; then so is what :data:`DECIDED` lists of every request.
    ResultError where the runs are not of the same requests, or have not kept them all.
    """
    if one.sampled != 1 or other.sampled != 1:
        raise ResultError("not all requests were kept", mend="Run both with keep='all'.")
    ids = one.column("id")
    if not np.array_equal(ids, other.column("id")):
        raise ResultError(
            f"runs of different requests: {len(ids)} and {len(other.column('id'))} of them",
            mend="Compare runs of one scenario, seed and length.",
        )
    found = []
    for name in DECIDED:
        mine, theirs = (_told(run, name) for run in (one, other))
        for row in np.flatnonzero(mine != theirs).tolist():
            found.append(Disagreement(int(ids[row]), name, str(mine[row]), str(theirs[row])))
    return sorted(found)


def _told(run: Run, name: str) -> np.ndarray:
    """The column *name* in words, so that codes need not be the same."""
    column = run.column(name)
    kind = next(found for found in run.table("requests").columns if found.name == name)
    if kind.names is None:
        return column
    return np.array(run.names(name), dtype=object)[column]
