"""Clients that ask again what a log says was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from proxysim.errors import TraceError, did_you_mean
from proxysim.workload.draws import Draw, Recorded, Seat
from proxysim.workload.traces.trace import Trace

__all__ = ["ReplayGroup"]

_BLOCK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class ReplayGroup:
    """A group whose requests, clients and times come from *trace*.

    Rows are those of the log's entries that are replayed: ``ats`` (seconds), ``sites``,
    ``objects``. ``elsewhere`` counts the entries for hosts that are no sites of the group, by
    host; ``beyond`` those that would come at or after the run's duration.
    """

    seat: Seat
    trace: Trace
    rows: np.ndarray
    ats: np.ndarray
    sites: np.ndarray
    objects: np.ndarray
    elsewhere: dict[str, int]
    beyond: int

    @classmethod
    def of(
        cls,
        trace: Trace,
        seat: Seat,
        *,
        site: str | None = None,
        speed: float | None = None,
        spread: float | None = None,
        fold: bool = False,
    ) -> ReplayGroup:
        """Replay *trace* in *seat*; objects are recorded in the sites' catalogues.

        Entries that name no host are for *site*, or the group's only site. The group has as many
        members as the log has clients; with *fold*, as many as the seat says, and the clients
        share them in turn. TraceError where not one entry is for a site of the group.
        """
        names = {seat.catalogues[index].name: index for index in seat.sites}
        where = [names.get(host, -1) for host, _ in trace.objects]
        if any(not host for host, _ in trace.objects):
            own = _own(trace, names, site)
            where = [
                own if not host else index
                for index, (host, _) in zip(where, trace.objects, strict=True)
            ]
        placed = np.array(where, dtype=np.int64)
        known = placed[trace.object] >= 0
        elsewhere = Counter(trace.objects[obj][0] for obj in trace.object[~known].tolist())
        if not known.any():
            hosts = ", ".join(host for host, _ in elsewhere.most_common(5))
            raise TraceError(
                f"none of its {len(trace)} requests is for a site of {seat.name!r}; it asks for"
                f" {hosts}",
                place=trace.file,
                mend=f"Add its hosts to sites. Known: {', '.join(names)}.",
            )
        ats = trace.ats(speed=speed, spread=spread)
        inside = ats < seat.duration
        rows = np.flatnonzero(known & inside)
        numbers = np.full(len(trace.objects), -1, dtype=np.int64)
        sizes = trace.object_size.tolist()
        for obj in np.unique(trace.object[known]).tolist():
            catalogue = seat.catalogues[where[obj]]
            numbers[obj] = catalogue.record(trace.objects[obj][1], sizes[obj])
        return cls(
            seat if fold else replace(seat, count=len(trace.clients)),
            trace,
            rows,
            ats[rows],
            placed[trace.object[rows]],
            numbers[trace.object[rows]],
            dict(elsewhere.most_common()),
            int((known & ~inside).sum()),
        )

    @property
    def name(self) -> str:
        return self.seat.name

    @property
    def count(self) -> int:
        return self.seat.count

    def notes(self) -> list[str]:
        """What of the log is not replayed, and why: a line each, for people."""
        lines = [f"{len(self.rows)} of {len(self.trace)} requests of {self.trace.file} replayed"]
        if self.trace.skipped.count:
            lines.append(str(self.trace.skipped))
        if self.elsewhere:
            hosts = ", ".join(f"{host} {count}" for host, count in list(self.elsewhere.items())[:5])
            lines.append(f"{sum(self.elsewhere.values())} for hosts that are no sites: {hosts}")
        if self.beyond:
            lines.append(f"{self.beyond} come after the run's end: raise duration, speed or spread")
        return lines

    def draws(self) -> Iterator[Draw]:
        """The log's requests in order of time; each call starts anew.

        What went through a tunnel the log does not tell: one GET stands for each CONNECT.
        """
        seat, trace = self.seat, self.trace
        methods = ["GET" if method == "CONNECT" else method for method in trace.methods]
        service = seat.stream("service")
        for begin in range(0, len(self.rows), _BLOCK):
            rows = self.rows[begin : begin + _BLOCK]
            end = begin + len(rows)
            members = trace.client[rows] % seat.count
            columns = zip(
                range(begin, end),
                self.ats[begin:end].tolist(),
                members.tolist(),
                self.sites[begin:end].tolist(),
                self.objects[begin:end].tolist(),
                trace.method[rows].tolist(),
                service.random(len(rows)).tolist(),
                trace.status[rows].tolist(),
                trace.size[rows].tolist(),
                trace.encrypted[rows].tolist(),
                strict=True,
            )
            for number, at, member, site, obj, method, u, status, size, encrypted in columns:
                said = Recorded(status, size, status == 304, status == 206, encrypted)
                asked = methods[method]
                yield Draw(number * seat.groups + seat.index, at, member, site, obj, asked, u, said)


def _own(trace: Trace, names: dict[str, int], site: str | None) -> int:
    """The site of entries that name no host."""
    if site is None and len(names) == 1:
        return next(iter(names.values()))
    if site is None:
        raise TraceError(
            "its entries name no host",
            place=trace.file,
            mend=f"Say which site they are for, as in site: {next(iter(names), 'example.org')}.",
        )
    if site not in names:
        raise TraceError(
            f"{site!r} is no site of the group", place=trace.file, mend=did_you_mean(site, names)
        )
    return names[site]
