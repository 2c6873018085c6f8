"""The simulated world: SimPy carries out what the proxies ask, in simulated time."""

from __future__ import annotations

from collections.abc import Callable

from proxysim.errors import ResultError
from proxysim.results.recorder import Keep
from proxysim.results.run import Run
from proxysim.scenario import Scenario
from proxysim.sim.clock import seldom_collected
from proxysim.sim.world import World

__all__ = ["simulate"]


def simulate(
    scenario: Scenario,
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
    """Run *scenario* in simulated time.

    The same *seed* (default: the scenario's) and *replication* give the same tables, bit for bit.
    *keep* and *hops* say whose rows and spans are kept: ``"all"``, ``"none"``, or n for every n-th
    request; *views* whether who saw what is counted. With *explain* each choice of a backend is
    told with its reasons, for the requests whose spans are kept, and ``run.diary`` has the heads of
    their messages, what caches did, and whom proxies left out. With *sequential* each request
    waits until nothing goes on any more, and policies are told the time at which it was due.
    *progress* is called with the share done. Raises ScenarioError for a scenario that cannot run,
    RunError if a request was lost.
    """
    if explain and hops == "none":
        raise ResultError(
            "there are no spans beside which to explain",
            place="explain",
            mend="Keep some, with hops='all', or hops=n for every n-th request.",
        )
    seed = scenario.document.run.seed if seed is None else seed
    with seldom_collected(), scenario.located():
        world = World(
            scenario,
            seed,
            replication,
            keep=keep,
            hops=hops,
            views=views,
            explain=explain,
            sequential=sequential,
        )
        try:
            run = world.run(progress)
        finally:
            world.take_apart()
        del world  # here, while the collector rests: what is freed now need not be walked
    return run
