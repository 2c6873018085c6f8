"""What a scenario may say of a cache, and what becomes of it."""

from __future__ import annotations

import pytest

from proxysim.errors import ScenarioError
from proxysim.policies.admission import TinyLfu
from proxysim.policies.caching.freshness import Heuristic
from proxysim.scenario import from_dict
from proxysim.scenario.build_proxies import proxy_of


def scenario(cache, **edge):
    kind = edge.pop("kind", "reverse_proxy")
    if kind == "reverse_proxy":
        edge = {"sites": ["a.example"], "backends": "web", **edge}
    users = {"kind": "clients", "arrivals": 1}
    if kind == "forward_proxy":
        users["through"] = "edge"
    return from_dict(
        {
            "proxysim": 1,
            "title": "A cache",
            "sites": {"a.example": {"objects": 1}},
            "nodes": {
                "users": users,
                "edge": {"kind": kind, "cache": cache, **edge},
                "web": {"kind": "server", "sites": ["a.example"]},
            },
        }
    )


def built(cache, **given):
    return proxy_of(scenario(cache), "edge", lambda: 0.0, **given).cache


def test_a_capacity_is_bytes_or_answers():
    assert (built({"capacity": "1MB"}).by_object, built({"capacity": "1MB"}).eviction.capacity) == (
        False,
        10**6,
    )
    counted = built({"capacity": {"objects": 1000}})
    assert (counted.by_object, counted.eviction.capacity) == (True, 1000)


def test_all_that_is_said_reaches_the_cache():
    found = built(
        {
            "capacity": "1MB",
            "admission": {"tinylfu": {"objects": 1000}},
            "stale_if_error": "1h",
            "negative_ttl": "10s",
            "heuristic": {"share": "20%", "limit": "3d"},
            "status": True,
        },
        epoch=7.0,
    )
    assert isinstance(found.admission, TinyLfu)
    assert found.stale_if_error == 3600
    assert found.heuristic == Heuristic(0.2, 3 * 86400, 10)
    assert (found.named, found.epoch) == ("edge", 7.0)


def test_what_is_not_said_is_as_careful_as_can_be():
    found = built({"capacity": "1MB"})
    assert found.admission is None
    assert found.stale_if_error == 0
    assert found.heuristic == Heuristic(0.1, 86400, 0)
    assert (found.named, found.epoch) == ("", None)


@pytest.mark.parametrize(
    ("cache", "says"),
    [
        ({"capacity": {"objects": -1}}, "objects"),
        ({"capacity": {"objects": 1.5}}, "objects"),
        ({"capacity": {"things": 3}}, "things"),
        ({"capacity": {"objects": "1MB"}}, "objects"),
        ({"capacity": "many"}, "many"),
        ({"capacity": "1MB", "admission": "tinylfuu"}, "tinylfu"),
        ({"capacity": "1MB", "admission": "size_limit"}, "size_limit needs limit"),
        ({"capacity": "1MB", "admission": {"second_hit": {"remembered": 0}}}, "remembered"),
        ({"capacity": "1MB", "eviction": "belady"}, "must know all requests to come"),
        ({"capacity": "1MB", "heuristic": {"share": "200%"}}, "share"),
        ({"capacity": "1MB", "stale_if_error": "-1s"}, "stale_if_error"),
    ],
)
def test_what_cannot_be_is_refused(cache, says):
    with pytest.raises(ScenarioError) as caught:
        scenario(cache)
    assert says in str(caught.value)


def test_an_elite_proxy_does_not_name_itself_by_cache_status():
    cache = {"capacity": "1MB", "status": True}
    assert scenario(cache, kind="forward_proxy", identity="anonymous")
    with pytest.raises(ScenarioError, match="does not show that it is there"):
        scenario(cache, kind="forward_proxy", identity="elite")
