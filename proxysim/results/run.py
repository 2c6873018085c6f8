"""One run of a scenario: its tables, and what can be asked of them."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from proxysim.errors import ResultError, RunError, did_you_mean
from proxysim.results.columns import Outcome
from proxysim.results.diary import Diary, Message
from proxysim.results.registry import Plots, player
from proxysim.results.summary import Summary, plain, summarise
from proxysim.results.table import Array, Table
from proxysim.results.totals import Totals

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Run"]


@dataclass(kw_only=True, eq=False, repr=False)
class Run:
    """What happened in one run, whichever world ran it.

    ``requests``, ``hops``, ``nodes`` and ``views`` are DataFrames with the columns of
    :mod:`proxysim.results.columns`, made when first asked for; ``column`` and ``names`` give the
    same values as arrays. ``sampled`` says whose rows were kept: 1 all, n those of every n-th
    request id, 0 none; the summary counts all requests in any case.

    ``facts[node]`` are plain values about a node or a link ``A>B``, as its world knows them. Read
    here, by way of :meth:`fact`: ``kind`` (clients, forward_proxy, reverse_proxy, server, router,
    link), ``group`` (the name of which it is a member), ``cache`` (true where it has one),
    ``tls_cpu`` (seconds of processor time spent on TLS in [warmup, duration)), ``handshakes`` (how
    many connections over TLS it accepted in the whole run, by kind: full, resumed, early).
    ``events`` are dicts with ``at``, ``until`` (None: a moment), ``label``, and ``node``, or
    ``link`` (its two ends). ``topology`` is for the charts; its ``zones``, names by zone, also say
    which links cross a border. ``choices``, where a run was to explain itself, says of each choice
    of a backend, in order of time, ``request``, ``at``, ``node`` (the proxy), ``backend``, and
    ``why``: plain data, whose keys are the balancer's. ``diary`` then has the heads of messages,
    the deeds of caches and the news of backends. ``arrived`` is the world's own count of requests,
    None where it has none.
    """

    tables: dict[str, Table]
    world: str
    scenario: str
    scenario_hash: str
    seed: int
    duration: float
    warmup: float = 0.0
    replication: int = 0
    arrived: int | None = None
    sampled: int = 1
    totals: Totals | None = None
    backends: tuple[str, ...] = ()
    events: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    topology: dict[str, Any] = field(default_factory=dict)
    choices: list[dict[str, Any]] = field(default_factory=list)
    diary: Diary = field(default_factory=Diary)
    extra: dict[str, Any] = field(default_factory=dict)

    # Tables.

    @cached_property
    def requests(self) -> pd.DataFrame:
        """One row a request, sorted by id."""
        return self.tables["requests"].frame()

    @cached_property
    def hops(self) -> pd.DataFrame:
        """One row a span, sorted by request, start and end."""
        return self.tables["hops"].frame()

    @cached_property
    def nodes(self) -> pd.DataFrame:
        """One row a node (or link ``A>B``) and time window."""
        return self.tables["nodes"].frame()

    @cached_property
    def views(self) -> pd.DataFrame:
        """One row for each way in which a party saw requests, with their number."""
        return self.tables["views"].frame()

    def column(self, name: str, table: str = "requests") -> Array:
        """A column as an array, read-only; codes where it is coded (see :meth:`names`)."""
        return self.table(table).column(name)

    def names(self, column: str, table: str = "requests") -> tuple[str, ...]:
        """What the codes of *column* stand for: ``names[code]``."""
        return self.table(table).names(column)

    def table(self, name: str) -> Table:
        """The table *name*: requests, hops, nodes or views."""
        try:
            return self.tables[name]
        except KeyError:
            mend = did_you_mean(name, self.tables) + "."
            raise ResultError(f"no table {name!r}", mend=mend) from None

    def fact(self, node: str) -> dict[str, Any]:
        """The facts of *node*; a member without its own, such as staff-7, has its group's."""
        own = self.facts.get(node)
        if own is not None:
            return own
        group, _, number = node.rpartition("-")
        return self.facts.get(group, {}) if number.isdecimal() else {}

    @property
    def counted(self) -> Array:
        """Which kept requests arrived in [warmup, duration): a mask, as the summary counts."""
        at = self.column("at")
        return (at >= self.warmup) & (at < self.duration)

    # Questions.

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Where the results come from; no clock time, so equal runs write equal bytes."""
        written = {
            "proxysim": _version(),
            "scenario": self.scenario,
            "scenario_hash": self.scenario_hash,
            "seed": self.seed,
            "replication": self.replication,
            "world": self.world,
            "duration": self.duration,
            "warmup": self.warmup,
            "rows": "all" if self.sampled == 1 else self.sampled or "none",
        }
        return {name: plain(value) for name, value in (written | self.extra).items()}

    def why(self, request: int) -> list[dict[str, Any]]:
        """The choices of backends that were made for *request*, in order of time; see ``choices``.

        ResultError where none were kept.
        """
        found = [choice for choice in self.choices if choice["request"] == request]
        if not found:
            raise ResultError(
                f"no choice of request {request} was kept",
                mend="Run with explain=True and hops='all'.",
            )
        return found

    def messages(self, request: int) -> list[Message]:
        """What stood in the heads of *request*'s messages, in order of time.

        ResultError where none were kept.
        """
        found = [told for told in self.diary.messages if told.request == request]
        if not found:
            raise ResultError(
                f"no message of request {request} was kept",
                mend="Run with explain=True and hops='all'.",
            )
        return sorted(found, key=lambda told: told.at)

    def summary(self) -> Summary:
        """The run in figures; counts requests that arrive in [warmup, duration)."""
        return self._summary

    @cached_property
    def _summary(self) -> Summary:
        return summarise(self)

    def count(self) -> tuple[Totals, tuple[str, ...]]:
        """Totals over [warmup, duration), and the names behind their codes of backends."""
        if self.totals is not None:
            return self.totals, self.backends
        totals = Totals(self.warmup, self.duration, sketched=False)
        table = self.tables["requests"]
        totals.take({column.name: table.column(column.name) for column in table.columns})
        return totals, table.names("backend")

    @property
    def plot(self) -> Plots:
        """The charts: ``run.plot.latency()``; ``dir(run.plot)`` lists them."""
        return Plots(self)

    def play(self, *others: Run, **options: Any) -> Any:
        """The stage: a page on which the run's requests move; see :func:`proxysim.stage.play`.

        Another run is played beside it, under the same clock. Needs the spans: ``hops="all"``.
        """
        return player()(self, *others, **options)

    def check(self) -> None:
        """Hold the run against its own laws; RunError names the one that is broken.

        Nothing is lost: arrived = ok + blocked + rejected + timed_out + failed + in_flight, one row
        each. A complete answer ends after it began, which is after it was asked for.
        """
        rows = len(self.tables["requests"])
        ids = self.column("id")
        twice = np.flatnonzero(ids[1:] == ids[:-1])
        if twice.size:
            raise RunError(f"request {ids[twice[0]]} was recorded twice", place="requests")
        recorded = rows if self.totals is None else self.totals.everything
        if self.arrived is not None and self.arrived != recorded:
            raise RunError(
                f"{self.arrived} requests arrived and {recorded} were recorded", place="requests"
            )
        ok = self.column("outcome") == Outcome.OK
        at, first, end = (self.column(name)[ok] for name in ("at", "first_byte", "end"))
        latency = self.column("latency")[ok]
        slack = 1e-9 * (1.0 + np.abs(end))
        sound = (
            (first >= at - slack) & (end >= first - slack) & (np.abs(end - at - latency) <= slack)
        )
        if not sound.all():
            wrong = int(np.flatnonzero(~sound)[0])
            raise RunError(
                f"at {at[wrong]!r}, first byte {first[wrong]!r}, end {end[wrong]!r},"
                f" latency {latency[wrong]!r}",
                place=f"request {ids[ok][wrong]}",
            )

    def unexplained(self) -> float:
        """By how much ``wait + service + network + cpu`` miss an ok answer's latency at most; s."""
        ok = self.column("outcome") == Outcome.OK
        parts = sum(self.column(name)[ok] for name in ("wait", "service", "network", "cpu"))
        gaps = np.abs(self.column("latency")[ok] - parts)
        return float(gaps.max()) if gaps.size else 0.0

    def littles_law(self, node: str | None = None) -> tuple[float, float]:
        """The two sides of Little's law L = lambda W over [warmup, duration).

        For a server, *node*: L is the mean of its ``in_flight``, lambda of its ``rate``, W the mean
        time between a request's first and last span there, so hops must have been kept. (A proxy's
        spans are of what it does itself, not of all the time that a request is there.) Without
        *node*: of all requests under way, from the requests table. The sides differ by what was
        under way at the edges, and by sampling.

        Source: Little, "A proof for the queuing formula L = lambda W", Op. Res. 9(3), 1961.
        """
        span = self.duration - self.warmup
        if node is None:
            if self.sampled != 1:
                raise ResultError("not all requests were kept", mend="Run with keep='all'.")
            at = self.column("at")
            end = np.where(np.isnan(self.column("end")), math.inf, self.column("end"))
            overlap = np.minimum(end, self.duration) - np.maximum(at, self.warmup)
            mine = self.counted & np.isfinite(end)
            return (
                float(np.maximum(overlap, 0.0).sum()) / span,
                float((end - at)[mine].sum()) / span,
            )
        windows = self.tables["nodes"]
        share = self.window_shares(node)
        if not share.any():
            raise ResultError(
                f"no time windows of {node!r}", mend=did_you_mean(node, windows.names("node")) + "."
            )
        if str(self.fact(node).get("kind", "")).endswith("proxy"):
            raise ResultError(
                f"{node} is a proxy, whose spans do not cover a request's stay",
                mend="Name a server, or none: then it is checked for all requests under way.",
            )
        width = (windows.column("end") - windows.column("start")) * share
        inside = float((width * windows.column("in_flight"))[share > 0].sum() / width.sum())
        rate = float((width * windows.column("rate"))[share > 0].sum() / width.sum())
        return inside, rate * self._mean_stay(node)

    def _mean_stay(self, node: str) -> float:
        hops = self.tables["hops"]
        here = hops.column("node") == hops.code("node", node)
        if self.fact(node).get("kind") != "server":  # to which alone a probe is a request
            here &= hops.column("request") >= 0
        if not here.any():
            raise ResultError(f"no spans of {node!r} were kept", mend="Run with hops='all'.")
        # Sorted by request, so that a request's spans stand together.
        request, start, end = (hops.column(name)[here] for name in ("request", "start", "end"))
        first = np.flatnonzero(np.r_[True, request[1:] != request[:-1]])
        begins = np.minimum.reduceat(start, first)
        stays = np.maximum.reduceat(end, first) - begins
        mine = (begins >= self.warmup) & (begins < self.duration)
        return float(stays[mine].mean()) if mine.any() else math.nan

    def window_shares(self, node: str | None = None) -> Array:
        """Of each row of ``nodes``, the share of its window inside [warmup, duration), 0 to 1.

        Worlds put window bounds on both, so that shares are 0 or 1; else a window's counts are
        taken to be spread evenly over it. With *node*, rows of others get 0.
        """
        windows = self.tables["nodes"]
        start, end = windows.column("start"), windows.column("end")
        inside = np.minimum(end, self.duration) - np.maximum(start, self.warmup)
        width = end - start
        share: Array = np.divide(
            np.maximum(inside, 0.0), width, out=np.zeros_like(width), where=width > 0
        )
        if node is not None:
            share = np.where(windows.column("node") == windows.code("node", node), share, 0.0)
        return share

    def digest(self) -> str:
        """SHA-256 over the requests table, in hexadecimal: equal for equal rows."""
        return self.tables["requests"].digest()

    def digests(self) -> str:
        """SHA-256 over all four tables."""
        parts = [self.tables[name].digest() for name in sorted(self.tables)]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    # Export.

    def to_csv(self, path: str | Path) -> list[Path]:
        """Write CSV; see :func:`proxysim.results.export.to_csv`."""
        from proxysim.results import export

        return export.to_csv(self, path)

    def to_parquet(self, path: str | Path) -> list[Path]:
        """Write Parquet; see :func:`proxysim.results.export.to_parquet`."""
        from proxysim.results import export

        return export.to_parquet(self, path)

    def to_trace(self, path: str | Path) -> Path:
        """Write a Chrome trace; see :func:`proxysim.results.export.to_trace`."""
        from proxysim.results import export

        return export.to_trace(self, path)

    def _repr_html_(self) -> str:
        from proxysim.results import html

        return html.summary_html(self.summary())

    def __repr__(self) -> str:
        recorded = len(self.tables["requests"])
        whence = f"world {self.world}, seed {self.seed}"
        return f"<Run of {self.scenario}: {whence}, {recorded} requests kept>"

    def __getstate__(self) -> dict[str, Any]:
        made = ("requests", "hops", "nodes", "views", "_summary")  # made again when asked for
        return {name: value for name, value in self.__dict__.items() if name not in made}


def _version() -> str:
    try:
        return metadata.version("proxysim")
    except metadata.PackageNotFoundError:
        return "unknown"
