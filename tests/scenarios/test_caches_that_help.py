"""What the scenarios about caches tell people to watch for does happen."""

import pytest

from tests.scenarios.staged import counted, hit_share, play

seeds = pytest.mark.parametrize("seed", [None, 1])


@seeds
def test_a_stampede_asks_a_hundred_times_for_one_page(seed):
    rushed = play("cache-stampede", seed=seed)
    page = counted(rushed).query("site == 'live.example'")
    expiries = 5  # at 10 s, 20 s, ... 50 s; each fetch takes half a second
    fetched = page[page["cache"].isin(["miss", "revalidated"])]
    assert len(fetched) > 100 * expiries
    turned_away = (fetched["outcome"] == "rejected").sum()
    assert turned_away > 0.6 * len(fetched)

    collapsed = play("cache-stampede", {"nodes.edge.cache.collapse": True}, seed=seed)
    page = counted(collapsed).query("site == 'live.example'")
    assert page["cache"].isin(["miss", "revalidated"]).sum() <= expiries
    assert (page["outcome"] == "ok").all()
    assert (page["cache"] == "coalesced").sum() > 100 * expiries


def test_nobody_waits_where_the_old_page_is_good_enough():
    eased = play("cache-stampede", {"nodes.edge.cache.stale_while_revalidate": "10s"})
    page = counted(eased).query("site == 'live.example'")
    assert page["cache"].isin(["hit", "stale"]).all()
    assert page["latency"].max() < 0.25  # a fetch takes twice as long


@seeds
def test_a_cold_cache_makes_everybody_wait_and_warms_up_again(seed):
    emptied = play("cold-start", seed=seed)
    hits = {start: hit_share(counted(emptied, start, start + 5)) for start in (85, 90, 100, 175)}
    assert hits[90] < 0.5 < hits[100] < hits[175]
    assert hits[85] > 0.85
    assert hits[175] == pytest.approx(hits[85], abs=0.06)
    waits = counted(emptied, 90, 115)["latency"].quantile(0.9)
    assert waits > 1
    assert counted(emptied, 140)["latency"].quantile(0.95) < 0.3

    calm = play("cold-start", {"events": []}, seed=seed)
    assert hit_share(counted(calm)) > 0.9
    assert calm.summary().latency["p99"] < 0.3
    received = [sum(run.summary().load.values()) for run in (emptied, calm)]
    assert received[0] > 3 * received[1]


def hits_before_and_during_the_scan(path, policy, seed=None):
    run = play("scan-pollution", {f"nodes.edge.cache.{path}": policy}, seed=seed)
    requests = counted(run).query("site == 'shop.example'")
    scan = requests["at"].between(64, 120)
    return hit_share(requests[requests["at"] < 60]), hit_share(requests[scan])


@seeds
def test_a_scan_drives_out_of_lru_what_visitors_want(seed):
    before, during = hits_before_and_during_the_scan("eviction", "lru", seed)
    assert before == pytest.approx(2 / 3, abs=0.05)
    assert during < 0.5


@pytest.mark.parametrize(
    ("path", "policy"),
    [("eviction", "sieve"), ("eviction", "s3fifo"), ("admission", "second_hit")],
)
def test_some_policies_are_not_taken_in_by_a_scan(path, policy):
    before, during = hits_before_and_during_the_scan(path, policy)
    assert during > before - 0.05
    assert during > 0.6


@seeds
def test_the_second_tier_catches_what_the_first_has_left(seed):
    offices = ("north-cache", "south-cache", "west-cache")
    tiers = play("cache-tiers", seed=seed).summary()
    for office in offices:
        assert tiers.hit_ratio[office] == pytest.approx(0.46, abs=0.04)
    assert tiers.hit_ratio["parent"] == pytest.approx(0.45, abs=0.03)

    one = play("cache-tiers", seed=seed, without=["parent"]).summary()
    assert tiers.bytes["web>parent"] == pytest.approx(0.54 * one.bytes["web>parent"], rel=0.08)

    no_room = {f"nodes.{office}.cache.capacity": 0 for office in offices}
    alone = play("cache-tiers", no_room, seed=seed).summary()
    assert alone.hit_ratio["parent"] == pytest.approx(0.7, abs=0.04)


@seeds
def test_stale_answers_keep_the_site_up(seed):
    kept = counted(play("stale-while-down", seed=seed), 60, 120)  # without servers
    assert (kept["outcome"] == "ok").mean() > 0.95
    assert (kept["cache"] == "stale").mean() > 0.85
    lost = kept[kept["outcome"] != "ok"]
    assert (lost["cache"] == "miss").all()

    strict = play("stale-while-down", {"nodes.edge.cache.stale_if_error": 0}, seed=seed)
    late = counted(strict, 75, 120)  # the time to live is 15 s
    assert (late["outcome"] == "ok").mean() < 0.01


@seeds
def test_personal_pages_leave_a_cache_nothing_to_do(seed):
    personal = play("personal-pages", seed=seed).summary()
    assert personal.hit_ratio["edge"] < 0.25
    larger = play("personal-pages", {"nodes.edge.cache.capacity": "10GB"}, seed=seed).summary()
    assert larger.hit_ratio == personal.hit_ratio
    assert larger.latency == personal.latency
    shared = play("personal-pages", {"sites.shop.example.cacheable": 1.0}, seed=seed).summary()
    assert shared.hit_ratio["edge"] > 0.8
    assert sum(personal.load.values()) > 4 * sum(shared.load.values())
