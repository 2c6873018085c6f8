"""The menu of metrics: each is what it says of a run, and a wrong name is told the right one."""

import pickle

import numpy as np
import pytest

import proxysim as ps
from proxysim.errors import ResultError
from proxysim.results.columns import Outcome
from proxysim.studies.menu import MENU
from proxysim.studies.metrics import Metric, Prices, metric, metrics_of, names, usual

SCENARIO = ps.load("website-reverse-proxy").set({"run.duration": "5s", "run.warmup": "1s"})
WITHOUT = SCENARIO.without("edge")
TARGETS = {
    "node": "shop", "cache": "edge", "backend": "shop-4", "link": "edge-shop", "outcome": "ok",
    "figure": "p90",
}  # fmt: skip
PRICES = Prices(server_hour=0.2, gb_out=0.05)


@pytest.fixture(scope="module")
def run():
    return ps.simulate(SCENARIO)


def asked(word):
    kind = MENU.get(word)
    return f"{word}.{TARGETS[kind.of]}" if kind and kind.required else word


def value(name, run):
    return metric(name, PRICES).value(run)


@pytest.mark.parametrize("word", names())
def test_every_metric_of_the_menu_has_a_value_and_travels(word, run):
    one = metric(asked(word), PRICES)
    found = one.value(run)
    assert isinstance(found, float)
    assert one.text(found) != "-"
    assert one.says
    again = pickle.loads(pickle.dumps(one))
    assert again == one
    assert again.value(run) == found


def test_they_are_what_they_say(run):
    summary = run.summary()
    ok = run.counted & (run.column("outcome") == Outcome.OK)
    latency = run.column("latency")[ok]
    assert value("mean", run) == summary.latency["mean"]
    assert value("p99", run) == summary.latency["p99"]
    assert value("p99.9", run) == np.quantile(latency, 0.999)
    first = (run.column("first_byte") - run.column("at"))[ok]
    assert value("first_byte.p90", run) == pytest.approx(np.quantile(first, 0.9))
    parts = sum(value(part, run) for part in ("wait", "service", "network", "cpu"))
    assert parts == pytest.approx(summary.latency["mean"])
    requests = summary.requests
    assert value("offered", run) == requests["arrived"] / 4
    assert value("outcome.ok", run) == requests["ok"] / requests["arrived"]
    assert value("error_rate", run) == pytest.approx(1 - value("outcome.ok", run))
    assert value("hit_ratio", run) == value("hit_ratio.edge", run) == summary.hit_ratio["edge"]
    loads = np.array(list(summary.load.values()))
    assert value("imbalance", run) == pytest.approx(loads.max() / loads.mean())
    assert value("load.shop", run) == 1
    assert value("load.shop-4", run) == summary.load["shop-4"] / loads.sum()
    busy = [share for name, share in summary.utilisation.items() if name.startswith("shop")]
    assert value("utilisation.shop", run) == pytest.approx(np.mean(busy))
    assert value("utilisation", run) == max(summary.utilisation.values())
    both = sum(
        carried for name, carried in summary.bytes.items() if "edge" in name and "shop" in name
    )
    assert value("bytes.edge-shop", run) == value("bytes.shop-edge", run) == both
    assert value("bytes.edge>shop", run) + value("bytes.shop>edge", run) == both
    an_hour = summary.bytes_down / 1e9 * 900
    assert value("cost", run) == pytest.approx(4 * 0.2 + an_hour * 0.05)


def test_without_the_proxy_there_is_no_such_thing():
    run = ps.simulate(WITHOUT)
    found = metrics_of(["hit_ratio.edge", "hit_ratio", "utilisation.edge"], [WITHOUT, SCENARIO])
    assert [one.value(run) for one in found] == [None, None, None]


def test_what_most_want_to_know_has_a_hit_ratio_where_there_is_a_cache():
    assert "hit_ratio" in [one.name for one in usual([WITHOUT, SCENARIO])]
    assert "hit_ratio" not in [one.name for one in usual([WITHOUT])]


@pytest.mark.parametrize(
    ("share", "needs"), [("p95", 59), ("p99", 299), ("p99.9", 2995), ("first_byte.p99", 299)]
)
def test_a_quantile_says_how_many_answers_it_takes(share, needs):
    assert metric(share).needs == needs
    assert metric("mean").needs == 0


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("p100", "no metric 'p100'"),
        ("p0", "between p0 and p100"),
        ("meen", "Did you mean 'mean'"),
        ("", "no metric ''"),
        ("mean.edge", "stands alone"),
        ("load", "Name the backend, as in load.NAME"),
        ("load.", "Name the backend"),
        ("first_byte", "first_byte.p95"),
        ("first_byte.p99,9", "mean, max or a percentile"),
        ("first_byte.p0", "between p0 and p100"),
        ("outcome.lost", "no outcome is called 'lost'"),
        ("load.shp", "no backend 'shp'. Did you mean 'shop'"),
        ("hit_ratio.shop", "no cache 'shop'. Known: edge"),
        ("utilisation.visitors", "no node 'visitors'"),
        ("bytes.edge-shoop", "no link 'edge-shoop'. Name two nodes"),
        ("cost", "nothing has a price"),
    ],
)
def test_a_wrong_name_is_told(name, told):
    with pytest.raises(ResultError) as found:
        metrics_of([name], [SCENARIO])
    assert told in str(found.value)


def test_prices_are_not_negative():
    with pytest.raises(ResultError, match="server_hour"):
        Prices(server_hour=-1)
    with pytest.raises(ResultError, match="gb_out"):
        Prices(gb_out=float("nan"))


def test_each_is_measured_once_and_nothing_is_refused():
    found = metrics_of(["p99", metric("mean"), "p99"], [SCENARIO])
    assert [one.name for one in found] == ["p99", "mean"]
    assert all(isinstance(one, Metric) for one in found)
    with pytest.raises(ResultError, match="no metric"):
        metrics_of([], [SCENARIO])
