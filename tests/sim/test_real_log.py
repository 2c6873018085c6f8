"""A real site's log, all of it, through both kinds of proxy."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxysim.results.run import Run
from proxysim.scenario import Scenario
from proxysim.sim import simulate

LOG = Path(__file__).parents[3] / "shared" / "data" / "semicomplete-access.log"
SITE = "semicomplete.example"

pytestmark = pytest.mark.skipif(not LOG.exists(), reason="the log is not part of the project")


def logged() -> Counter[int]:
    """How often the log has each status."""
    lines = LOG.read_text().splitlines()
    return Counter(int(line.split('" ')[1].split()[0]) for line in lines)


def replayed(*, cache: bool) -> Run:
    """An office whose gateway fetches over the internet from a site behind its edge."""
    kept: dict[str, Any] = {"cache": {"capacity": "100MB", "collapse": True}} if cache else {}
    scenario = Scenario.checked(
        {
            "proxysim": 1,
            "title": "A real log",
            "run": {"duration": 610.0, "drain": 600.0, "seed": 1},
            "sites": {SITE: {"ttl": "1h"}},
            "nodes": {
                "readers": {
                    "kind": "clients",
                    "arrivals": {"replay": {"file": LOG.name, "site": SITE, "spread": 600.0}},
                    "through": "gateway",
                    "connections": 6,
                },
                "gateway": {"kind": "forward_proxy", "identity": "anonymous", **kept},
                "edge": {
                    "kind": "reverse_proxy",
                    "sites": [SITE],
                    "tls": "none",
                    "balancer": "least_connections",
                    "backends": "origin",
                    **kept,
                },
                "origin": {"kind": "server", "count": 2, "workers": 8, "service": "10ms"},
            },
            "links": [
                {"between": ["readers", "gateway"], "latency": "1ms", "bandwidth": "1Gbps"},
                {"between": ["gateway", "edge"], "latency": "30ms", "bandwidth": "1Gbps"},
                {"between": ["edge", "origin"], "latency": "0.2ms", "bandwidth": "10Gbps"},
            ],
            "costs": "typical",
        },
        name="real-log",
        directory=LOG.parent,
    )
    run = simulate(scenario)
    run.check()
    return run


@pytest.fixture(scope="module")
def plain() -> Run:
    return replayed(cache=False)


@pytest.fixture(scope="module")
def cached() -> Run:
    return replayed(cache=True)


def test_without_a_cache_every_answer_is_the_logs(plain: Run) -> None:
    assert len(plain.column("id")) == 10_000
    assert Counter(plain.column("status").tolist()) == logged()
    assert (plain.column("outcome") == 0).sum() == 10_000 - logged()[500]


def test_with_caches_the_changes_are_known(plain: Run, cached: Run) -> None:
    """A cache answers what it holds: whole where a part was asked, 304 where it may."""
    assert cached.requests["path"].tolist() == plain.requests["path"].tolist()
    before, after = plain.column("status"), cached.column("status")
    changes = Counter(zip(before.tolist(), after.tolist(), strict=True))
    changed = {pair: count for pair, count in changes.items() if pair[0] != pair[1]}
    assert sum(changed.values()) < 500, changed
    assert set(changed) <= {(206, 200), (304, 200), (200, 304), (206, 304)}, changed
    hits = cached.summary().hit_ratio
    assert 0.3 < hits["gateway"] < 0.95
    far = [run.summary().bytes["edge>gateway"] for run in (plain, cached)]
    assert far[1] < 0.9 * far[0]


def test_clients_and_times_are_the_logs(plain: Run) -> None:
    assert len(np.unique(plain.column("client"))) == 1753
    at = plain.column("at")
    assert (np.diff(at) >= 0).all()
    assert at[-1] < 600.0
