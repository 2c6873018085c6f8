"""Closed networks against the recursion, the repairman, and the asymptotes; approximations too."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.theory import approximations, queues
from proxysim.theory.networks import Station, mean_value_analysis
from proxysim.theory.queues import TheoryError

DEMANDS = st.lists(st.floats(0.01, 5), min_size=1, max_size=5)


@given(DEMANDS, st.integers(1, 60), st.floats(0, 20))
def test_the_recursion_of_reiser_and_lavenberg(demands, users, think):
    """R_k(n) = D_k (1 + Q_k(n - 1)), X(n) = n / (Z + sum R), Q_k = X R_k."""
    demand = np.array(demands)
    inside = np.zeros_like(demand)
    throughput = 0.0
    for n in range(1, users + 1):
        stay = demand * (1 + inside)
        throughput = n / (think + stay.sum())
        inside = throughput * stay
    found = mean_value_analysis(users, think, [Station(one) for one in demands])
    assert found.throughput == pytest.approx(throughput)
    assert found.response == pytest.approx(users / throughput - think)
    assert [load.inside for load in found.stations] == pytest.approx(inside.tolist())
    assert [load.utilisation for load in found.stations] == pytest.approx(throughput * demand)


@given(st.integers(1, 80), st.just(0.0) | st.floats(0.01, 10), st.integers(1, 9))
def test_the_machine_repairman(users, think, servers):
    found = mean_value_analysis(users, think, [Station(1.0, servers)])
    exact = queues.closed_loop(users, think, 1.0, servers)
    assert found.throughput == pytest.approx(exact.throughput)
    assert found.response == pytest.approx(exact.response)


@given(
    st.lists(
        st.tuples(st.floats(0.01, 5), st.sampled_from([1, 2, 5, None])), min_size=1, max_size=5
    ),
    st.integers(1, 60),
    st.floats(0.1, 20),
)
def test_nobody_is_lost(stations, users, think):
    found = mean_value_analysis(users, think, [Station(*one) for one in stations])
    inside = sum(load.inside for load in found.stations)
    assert inside + found.throughput * think == pytest.approx(users)
    assert sum(load.response for load in found.stations) == pytest.approx(found.response)
    for load, (demand, servers) in zip(found.stations, stations, strict=True):
        if servers is None:
            assert load.response == pytest.approx(demand)
        else:
            assert load.utilisation <= 1 + 1e-9
            assert load.response >= demand * (1 - 1e-9)


def test_many_users_meet_the_bottleneck():
    found = mean_value_analysis(2000, 1.0, [Station(0.1, 4), Station(0.02), Station(0.5, None)])
    assert found.throughput == pytest.approx(40.0)
    assert found.stations[0].utilisation == pytest.approx(1.0)
    assert found.response == pytest.approx(2000 / 40 - 1)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: mean_value_analysis(0, 1.0, [Station(1.0)]),
        lambda: mean_value_analysis(1, -1.0, [Station(1.0)]),
        lambda: mean_value_analysis(1, 0.0, [Station(0.0)]),
        lambda: mean_value_analysis(1, 1.0, [Station(1.0, 0)]),
        lambda: mean_value_analysis(1, 1.0, [Station(math.nan)]),
        lambda: approximations.kingman(1.0, 1.0, 1.0, 1.0),
        lambda: approximations.kingman_bound(0.5, 1.0, -1.0, 1.0),
        lambda: approximations.allen_cunneen(0.5, 1.0, 0, 1.0, 1.0),
        lambda: approximations.allen_cunneen(0.5, 1.0, 1, math.inf, 1.0),
    ],
)
def test_parameters_out_of_range(ask):
    with pytest.raises(TheoryError):
        ask()


@given(st.floats(0.05, 0.95), st.floats(0, 30), st.integers(1, 12))
def test_where_the_approximations_are_exact(rho, demand, servers):
    assert approximations.kingman(rho, 1.0, 1.0, demand) == pytest.approx(
        queues.mg1(rho, 1.0, demand)
    )
    assert approximations.allen_cunneen(rho * servers, 1.0, servers, 1.0, 1.0) == pytest.approx(
        queues.mmc(rho * servers, 1.0, servers)
    )


@given(st.floats(0.05, 0.95), st.integers(1, 20))
def test_the_bound_bounds_round_robin(rho, count):
    exact = queues.round_robin(rho * count, 1.0, count)
    assert exact <= approximations.kingman_bound(rho, 1.0, 1 / count, 1.0) * (1 + 1e-9)


@pytest.mark.parametrize(("count", "off"), [(2, 0.03), (4, 0.05), (20, 0.06)])
def test_in_heavy_traffic_kingman_is_near(count, off):
    exact = queues.round_robin(0.95 * count, 1.0, count)
    assert approximations.kingman(0.95, 1.0, 1 / count, 1.0) == pytest.approx(exact, rel=off)
