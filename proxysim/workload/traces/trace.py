"""An access log as columns: who asked for what, when, and what became of it."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

__all__ = ["Columns", "Entry", "Skipped", "Trace"]

CONDITIONAL, RANGED = 304, 206


class Entry(NamedTuple):
    """One line of a log: when the request was made (epoch seconds), by whom, for what.

    ``host`` is empty where the line names none, ``path`` carries its query. ``size`` is what the
    line says was sent, in bytes. ``encrypted``: https, or a CONNECT tunnel, whose path is ``/``.
    """

    time: float
    client: str
    method: str
    host: str
    path: str
    status: int
    size: int
    encrypted: bool = False


@dataclass(slots=True)
class Skipped:
    """The lines that could not be used: how many, and the first few as ``line 7: reason``."""

    count: int = 0
    samples: list[str] = field(default_factory=list)

    def add(self, line: int, reason: str) -> None:
        self.count += 1
        if len(self.samples) < 5:
            self.samples.append(f"line {line}: {reason}")

    def __str__(self) -> str:
        if not self.count:
            return "no line skipped"
        shown = "; ".join(self.samples)
        more = f"; and {self.count - len(self.samples)} more" * (self.count > len(self.samples))
        return f"{self.count} {'line' if self.count == 1 else 'lines'} skipped: {shown}{more}"


class Columns:
    """Entries under way into columns: a few bytes each, every name kept once."""

    def __init__(self) -> None:
        self.time, self.client, self.object = array("d"), array("l"), array("l")
        self.status, self.size, self.method = array("h"), array("q"), array("h")
        self.encrypted = array("b")
        self.clients: dict[str, int] = {}
        self.methods: dict[str, int] = {}
        self.objects: dict[tuple[str, str], int] = {}

    def add(self, entry: Entry) -> None:
        self.time.append(entry.time)
        self.client.append(self.clients.setdefault(entry.client, len(self.clients)))
        self.object.append(self.objects.setdefault((entry.host, entry.path), len(self.objects)))
        self.method.append(self.methods.setdefault(entry.method, len(self.methods)))
        self.status.append(entry.status)
        self.size.append(entry.size)
        self.encrypted.append(entry.encrypted)


class Trace:
    """A log's entries in order of time; equal times keep the order of the file.

    Columns, one row an entry: ``time`` (epoch seconds), ``client``, ``object`` and ``method``
    (indices into ``clients``, ``objects`` and ``methods``), ``status``, ``size`` (bytes sent),
    ``encrypted``. ``clients`` are in order of first appearance in the file; ``objects`` are pairs
    of host and path, ``object_size`` the largest size each was seen with in an answer 200, or in
    any where there was none. ``resolution`` is how exact the log's clock is, in seconds.
    """

    def __init__(
        self, columns: Columns, *, file: str, format: str, resolution: float, skipped: Skipped
    ) -> None:
        self.file, self.format, self.resolution, self.skipped = file, format, resolution, skipped
        time = np.frombuffer(columns.time, dtype=np.float64)
        order = np.argsort(time, kind="stable")
        self.time = time[order]
        self.client = np.array(columns.client, dtype=np.int32)[order]
        self.object = np.array(columns.object, dtype=np.int32)[order]
        self.method = np.array(columns.method, dtype=np.int16)[order]
        self.status = np.array(columns.status, dtype=np.int16)[order]
        self.size = np.array(columns.size, dtype=np.int64)[order]
        self.encrypted = np.array(columns.encrypted, dtype=bool)[order]
        self.clients = list(columns.clients)
        self.methods = list(columns.methods)
        self.objects = list(columns.objects)
        self.object_size = self._object_sizes()

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        return (
            f"<Trace {self.file}: {len(self)} requests of {len(self.clients)} clients,"
            f" {self.skipped}>"
        )

    @property
    def hosts(self) -> list[str]:
        """The hosts that entries name, in order of first appearance; "" where they name none."""
        return list(dict.fromkeys(host for host, _ in self.objects))

    @property
    def conditional(self) -> np.ndarray:
        """Which entries were answered 304, so asked whether their copy was still good."""
        return np.asarray(self.status == CONDITIONAL)

    @property
    def ranged(self) -> np.ndarray:
        """Which entries were answered 206, so asked for a part."""
        return np.asarray(self.status == RANGED)

    def ats(self, *, speed: float | None = None, spread: float | None = None) -> np.ndarray:
        """When each entry is replayed, in seconds from 0.

        Times are divided by *speed*, or scaled so that the log just fits into *spread* seconds,
        the last tick of its clock included. Neither: as fast as they came.
        """
        since = self.time - self.time[0]
        if spread is not None:
            speed = (float(since[-1]) + self.resolution) / spread if spread else np.inf
        return since if speed is None else np.asarray(since / speed)

    def _object_sizes(self) -> np.ndarray:
        sizes = np.zeros(len(self.objects), dtype=np.int64)
        seen = np.zeros(len(self.objects), dtype=bool)
        whole = self.status == 200
        np.maximum.at(sizes, self.object[whole], self.size[whole])
        seen[self.object[whole]] = True
        other = ~seen[self.object]
        np.maximum.at(sizes, self.object[other], self.size[other])
        return sizes
