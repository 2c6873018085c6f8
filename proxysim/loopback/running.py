"""A scenario on real sockets: its processes begun, its requests sent, its reports joined."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, NamedTuple

from proxysim.errors import ResultError, RunError, ScenarioError
from proxysim.loopback.authority import Authority
from proxysim.loopback.crew import Crew, Member
from proxysim.loopback.joining import Joint
from proxysim.loopback.orders import Begin, Moment, Over, Progress, Ready, Report, Still, Stop, Task
from proxysim.loopback.rehearsal import rehearse
from proxysim.loopback.unlike import unlike
from proxysim.loopback.verdict import verdict
from proxysim.results.recorder import Keep, Recorder
from proxysim.results.run import Run
from proxysim.scenario import Scenario
from proxysim.scenario import nodes as said
from proxysim.scenario.build_topology import network_of
from proxysim.scenario.build_workload import workload_of

__all__ = ["StandIn", "live", "tasks_of"]

#: Another program in a proxy's place: given where everybody else listens, and whom to trust, it
#: runs as long as the context does, and tells where it listens.
StandIn = Callable[
    [Mapping[str, tuple[str, int]], Authority | None], AbstractContextManager[tuple[str, int]]
]

NEEDED = ("httptools", "brotli", "zstandard", "cryptography", "trustme")
#: Seconds between the order to begin and the beginning.
AHEAD = 0.2
#: Seconds beyond its own length that a run may take until it is given up.
GRACE = 60.0
MOST_PROXIES = 32


def live(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replication: int = 0,
    keep: Keep = "all",
    hops: Keep = "none",
    views: bool = True,
    explain: bool = False,
    sequential: bool = False,
    stand_ins: Mapping[str, StandIn] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Run:
    """Run *scenario* on sockets of this machine's loopback, in real time.

    The same *seed* and *replication* give the same requests as in simulated time. *keep*, *hops*,
    *views*, *explain* and *progress* are as for ``simulate``. With *sequential* each request leaves
    when the last answer is there, and policies are told the time at which it was due: every
    decision is then the same as in a sequential simulation. *stand_ins* are other programs in the
    place of proxies, by name; what these do is not told, only what comes of it at both ends, and
    links behind them are not imposed. Raises ScenarioError for a scenario
    that cannot run, RunError where a process is lost.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ScenarioError(
            f"{', '.join(missing)} cannot be found", mend="Install it: pip install 'proxysim[live]'"
        )
    if explain and hops == "none":
        raise ResultError(
            "there are no spans beside which to explain",
            place="explain",
            mend="Keep some, with hops='all', or hops=n for every n-th request.",
        )
    seed = scenario.document.run.seed if seed is None else seed
    with scenario.located():
        workload = workload_of(scenario, seed, replication)
        network_of(scenario, workload.counts)  # which tells of those who cannot reach each other
    others = dict(stand_ins or {})
    if not sequential:
        trial = _Wanted(seed, replication, stand_ins=others)
        rehearse(scenario, workload, lambda short: _play(short, trial))
    wanted = _Wanted(seed, replication, keep, hops, views, explain, sequential, others)
    return _play(scenario, wanted, progress)


class _Wanted(NamedTuple):
    """What is to be had of a run."""

    seed: int
    replication: int
    keep: Keep = "none"
    hops: Keep = "none"
    views: bool = False
    explain: bool = False
    sequential: bool = False
    stand_ins: Mapping[str, StandIn] = {}


def _play(
    scenario: Scenario, wanted: _Wanted, progress: Callable[[float], None] | None = None
) -> Run:
    """One run, from its first process to its last row."""
    run = scenario.document.run
    workload = workload_of(scenario, wanted.seed, wanted.replication)
    network = network_of(scenario, workload.counts)
    recorder = Recorder(
        run.duration, run.warmup, keep=wanted.keep, hops=wanted.hops, views=wanted.views
    )
    own = _own_addresses()
    tasks = tasks_of(
        scenario, wanted.seed, wanted.replication, wanted.sequential, wanted.explain, own
    )
    if wanted.stand_ins:
        tasks = [
            replace(task, strangers=True) for task in tasks if task.names[0] not in wanted.stand_ins
        ]
    with Crew(tasks) as crew, ExitStack() as stack:
        places: dict[str, Any] = {}
        for ready in crew.each(Ready):
            places |= ready.places
        for name, stand_in in wanted.stand_ins.items():
            authority = Authority.of(tasks[0].authority)
            places[name] = stack.enter_context(stand_in(dict(places), authority))
        crew.tell(Begin(places, time.monotonic() + AHEAD))
        _watch(crew, run, wanted.sequential, progress)
        crew.tell(Stop())
        reports = crew.each(Report)
    hops = wanted.hops != "none"
    joint = Joint(
        scenario,
        workload,
        network,
        recorder,
        tasks,
        reports,
        hops=hops,
        strangers=wanted.stand_ins,
    )
    extra: dict[str, Any] = {"sequential": True} if wanted.sequential else {}
    extra["live"] = verdict(joint, tasks, reports, sequential=wanted.sequential)
    extra["live"]["unlike"] = unlike(scenario)
    if not own:
        extra["live"]["addresses"] = "all nodes share 127.0.0.1: no peer can be told from another"
    return joint.run(seed=wanted.seed, replication=wanted.replication, extra=extra)


def tasks_of(
    scenario: Scenario, seed: int, replication: int, sequential: bool, explain: bool, own: bool
) -> list[Task]:
    """One process for all servers, one for each proxy, and one for all clients, who come last."""
    document = scenario.document
    nodes = document.nodes
    encrypted = any(site.tls for site in document.sites.values())
    authority = Authority.new().pems if encrypted else (b"", b"")
    servers = tuple(name for name, node in nodes.items() if isinstance(node, said.Server))
    clients = tuple(name for name, node in nodes.items() if isinstance(node, said.Clients))
    proxies = [name for name, node in nodes.items() if isinstance(node, said.ProxyBase)]
    if len(proxies) > MOST_PROXIES:
        raise ScenarioError(
            f"found {len(proxies)} proxies, and each is a process of its own",
            place="nodes",
            mend=f"Have {MOST_PROXIES} at most, or run it simulated.",
        )
    wanted = [("servers", servers), *(("proxy", (name,)) for name in proxies), ("clients", clients)]
    return [
        Task(
            part,
            names,
            scenario.to_dict(),
            scenario.name,
            scenario.directory.resolve(),
            scenario.removed,
            seed,
            replication,
            sequential,
            explain,
            own,
            authority,
            document.run.drain,
        )
        for part, names in wanted
    ]


def _watch(
    crew: Crew, run: Any, sequential: bool, progress: Callable[[float], None] | None
) -> None:
    """See the run to its end; RunError where it does not come to one."""
    until = time.monotonic() + AHEAD + run.duration + run.drain + GRACE
    asked = crew.members[-1]
    while True:
        left = run.drain + GRACE if sequential else until - time.monotonic()
        for member, told in crew.hear(crew.members, max(0.0, left)):
            if isinstance(told, Over):
                return
            if isinstance(told, Progress):
                if progress is not None:
                    progress(told.share)
            elif member is asked and isinstance(told, float):
                _turn(crew, asked, told)
        if not sequential and time.monotonic() > until:
            raise RunError("the run does not come to its end", place="live", mend="Run it shorter.")


def _turn(crew: Crew, asked: Member, at: float) -> None:
    """Have everybody know that it is *at*, and the clients go on when nothing goes on."""
    crew.tell(Moment(at))
    crew.each(Still)
    asked.tell(Still())


def _own_addresses() -> bool:
    """Whether each node can have an address of its own: Linux has all of 127.0.0.0/8."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        try:
            trial.bind(("127.1.0.1", 0))
        except OSError:
            return False
    return True
