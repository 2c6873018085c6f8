"""A scenario is a value: varied by paths, equal by content, written down and read again."""

import os
import pickle
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest

from proxysim.errors import ScenarioError
from proxysim.scenario import from_dict, load, loads, parse_assignment

TEXT = """\
proxysim: 1
title: A shop
sites:
  shop.example: {ttl: 10min}
nodes:
  users: {kind: clients, count: 3, arrivals: 40/s}
  edge: {kind: reverse_proxy, sites: [shop.example], backends: shop}
  shop: {kind: server, count: 2, service: 20ms, speed: [1, 0.5]}
  alone: {kind: server}
links:
  - {between: [users, edge], latency: 10ms}
  - {between: [edge, shop]}
costs: typical
"""


@pytest.fixture
def shop():
    return loads(TEXT)


def test_setting_makes_another_and_leaves_the_first_as_it_was(shop):
    before = shop.to_yaml()
    other = shop.set("nodes.edge.balancer", "least_connections")
    assert other.document.nodes["edge"].balancer == "least_connections"
    assert shop.document.nodes["edge"].balancer == "round_robin"
    assert shop.to_yaml() == before
    assert other != shop


@pytest.mark.parametrize(
    ("path", "value", "read"),
    [
        ("run.duration", "2min", lambda d: d.run.duration == 120),
        ("sites.shop.example.ttl", 5, lambda d: d.sites["shop.example"].ttl == 5),
        ("links.0.latency", "5ms", lambda d: d.links[0].latency == 0.005),
        ("links.users-edge.latency", "5ms", lambda d: d.links[0].latency == 0.005),
        ("links.shop-edge.bandwidth", "8Mbps", lambda d: d.links[1].bandwidth == 1e6),
        ("nodes.users.arrivals.poisson", "50/s", lambda d: d.nodes["users"].arrivals.poisson == 50),
        ("nodes.users.arrivals.even", "50/s", lambda d: d.nodes["users"].arrivals.kind == "even"),
        ("nodes.users.arrivals", 7, lambda d: d.nodes["users"].arrivals.poisson == 7),
        ("nodes.shop.service.fixed", 1, lambda d: d.nodes["shop"].service.fixed == 1),
        ("nodes.shop.service.exponential", 1, lambda d: d.nodes["shop"].service.exponential == 1),
        ("nodes.shop.speed.1", 2, lambda d: d.nodes["shop"].speed == [1, 2]),
        ("nodes.edge.cache.capacity", "1MB", lambda d: d.nodes["edge"].cache.capacity == 10**6),
        ("nodes.edge.health.passive.for", 3, lambda d: d.nodes["edge"].health.passive.for_ == 3),
        (
            "nodes.edge.balancer.power_of_two.choices",
            3,
            lambda d: d.nodes["edge"].balancer == {"power_of_two": {"choices": 3}},
        ),
        ("nodes.edge.balancer", "p2c", lambda d: d.nodes["edge"].balancer == "power_of_two"),
        ("costs.request", "1us", lambda d: d.costs == {"profile": "typical", "request": "1us"}),
        ("nodes.edge.costs.request", "1us", lambda d: d.nodes["edge"].costs == {"request": "1us"}),
        ("costs.compress.zstd.ratio", 3, lambda d: d.costs["compress"]["zstd"]["ratio"] == 3),
    ],
)
def test_paths_reach_every_field_and_through_short_forms(shop, path, value, read):
    assert read(shop.set(path, value).document)


def test_what_must_change_together_is_set_together(shop):
    with pytest.raises(ScenarioError, match="set both together"):
        shop.set("nodes.shop.count", 3)
    changed = shop.set({"nodes.shop.count": 3, "nodes.shop.speed": [1, 1, 2]})
    assert changed.members("shop") == ["shop-1", "shop-2", "shop-3"]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("nodes.shp.count", "nodes has no 'shp'. Did you mean 'shop'"),
        ("nodes.shop.cuont", "Did you mean 'count'"),
        ("sites.shop.exmple.ttl", "Did you mean 'shop.example'"),
        ("nodes.users.arrivals.poison", "Did you mean 'poisson'"),
        ("links.2.latency", "links has no '2'"),
        ("links.users-shop.latency", "Known: 0, 1, edge-shop"),
        ("nodes.shop.count.x", "nodes.shop.count is a single value"),
        ("nodes.edge.sites.7", "nodes.edge.sites has no '7'. Known: 0"),
        ("events.0.at", "events is not given, so it has no members. Set events itself."),
        ("nod.shop", "Did you mean 'nodes'"),
        ("", "run.duration"),
        ("nodes..count", "run.duration"),
    ],
)
def test_a_path_that_does_not_exist_is_told_with_those_that_do(shop, path, says):
    with pytest.raises(ScenarioError) as caught:
        shop.set(path, 1)
    assert says in str(caught.value)


def test_a_value_that_does_not_fit_is_told_with_what_was_set(shop):
    with pytest.raises(ScenarioError) as caught:
        shop.set("nodes.shop.workers", "many")
    assert str(caught.value).startswith(
        "<text> with nodes.shop.workers = 'many': nodes.shop.workers:"
    )


def test_numbers_of_numpy_are_numbers_and_strangers_are_refused(shop):
    assert shop.set("nodes.alone.count", np.int64(3)) == shop.set("nodes.alone.count", 3)
    assert shop.set("run.duration", np.float64(9.5)).document.run.duration == 9.5
    with pytest.raises(ScenarioError, match="type Decimal"):
        shop.set("run.duration", Decimal(3))


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("nodes.shop.count=8", "nodes.shop.count", 8),
        ("nodes.edge.balancer = p2c", "nodes.edge.balancer", "p2c"),
        ("nodes.shop.speed=[1, 0.5]", "nodes.shop.speed", [1, 0.5]),
        ("nodes.edge.retry={attempts: 3}", "nodes.edge.retry", {"attempts": 3}),
        ("nodes.users.through=null", "nodes.users.through", None),
        ("nodes.shop.service=12ms", "nodes.shop.service", "12ms"),
    ],
)
def test_assignments_of_the_command_line_are_yaml(text, path, value):
    assert parse_assignment(text) == (path, value)


@pytest.mark.parametrize(
    "text", ["", "nodes.shop.count", "=3", "a=", "a=[1", "a=!!x y", "a={b: c: d}"]
)
def test_assignments_that_cannot_be_read_are_refused(text):
    with pytest.raises(ScenarioError):
        parse_assignment(text)


def test_equality_and_hash_go_by_content_not_by_spelling(shop):
    spelt_out = loads(TEXT.replace("ttl: 10min", "ttl: 600").replace("40/s", "{poisson: 2400/min}"))
    assert (spelt_out, hash(spelt_out), spelt_out.hash) == (shop, hash(shop), shop.hash)
    assert loads(TEXT.replace("10min", "11min")).hash != shop.hash
    assert len(shop.hash) == 12
    assert pickle.loads(pickle.dumps(shop)) == shop
    assert loads(shop.to_yaml()) == shop
    assert from_dict(shop.to_dict()) == shop


def test_a_hash_does_not_depend_on_the_process(shop):
    program = "import sys, proxysim.scenario as s; print(s.loads(sys.argv[1]).hash)"
    for seed in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "-c", program, TEXT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.strip() == shop.hash


def test_members_are_numbered_but_for_a_server_alone(shop):
    assert shop.members("shop") == ["shop-1", "shop-2"]
    assert shop.members("alone") == ["alone"]
    assert shop.set("nodes.users.count", 1).members("users") == ["users-1"]
    assert shop.members("edge") == ["edge"]
    with pytest.raises(ScenarioError, match="Did you mean 'shop'"):
        shop.members("shp")


def test_the_front_of_a_site_is_its_proxy_or_else_its_servers(shop):
    assert shop.front("shop.example") == "edge"
    tiers = shop.set(
        {"nodes": {**shop.to_dict()["nodes"], "cdn": {
            "kind": "reverse_proxy", "sites": ["shop.example"], "backends": "edge"}}}
    )  # fmt: skip
    assert tiers.front("shop.example") == "cdn"
    assert shop.without("edge").fronts("shop.example") == ("shop",)
    with pytest.raises(ScenarioError, match=r"Did you mean 'shop\.example'"):
        shop.front("shop.exampl")


def test_files_beside_a_scenario_are_looked_for_in_its_directory(tmp_path):
    (tmp_path / "mine.yaml").write_text("request: 3us\n")
    (tmp_path / "s.yaml").write_text(TEXT.replace("costs: typical", "costs: mine.yaml"))
    scenario = load(tmp_path / "s.yaml")
    assert (scenario.name, scenario.directory) == ("s", tmp_path)


def test_the_choice_that_is_set_replaces_the_one_before(shop):
    bursty = {"calm": 1, "burst": 9, "calm_for": 5, "burst_for": 5}
    chosen = shop.set("nodes.users.arrivals.bursty", bursty)
    assert chosen.set("nodes.users.arrivals.bursty.burst", 7).document.nodes[
        "users"
    ].arrivals.bursty.model_dump() == {**bursty, "burst": 7}
    assert chosen.set("nodes.users.arrivals.poisson", 40) == shop
    hashed = shop.set("nodes.edge.balancer.source_hash.trusted_hops", 1)
    drawn = hashed.set("nodes.edge.balancer.power_of_two.choices", 3)
    assert drawn.document.nodes["edge"].balancer == {"power_of_two": {"choices": 3}}
