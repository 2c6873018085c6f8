"""Who sees what: which party, and which wire, learns what about the requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxysim.results.table import natural

if TYPE_CHECKING:
    from proxysim.results.run import Run

__all__ = ["SECRETS", "Observer", "observers"]

#: What there is to be seen of a request.
SECRETS = ("client's address", "site's name", "page", "contents")

_LAST = 99


@dataclass(frozen=True, slots=True)
class Observer:
    """A party, or a wire, and the share of the *requests* it saw that told it each secret."""

    name: str
    wire: bool
    requests: int
    shares: tuple[float, ...]


def observers(run: Run) -> list[Observer]:
    """All of *run*'s, parties before wires, each from clients to servers.

    The client's address is seen where it is the peer, or stands in the forwarded-for chain.
    Members of a group are one party, and both directions of a wire one wire.
    """
    table = run.table("views")
    names, peers, chains = (table.names(name) for name in ("observer", "peer", "forwarded_for"))
    clients = table.names("client")
    groups = {name: str(fact.get("group") or name) for name, fact in run.facts.items()}
    layers = {
        groups.get(name, name): place
        for place, layer in enumerate(run.topology.get("layers") or ())
        for name in layer
    }
    seen: dict[tuple[bool, tuple[str, ...]], list[int]] = {}
    rows = zip(*(table.column(column.name).tolist() for column in table.columns), strict=True)
    for observer, client, _, peer, chain, host, url, body, times in rows:
        asker = clients[client]
        told = peers[peer] == asker or asker in (part.strip() for part in chains[chain].split(","))
        parties = [groups.get(end, end) for end in names[observer].split(">")]
        parties.sort(key=lambda party: layers.get(party, _LAST))
        counts = seen.setdefault((len(parties) > 1, tuple(parties)), [0] * (1 + len(SECRETS)))
        for place, is_told in enumerate((True, told, host, url, body)):
            counts[place] += times * bool(is_told)

    def order(key: tuple[bool, tuple[str, ...]]) -> tuple[object, ...]:
        wire, parties = key
        return wire, sum(layers.get(party, _LAST) for party in parties), natural(parties[0])

    return [
        Observer(
            " – ".join(key[1]),
            key[0],
            seen[key][0],
            tuple(count / seen[key][0] for count in seen[key][1:]),
        )
        for key in sorted(seen, key=order)
        if seen[key][0]
    ]
