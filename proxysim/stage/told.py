"""What a run tells of itself, for the stage: heads of messages, deeds of caches, health."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from proxysim.results.diary import Deed
from proxysim.results.run import Run
from proxysim.stage.layout import Layout

__all__ = ["caching_of", "health_of", "messages_of"]

#: Changes of caches, and spans of probes, that one page shows.
MOST = 8000
_CHANGES = ("stored", "dropped", "flushed")

Stretch = tuple[float, float]


class _Codes(dict[Any, int]):
    """Codes of things in the order of first use."""

    def __missing__(self, thing: Any) -> int:
        code = self[thing] = len(self)
        return code


def messages_of(run: Run, ids: Sequence[int]) -> dict[str, Any] | None:
    """The heads of the messages of the requests *ids*; None where the run kept none.

    ``count`` of each request, and of all: ``sender`` and ``receiver`` in ``names``, ``kind`` (1 for
    a response, 2 more where it was sealed), ``first`` the first line in ``lines``, and ``fields``
    a set of lines in ``sets``. ``whole`` says whether any may be missing.
    """
    if not run.diary.messages:
        return None
    of: dict[int, list[Any]] = {number: [] for number in ids}
    for told in run.diary.messages:
        if told.request in of:
            of[told.request].append(told)
    names, lines, sets = _Codes(), _Codes(), _Codes()
    found: dict[str, Any] = {
        key: [] for key in ("count", "sender", "receiver", "kind", "first", "fields")
    }
    for number in ids:
        all_told = sorted(of[number], key=lambda told: told.at)
        found["count"].append(len(all_told))
        for told in all_told:
            first, *fields = told.head.split("\n")
            found["sender"].append(names[told.sender])
            found["receiver"].append(names[told.receiver])
            found["kind"].append((told.step == "response") + 2 * told.sealed)
            found["first"].append(lines[first])
            found["fields"].append(sets[tuple(lines[field] for field in fields)])
    whole = "messages" not in run.diary.cut
    return {**found, "names": [*names], "lines": [*lines], "sets": [*map(list, sets)],
            "whole": whole}  # fmt: skip


def caching_of(
    run: Run, layout: Layout, ids: Sequence[int], stretches: Sequence[Stretch], tick: float
) -> dict[str, Any] | None:
    """What caches hold, and what each of the requests *ids* found there; None where it is not told.

    ``changes`` are ``[at, icon, what, page]`` by time: what is 0 stored, 1 dropped, 2 flushed, and
    a page a place in ``pages`` (host, path, variant). Outside the *stretches* that are shown only
    what is so at their beginning. ``looks`` are, in order, ``[request, icon, word, age, lifetime,
    window, before, then]``: a request's place among *ids*; what it found, a word of
    :mod:`proxysim.policies.caching.explaining`; seconds; what had last been done with that page
    (``[what, at, id, why]``) and why the answer was not kept. ``whole``: nothing is missing.
    """
    if not run.diary.deeds:
        return None
    place = {number: index for index, number in enumerate(ids)}
    pages = _Codes()
    last: dict[tuple[str, str, str], list[Any]] = {}
    looks: dict[tuple[str, int], list[Any]] = {}
    changes = []
    for deed in run.diary.deeds:
        icon = layout.icon(deed.node)
        if icon is None:
            continue
        key = (deed.node, deed.host, deed.path)
        if deed.what == "looked" and deed.request in place:
            said = deed.said
            numbers = [_rounded(said.get(name)) for name in ("age", "lifetime", "window")]
            looks[deed.node, deed.request] = [
                place[deed.request], icon, said["found"], *numbers, last.get(key), None,
            ]  # fmt: skip
        if deed.what == "refused" and (deed.node, deed.request) in looks:
            looks[deed.node, deed.request][-1] = deed.said["why"]
        if deed.what in _CHANGES:
            changes.append(deed)
        if deed.what in ("stored", "renewed", "refused", "dropped"):
            if deed.said.get("why") != "replaced":
                why = deed.said.get("why", "")
                last[key] = [deed.what, round(deed.at / tick), deed.request, why]
        elif deed.what == "flushed":
            for other in [other for other in last if other[0] == deed.node]:
                last[other] = ["dropped", round(deed.at / tick), -1, "flushed"]
    shown = list(_shown(changes, stretches))
    whole = len(shown) <= MOST and "deeds" not in run.diary.cut
    told = [
        [
            round(deed.at / tick),
            layout.icon(deed.node),
            _CHANGES.index(deed.what),
            pages[deed.host, deed.path, deed.variant],
        ]
        for deed in shown[:MOST]
    ]
    return {
        "changes": told,
        "pages": [list(page) for page in pages],
        "looks": sorted(looks.values(), key=lambda look: look[0]),
        "whole": whole,
    }


def _shown(changes: Sequence[Deed], stretches: Sequence[Stretch]) -> Iterable[Deed]:
    """Those of *changes* within *stretches*; between them the last of each page, and of each node.

    So what is held at the beginning of a stretch is held in truth.
    """
    gap: dict[Any, Deed] = {}
    number = 0
    for deed in changes:
        while number < len(stretches) and deed.at > stretches[number][1]:
            yield from gap.values()
            gap.clear()
            number += 1
        if number == len(stretches):
            return
        if deed.at >= stretches[number][0]:
            yield from gap.values()
            gap.clear()
            yield deed
        elif deed.what == "flushed":
            gap = {key: kept for key, kept in gap.items() if kept.node != deed.node}
            gap[deed.node] = deed
        else:
            key = (deed.node, deed.host, deed.path, deed.variant)
            gap.pop(key, None)
            gap[key] = deed
    yield from gap.values()


def health_of(
    run: Run, layout: Layout, stretches: Sequence[Stretch], tick: float
) -> dict[str, Any]:
    """Probes within *stretches*, and whom proxies left out.

    ``probes`` are spans ``[start, length, way, well]``, the way a list of icons; ``bouts`` are
    ``[at, icon of the proxy, icon of the backend, what]``, of which those alone are told that
    change something; ``unwell`` are the probes that failed, told likewise.
    """
    hops = run.table("hops")
    last = int(np.searchsorted(hops.column("request"), 0))
    columns = (
        hops.column(name)[:last].tolist() for name in ("request", "node", "step", "start", "end")
    )
    names, steps = hops.names("node"), hops.names("step")
    spans, answered = [], set()
    for request, node, step, start, end in zip(*columns, strict=True):
        kind = steps[step]
        if kind == "response":
            answered.add(request)
        if kind not in ("request", "response", "service"):
            continue
        if not any(since <= start <= until for since, until in stretches):
            continue
        way = [layout.icon(name) for name in names[node].split(">")]
        if None not in way:
            spans.append((request, start, end, way))
    spans.sort(key=lambda span: span[1])
    return {
        "probes": [
            [round(start / tick), round((end - start) / tick), way, int(request in answered)]
            for request, start, end, way in spans[:MOST]
        ],
        "bouts": [
            [round(bout.at / tick), layout.icon(bout.node), layout.icon(bout.backend), bout.what]
            for bout in run.diary.bouts
            if bout.what not in ("well", "unwell") and layout.icon(bout.backend) is not None
        ],
        "unwell": [
            [round(bout.at / tick), layout.icon(bout.node), layout.icon(bout.backend)]
            for bout in run.diary.bouts
            if bout.what == "unwell" and layout.icon(bout.backend) is not None
        ][:MOST],
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(min(seconds, 1e9), 4)
