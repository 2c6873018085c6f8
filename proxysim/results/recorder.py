"""What a world writes into while it runs; at the end it hands over a Run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from proxysim.errors import ResultError
from proxysim.results.columns import HOPS, NODES, REQUESTS, VIEWS, Column
from proxysim.results.diary import Diary
from proxysim.results.run import Run
from proxysim.results.table import Array, Names, Packer, Table
from proxysim.results.totals import Totals

__all__ = ["Keep", "Recorder"]

#: All rows, none, or the rows of every n-th request id.
Keep = Literal["all", "none"] | int

_BLOCK = 8192
_TOGETHER = 16


class Recorder:
    """Takes one row a request, spans, time windows and views, and keeps them small.

    *duration* and *warmup* are the run's, in seconds: the summary counts requests that arrive in
    [warmup, duration). *keep* and *hops* say whose rows and spans are kept: ``all``, ``none`` or,
    as a number n, those of requests whose id divides by n; spans of requests below 0 are kept
    unless ``none``. Rows that are not kept still count in the summary, their latencies in a
    sketch, so memory does not grow with them.

    ``texts[column]`` is the vocabulary of a text column: ``recorder.texts["client"]["staff-7"]``
    is the code to write. Columns that hold the same kind of name share one vocabulary (all that
    hold parties do), so a code found once serves them all. The code of the empty name is 0.

    ``add(row)`` takes one tuple in the order of ``columns.REQUESTS``; ``hop(request, node, step,
    start, end)`` and ``node_window(row)`` take codes likewise; ``view(key)`` counts one sight, the
    key being a tuple in the order of ``columns.VIEWS`` less its last. Times that never came (no
    first byte, no end) are nan.
    """

    def __init__(
        self,
        duration: float,
        warmup: float = 0.0,
        *,
        keep: Keep = "all",
        hops: Keep = "none",
        views: bool = True,
    ) -> None:
        self.duration = duration
        self.warmup = warmup
        self.keep_every = _every(keep, "keep")
        self.hops_every = _every(hops, "hops")
        self.wants_views = views
        self.diary = Diary(self.hops_every)
        parties, chains, sites, paths, steps = Names(), Names(), Names(), Names(), Names()
        self.texts: dict[str, Names] = {
            **dict.fromkeys(
                ("client", "served_by", "backend", "node", "observer", "peer"), parties
            ),
            "forwarded_for": chains,
            "site": sites,
            "path": paths,
            "step": steps,
        }
        self._views = Packer(VIEWS).dtype
        self._view_blocks: list[Array] = []
        self._totals = None if self.keep_every == 1 else Totals(warmup, duration, sketched=True)
        self._requests = Packer(REQUESTS)
        self._pieces: dict[str, list[Array]] = {column.name: [] for column in REQUESTS}
        self._loose = 0  # blocks whose pieces are not together yet
        self._rows: list[tuple[Any, ...]] = []
        self._hops = Packer(HOPS)
        self._hop_blocks: list[Array] = []
        self._spans: list[tuple[Any, ...]] = []
        self._windows: list[Sequence[Any]] = []
        self._choices: list[dict[str, Any]] = []
        self.add: Callable[[tuple[Any, ...]], None] = _appender(self._rows, self._flush)
        self.hop: Callable[[int, int, int, float, float], None] = _spanner(
            self._spans, self._flush_hops, self.hops_every
        )

    def wants_hops(self, request: int) -> bool:
        """Whether spans of *request* are kept."""
        every = self.hops_every
        return every > 0 and (request < 0 or request % every == 0)

    def choice(self, request: int, at: float, node: str, backend: str, why: dict[str, Any]) -> None:
        """Note which *backend* the proxy *node* chose for *request*, and why, as plain values.

        It is kept where the request's spans are.
        """
        if self.wants_hops(request):
            chosen = {"request": request, "at": at, "node": node, "backend": backend, "why": why}
            self._choices.append(chosen)

    def node_window(self, row: Sequence[Any]) -> None:
        """Take what a node did in one time window: a row in the order of ``columns.NODES``."""
        self._windows.append(row)

    def view(self, key: tuple[Any, ...], times: int | Array = 1) -> None:
        """Count that a party saw something *times* times.

        Arrays of one length, in *times* and in places of *key*, count as many sights at once.
        """
        if self.wants_views:
            block = np.empty(np.size(times), dtype=self._views)
            for column, found in zip(VIEWS, (*key, times), strict=True):
                block[column.name] = found
            self._view_blocks.append(block)

    def finish(
        self,
        *,
        world: str,
        scenario: str,
        scenario_hash: str,
        seed: int,
        replication: int = 0,
        arrived: int | None = None,
        events: Iterable[Mapping[str, Any]] = (),
        facts: Mapping[str, Mapping[str, Any]] | None = None,
        topology: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Run:
        """The run, checked against its own laws (RunError where it breaks one).

        *arrived* is the world's own count of the requests that clients made, against which the
        rows are held. *events*, *facts* (by node) and *topology* are plain values, handed on as
        they are; :class:`~proxysim.results.run.Run` says what is read from them. *extra* goes
        into the manifest.
        """
        self._flush()
        self._flush_hops()
        tables = {
            "requests": Table.of_pieces(REQUESTS, self._pieces, self.texts, by=("id",)),
            "hops": Table.of(
                HOPS, self._hop_blocks, self.texts, by=("request", "start", "end", "node", "step")
            ),
            "nodes": self._table(NODES, self._windows, by=("node", "start")),
            "views": Table.of(
                VIEWS, self._view_blocks, self.texts, by=[column.name for column in VIEWS[:-1]]
            ).added_up("requests"),
        }
        run = Run(
            tables=tables,
            totals=self._totals,
            sampled=self.keep_every,
            arrived=arrived,
            world=world,
            scenario=scenario,
            scenario_hash=scenario_hash,
            seed=seed,
            replication=replication,
            duration=self.duration,
            warmup=self.warmup,
            backends=tuple(self.texts["backend"]),
            events=[dict(event) for event in events],
            facts={node: dict(fact) for node, fact in (facts or {}).items()},
            topology=dict(topology or {}),
            choices=self._choices,
            diary=self.diary,
            extra=dict(extra or {}),
        )
        run.check()
        return run

    def _table(
        self, columns: Sequence[Column], rows: list[Sequence[Any]], by: Sequence[str]
    ) -> Table:
        return Table.of(columns, [Packer(columns).pack(rows)], self.texts, by)

    def _flush(self) -> None:
        if not self._rows:
            return
        block = self._requests.pack(self._rows)
        self._rows.clear()  # the same list: `add` is bound to it
        if self._totals is not None:
            self._totals.take(block)
            if not self.keep_every:
                return
            block = block[block["id"] % self.keep_every == 0]
        self._loose += 1
        for name, pieces in self._pieces.items():
            pieces.append(np.ascontiguousarray(block[name]))
            if self._loose == _TOGETHER:
                # Large pieces go back to the system, small ones leave holes in the heap.
                pieces[-_TOGETHER:] = [np.concatenate(pieces[-_TOGETHER:])]
        self._loose %= _TOGETHER

    def _flush_hops(self) -> None:
        if self._spans:
            self._hop_blocks.append(self._hops.pack(self._spans))
            self._spans.clear()


def _appender(
    rows: list[tuple[Any, ...]], flush: Callable[[], None]
) -> Callable[[tuple[Any, ...]], None]:
    append = rows.append

    def add(row: tuple[Any, ...]) -> None:
        append(row)
        if len(rows) >= _BLOCK:
            flush()

    return add


def _spanner(
    spans: list[tuple[Any, ...]], flush: Callable[[], None], every: int
) -> Callable[[int, int, int, float, float], None]:
    append = spans.append

    def hop(request: int, node: int, step: int, start: float, end: float) -> None:
        if every and (request < 0 or request % every == 0):
            append((request, node, step, start, end))
            if len(spans) >= _BLOCK:
                flush()

    return hop


def _every(keep: Keep, what: str) -> int:
    if keep == "all":
        return 1
    if keep == "none":
        return 0
    if isinstance(keep, int) and not isinstance(keep, bool) and keep >= 1:
        return keep
    raise ResultError(f"{what}={keep!r}", mend="Give 'all', 'none', or n to keep every n-th.")
