"""proxysim: what forward and reverse proxies do, simulated, live on sockets, and in theory.

>>> import proxysim as ps
>>> scenario = ps.load("one-server")
>>> run = ps.simulate(scenario.set("run.duration", "10s"))
>>> run.summary().requests["failed"]
0

The floors of the house, from the top; a room imports only from floors below its own, and rooms on
one floor do not know each other::

    cli          the command line: proxysim run, show, scenarios, schema
    learn        lessons: pictures, dialogues, quizzes, cards; predictions and exercises
    studies      questions asked across many runs: compare, plan
    stage        a page on which the requests of a run move: run.play(), proxysim play
    charts       draw(run, ax) -> Axes
    sim          SimPy carries out what the proxies ask, in simulated time
    loopback     a whole scenario on real sockets: processes, addresses, TLS
    sockets      asyncio carries it out on real sockets
    theory       closed formulas, where there is one
    scenario     what exists: schema, loading, the shipped library
    results      what happened: Run, its tables, summary and exports
    workload     arrivals, popularity, sizes, access logs
    topology     nodes and links as a graph
    statistics   quantiles, intervals, fairness: plain arrays in and out
    proxies      the proxies themselves, as generators of effects
    policies     pure decisions: balancers, eviction, filters, freshness, identity
    costs        seconds and bytes that a step costs, with sources
    messages     Request, Response, Failure
    units errors

Names are imported when they are first used, so that ``import proxysim`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from proxysim.errors import (
        ProxysimError,
        ResultError,
        RunError,
        ScenarioError,
        TopologyError,
        TraceError,
        UnitError,
    )
    from proxysim.results.comparison import compare as differences
    from proxysim.results.recorder import Keep
    from proxysim.results.run import Run
    from proxysim.results.summary import Summary
    from proxysim.scenario import Scenario, from_dict, load, loads, shipped
    from proxysim.studies.compare import compare
    from proxysim.studies.metrics import Prices
    from proxysim.studies.plan import plan
    from proxysim.studies.sweep import sweep
    from proxysim.studies.validate import validate

    __version__: str

__all__ = [
    "Prices",
    "ProxysimError",
    "ResultError",
    "Run",
    "RunError",
    "Scenario",
    "ScenarioError",
    "Summary",
    "TopologyError",
    "TraceError",
    "UnitError",
    "__version__",
    "compare",
    "differences",
    "from_dict",
    "live",
    "load",
    "loads",
    "plan",
    "shipped",
    "simulate",
    "sweep",
    "validate",
]

#: Where each public name lives, and what it is called there if not the same.
_HOMES = {
    "ProxysimError": "proxysim.errors",
    "ResultError": "proxysim.errors",
    "Prices": "proxysim.studies.metrics",
    "Run": "proxysim.results.run",
    "RunError": "proxysim.errors",
    "Scenario": "proxysim.scenario",
    "ScenarioError": "proxysim.errors",
    "Summary": "proxysim.results.summary",
    "TopologyError": "proxysim.errors",
    "TraceError": "proxysim.errors",
    "UnitError": "proxysim.errors",
    "compare": "proxysim.studies.compare",
    "differences": "proxysim.results.comparison:compare",
    "from_dict": "proxysim.scenario",
    "load": "proxysim.scenario",
    "loads": "proxysim.scenario",
    "plan": "proxysim.studies.plan",
    "shipped": "proxysim.scenario",
    "sweep": "proxysim.studies.sweep",
    "validate": "proxysim.studies.validate",
}


def simulate(
    scenario: Scenario | str | os.PathLike[str],
    *,
    seed: int | None = None,
    replication: int = 0,
    keep: Keep = "all",
    hops: Keep = "none",
    views: bool = True,
    explain: bool = False,
    sequential: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Run:
    """Run a *scenario*, or the one of a shipped name or a path, in simulated time.

    The same *seed* (default: the scenario's) and *replication* give the same tables, bit for bit.
    *keep* and *hops* say whose rows and spans are kept: ``"all"``, ``"none"``, or n for every n-th
    request; *views* whether who saw what is counted. With *explain* each choice of a backend is
    told with its reasons, for the requests whose spans are kept, and ``run.diary`` has the heads of
    their messages, what caches did, and whom proxies left out. With *sequential* each request
    waits for the answer to the one before, and policies are told the time at which it was due.
    *progress* is called with the share done. Raises ScenarioError for a scenario that cannot run,
    RunError if a request was lost.
    """
    from proxysim.sim import simulate

    return _run(
        simulate,
        scenario,
        seed=seed,
        replication=replication,
        keep=keep,
        hops=hops,
        views=views,
        explain=explain,
        sequential=sequential,
        progress=progress,
    )


def live(
    scenario: Scenario | str | os.PathLike[str],
    *,
    seed: int | None = None,
    replication: int = 0,
    keep: Keep = "all",
    hops: Keep = "none",
    views: bool = True,
    explain: bool = False,
    sequential: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Run:
    """Run a *scenario* on real sockets of this machine's loopback, in real time.

    The requests are the same as :func:`simulate` makes of the same *seed* and *replication*, and
    so are the run's tables; ``run.extra["live"]`` tells what the machine had to do, and under
    ``void`` why the run should not be believed, if so. The other arguments are as for
    :func:`simulate`; two sequential runs, one of each, decide the same. Raises ScenarioError for a
    scenario that cannot run here, RunError where one of its processes is lost.
    """
    from proxysim.loopback import live

    return _run(
        live,
        scenario,
        seed=seed,
        replication=replication,
        keep=keep,
        hops=hops,
        views=views,
        explain=explain,
        sequential=sequential,
        progress=progress,
    )


def _run(
    world: Callable[..., Run],
    scenario: Scenario | str | os.PathLike[str],
    *,
    seed: int | None,
    replication: int,
    **options: Any,
) -> Run:
    """Run *scenario* in *world*."""
    from proxysim.scenario import Scenario, load

    if seed is not None:
        seed = _whole(seed, "seed")
    replication = _whole(replication, "replication")
    found = scenario if isinstance(scenario, Scenario) else load(scenario)
    run = world(found, seed=seed, replication=replication, **options)
    for name in ("title", "question", "watch_for"):
        run.extra.setdefault(name, getattr(found, name))
    return run


def _whole(number: Any, place: str) -> int:
    """*number* as an int, numpy's integers too; nothing else may seed a run."""
    from operator import index

    try:
        whole = index(number)
    except TypeError:
        whole = -1
    if whole < 0:
        from proxysim.errors import ScenarioError

        raise ScenarioError(
            f"found {number!r}", place=place, mend="Give a whole number of at least 0."
        )
    return whole


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata

        try:
            value: Any = metadata.version("proxysim")
        except metadata.PackageNotFoundError:
            value = "unknown"
    elif name in _HOMES:
        home, _, other = _HOMES[name].partition(":")
        value = getattr(import_module(home), other or name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
