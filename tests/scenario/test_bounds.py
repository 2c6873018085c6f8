"""What no computer could finish is refused before it begins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ScenarioError
from proxysim.scenario.bounds import expected
from proxysim.scenario.build_workload import arrivals_of
from proxysim.scenario.draws import Arrivals
from proxysim.scenario.scenario import Scenario
from tests.sim.scene import SITE, edge, front, server, tree

rates = st.floats(0, 1e6)
times = st.floats(0.1, 1e4)
steps = st.lists(st.tuples(times, rates), min_size=1, max_size=5, unique_by=lambda step: step[0])
processes = st.one_of(
    st.fixed_dictionaries({"poisson": rates}),
    st.fixed_dictionaries({"even": rates}),
    st.fixed_dictionaries(
        {
            "bursty": st.fixed_dictionaries(
                {"calm": rates, "burst": rates, "calm_for": times, "burst_for": times}
            )
        }
    ),
    st.fixed_dictionaries(
        {"ramp": st.fixed_dictionaries({"start": rates, "end": rates}, optional={"over": times})}
    ),
    steps.map(lambda found: {"steps": [{"at": at, "rate": rate} for at, rate in sorted(found)]}),
)


@given(processes, times)
def test_expectations_are_those_of_the_arrival_process(said, duration):
    arrivals = Arrivals.model_validate(said)
    mean = arrivals_of(arrivals, duration).mean_rate(duration) * duration
    assert expected(arrivals, duration) == pytest.approx(mean, rel=1e-9, abs=1e-6)


@given(st.integers(1, 9), st.lists(st.floats(0.1, 10), min_size=1, max_size=24))
def test_whole_days_are_exact(days, profile):
    arrivals = Arrivals.model_validate({"daily": {"mean": 2.0, "profile": profile, "day": 100.0}})
    assert expected(arrivals, 100.0 * days) == pytest.approx(200 * days)
    assert expected(arrivals, 100.0 * days - 50) == pytest.approx(200 * days)


def scenario(arrivals, *, nodes=None, **rest):
    users = {"kind": "clients", "arrivals": arrivals}
    return Scenario.checked(tree({"users": users, **(nodes or {"web": front()})}, **rest), name="x")


@pytest.mark.parametrize(
    "arrivals",
    [
        {"poisson": "1e12/s"},
        {"even": 1_000_001},
        {"ramp": {"start": 0, "end": 2_000_002}},
        {"bursty": {"calm": 0, "burst": 1e300, "calm_for": 1, "burst_for": 1}},
        {"bursty": {"calm": 1, "burst": 2, "calm_for": 1e-9, "burst_for": 1e-9}},
        {"daily": {"mean": 1e7, "profile": [1, 2]}},
        {"daily": {"mean": 1, "profile": [1, 2], "day": 1e-7}},
        {"steps": [{"at": 0, "rate": 1}, {"at": 99.9, "rate": 1e10}]},
    ],
)
def test_arrivals_without_end(arrivals):
    with pytest.raises(ScenarioError, match=r"nodes\.users\.arrivals: .* in 100 s\. L(ower|et)"):
        scenario(arrivals)


def test_the_bound_is_for_all_groups_together():
    scenario({"even": 1_000_000})
    other = {"kind": "clients", "arrivals": {"even": 1}}
    with pytest.raises(ScenarioError, match=r"nodes\.others\.arrivals: 1e\+08 requests"):
        scenario({"even": 1_000_000}, nodes={"others": other, "web": front()})


def test_popularity_may_not_change_for_ever():
    drifting = {"drifting": {"zipf": 1.0, "every": 1.0}}
    site = {"objects": 9_000_000, "popularity": drifting}
    scenario({"poisson": 1}, site={**site, "objects": 1000})
    with pytest.raises(ScenarioError, match=r"every: .* 9,000,000 objects changes 500 times"):
        scenario({"poisson": 1}, site=site, run={"duration": 500.0})
    scenario({"poisson": 1}, site=site, run={"duration": 100.0})


def test_groups_have_bounds():
    crowd = {"edge": edge(), "shop": server(count=10_001)}
    with pytest.raises(ScenarioError, match=r"nodes\.shop\.count: makes 10,001 servers"):
        scenario({"poisson": 1}, nodes=crowd)
    pairs = {"edge": edge(), "shop": server(count=2000), "other": server(count=2000, sites=[SITE])}
    pairs["edge"]["backends"] = ["shop", "other"]
    with pytest.raises(ScenarioError, match=r"links\.0\.between: joins 2,000 members to 2,000"):
        scenario({"poisson": 1}, nodes=pairs, links=[{"between": ["shop", "other"]}])


@pytest.mark.parametrize("name", ["duration", "drain"])
def test_a_run_lasts_ten_years_at_most(name):
    with pytest.raises(ScenarioError, match=f"found {name}: 1e\\+09 s"):
        scenario({"poisson": 1e-9}, run={name: 1e9})
