"""Settings: every combination once, called by what tells them apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import proxysim as ps
from proxysim.errors import ProxysimError, ResultError, ScenarioError
from proxysim.studies.settings import left_out, settings, short_names

SCENARIO = ps.load("website-reverse-proxy").set("events", [])
BALANCERS = {"nodes.edge.balancer": ["round_robin", "random"]}
COUNTS = {"nodes.shop.count": [2, 3], "nodes.shop.speed": [1]}


def labels(vary, without=()):
    return [one.label for one in settings(SCENARIO, vary, left_out(without), most=100)]


def test_one_field_is_called_by_its_values():
    assert labels(BALANCERS) == ["round_robin", "random"]
    assert labels(COUNTS) == ["count=2, speed=1", "count=3, speed=1"]
    assert labels({"run.duration": ["20s", "30s"]}) == ["duration=20s", "duration=30s"]
    assert labels({"nodes.edge.cache": [None, {"capacity": "1MB"}]}) == [
        "cache=null",
        "cache={capacity: 1MB}",
    ]


def test_several_make_every_combination():
    found = settings(SCENARIO, BALANCERS | COUNTS, most=100)
    assert [one.label for one in found] == [
        "balancer=round_robin, count=2, speed=1",
        "balancer=round_robin, count=3, speed=1",
        "balancer=random, count=2, speed=1",
        "balancer=random, count=3, speed=1",
    ]
    last = found[-1]
    assert last.scenario.document.nodes["edge"].balancer == "random"
    assert last.scenario.document.nodes["shop"].count == 3
    assert last.changes == {
        "nodes.edge.balancer": "random", "nodes.shop.count": 3, "nodes.shop.speed": 1,
    }  # fmt: skip


def test_what_a_proxy_was_set_to_makes_no_difference_once_it_is_gone():
    assert labels(BALANCERS, "edge") == ["round_robin", "random", "without edge"]
    assert labels({}, ["edge"]) == ["as it is", "without edge"]
    both = labels(BALANCERS | COUNTS, "edge")
    assert both[4:] == ["count=2, speed=1, without edge", "count=3, speed=1, without edge"]


def test_several_proxies_go_together_or_each_alone():
    tiers = ps.load("cache-tiers")
    proxies = [name for name, node in tiers.document.nodes.items() if "proxy" in node.kind]
    one, other = proxies[:2]
    found = settings(tiers, {}, left_out([one, f"{one},{other}"]), most=9)
    assert [setting.without for setting in found] == [(), (one,), (one, other)]
    assert found[2].label == f"without {one} and {other}"


def test_load_multiplies_all_arrivals():
    found = settings(SCENARIO, {"load": [0.5, 2]}, most=9)
    rates = [one.scenario.document.nodes["visitors"].arrivals.parameters for one in found]
    assert rates[1] == 4 * rates[0]
    for wrong in (0, -1, "much", True):
        with pytest.raises(ScenarioError, match=r"load: found .*factor above zero"):
            settings(SCENARIO, {"load": [wrong]}, most=9)


@pytest.mark.parametrize(
    ("path", "said", "values"),
    [
        ("load", "1..2:3", [1, 1.5, 2]),
        ("load", "1..3", [1, 2, 3]),
        ("nodes.shop.workers", "1..10:4:log", [1, 2, 5, 10]),
        ("nodes.visitors.arrivals.poisson", "100..200:3", [100, 150, 200]),
        ("run.duration", "60..61:3", [60, 60.5, 61]),
    ],
)
def test_only_what_counts_goes_by_whole_numbers(path, said, values):
    found = settings(SCENARIO, {path: said}, most=9)
    assert [one.changes[path] for one in found] == values


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), max_size=6))
def test_short_names_tell_all_paths_apart(found):
    paths = list(dict.fromkeys(".".join(steps) for steps in found))
    names = short_names(paths)
    assert len(set(names.values())) == len(paths)
    assert all(path == name or path.endswith(f".{name}") for path, name in names.items())


@pytest.mark.parametrize(
    ("vary", "told"),
    [
        ({"nodes.edge.balancr": ["random"]}, "Did you mean 'balancer'"),
        ({"nodes.edge.balancer": ["randm"]}, "Did you mean 'random'"),
        ({"nodes.shop.count": [0]}, "count"),
        ({"nodes.nobody.count": [1]}, "nobody"),
        ({"run.seed": [1, 2]}, "run.seed: all settings have the same draws"),
    ],
)
def test_a_wrong_path_or_value_is_the_scenarios_own_error(vary, told):
    with pytest.raises(ScenarioError) as found:
        settings(SCENARIO, vary, most=9)
    assert told in str(found.value)


def test_what_is_no_proxy_cannot_be_left_out():
    with pytest.raises(ScenarioError, match="shop is no proxy"):
        labels({}, "shop")
    for nobody in ("", "edge,", [[]]):
        with pytest.raises(ProxysimError, match="Name a proxy"):
            labels({}, [nobody] if isinstance(nobody, str) else nobody)


def test_too_many_are_counted_out():
    with pytest.raises(ResultError, match=r"8 × 50 values make 400 settings.*at most"):
        settings(SCENARIO, {"nodes.shop.count": "1..8", "nodes.shop.workers": "1..50"}, most=100)
