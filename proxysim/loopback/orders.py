"""What a live run's parent and its processes say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxysim.errors import ProxysimError
from proxysim.loopback.ways import Place
from proxysim.scenario.scenario import Scenario

__all__ = [
    "Begin",
    "Crash",
    "Moment",
    "Over",
    "Progress",
    "Ready",
    "Report",
    "Still",
    "Stop",
    "Task",
]


@dataclass(frozen=True, slots=True)
class Task:
    """What a process is to be: *part* is clients, proxy or servers, *names* are its nodes.

    The scenario is given as it was written. *authority* is the run's own certificate authority,
    certificate and key as PEM, empty where nobody speaks TLS. *strangers*: other programs
    stand in the place of proxies.
    """

    part: str
    names: tuple[str, ...]
    tree: Mapping[str, Any]
    name: str
    directory: Path
    removed: tuple[str, ...]
    seed: int
    replication: int
    sequential: bool
    explain: bool
    own_addresses: bool
    authority: tuple[bytes, bytes]
    drain: float
    strangers: bool = False

    def scenario(self) -> Scenario:
        """The scenario."""
        return Scenario.checked(
            self.tree, name=self.name, directory=self.directory, removed=self.removed
        )


@dataclass(frozen=True, slots=True)
class Ready:
    """A process listens; *places* by its nodes' names."""

    places: dict[str, Place]


@dataclass(frozen=True, slots=True)
class Begin:
    """The run begins at *origin*, a time of CLOCK_MONOTONIC; all *places* by name."""

    places: dict[str, Place]
    origin: float


@dataclass(frozen=True, slots=True)
class Moment:
    """In a sequential run: it is *at* from now on. Answered :class:`Still` when nothing goes on."""

    at: float


@dataclass(frozen=True, slots=True)
class Still:
    """Nothing goes on here."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The clients' share done."""

    share: float


@dataclass(frozen=True, slots=True)
class Over:
    """The last request is over."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Tell what you know, and end."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a process knows at its end; *parts* by what it is.

    It spent *cpu* seconds of its processor in *seconds*, both since the run began. *windows* are
    rows of the nodes table with names for codes. *told* is what it tells of itself, where it is to.
    """

    cpu: float
    seconds: float
    windows: list[tuple[Any, ...]]
    parts: dict[str, Any]
    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Crash:
    """The process cannot go on: *error* where somebody can mend it, *trace* where it is ours."""

    error: ProxysimError | None
    trace: str = ""
