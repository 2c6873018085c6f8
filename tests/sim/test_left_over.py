"""What a run has made is freed when it ends: nothing is left for the cyclic collector to find."""

from __future__ import annotations

import gc
from collections import Counter

import pytest

import proxysim

#: What may be left: a graph of networkx hangs together in circles, with the wires on it.
OF_GRAPHS = {"Wire"}


def left_over(name: str) -> Counter[str]:
    """The proxysim classes of what only the collector frees, once a run of *name* is over."""
    scenario = proxysim.load(name).set({"run.duration": "6s", "run.warmup": "0s", "events": []})
    proxysim.simulate(scenario, seed=1)  # what is worked out once is not part of it
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        proxysim.simulate(scenario, seed=2)
        gc.collect()
        kinds = (type(found) for found in gc.garbage)
        return Counter(kind.__name__ for kind in kinds if kind.__module__.startswith("proxysim"))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


@pytest.mark.parametrize(
    "name", ["both-ends", "blocked-tunnel", "hedging", "retry-storm", "website-reverse-proxy"]
)
def test_a_run_leaves_nothing_for_the_collector(name: str) -> None:
    assert set(left_over(name)) <= OF_GRAPHS
