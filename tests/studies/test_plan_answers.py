"""What a plan says: the answer, its evidence, how sure it is, and what it rests on."""

import functools
import json
import math

import pytest

import proxysim as ps
from proxysim.errors import ResultError, ScenarioError
from proxysim.studies.plan import plan
from tests.studies.small import SHOP

SERVERS = "nodes.shop.count"
BUSY = SHOP.set("nodes.visitors.arrivals", {"poisson": 150})


@pytest.fixture(scope="module")
def servers():
    """Really simulated."""
    return plan(
        BUSY, "mean < 40ms", SERVERS, between=(1, 6), price=0.1, price_out=0.08, replications=12,
        workers=1,
    )  # fmt: skip


def test_the_least_number_of_servers(servers):
    assert servers.met
    assert servers.sense == "least"
    assert servers.answer == 3
    assert servers.found.next == 2
    assert [trial.value for trial in servers.trials] == sorted(servers.found.verdicts)
    assert "3 servers: mean" in str(servers)
    assert "2 servers will not." in str(servers)


def test_the_evidence_is_a_row_for_each_value(servers):
    said = servers.to_dict()
    assert list(said)[:6] == ["scenario", "seed", "vary", "objective", "answer", "answer_text"]
    assert said["objective"] == ["mean < 40ms", "unanswered < 1%"]
    assert said["answer_text"] == "3 servers"
    for row in said["evidence"]:
        mean, unanswered = row["objectives"]
        assert mean["low"] <= mean["found"] <= mean["high"]
        assert row["verdict"] == servers.found.verdicts[row["value"]].value
        assert unanswered["metric"] == "unanswered"
        assert row["replications"] >= 4
    assert said["assumptions"]
    assert said["manifest"]["scenario_hash"] == BUSY.hash
    json.dumps(said, allow_nan=False)
    frame = servers.frame()
    assert len(frame) == 2 * len(said["evidence"])
    assert set(frame["metric"]) == {"mean", "unanswered"}


def test_a_value_that_was_not_tried_is_refused(servers):
    assert servers.trial(3) is servers.best
    assert servers.limit == ""
    with pytest.raises(ResultError, match="These were: "):
        servers.trial(1000)


def test_a_fleet_costs_its_servers_and_what_goes_out(servers):
    best = servers.best
    out = best.figures["throughput"] * 2000 / 1e9 * 3600 * 0.08
    assert best.figures["cost"] == pytest.approx(3 * 0.10 + out, rel=0.01)
    assert servers.to_dict()["cost"]["a_month"] == pytest.approx(730 * best.figures["cost"])
    assert "an hour, " in str(servers)


@pytest.mark.slow
def test_workers_change_nothing():
    asked = {"objective": "mean < 40ms", "vary": SERVERS, "between": (1, 8)}
    one, two = (plan(BUSY, **asked, workers=workers).to_dict() for workers in (1, 2))
    assert one == two


# What is not so easy.


def test_what_no_value_meets_names_the_limit():
    narrow = SHOP.set({"links.edge-shop": {"between": ["edge", "shop"], "bandwidth": "1600kbps",
                       "shared": True}})  # fmt: skip
    found = plan(narrow, "mean < 30ms", SERVERS, between=(1, 6), workers=1)
    assert not found.met
    assert found.answer is None
    assert str(found).startswith("Answer: Even 6 servers miss it: ")
    assert "limited by the link edge-shop at" in str(found)
    assert found.to_dict()["limit"].startswith("limited by the link edge-shop")


def test_where_nothing_is_short_more_of_it_will_not_help():
    found = plan(SHOP, "mean < 10ms", SERVERS, between=(4, 8), workers=1)
    assert not found.met
    assert "though nothing is short of capacity" in str(found)
    assert "most of the mean latency is service, 12" in str(found)


def test_what_every_value_meets_says_so():
    found = plan(SHOP, "mean < 10s", SERVERS, between=(2, 4), workers=1)
    assert found.answer == 2
    assert found.found.next is None
    assert "It is the least that was to be tried" in str(found)


def test_quick_answers_of_few_are_no_good_answers():
    """Whoever turns most requests away answers the others quickly: that is not what is meant."""
    turned = SHOP.set({"nodes.shop.queue": 0, "nodes.edge.retry": None})
    options = {"between": (1, 12), "check": False, "replications": 6, "workers": 1}
    asked = functools.partial(plan, turned, vary=SERVERS, **options)
    found = asked("mean < 40ms")
    assert found.answer > 4
    quick = found.trial(found.found.next)
    mean, unanswered = (one.verdict.value for one in quick.measured)
    assert mean == "meets" != unanswered
    assert "no objective says how many requests may go without" in str(found)
    said = asked("mean < 40ms and error rate < 90%")
    assert said.answer == 1
    assert "no objective says" not in str(said)


def test_to_survive_takes_one_more(servers):
    found = plan(
        BUSY, "mean < 40ms", SERVERS, between=(2, 5), survive=1, check=False, replications=6,
        workers=1,
    )  # fmt: skip
    assert found.answer == servers.answer + 1
    assert found.best.case == "shop-1 down"
    assert "with shop-1 down" in str(found)
    assert "from beginning to end" in str(found)


def test_a_size_is_found_as_near_as_asked():
    cached = SHOP.set(
        {
            "sites.shop.example.cacheable": "100%",
            "nodes.edge.cache": {"eviction": "lru", "capacity": "60kB"},
        }
    )
    found = plan(
        cached, "hit ratio > 60%", "nodes.edge.cache.capacity", between="20kB..110kB",
        precision=0.3, check=False, replications=6, workers=1,
    )  # fmt: skip
    assert found.met
    assert math.log(found.answer / found.found.next) <= math.log(1.31)
    assert found.trial(found.found.next).measured[0].found.value < 0.62
    assert found.to_dict()["answer_text"].startswith("capacity ")


BAD = {
    "nothing asked": (ResultError, {"objective": ""}),
    "no such path": (ScenarioError, {"vary": "nodes.shop.cuont"}),
    "no quantity": (ScenarioError, {"vary": "nodes.edge.balancer"}),
    "how it is run": (ScenarioError, {"vary": "run.duration"}),
    "no range": (ScenarioError, {"between": "many"}),
    "impossible value": (ScenarioError, {"vary": "nodes.shop.speed", "between": (1, 1e9)}),
    "no precision": (ScenarioError, {"precision": 0}),
    "no confidence": (ResultError, {"confidence": 1.5}),
    "few replications": (ResultError, {"replications": 2}),
    "no seed": (ResultError, {"seed": -1}),
    "no workers": (ResultError, {"workers": 0}),
    "no survivors": (ResultError, {"survive": -1}),
    "no growth": (ResultError, {"growth": "8"}),
    "no price": (ResultError, {"price": "cheap"}),
    "cost without price": (ResultError, {"objective": "cost < 3"}),
    "no cache": (ResultError, {"objective": "hit ratio of edge > 3%"}),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_before_anything_runs(case, monkeypatch):
    monkeypatch.setattr("proxysim.studies.trials.run_all", None)
    error, options = BAD[case]
    with pytest.raises(error):
        plan(SHOP, **({"objective": "mean < 40ms", "vary": SERVERS} | options))


def test_what_a_scenario_has_not_is_refused():
    with pytest.raises(ResultError, match="has no hit ratio"):
        plan(SHOP, "hit ratio > 3%", SERVERS, workers=1)


def test_a_value_that_makes_the_scenario_wrong_is_named():
    eventful = ps.load("website-reverse-proxy")
    with pytest.raises(ScenarioError, match="with 1 server there is no shop-2"):
        plan(eventful, "mean < 40ms", SERVERS)


def test_members_that_differ_go_on_in_turn_and_it_is_assumed():
    listed = SHOP.set({"nodes.shop.count": 2, "nodes.shop.speed": [1, 2]})
    found = plan(listed, "mean < 400ms", SERVERS, between=(1, 3), check=False, workers=1)
    assert any("speed lists 1, 2: members of other counts" in one for one in found.assumptions)


def test_a_notebook_shows_it(servers):
    page = servers._repr_html_()
    assert "3 servers" in page
    assert "<table" in page
    assert repr(servers) == "<Plan of small-shop: 3 servers>"
