"""Who saw what: the ways in which requests were seen, counted, made into rows of the views."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from proxysim.errors import TopologyError
from proxysim.policies.forwarded import parse_forwarded

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["count_views"]

RESOLVER = "DNS resolver"


def count_views(world: World, views: MutableMapping[tuple[Any, ...], int]) -> None:
    """Count in *views* what was seen: by rows of the views table, less their count.

    Of each stretch of a connection: whoever listens on its wires sees the addresses of its ends,
    the site's name (it stands in the request, in CONNECT, or in TLS's server name), and the rest
    unless it is encrypted. A relay sees as much. The node at the end sees everything that reaches
    it; the peer is whoever opened the last stretch. The resolver of names sees who
    asks it for which.
    """
    parties = world.recorder.texts["observer"]
    chains = world.recorder.texts["forwarded_for"]
    codes = {"": 0}  # of each chain of addresses
    for segments, secure, client, site, chain, times in world.sights_seen():
        named = codes.get(chain)
        if named is None:
            named = codes[chain] = chains[_named(world, chain)]
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

    for (asker, client, site), times in world.lookups.items():
        views[parties[RESOLVER], client, site, asker, 0, True, False, False] += times


def _named(world: World, chain: str) -> str:
    """A chain in X-Forwarded-For or Forwarded, with members' names in place of their addresses."""
    if "=" in chain:
        said = [element.get("for", "unknown") for element in parse_forwarded(chain)]
    else:
        said = [text.strip() for text in chain.split(",")]
    names = []
    for address in said:
        try:
            names.append(world.network.name(address))
        except TopologyError:
            names.append(address)
    return ", ".join(names)
