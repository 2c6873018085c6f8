"""Who saw what: the ways in which requests were seen, counted, made into rows of the views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from proxysim.errors import TopologyError
from proxysim.policies.forwarded import parse_forwarded
from proxysim.results.recorder import Recorder
from proxysim.results.table import Array
from proxysim.topology import Network

__all__ = ["Kind", "Seen", "Segment", "Sights", "count_views"]

RESOLVER = "DNS resolver"
#: Rows that are held beyond twice those that are different.
_MOST_HELD = 50_000

#: One stretch of a connection, for what can be seen on it: who opened it (a code, 0 for the
#: client), the names of the wires it crosses, and the code of the node at its far end.
Segment = tuple[int, tuple[str, ...], int]


#: A kind of connection: its stretches, and whether it is secure (None: a CONNECT, which tells the
#: host and nothing else).
Kind = tuple[tuple[Segment, ...], bool | None]


class Seen:
    """Counts what is seen on connections: rows of a kind's number, client, site and chain's number.

    Memory grows with what is different, not with what is seen.
    """

    def __init__(self) -> None:
        self._rows: list[Array] = []
        self._times: list[Array] = []
        self._held = self._distinct = 0

    def take(self, rows: list[tuple[int, int, int, int]]) -> None:
        """Count *rows*."""
        if rows:
            numbers = np.fromiter(chain.from_iterable(rows), np.int64, 4 * len(rows))
            self._rows.append(numbers.reshape(-1, 4))
            self._times.append(np.ones(len(rows), dtype=np.int64))
            self._held += len(rows)
            if self._held > 2 * self._distinct + _MOST_HELD:
                self._add_up()

    def counted(self) -> tuple[Array, Array]:
        """The rows that are different, and how often each was seen."""
        if not self._rows:
            return np.empty((0, 4), dtype=np.int64), np.empty(0, dtype=np.int64)
        self._add_up()
        return self._rows[0], self._times[0]

    def _add_up(self) -> None:
        rows, times = np.concatenate(self._rows), np.concatenate(self._times)
        order = np.lexsort(rows.T)
        rows = rows[order]
        starts = np.flatnonzero(np.append(True, np.any(rows[1:] != rows[:-1], axis=1)))
        self._rows, self._times = [rows[starts]], [np.add.reduceat(times[order], starts)]
        self._held = self._distinct = len(starts)


class Sights(NamedTuple):
    """What was seen in a run.

    ``seen``: on connections of certain ``kinds``, by their place, which client's request for which
    site with which of the forwarded-for ``chains``, by its place, the first being empty; and how
    often. ``lookups``: how often the resolver of names was asked, by asker, client and site.
    Parties, clients and sites are codes of the recorder's; a client of 0 is none, but a probe.
    """

    kinds: Sequence[Kind]
    chains: Sequence[str]
    seen: Seen
    lookups: Mapping[tuple[int, int, int], int]


def count_views(sights: Sights, recorder: Recorder, network: Network) -> None:
    """Count *sights* in the views of *recorder*.

    Of each stretch of a connection: whoever listens on its wires sees the addresses of its ends,
    the site's name (it stands in the request, in CONNECT, or in TLS's server name), and the rest
    unless it is encrypted. A relay sees as much. The node at the end sees everything that reaches
    it; the peer is whoever opened the last stretch. The resolver of names sees who
    asks it for which. Addresses in chains become members' names by *network*.
    """
    parties = recorder.texts["observer"]
    known = recorder.texts["forwarded_for"]
    named = np.array([known[_named(network, chain)] if chain else 0 for chain in sights.chains])
    rows, counts = sights.seen.counted()
    for number, (segments, secure) in enumerate(sights.kinds):
        of_kind = (rows[:, 0] == number) & (rows[:, 1] != 0)
        if not of_kind.any():
            continue
        _, clients, sites, chains = rows[of_kind].T
        times, plain = counts[of_kind], secure is False
        last = len(segments) - 1
        for place, (opener, wires, end) in enumerate(segments):
            peer = opener or clients
            hidden = named[chains] if plain else 0
            for wire in wires:
                recorder.view(
                    (parties[wire], clients, sites, peer, hidden, True, plain, plain), times
                )
            told = plain
            if place == last:
                hidden = named[chains]
                told = secure is not None  # CONNECT tells its proxy a name and no more
            recorder.view((end, clients, sites, peer, hidden, True, told, told), times)

    for (asker, client, site), looked_up in sights.lookups.items():
        key = (parties[RESOLVER], client, site, asker, 0, True, False, False)
        recorder.view(key, looked_up)


def _named(network: Network, chain: str) -> str:
    """A chain in X-Forwarded-For or Forwarded, with members' names in place of their addresses."""
    if "=" in chain:
        said = [element.get("for", "unknown") for element in parse_forwarded(chain)]
    else:
        said = [text.strip() for text in chain.split(",")]
    names = []
    for address in said:
        try:
            names.append(network.name(address))
        except TopologyError:
            names.append(address)
    return ", ".join(names)
