"""Draws: one workload for every world, each purpose with numbers of its own."""

import dataclasses
import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from proxysim.errors import ScenarioError
from proxysim.workload.arrivals import Bursty, Even, Poisson
from proxysim.workload.catalogue import Catalogue, Site
from proxysim.workload.distributions import Exponential, Fixed
from proxysim.workload.draws import ClosedGroup, OpenGroup, Seat, Workload
from proxysim.workload.popularity import Drifting, Uniform, Zipf

NEWS = Site("news", Zipf(0.9, 5000), Exponential(1000), share=0.6)
MAIL = Site("mail", Zipf(0.7, 80), Fixed(10), share=0.3, methods={"GET": 0.8, "POST": 0.2})
CASINO = Site("casino", Uniform(50), Fixed(10), share=0.1)


def seat(sites=(NEWS, MAIL, CASINO), **change):
    catalogues = [Catalogue(site, 7) for site in sites]
    given = {
        "name": "staff",
        "index": 1,
        "groups": 3,
        "count": 80,
        "sites": list(range(len(sites))),
        "catalogues": catalogues,
        "seed": 7,
        "duration": 300.0,
    }
    return Seat(**(given | change))


def columns(draws):
    return {
        name: list(column)
        for name, column in zip(
            ("id", "at", "member", "site", "object", "method", "u", "recorded"),
            zip(*draws, strict=True),
            strict=True,
        )
    }


BASE = columns(OpenGroup(seat(), Poisson(40.0)).draws())


def test_draws_are_in_order_inside_the_run_and_repeatable():
    assert BASE["at"] == sorted(BASE["at"])
    assert 0 <= BASE["at"][0] <= BASE["at"][-1] < 300
    assert columns(OpenGroup(seat(), Poisson(40.0)).draws()) == BASE
    group = OpenGroup(seat(), Poisson(40.0))
    assert list(group.draws()) == list(group.draws())


def test_ids_tell_the_group_and_the_place_in_it():
    assert BASE["id"] == [k * 3 + 1 for k in range(len(BASE["id"]))]


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"count": 9}, {"member"}),
        ({"name": "others"}, {"at", "member", "site", "object", "method", "u"}),
        ({"seed": 8}, {"at", "member", "site", "object", "method", "u"}),
        ({"replication": 1}, {"at", "member", "site", "object", "method", "u"}),
        ({"index": 2, "groups": 7}, {"id"}),
    ],
)
def test_what_changes_moves_only_what_it_must(change, moved):
    after = columns(OpenGroup(seat(**change), Poisson(40.0)).draws())
    n = min(len(BASE["id"]), len(after["id"]))
    assert {name for name in BASE if BASE[name][:n] != after[name][:n]} == moved


@pytest.mark.parametrize(
    ("sites", "moved"),
    [
        ((dataclasses.replace(NEWS, popularity=Zipf(1.2, 5000)), MAIL, CASINO), {"object"}),
        ((NEWS, dataclasses.replace(MAIL, methods={"GET": 0.5, "POST": 0.5}), CASINO), {"method"}),
        ((dataclasses.replace(NEWS, size=Fixed(1), ttl=1.0), MAIL, CASINO), set()),
    ],
)
def test_a_site_that_changes_moves_no_arrival(sites, moved):
    after = columns(OpenGroup(seat(sites), Poisson(40.0)).draws())
    assert {name for name in BASE if BASE[name] != after[name]} == moved


def test_another_arrival_process_moves_only_the_times():
    after = columns(OpenGroup(seat(), Even(40.0)).draws())
    n = min(len(BASE["id"]), len(after["id"]))
    assert {name for name in BASE if BASE[name][:n] != after[name][:n]} == {"at"}


def test_sites_members_methods_and_demands_follow_their_shares():
    n = len(BASE["id"])
    sites = np.bincount(BASE["site"])
    assert stats.chisquare(sites, np.array([0.6, 0.3, 0.1]) * n).pvalue > 1e-3
    assert stats.chisquare(np.bincount(BASE["member"], minlength=80)).pvalue > 1e-3
    assert stats.kstest(BASE["u"], "uniform").pvalue > 1e-3
    asked = [method for site, method in zip(BASE["site"], BASE["method"], strict=True) if site == 1]
    posts = asked.count("POST")
    assert posts / len(asked) == pytest.approx(0.2, abs=3.5 * math.sqrt(0.16 / len(asked)))
    assert {m for s, m in zip(BASE["site"], BASE["method"], strict=True) if s != 1} == {"GET"}
    for site, objects in ((0, 5000), (1, 80), (2, 50)):
        of_site = [o for s, o in zip(BASE["site"], BASE["object"], strict=True) if s == site]
        assert 0 <= min(of_site) <= max(of_site) < objects


def test_a_group_asks_only_for_its_sites():
    for sites in ([0, 1, 2], [2, 0], [2]):
        group = OpenGroup(dataclasses.replace(seat(), sites=sites), Poisson(5.0))
        assert {draw.site for draw in group.draws()} == set(sites)


def test_values_are_plain_python():
    draw = next(OpenGroup(seat(), Bursty(5, 50, 1, 1)).draws())
    assert [type(value) for value in draw] == [int, float, int, int, int, str, float, type(None)]


def test_a_long_run_takes_no_more_memory():
    group = OpenGroup(seat(duration=4000.0), Poisson(50.0))
    next(group.draws())
    tracemalloc.start()
    count = sum(1 for _ in group.draws())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count > 190_000
    assert peak < 4e6


def test_sites_without_any_share_are_refused():
    with pytest.raises(ScenarioError, match=r"nodes\.staff"):
        seat((dataclasses.replace(NEWS, share=0.0),))


# Closed loops


@given(st.lists(st.integers(0, 6), max_size=60), st.integers(0, 5))
def test_members_of_a_closed_loop_do_not_feel_each_other(order, seed):
    group = ClosedGroup(seat(count=7, seed=seed), Exponential(2.0))
    alone = [list(itertools.islice(group.think(member), 60)) for member in range(7)]
    together = [group.think(member) for member in range(7)]
    asked = [0] * 7
    for member in order:
        pause, draw = next(together[member])
        expected, same = alone[member][asked[member]]
        assert (pause, repr(draw)) == (expected, repr(same))
        assert draw.id == (asked[member] * 7 + member) * 3 + 1
        assert draw.member == member
        assert math.isnan(draw.at)
        asked[member] += 1


def test_closed_loops_draw_what_the_sites_and_the_think_time_say():
    group = ClosedGroup(seat(count=50), Exponential(2.0))
    pairs = [pair for m in range(50) for pair in itertools.islice(group.think(m), 400)]
    n = len(pairs)
    assert len({draw.id for _, draw in pairs}) == n
    assert stats.kstest([pause for pause, _ in pairs], stats.expon(scale=2).cdf).pvalue > 1e-3
    assert stats.kstest([draw.u for _, draw in pairs], "uniform").pvalue > 1e-3
    sites = np.bincount([draw.site for _, draw in pairs])
    assert stats.chisquare(sites, np.array([0.6, 0.3, 0.1]) * n).pvalue > 1e-3
    ranks = np.bincount([d.object for _, d in pairs if d.site == 1], minlength=80)
    assert stats.chisquare(ranks, Zipf(0.7, 80).probabilities() * ranks.sum()).pvalue > 1e-3


def test_more_members_leave_the_think_time_law_alone_and_purposes_apart():
    base = list(itertools.islice(ClosedGroup(seat(), Exponential(2.0)).think(3), 50))
    other = list(itertools.islice(ClosedGroup(seat(), Fixed(2.0)).think(3), 50))
    assert [repr(draw) for _, draw in base] == [repr(draw) for _, draw in other]
    assert {pause for pause, _ in other} == {2.0}


def test_popularity_drifts_by_the_clock():
    drifting = dataclasses.replace(CASINO, popularity=Drifting(3.0, 50, 10.0, 1.0, 3))
    draws = list(OpenGroup(seat((drifting,)), Even(40.0)).draws())
    favourites = {}
    for draw in draws:
        favourites.setdefault(draw.at // 10, []).append(draw.object)
    popularity = drifting.popularity
    for turn, objects in favourites.items():
        assert np.bincount(objects, minlength=50).argmax() == popularity.ranking(int(turn))[0]


def test_a_workload_finds_its_groups():
    group = OpenGroup(seat(), Poisson(1.0))
    workload = Workload((group,), tuple(group.seat.catalogues))
    assert workload.group("staff") is group
    assert workload.counts == {"staff": 80}
    with pytest.raises(KeyError):
        workload.group("nobody")
