"""The parts of a plan: quantities to choose from, load, prices, growth, and the knee."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import proxysim as ps
from proxysim.errors import ResultError, ScenarioError
from proxysim.studies.knee import knee
from proxysim.studies.ladder import COUNT, kind_of, ladder, read_range
from proxysim.studies.load import offered, with_load
from proxysim.studies.pricing import growth, tariff
from proxysim.studies.variable import variable
from proxysim.theory import queues

SHOP = ps.load("website-reverse-proxy").set({"nodes.shop.speed": 1, "events": []})


# What may be chosen from.


def test_counts_are_all_taken():
    assert list(ladder((1, "6")).values) == [1, 2, 3, 4, 5, 6]
    assert list(ladder(None, now=4).values) == list(range(1, 65))


@given(st.floats(1e3, 1e9), st.floats(1.01, 1e4), st.floats(0.005, 0.5))
def test_rungs_are_as_far_apart_as_asked(low, ratio, precision):
    found = ladder((f"{low:.0f}B", f"{low * ratio:.0f}B"), precision=precision).values
    assert found[0] == round(low)
    assert found[-1] == round(low * ratio)
    assert list(found) == sorted(set(found))
    steps = np.array(found[1:]) / np.array(found[:-1])
    assert steps.max() <= (1 + precision) * 1.011  # they are rounded to three digits


def test_ends_are_read_with_their_units():
    assert read_range("8MB .. 512MB") == ("8MB", "512MB")
    rungs = ladder(("10Mbps", "1Gbps"))
    assert (rungs.kind.name, rungs.values[0], rungs.values[-1]) == ("bandwidth", 1.25e6, 125e6)
    assert rungs.text(1.25e6) == "10 Mbps"


@pytest.mark.parametrize("text", ["8", "1..", "..4", "1..2..3", ""])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(ScenarioError, match=r"such as 1\.\.64"):
        read_range(text)


@pytest.mark.parametrize(
    "ends",
    [(6, 1), (3, 3), (0, 8), ("0B", "1MB"), ("1MB", "2s"), ("x", "y"), (True, 4), (1.5, 2e400)],
)
def test_ends_that_make_no_range_are_refused(ends):
    with pytest.raises(ScenarioError) as caught:
        ladder(ends)
    assert caught.value.place == "between"


PATHS = {
    "nodes.shop.count": ("count", "high"),
    "nodes.shop.workers": ("count", "high"),
    "nodes.edge.limits.proxy.in_flight": ("count", "high"),
    "nodes.edge.cache.capacity": ("size", "high"),
    "links.0.bandwidth": ("bandwidth", "high"),
    "links.edge-shop.latency": ("time", "low"),
    "sites.shop.example.ttl": ("time", "high"),
    "sites.shop.example.cacheable": ("share", "high"),
    "nodes.visitors.arrivals.poisson": ("rate", "low"),
    "nodes.visitors.count": ("count", "high"),
    "nodes.shop.speed": ("number", "high"),
    "sites.shop.example.popularity.zipf": ("number", "high"),
    "load": ("factor", "low"),
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_says_what_it_is(path):
    found = variable(SHOP, path)
    assert (found.kind.name, found.first) == PATHS[path]
    rungs = ladder(None, now=found.now, kind=found.kind)
    changed = found.at(SHOP, rungs.values[len(rungs.values) // 3])
    assert changed.hash != SHOP.hash


@pytest.mark.parametrize(
    "path", ["nodes.edge.balancer", "nodes.shop.service", "nodes.shop", "title"]
)
def test_what_is_no_quantity_is_refused(path):
    with pytest.raises(ScenarioError, match="no quantity"):
        variable(SHOP, path)


def test_members_of_other_counts_have_what_is_listed_in_turn():
    listed = ps.load("website-reverse-proxy").set("events", [])
    of = variable(listed, "nodes.shop.count")
    assert of.at(listed, 2).document.nodes["shop"].speed == [1, 1]
    assert of.at(listed, 4) == listed
    assert of.at(listed, 6).document.nodes["shop"].speed == [1, 1, 1, 0.5, 1, 1]
    assert of.at(listed, 6).document.nodes["shop"].weight == 1


@pytest.mark.parametrize("count", [1, 2])
def test_a_count_without_whom_an_event_happens_to_is_refused_with_the_mend(count):
    eventful = ps.load("website-reverse-proxy")
    of = variable(eventful, "nodes.shop.count")
    assert of.at(eventful, 3).document.nodes["shop"].count == 3
    with pytest.raises(ScenarioError, match=r"there is no shop-[23].*Begin at 3.*'events=\[\]'"):
        of.at(eventful, count)


def test_a_path_that_does_not_exist_is_refused():
    with pytest.raises(ScenarioError, match="Did you mean 'count'"):
        variable(SHOP, "nodes.shop.cout")


@pytest.mark.parametrize("found", [True, None, {"poisson": 3}, "least_connections"])
def test_kinds_are_of_quantities_only(found):
    with pytest.raises(ScenarioError):
        kind_of(found)
    assert kind_of("8") is COUNT


# Load.


@pytest.mark.parametrize("name", sorted(ps.shipped()))
def test_every_shipped_scenario_can_be_asked_for_more(name):
    scenario = ps.load(name)
    more = with_load(scenario, 1.5)
    assert more.hash != scenario.hash
    assert with_load(scenario, 1.0).document.sites == scenario.document.sites
    if (rate := offered(scenario)) is not None:
        assert offered(more) == pytest.approx(1.5 * rate)


def test_load_multiplies_arrivals():
    scenario = ps.load("one-server").set("run", {"duration": "60s"})
    mine = ps.simulate(scenario).summary().requests["arrived"]
    twice = ps.simulate(with_load(scenario, 0.5)).summary().requests["arrived"]
    assert twice / mine == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize(
    ("arrivals", "mean"),
    [
        ({"bursty": {"calm": "10/s", "burst": "100/s", "calm_for": "9s", "burst_for": "1s"}}, 19.0),
        ({"daily": {"mean": "7/s", "profile": [1, 3]}}, 7.0),
        ({"ramp": {"start": "1/s", "end": "9/s"}}, None),
        ({"steps": [{"at": 0, "rate": 4}, {"at": 5, "rate": 8}]}, None),
        ({"closed": {"think": "1s"}}, None),
    ],
)
def test_all_kinds_of_arrivals_can_be_multiplied(arrivals, mean):
    scenario = ps.load("one-server").set("nodes.users.arrivals", arrivals)
    assert offered(scenario) == mean
    run = {"duration": "20s", "warmup": 0}
    less, more = (
        ps.simulate(with_load(scenario, factor).set("run", run)).summary().requests["arrived"]
        for factor in (0.5, 2.0)
    )
    assert more > 1.5 * less


def test_a_log_is_replayed_faster():
    scenario = ps.load("replay-access-log")
    (name,) = [n for n, node in scenario.document.nodes.items() if node.kind == "clients"]

    def replay(**pace):
        said = {"file": scenario.document.nodes[name].arrivals.replay.file, **pace}
        paced = scenario.set(f"nodes.{name}.arrivals", {"replay": said})
        found = with_load(paced, 2.0).document.nodes[name].arrivals.replay
        return found.speed, found.spread

    assert replay(spread="10min") == (None, 300.0)
    assert replay(speed=3) == (6.0, None)
    assert replay() == (2.0, None)


def test_no_users_are_refused():
    scenario = ps.load("one-server").set("nodes.users.arrivals", {"closed": {"think": "1s"}})
    with pytest.raises(ScenarioError, match="are none"):
        with_load(scenario, 0.001)


# Prices and growth.


@pytest.mark.parametrize(
    ("server", "out", "an_hour", "a_gb", "currency"),
    [
        ("0.12/h", "0.08/GB", 0.12, 0.08, ""),
        ("$73/month", None, 0.1, 0.0, "$"),
        ("2.4 EUR per day", "80 EUR/TB", 0.1, 0.08, "EUR"),
        (0.5, 0.1, 0.5, 0.1, ""),
        (None, "€0.09/GB", 0.0, 0.09, "€"),
    ],
)
def test_prices_are_read(server, out, an_hour, a_gb, currency):
    found = tariff(server, out)
    assert found.prices.server_hour == pytest.approx(an_hour)
    assert found.prices.gb_out == pytest.approx(a_gb)
    assert found.currency == currency
    assert found.text(1234.5).strip(f"{currency} ") == "1,234"


def test_no_price_is_no_tariff():
    assert tariff() is None


@pytest.mark.parametrize(
    ("server", "out"),
    [("cheap", None), ("0.12", None), ("-1/h", None), ("0.1/GB", None), (None, "0.1/h"),
     (math.inf, None), ("$1/h", "€1/GB"), ("$1$/h", None)],
)  # fmt: skip
def test_prices_that_cannot_be_read_are_refused(server, out):
    with pytest.raises(ResultError) as caught:
        tariff(server, out)
    assert caught.value.place.startswith("price")


def test_growth_is_compounded():
    assert growth("8%/month").after(12) == pytest.approx(1.08**12)
    assert growth("150% a year").after(12) == pytest.approx(2.5)
    assert growth(0.08).month == pytest.approx(0.08)
    assert growth("8%/month").until(2) == pytest.approx(math.log(2) / math.log(1.08))


@pytest.mark.parametrize(
    "said", ["8", "8%", "fast", "0%/month", "-3%/month", "8%/fortnight", True, math.nan]
)
def test_growth_that_cannot_be_read_is_refused(said):
    with pytest.raises(ResultError, match="8%/month"):
        growth(said)


# The knee.


@given(st.floats(0.001, 10.0), st.integers(12, 60))
def test_the_knee_of_one_queue_is_at_half_its_capacity(service, points):
    rates = np.linspace(0.08, 0.95, points) / service
    latency = [queues.mm1(rate, service) for rate in rates]
    assert knee(rates, latency) * service == pytest.approx(0.5, abs=0.01)


def test_many_servers_bend_later():
    rates = np.linspace(0.05, 0.99, 95)
    found = [
        knee(rates * c, [queues.mmc(rate * c, 1.0, c) for rate in rates]) / c for c in (1, 4, 16)
    ]
    assert found == sorted(found)
    assert found[-1] > 0.75


@pytest.mark.parametrize(
    ("x", "y"),
    [([1, 2], [1, 2]), ([1, 2, 3], [1, 1, 1]), ([1, 2, 3], [1, 9, 90]),
     ([1, 2, 3], [1, 2, math.inf]), ([0, 1, 2], [1, 1, 4])],
)  # fmt: skip
def test_a_curve_without_a_knee_is_refused(x, y):
    with pytest.raises(ResultError):
        knee(x, y)
