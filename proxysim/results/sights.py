"""Who saw what: the ways in which requests were seen, counted, made into rows of the views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from proxysim.errors import TopologyError
from proxysim.policies.forwarded import parse_forwarded
from proxysim.results.recorder import Recorder
from proxysim.topology import Network

__all__ = ["Segment", "Sights", "count_views"]

RESOLVER = "DNS resolver"

#: One stretch of a connection, for what can be seen on it: who opened it (a code, 0 for the
#: client), the names of the wires it crosses, and the code of the node at its far end.
Segment = tuple[int, tuple[str, ...], int]


class Sights(NamedTuple):
    """What was seen in a run.

    ``seen``: on connections of certain segments, secure or not (None: a CONNECT, which tells the
    host and nothing else), which client's request for which site with which forwarded-for chain,
    and how often. ``lookups``: how often the resolver of names was asked, by asker, client and
    site. Parties, clients and sites are codes of the recorder's.
    """

    seen: Iterable[tuple[tuple[Segment, ...], bool | None, int, int, str, int]]
    lookups: Mapping[tuple[int, int, int], int]


def count_views(sights: Sights, recorder: Recorder, network: Network) -> None:
    """Count *sights* in the views of *recorder*.

    Of each stretch of a connection: whoever listens on its wires sees the addresses of its ends,
    the site's name (it stands in the request, in CONNECT, or in TLS's server name), and the rest
    unless it is encrypted. A relay sees as much. The node at the end sees everything that reaches
    it; the peer is whoever opened the last stretch. The resolver of names sees who
    asks it for which. Addresses in chains become members' names by *network*.
    """
    views = recorder.views
    parties = recorder.texts["observer"]
    chains = recorder.texts["forwarded_for"]
    codes = {"": 0}  # of each chain of addresses
    for segments, secure, client, site, chain, times in sights.seen:
        named = codes.get(chain)
        if named is None:
            named = codes[chain] = chains[_named(network, chain)]
        hidden = named if secure is False else 0
        plain = secure is False
        last = len(segments) - 1
        for index, (opener, wires, end) in enumerate(segments):
            peer = opener or client
            for wire in wires:
                views[parties[wire], client, site, peer, hidden, True, plain, plain] += times
            if index < last:
                views[end, client, site, peer, hidden, True, plain, plain] += times
            else:
                told = secure is not None  # CONNECT tells its proxy a name and no more
                views[end, client, site, peer, named, True, told, told] += times

    for (asker, client, site), times in sights.lookups.items():
        views[parties[RESOLVER], client, site, asker, 0, True, False, False] += times


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
