"""A run as the stage plays it: plain, compact data, the same for the page, for film and for tests.

Columns of numbers instead of rows of objects. Times are whole *ticks* of 100 ns: those of a request
count from the run's start, those of its spans from its arrival. A *place* is a list of numbers of
icons: one for a node, two for a link in its direction, and the whole way that a handshake goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from proxysim.errors import ResultError
from proxysim.results.columns import CACHE_STATES, METHODS, OUTCOMES
from proxysim.results.run import Run
from proxysim.results.summary import plain
from proxysim.stage.chapters import MOST, chosen_rows, stretches_of
from proxysim.stage.layout import Layout, laid_out
from proxysim.stage.measured import measured
from proxysim.stage.stories import last_fetched, opaque_wires, sights_of
from proxysim.stage.told import caching_of, health_of, messages_of

if TYPE_CHECKING:
    from proxysim.scenario import Scenario

__all__ = ["TICK", "staged"]

TICK = 1e-7  # s
FORMAT = 1
#: Steps that cross a link; the two ways of a handshake are one.
REQUEST, RESPONSE, TRANSFER = "request", "response", "transfer"
HANDSHAKES = ("connect", "tls")
#: Longer texts of a scenario would spoil the page.
_LONGEST = 800


def staged(
    run: Run,
    *,
    scenario: Scenario | None = None,
    most: int = MOST,
    since: float | None = None,
    until: float | None = None,
) -> dict[str, Any]:
    """*run* as data for the stage: at most *most* requests, arrived in [*since*, *until*) seconds.

    With its *scenario*, why a cache had to ask anew can be said more exactly. ResultError where no
    spans were kept. O(requests + spans).
    """
    if most < 1:
        raise ResultError(f"found most={most!r}", mend="Show at least one request.")
    rows, with_spans = chosen_rows(run, most, since, until)
    if not len(rows):
        raise ResultError(
            "there are no spans to play" if not with_spans else "no request arrived in that time",
            place="stage",
            mend="Run with hops='all', or --hops all."
            if not with_spans
            else f"Choose from 0 to {run.duration:g} s.",
        )
    layout = laid_out(run)
    spans = _Spans(run, layout, rows)
    ids = run.column("id")[rows].tolist()
    stretches = stretches_of(run, rows)
    data: dict[str, Any] = {
        "format": FORMAT,
        "world": run.world,
        "scenario": run.scenario,
        "hash": run.scenario_hash,
        "seed": run.seed,
        "replication": run.replication,
        "duration": run.duration,
        "warmup": run.warmup,
        "removed": list(run.extra.get("without", ())),
        "notes": [_short(note) for note in run.extra.get("notes", ())],
        "total": len(run.tables["requests"]) if run.arrived is None else run.arrived,
        "complete": with_spans == len(run.tables["requests"]) and run.sampled == 1,
        "tick": TICK,
        "outcomes": list(OUTCOMES),
        "caches": list(CACHE_STATES),
        "nodes": plain(layout.nodes),
        "links": plain(layout.links),
        "zones": layout.zones,
        "events": plain(_events(run, layout)),
        "requests": _requests(run, rows),
        "hops": spans.columns(),
        "places": spans.places,
        "steps": spans.steps,
        "fetched": last_fetched(run, rows),
        "sights": sights_of(run, rows),
        "choices": plain(_choices(run, rows)),
        "fresh": plain(_freshness(scenario)),
        "messages": messages_of(run, ids),
        "caching": caching_of(run, layout, ids, stretches, TICK),
        "health": health_of(run, layout, stretches, TICK),
        "windows": None,
    }
    for name in ("title", "question", "watch_for"):
        said = run.extra.get(name) or (getattr(scenario, name) if scenario is not None else "")
        data[name] = _short(str(said or ""))
    if not data["complete"]:
        data["windows"] = plain(measured(run, layout))
    return data


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _ticks(seconds: Any) -> list[int | None]:
    """Whole ticks; None for a time that never came."""
    times = np.asarray(seconds, dtype=float)
    return [
        None if missing else value
        for value, missing in zip(
            np.rint(np.nan_to_num(times) / TICK).astype(np.int64).tolist(),
            np.isnan(times).tolist(),
            strict=True,
        )
    ]


def _requests(run: Run, rows: Any) -> dict[str, Any]:
    """The requests by column; names by code into lists of their own, what never differs once."""
    columns: dict[str, Any] = {"id": run.column("id")[rows].tolist()}
    at = run.column("at")[rows]
    columns["at"] = _ticks(at)
    for name in ("first_byte", "end"):
        columns[name] = _ticks(run.column(name)[rows] - at)
    for name in ("wait", "service", "network", "cpu"):
        columns[name] = _ticks(run.column(name)[rows])
    for name in ("status", "outcome", "cache", "attempts", "bytes_up", "bytes_down", "encrypted"):
        columns[name] = run.column(name)[rows].astype(int).tolist()
    for name in ("client", "site", "path", "served_by", "backend", "method", "coding"):
        names = METHODS if name == "method" else run.names(name)
        codes, places = np.unique(run.column(name)[rows], return_inverse=True)
        columns[name] = places.tolist()
        columns[f"{name}_names"] = [names[code] for code in codes.tolist()]
    return columns


@dataclass(slots=True)
class _Span:
    place: tuple[int, ...]
    step: str
    start: float
    end: float
    tail: float
    link: str = ""


class _Spans:
    """The spans of the shown requests, each at its place."""

    def __init__(self, run: Run, layout: Layout, rows: Any) -> None:
        self.places: list[list[int]] = []
        self.steps: list[str] = []
        self._layout = layout
        self._codes: dict[tuple[int, ...], int] = {}
        self._steps: dict[str, int] = {}
        self._run, self._rows = run, rows
        self._names = run.names("node", "hops")
        self._opaque = opaque_wires(run)

    def columns(self) -> dict[str, list[int]]:
        """``count`` spans of each request, then of all: place, step, start, length, tail, sealed.

        ``tail`` is how long after a head's arrival the last byte of its body has come, -1 where a
        span is of no answer. ``sealed``: whoever listens there sees no more than names.
        """
        hops = self._run.table("hops")
        request, node, step, start, end = (
            hops.column(name) for name in ("request", "node", "step", "start", "end")
        )
        steps = hops.names("step")
        ids = self._run.column("id")[self._rows]
        at = self._run.column("at")[self._rows].tolist()
        asked = list(
            zip(
                self._run.column("client")[self._rows].tolist(),
                self._run.column("site")[self._rows].tolist(),
                strict=True,
            )
        )
        low, high = np.searchsorted(request, ids), np.searchsorted(request, ids, side="right")
        found: dict[str, list[int]] = {
            name: [] for name in ("count", "place", "step", "start", "length", "tail", "sealed")
        }
        for number, (first, last) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
            rows = zip(
                node[first:last].tolist(), step[first:last].tolist(),
                start[first:last].tolist(), end[first:last].tolist(),
                strict=True,
            )  # fmt: skip
            spans = self._placed([(self._names[n], steps[s], a, b) for n, s, a, b in rows])
            found["count"].append(len(spans))
            for span in spans:
                found["place"].append(self._place(span.place))
                found["step"].append(self._step(span.step))
                begin = round((span.start - at[number]) / TICK)
                length = round((span.end - at[number]) / TICK) - begin
                found["start"].append(begin)
                found["length"].append(length)
                tail = round((span.tail - at[number]) / TICK) - begin - length
                found["tail"].append(max(0, tail) if span.step == RESPONSE else -1)
                found["sealed"].append(int((span.link, *asked[number]) in self._opaque))
        return found

    def _placed(self, told: Sequence[tuple[str, str, float, float]]) -> list[_Span]:
        """The spans of one request, with bodies joined to their heads and handshakes to a way."""
        bodies: dict[str, list[tuple[float, float]]] = {}
        for name, step, start, end in told:
            if step == TRANSFER:
                bodies.setdefault(name, []).append((start, end))
        spans: list[_Span] = []
        for place, (name, step, start, end) in enumerate(told):
            if step == TRANSFER:
                continue
            if ">" in name:
                ends = self._ends(name)
                if ends is not None:
                    tail = _last_byte(bodies.get(name, []), start, end) if step == RESPONSE else end
                    spans.append(_Span(ends, step, start, end, max(tail, end), name))
                continue
            icon = self._layout.icon(name)
            if icon is None:
                continue
            way: tuple[int, ...] = (icon,)
            if step in HANDSHAKES:
                way = self._way(icon, step, told, place) or way
            spans.append(_Span(way, step, start, end, end))
        return spans

    def _way(
        self, icon: int, step: str, told: Sequence[tuple[str, str, float, float]], place: int
    ) -> tuple[int, ...] | None:
        """The way of a handshake with *icon*, from whoever opens the connection.

        TCP is opened by who has the request at the time. TLS by who sends it next: through a tunnel
        that is not who opened the connection.
        """
        ahead = next(
            (ends for name, what, start, _ in told[place:]
             if what == REQUEST and ">" in name and start >= told[place][2]
             and (ends := self._ends(name)) is not None),
            None,
        )  # fmt: skip
        behind = next(
            (ends for name, what, _, end in reversed(told[:place])
             if what == REQUEST and ">" in name and end <= told[place][2]
             and (ends := self._ends(name)) is not None),
            None,
        )  # fmt: skip
        opener = None
        if step == "tls" and ahead is not None:
            opener = ahead[0]
        elif behind is not None:
            opener = behind[1]
        elif ahead is not None:
            opener = ahead[0]
        if opener is None or opener == icon:
            return None
        return tuple(self._layout.way(opener, icon))

    def _ends(self, link: str) -> tuple[int, int] | None:
        start, _, end = link.partition(">")
        one, other = self._layout.icon(start), self._layout.icon(end)
        return None if one is None or other is None else (one, other)

    def _place(self, place: tuple[int, ...]) -> int:
        code = self._codes.get(place)
        if code is None:
            code = self._codes[place] = len(self.places)
            self.places.append(list(place))
        return code

    def _step(self, step: str) -> int:
        code = self._steps.get(step)
        if code is None:
            code = self._steps[step] = len(self.steps)
            self.steps.append(step)
        return code


def _last_byte(bodies: list[tuple[float, float]], start: float, end: float) -> float:
    """When the body of the head that crosses from *start* to *end* has come, and out of *bodies*.

    A body is told from its first byte sent, with its head (simulated) or after it (on sockets).
    """
    for place, (begins, ends) in enumerate(bodies):
        if begins >= start - TICK:
            del bodies[place]
            return ends
    return end


def _events(run: Run, layout: Layout) -> list[dict[str, Any]]:
    found = []
    for event in run.events:
        where = event.get("link") or ([event["node"]] if event.get("node") else [])
        icons = [icon for icon in map(layout.icon, where) if icon is not None]
        found.append(
            {
                "at": event["at"],
                "until": event.get("until"),
                "label": str(event.get("label", "")),
                "icons": icons,
            }
        )
    return found


def _choices(run: Run, rows: Any) -> dict[str, Any]:
    """Choices of backends, each as a *shape* (the keys of what the balancer saw) and its values."""
    place = {number: index for index, number in enumerate(run.column("id")[rows].tolist())}
    shapes: dict[tuple[str, ...], int] = {}
    names: dict[str, int] = {}
    told = []
    for choice in run.choices:
        request = place.get(choice["request"])
        if request is None:
            continue
        keys, values = [], []
        for key, value in choice["why"].items():
            for inner, said in value.items() if isinstance(value, dict) else [(None, value)]:
                keys.append(key if inner is None else f"{key}\n{inner}")
                values.append(round(said, 6) if isinstance(said, float) else said)
        node, backend = (
            names.setdefault(str(choice[end]), len(names)) for end in ("node", "backend")
        )
        shape = shapes.setdefault(tuple(keys), len(shapes))
        told.append([request, round(choice["at"] / TICK), node, backend, shape, values])
    return {"names": list(names), "shapes": [list(shape) for shape in shapes], "told": told}


def _freshness(scenario: Scenario | None) -> dict[str, Any]:
    if scenario is None:
        return {}
    return {
        name: {"ttl": site.ttl, "cacheable": site.cacheable}
        for name, site in scenario.document.sites.items()
    }
