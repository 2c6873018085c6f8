"""What a process of a live run is: a part of the scenario, its clock, its events, its meters."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from math import nan
from typing import Any

from proxysim.loopback.alarm import Alarm
from proxysim.loopback.authority import Authority
from proxysim.loopback.orders import Begin, Report, Task
from proxysim.loopback.sessions import Sessions
from proxysim.loopback.telling import Teller
from proxysim.loopback.ways import Place, Ways
from proxysim.results.windows import Meter, edges
from proxysim.scenario.build_topology import network_of
from proxysim.scenario.build_workload import workload_of
from proxysim.scenario.document import Event
from proxysim.scenario.happenings import steps_of

__all__ = ["Part", "files_at_most"]

SWEEP = 1.0


class Part:
    """One process's share of the run that *task* describes.

    A subclass makes ``nodes``, by name, of what events can befall, and says what it reports.
    """

    def __init__(self, task: Task, tell: Callable[[Any], None]) -> None:
        self.task = task
        self.tell = tell
        self.scenario = task.scenario()
        document = self.scenario.document
        self.document = document
        self.alarm = Alarm()
        self.workload = workload_of(self.scenario, task.seed, task.replication)
        self.network = network_of(self.scenario, self.workload.counts)
        self.ways = Ways(self.alarm, self.network, task.seed, task.replication)
        self.authority = Authority.of(task.authority)
        self.nodes: dict[str, Any] = {}
        self.moment = 0.0
        self.teller = Teller(lambda: self.alarm.time) if task.explain else None
        self.windows: list[tuple[Any, ...]] = []
        self._carried: Counter[str] = Counter()
        self._meters: list[tuple[str, Meter]] = []
        self._steps = steps_of(document.events)
        for event in document.events:
            if event.link is not None:
                self.ways.troubled |= {hop.name for hop in self.network.joins(*event.link)}

    @property
    def sequential(self) -> bool:
        """Whether the next request leaves after the last answer."""
        return self.task.sequential

    def clock(self) -> float:
        """The seconds that policies are told."""
        return self.moment if self.sequential else self.alarm.time

    def address(self, member: str) -> str:
        """Where *member* lives."""
        return self.network.address(member) if self.task.own_addresses else "127.0.0.1"

    def sessions(self) -> Sessions | None:
        """What somebody here speaks with others over TLS; None where nobody does."""
        return None if self.authority is None else Sessions(self.authority.client())

    # The run.

    def prepare(self) -> dict[str, Place]:
        """Take places; where they are."""
        return {}

    def begin(self, order: Begin) -> None:
        """The run begins at the order's origin."""
        self.alarm.origin = order.origin
        self._cpu = time.process_time()
        self.ways.places = order.places
        ends = edges(self.document.run.duration, self.document.run.warmup, self.document.run.window)
        self._meters = list(self.meters())
        if self.sequential:
            ends = ends[-1:]
        else:
            for at, event, begins in self._steps:
                self.alarm.at(at, lambda step: self.happen(*step), (event, begins))
            for start, end in zip([0.0, *ends], ends, strict=False):
                self.alarm.at(end, lambda span: self._read(*span), (start, end))
        self.alarm.at(SWEEP, self._sweep)
        self.start()

    def start(self) -> None:
        """The clock has been set."""

    def meters(self) -> Iterable[tuple[str, Meter]]:
        """What is read at the ends of windows, by node."""
        return ()

    def _read(self, start: float, end: float) -> None:
        for name, meter in self._meters:
            self.windows.append((name, *meter.row(start, end)[1:]))
        carried = self.ways.carried.copy()
        for name in carried:
            size = carried[name] - self._carried[name]
            self.windows.append((name, start, end, nan, 0, 0, 0, 0, 0, 0, 0, size))
        self._carried = carried

    def _sweep(self, _: Any) -> None:
        self.sweep()
        self.alarm.after(SWEEP, self._sweep)

    def sweep(self) -> None:
        """Look after what is idle; called once a second."""

    # A sequential run.

    def turn_to(self, at: float) -> None:
        """It is *at* now: what was to happen until then happens."""
        self.moment = at
        while self._steps and self._steps[0].at <= at:
            step = self._steps.pop(0)
            self.happen(step.event, step.begins)

    @property
    def idle(self) -> bool:
        """Whether nothing goes on."""
        return all(node.idle for node in self.nodes.values())

    # Events.

    def happen(self, event: Event, begins: bool) -> None:
        """Let *event* begin or end here, as far as this part is concerned."""
        if event.link is not None:
            for hop in self.network.joins(*event.link):
                direction = self.ways.directions[hop]
                (direction.begin if begins else direction.end)(event)
            return
        assert event.node is not None
        members = [event.node]
        if event.node not in self.nodes and event.node in self.document.nodes:
            members = self.scenario.members(event.node)
        for member in members:
            if event.drain_for is not None or event.restart_for is not None:
                self.drain(member, begins)
            node = self.nodes.get(member)
            if node is not None:
                _befall(node, event, begins)

    def drain(self, member: str, begins: bool) -> None:
        """Send *member* nothing new from now on, or send to it again."""

    # The end.

    def report(self) -> Report:
        """What it knows."""
        if self.sequential:
            self._read(0.0, self.document.run.duration)
        cpu = time.process_time() - self._cpu
        told = {} if self.teller is None else self.teller.parts()
        return Report(cpu, self.alarm.time, self.windows, self.parts(), told)

    def parts(self) -> dict[str, Any]:
        """What a subclass has to tell."""
        return {}

    async def close(self) -> None:
        """Give everything up."""
        self.alarm.close()


def _befall(node: Any, event: Event, begins: bool) -> None:
    """Let *event* begin or end at *node*; what such a node cannot suffer is left out."""
    if event.down_for is not None or event.restart_for is not None:
        (node.go_down if begins else node.come_up)()
    elif event.silent_for is not None:
        (node.go_silent if begins else node.speak)()
    elif event.slow is not None:
        (node.slow if begins else node.recover)(event.slow)
    elif event.fail is not None and hasattr(node, "fail"):
        (node.fail if begins else node.heal)(event.fail)
    elif event.flush and hasattr(node, "flush"):
        node.flush()


def files_at_most(wanted: int) -> None:
    """Let this process open *wanted* files and sockets at a time, as far as it may."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
