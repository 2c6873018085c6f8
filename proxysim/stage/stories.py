"""What the page can tell of a request beyond its spans: who saw it, and what a cache knew."""

from __future__ import annotations

from typing import Any

import numpy as np

from proxysim.results.columns import CACHE_STATES, Outcome
from proxysim.results.run import Run

__all__ = ["last_fetched", "opaque_wires", "sights_of"]

#: Stands for the client who asked, so that what was seen of many is told once.
CLIENT = "\x00"
_FETCHES = [CACHE_STATES.index(state) for state in ("miss", "revalidated")]


def last_fetched(run: Run, rows: Any) -> dict[str, list[int]] | None:
    """For each of *rows* the last earlier request that brought the same page to the cache.

    ``id`` (-1 where there was none) and ``ago``, in microseconds from its end to this one's
    arrival. None where not all requests were kept: the one that matters may be missing.
    O(n log n).
    """
    if run.sampled != 1:
        return None
    cache, site, path = (run.column(name) for name in ("cache", "site", "path"))
    end, at, ids = (run.column(name) for name in ("end", "at", "id"))
    page = site.astype(np.int64) << 32 | path
    brought = np.isin(cache, _FETCHES) & (run.column("outcome") == Outcome.OK) & np.isfinite(end)
    fetches = np.flatnonzero(brought)
    fetches = fetches[np.lexsort((end[fetches], page[fetches]))]
    by_page, by_end = page[fetches], end[fetches]
    found: dict[str, list[int]] = {"id": [], "ago": []}
    low = np.searchsorted(by_page, page[rows])
    high = np.searchsorted(by_page, page[rows], side="right")
    for row, first, last in zip(rows.tolist(), low.tolist(), high.tolist(), strict=True):
        place = first + int(np.searchsorted(by_end[first:last], at[row], side="right")) - 1
        if place < first or cache[row] == 0:
            found["id"].append(-1)
            found["ago"].append(-1)
        else:
            found["id"].append(int(ids[fetches[place]]))
            found["ago"].append(round((at[row] - by_end[place]) * 1e6))
    return found


def sights_of(run: Run, rows: Any) -> dict[str, Any]:
    """Who saw what of each of *rows*: ``of`` gives a set, a set its patterns.

    A pattern is ``[observer, peer, chain, what]`` where what counts 1 for the site's name, 2 for
    the page, 4 for the contents. It is what was seen of the same client asking the same site.
    """
    table = run.table("views")
    observers, peers, chains = (table.names(n) for n in ("observer", "peer", "forwarded_for"))
    clients = table.names("client")
    asked = set(
        zip(run.column("client")[rows].tolist(), run.column("site")[rows].tolist(), strict=True)
    )
    wanted = {(run.names("client")[c], run.names("site")[s]) for c, s in asked}
    sites = table.names("site")
    seen: dict[tuple[str, str], list[tuple[str, str, str, int]]] = {}
    columns = (table.column(column.name).tolist() for column in table.columns)
    for observer, client, site, peer, chain, host, url, body, _ in zip(*columns, strict=True):
        key = clients[client], sites[site]
        if key not in wanted:
            continue

        def told(text: str, asker: str = key[0]) -> str:
            parts = text.split(", ")
            return ", ".join(CLIENT if part == asker else part for part in parts)

        what = host + 2 * url + 4 * body
        seen.setdefault(key, []).append(
            (observers[observer], told(peers[peer]), told(chains[chain]), what)
        )
    patterns: dict[tuple[str, str, str, int], int] = {}
    sets: dict[tuple[int, ...], int] = {}
    of = []
    names, hosts = run.names("client"), run.names("site")
    for client, site in zip(
        run.column("client")[rows].tolist(), run.column("site")[rows].tolist(), strict=True
    ):
        found = seen.get((names[client], hosts[site]), [])
        told_here = tuple(patterns.setdefault(pattern, len(patterns)) for pattern in found)
        of.append(sets.setdefault(told_here, len(sets)))
    return {"patterns": [list(p) for p in patterns], "sets": [list(s) for s in sets], "of": of}


def opaque_wires(run: Run) -> set[tuple[str, int, int]]:
    """The links on which no more than the site's name was seen: link, code of client and of site.

    Answers are hidden where the questions are.
    """
    table = run.table("views")
    names = table.names("observer")
    clients = {name: code for code, name in enumerate(run.names("client"))}
    sites = {name: code for code, name in enumerate(run.names("site"))}
    asked = [clients.get(name, -1) for name in table.names("client")]
    hosts = [sites.get(name, -1) for name in table.names("site")]
    found = set()
    columns = (table.column(name).tolist() for name in ("observer", "client", "site", "url"))
    for observer, client, site, url in zip(*columns, strict=True):
        start, wire, end = names[observer].partition(">")
        if wire and not url:
            found.add((names[observer], asked[client], hosts[site]))
            found.add((f"{end}>{start}", asked[client], hosts[site]))
    return found
