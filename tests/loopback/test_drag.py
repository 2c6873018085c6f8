"""A slowed proxy: its process stands still for what a slow processor would have taken longer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import proxysim as ps
from proxysim.loopback.drag import Drag
from tests.loopback.stage import both_proxies

FACTORS = st.lists(st.floats(0.1, 50), min_size=1, max_size=3)
WORK = st.lists(st.floats(0, 0.01), max_size=5)


@given(FACTORS, WORK, WORK)
def test_work_takes_as_many_times_as_long_as_the_product_of_what_slows(factors, slowed, free):
    clock = {"spent": 0.0, "stood": 0.0}

    def stand(seconds):
        clock["stood"] += seconds

    drag = Drag(lambda: clock["spent"], stand)

    def work(pieces):
        for seconds in pieces:
            clock["spent"] += seconds
            if drag.on:
                drag.pull()

    work(free)
    product = 1.0
    for factor in factors:
        drag.begin(factor)
        product *= factor
    work(slowed)
    for factor in factors:
        drag.end(factor)
    work(free)
    assert not drag.on
    assert clock["stood"] == pytest.approx(max(0.0, product - 1) * sum(slowed))
    assert drag.held == pytest.approx(clock["stood"])


@pytest.mark.live
def test_a_slowed_proxy_takes_longer_itself_and_decides_the_same():
    pytest.importorskip("httptools")
    plain = both_proxies(**{"run.duration": 1.0, "events": []})
    slow = plain.set({"events": [{"at": 0, "node": "gateway", "slow": 80, "for": "1s"}]})
    found = [ps.live(scenario, sequential=True) for scenario in (plain, slow)]
    first, second = (run.requests.set_index("id") for run in found)
    assert (first["status"] == second["status"]).all()
    # Of tunnels the gateway does nothing but the opening.
    through = first["client"].str.startswith("staff") & (first["encrypted"] == 0)
    assert through.sum() > 5
    assert second["cpu"][through].median() > 3 * first["cpu"][through].median()
    assert (second["latency"] >= second["cpu"] - 1e-9).all()
