"""The same requests with a proxy and without it: every claim about the proxy is a difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from proxysim import units
from proxysim.errors import ResultError
from proxysim.results.columns import Outcome
from proxysim.results.run import Run
from proxysim.results.table import natural

__all__ = ["Difference", "compare"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of both runs; None where a run has no such thing.

    ``unit`` is ``s``, ``B``, ``share``, or empty for counts.
    """

    section: str
    label: str
    with_proxy: float | None
    without: float | None
    unit: str = ""

    @property
    def difference(self) -> float | None:
        """With less without."""
        if self.with_proxy is None or self.without is None:
            return None
        return self.with_proxy - self.without

    def texts(self) -> tuple[str, str, str, str]:
        """Label, with, without and difference as people read them."""
        change = self.difference
        sign = "" if change is None else "+" if change > 0 else "-" if change < 0 else "±"
        size = None if change is None else abs(change)
        return (
            self.label,
            self._text(self.with_proxy),
            self._text(self.without),
            sign + self._text(size),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "section": self.section,
            "label": self.label,
            "with": self.with_proxy,
            "without": self.without,
            "difference": self.difference,
            "unit": self.unit,
        }

    def _text(self, value: float | None) -> str:
        if value is None:
            return "-"
        if self.unit == "s":
            return units.format_duration(value)
        if self.unit == "B":
            return units.format_bytes(value)
        return f"{value:.1%}" if self.unit == "share" else f"{value:,.0f}"


def compare(run: Run, without: Run) -> list[Difference]:
    """What differs between *run*, with a proxy, and *without* it, section by section.

    Both over [warmup, duration): latency and outcomes as their summaries count; bytes on links and
    between zones, requests to and bytes from servers, the servers' processor time for
    TLS (``facts``); requests that the proxy blocks and that reach a server without it; and what
    each party knows, where that changes. Members of a group are one party. ResultError where the
    two runs are not of the same requests.
    """
    for name in ("seed", "replication", "warmup", "duration"):
        mine, other = getattr(run, name), getattr(without, name)
        if mine != other:
            raise ResultError(
                f"runs of different requests: {name} {mine} and {other}",
                mend="Compare runs of one seed and one length.",
            )
    return [
        *_latency(run, without),
        *_bytes(run, without),
        *_servers(run, without),
        *_knowledge(run, without),
    ]


def _latency(run: Run, without: Run) -> Iterator[Difference]:
    mine, other = run.summary(), without.summary()
    for name in ("p50", "p95", "p99"):
        yield Difference("latency", name, mine.latency[name], other.latency[name], "s")
    for name, count in mine.requests.items():
        if name in ("ok", "blocked") or count or other.requests[name]:
            label = name.replace("_", " ")
            yield Difference("requests", label, count, other.requests[name])


def _bytes(run: Run, without: Run) -> Iterator[Difference]:
    mine, other = _by_link(run), _by_link(without)
    for link in sorted({*mine, *other}, key=natural):
        yield Difference("bytes carried", link, mine.get(link), other.get(link), "B")
    if run.topology.get("zones"):
        # The border stays where it was: what takes the proxy's place may count to another zone.
        zones = {name: zone for zone, names in run.topology["zones"].items() for name in names}
        across = (_across(run, zones), _across(without, zones))
        yield Difference("bytes carried", "across the border", *across, "B")


def _across(run: Run, zones: Mapping[str, str]) -> int:
    """Bytes on links whose ends stand in different *zones*, given by node or group."""

    def zone(node: str) -> str | None:
        return zones.get(node, zones.get(str(run.fact(node).get("group"))))

    ends = {link: [zone(end) for end in link.split(">")] for link in run.summary().bytes}
    carried = run.summary().bytes
    return sum(carried[link] for link, (one, other) in ends.items() if one != other)


def _by_link(run: Run) -> dict[str, int]:
    found: dict[str, int] = {}
    for link, carried in run.summary().bytes.items():
        party = _party(run, link)
        found[party] = found.get(party, 0) + carried
    return found


def _servers(run: Run, without: Run) -> Iterator[Difference]:
    requests = (_at_servers(run, "rate"), _at_servers(without, "rate"))
    carried = (_at_servers(run, "bytes"), _at_servers(without, "bytes"))
    yield Difference("servers", "requests received", *requests)
    yield Difference("servers", "bytes sent", *carried, "B")
    yield Difference("servers", "processor time for TLS", _tls(run), _tls(without), "s")
    reached = _unwanted(run, without)
    if reached is not None:
        yield Difference("servers", "unwanted requests", *reached)


def _at_servers(run: Run, column: str) -> float:
    table = run.tables["nodes"]
    is_server = np.array([_kind(run, node) == "server" for node in table.names("node")], dtype=bool)
    share = run.window_shares()
    if column == "rate":  # a second; the rest are counts
        share = share * (table.column("end") - table.column("start"))
    here = is_server[table.column("node")] if len(table) else np.empty(0, dtype=bool)
    return round(float((table.column(column) * share)[here].sum()))


def _tls(run: Run) -> float | None:
    found = [
        float(fact["tls_cpu"])
        for fact in run.facts.values()
        if fact.get("kind") == "server" and fact.get("tls_cpu") is not None
    ]
    return sum(found) if found else None


def _unwanted(run: Run, without: Run) -> tuple[int, int] | None:
    """How many of the requests that *run* blocks reach a server there, and in *without*."""
    if run.sampled != 1 or without.sampled != 1:
        return None
    blocked = run.counted & (run.column("outcome") == Outcome.BLOCKED)
    ids = run.column("id")[blocked]
    return _reached(run, ids), _reached(without, ids)


def _reached(run: Run, ids: Any) -> int:
    names = run.names("served_by")
    servers = [code for code, name in enumerate(names) if _kind(run, name) == "server"]
    reached = np.isin(run.column("served_by"), servers) & np.isin(run.column("id"), ids)
    return int(np.count_nonzero(reached))


def _knowledge(run: Run, without: Run) -> Iterator[Difference]:
    mine, other = _known(run), _known(without)
    for party, what in sorted({*mine, *other}, key=lambda key: (natural(key[0]), key[1])):
        with_proxy, alone = mine.get((party, what)), other.get((party, what))
        if with_proxy != alone:
            yield Difference("who knows what", f"{party}: {what}", with_proxy, alone, "share")


def _known(run: Run) -> dict[tuple[str, str], float]:
    """For each party and each thing to know, the share of the requests it saw that told it."""
    table = run.tables["views"]
    observers, clients = table.names("observer"), table.names("client")
    peers, chains = table.names("peer"), table.names("forwarded_for")
    seen: dict[str, int] = {}
    told: dict[tuple[str, str], int] = {}
    rows = zip(*(table.column(column.name).tolist() for column in table.columns), strict=True)
    for observer, client, _, peer, chain, host, url, body, times in rows:
        name = observers[observer]
        party = _party(run, name)
        asker = clients[client]
        if _kind(run, name) == "clients":
            known = {"the server's address": _kind(run, peers[peer]) == "server"}
        else:
            forwarded = [part.strip() for part in chains[chain].split(",")]
            known = {
                "the client's address": peers[peer] == asker or asker in forwarded,
                "the site": host,
                "the page": url,
                "the contents": body,
            }
        seen[party] = seen.get(party, 0) + times
        for what, is_told in known.items():
            told[party, what] = told.get((party, what), 0) + times * bool(is_told)
    return {(party, what): count / seen[party] for (party, what), count in told.items()}


def _kind(run: Run, node: str) -> str:
    return str(run.fact(node).get("kind", ""))


def _party(run: Run, name: str) -> str:
    """The group of a node, and of both ends of a link."""
    ends = (str(run.fact(end).get("group") or end) for end in name.split(">"))
    return " > ".join(ends)
