"""The reports of all processes, joined into one run: rows, spans, windows, views."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from math import nan
from typing import Any

import numpy as np

from proxysim.errors import TopologyError
from proxysim.loopback.orders import Report, Task
from proxysim.loopback.records import Asked, Handled, Served
from proxysim.loopback.spans import Spans, mirrored
from proxysim.loopback.stories import Stories, Story
from proxysim.loopback.telling import write_diary
from proxysim.results.columns import CACHE_STATES, CODINGS, METHODS, Outcome
from proxysim.results.recorder import Recorder
from proxysim.results.run import Run
from proxysim.results.sights import Kind, Seen, Segment, Sights, count_views
from proxysim.results.table import Names
from proxysim.results.windows import edges
from proxysim.scenario import Scenario
from proxysim.scenario.build_topology import described
from proxysim.scenario.facts import facts_of
from proxysim.scenario.happenings import event_facts
from proxysim.scenario.notes import notes_of
from proxysim.topology import Network
from proxysim.workload.draws import Workload
from proxysim.workload.replay import ReplayGroup

__all__ = ["Joint"]

METHOD_CODES = {name: code for code, name in enumerate(METHODS)}
STATES = {name: code for code, name in enumerate(CACHE_STATES)}
CODING_CODES = {name: code for code, name in enumerate(CODINGS)} | {"": 0}


class Joint:
    """All that is known of a run of *scenario*, by *tasks* and their *reports*.

    *workload* and *network* are the run's, as every process has made them for itself. *strangers*
    are proxies in whose place another program stood, which tells nothing.
    """

    def __init__(
        self,
        scenario: Scenario,
        workload: Workload,
        network: Network,
        recorder: Recorder,
        tasks: Sequence[Task],
        reports: Sequence[Report],
        *,
        hops: bool,
        strangers: Collection[str] = (),
    ) -> None:
        self.scenario = scenario
        self.workload = workload
        self.network = network
        self.recorder = recorder
        self.hops = hops
        self.reports = reports
        self.proxies: dict[str, dict[str, Any]] = {}
        servers: dict[str, dict[str, Any]] = {}
        self.clients: dict[str, Any] = {}
        for task, report in zip(tasks, reports, strict=True):
            if task.part == "proxy":
                self.proxies[task.names[0]] = report.parts
            elif task.part == "servers":
                servers |= report.parts
            else:
                self.clients = report.parts
                self.client_report = report
        handled = {name: parts["handled"] for name, parts in self.proxies.items()}
        served = {name: parts["served"] for name, parts in servers.items()}
        self.stories = Stories(handled, served, strangers)
        self._handshakes = {
            name: dict(parts["handshakes"]) for name, parts in (self.proxies | servers).items()
        }
        self.parties = recorder.texts["client"]
        self.asked: dict[int, tuple[int, int]] = {}  # client's and site's code by request
        for group in workload.groups:  # the same codes in the same order as in simulated time
            for number in range(1, group.count + 1):
                _ = self.parties[f"{group.name}-{number}"]

    def run(self, *, seed: int, replication: int, extra: Mapping[str, Any]) -> Run:
        """The run."""
        sites = [recorded.name for recorded in self.workload.sites]
        for name, log in self.clients["asked"].items():
            for asked in log:
                client = self.parties[f"{name}-{asked.member + 1}"]
                site = self.recorder.texts["site"][sites[asked.site]]
                self.asked[asked.id] = (client, site)
                self._row(asked, client, site)
        self._windows()
        if self.recorder.wants_views:
            count_views(self._sights(), self.recorder, self.network)
        if self.hops:
            Spans(self).write()
        for name, parts in self.proxies.items():
            for request, at, backend, why in parts["choices"]:
                self.recorder.choice(request, at, name, backend, why)
        write_diary(self)
        return self.recorder.finish(
            world="live",
            scenario=self.scenario.name,
            scenario_hash=self.scenario.hash,
            seed=seed,
            replication=replication,
            arrived=self.clients["arrived"],
            events=[event_facts(event) for event in self.scenario.document.events],
            facts=facts_of(
                self.scenario, self.workload.counts, self._found(), self._matched(), self._wires()
            ),
            topology=described(self.network),
            extra=self._extra() | dict(extra),
        )

    # Rows.

    def _row(self, asked: Asked, client: int, site: int) -> None:
        catalogue = self.workload.sites[asked.site]
        story = self._story(asked)
        outcome = self._outcome(asked, story)
        at = self.clients["scheduled"].get(asked.id, asked.at)
        shift = at - asked.at
        latency = asked.end - asked.at
        wait = asked.waited + story.wait
        service = story.service
        cpu = max(0.0, min(story.cpu, latency - wait - service))
        network = latency - wait - service - cpu
        names = self.recorder.texts
        # Nobody has served what is in flight, and no answer has told whose it will be.
        left = outcome == Outcome.IN_FLIGHT
        served_by, backend = ("", "") if left else (story.served_by, story.backend)
        self.recorder.add(
            (
                asked.id,
                client,
                site,
                names["path"][catalogue.path(asked.object)],
                METHOD_CODES.get(asked.method, METHOD_CODES["OTHER"]),
                at,
                asked.first_byte + shift,
                asked.end + shift,
                latency,
                asked.status,
                outcome,
                names["served_by"][served_by],
                names["backend"][backend],
                STATES[story.cache],
                story.attempts,
                asked.secure,
                CODING_CODES.get(asked.coding, 0),
                asked.uploaded,
                asked.length,
                wait,
                service,
                max(0.0, network),
                cpu,
            )
        )

    def _outcome(self, asked: Asked, story: Story) -> int:
        if not asked.over:
            return Outcome.IN_FLIGHT
        if asked.failure:
            late = asked.failure in ("patience", "timeout")
            return Outcome.TIMED_OUT if late else Outcome.FAILED
        return Outcome.of(asked.status, blocked=story.blocked)

    def _story(self, asked: Asked) -> Story:
        front = asked.front
        found = self.end_of(asked)
        if found is not None:
            return self.stories.of(found, asked.id)
        refused = self.stories.tunnels.get((front, asked.id))
        if refused is not None and asked.status:
            return Story(front, blocked=refused.blocked, wait=refused.wait, cpu=refused.cpu)
        return self.stories.of(front, asked.id)

    def end_of(self, asked: Asked) -> str | None:
        """Who received what *asked* sent, where the one that it connected to only relays."""
        if not asked.secure or asked.front not in self.proxies:
            return None
        if self.stories.told(asked.front, asked.id, 1) is not None:
            return None
        for node, told in self.stories.received.get(asked.id, ()):
            if told.secure and told.attempt == 1 and self._relayed(told):
                return node
        return None

    def _relayed(self, told: Handled | Served) -> bool:
        """Whether it came through a tunnel."""
        peer = self._name(told.peer[0])
        relays = self.proxies.values() if not peer else [self.proxies.get(peer)]
        return any(parts and told.peer[1] in parts["tunnels"] for parts in relays)

    def _name(self, address: str) -> str:
        try:
            return self.network.name(address)
        except TopologyError:
            return ""

    # Windows.

    def _windows(self) -> None:
        """Rows of the nodes table; bytes that several processes sent along a wire are one sum."""
        rows: dict[tuple[str, float], tuple[Any, ...]] = {}
        for report in self.reports:
            for name, start, *rest in report.windows:
                before = rows.get((name, start))
                if before is not None:
                    rest[-1] += before[-1]
                rows[name, start] = (name, start, *rest)
        rows |= self._ideal({name for name, _ in rows})
        for name, *rest in rows.values():
            self.recorder.node_window((self.parties[name], *rest))

    def _ideal(self, metered: Container[str]) -> dict[tuple[str, float], tuple[Any, ...]]:
        """Windows of wires that hold nothing up, so that nobody has *metered* them: by bodies."""
        run = self.scenario.document.run
        ends = edges(run.duration, run.warmup, run.window)
        if self.clients["scheduled"]:
            ends = ends[-1:]
        wires = [name for name in self._wires() if name not in metered]
        sizes = {name: [0] * len(ends) for name in wires}
        uploaded = {
            asked.id: asked.uploaded for log in self.clients["asked"].values() for asked in log
        }
        for log in self.stories.received.values() if wires else ():
            for node, told in log:
                window = min(bisect_left(ends, told.ended), len(ends) - 1)
                crossed = self.crossed(told.peer, node)
                for wire in crossed:
                    if wire in sizes:
                        sizes[wire][window] += uploaded.get(told.id, 0)
                for wire in mirrored(crossed):
                    if wire in sizes:
                        sizes[wire][window] += told.sent
        return {
            (wire, start): (wire, start, end, nan, 0, 0, 0, 0, 0, 0, 0, size)
            for wire, found in sizes.items()
            for start, end, size in zip([0.0, *ends], ends, found, strict=False)
        }

    # Views.

    def _sights(self) -> Sights:
        kinds: dict[Kind, int] = {}
        chains, seen = Names(), Seen()
        rows = []
        told: list[tuple[str, Handled | Served]] = [
            found for log in self.stories.received.values() for found in log
        ]
        told += [(name, found) for (name, _), found in self.stories.tunnels.items()]
        sites = self.recorder.texts["site"]
        for node, found in told:
            whom = self.asked.get(found.id)
            if whom is None:
                continue  # a probe
            segments = self.segments(found.peer, node)
            if not segments:
                continue
            tunnel = isinstance(found, Handled) and found.method == "CONNECT"
            secure = None if tunnel else found.secure
            kind = kinds.setdefault((segments, secure), len(kinds))
            rows.append((kind, whom[0], sites[found.host], chains[found.chain]))
        seen.take(rows)
        return Sights(tuple(kinds), tuple(chains), seen, dict(self._lookups()))

    def segments(self, peer: tuple[str, int], node: str) -> tuple[Segment, ...]:
        """The stretches of the connection from *peer* to *node*, as those who opened them tell."""
        opener = self._name(peer[0])
        if not opener:
            return ()
        wires = tuple(hop.name for hop in self.network.route(opener, node))
        end = self.parties[node]
        if opener not in self.proxies:
            return ((0, wires, end),)
        last: Segment = (self.parties[opener], wires, end)
        before = self.proxies[opener]["tunnels"].get(peer[1])
        if before is None:
            return (last,)
        return (*self.segments((before, 0), opener), last)

    def _lookups(self) -> Iterator[tuple[tuple[int, int, int], int]]:
        sites = self.recorder.texts["site"]
        for name, parts in self.proxies.items():
            counts: Counter[tuple[int, int, int]] = Counter()
            for (host, request), times in parts["lookups"].items():
                if request in self.asked:
                    counts[self.parties[name], self.asked[request][0], sites[host]] += times
            yield from counts.items()
        counts = Counter()
        for (member, _, host), times in self.clients["lookups"].items():
            counts[self.parties[member], self.parties[member], sites[host]] += times
        yield from counts.items()

    def crossed(self, peer: tuple[str, int], node: str) -> tuple[str, ...]:
        """The wires of the connection from *peer* to *node*."""
        return tuple(wire for _, wires, _ in self.segments(peer, node) for wire in wires)

    # The rest.

    def _wires(self) -> list[str]:
        names: dict[str, None] = {}
        for one, other in self.network.conversations:
            for hop in (*self.network.route(one, other), *self.network.route(other, one)):
                names[hop.name] = None
        return list(names)

    def _found(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for group, node in self.scenario.document.nodes.items():
            if node.kind in ("server", "forward_proxy", "reverse_proxy"):
                for member in self.scenario.members(group):
                    found[member] = {
                        "address": self.network.address(member),
                        "handshakes": self._handshakes.get(member, {}),
                    }
        for name, parts in self.proxies.items():
            found[name]["connections"] = parts["connections"]
        return found

    def _matched(self) -> dict[str, list[int]]:
        return {
            name: parts["matched"]
            for name, parts in self.proxies.items()
            if parts["matched"] is not None
        }

    def _extra(self) -> dict[str, Any]:
        groups = self.workload.groups
        notes = {group.name: group.notes() for group in groups if isinstance(group, ReplayGroup)}
        extra: dict[str, Any] = {"replayed": notes} if notes else {}
        if said := notes_of(self.scenario):
            extra["notes"] = said
        if self.scenario.removed:
            extra["without"] = list(self.scenario.removed)
        return extra

    def lateness(self) -> tuple[float, float] | None:
        """How late the clients asked: the median and the 99th percentile, in seconds."""
        late = [asked.taken - asked.at for log in self.clients["asked"].values() for asked in log]
        if not late:
            return None
        p50, p99 = np.quantile(np.array(late), [0.5, 0.99])
        return float(p50), float(p99)
