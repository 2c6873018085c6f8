"""Without a proxy: the same clients, sites, servers and wires; only its functions are gone."""

import pytest

from proxysim.errors import ScenarioError
from proxysim.scenario import load, loads, shipped
from proxysim.scenario.build_topology import network_of
from proxysim.scenario.nodes import Clients, ForwardProxy, ReverseProxy

CHAIN = """\
proxysim: 1
title: A chain
sites: {shop.example: {tls: true}, blog.example: {}}
nodes:
  staff: {kind: clients, arrivals: 1, through: inner}
  inner: {kind: forward_proxy, through: outer, cache: {capacity: 1MB}, zone: office}
  outer: {kind: forward_proxy}
  edge: {kind: reverse_proxy, sites: [shop.example], backends: [tier, extra], tls: passthrough}
  tier: {kind: reverse_proxy, sites: [shop.example], backends: [shop, extra]}
  shop: {kind: server, count: 2}
  extra: {kind: server, sites: [blog.example]}
events:
  - {at: 1s, node: inner, flush: true}
  - {at: 2s, node: shop-2, down_for: 1s}
"""

PROXIES = [
    (name, node)
    for name in shipped()
    for node, found in load(name).document.nodes.items()
    if isinstance(found, ForwardProxy | ReverseProxy)
]


@pytest.mark.parametrize(("name", "node"), PROXIES)
def test_a_shipped_scenario_goes_on_without_any_of_its_proxies(name, node):
    whole = load(name)
    left = whole.without(node)
    assert (left.name, left.title, left.removed) == (name, whole.title, (node,))
    assert left.document.nodes[node].kind == "router"
    assert (left.document.sites, left.document.links) == (
        whole.document.sites,
        whole.document.links,
    )
    for group, found in whole.document.nodes.items():
        if isinstance(found, Clients):
            assert left.document.nodes[group].arrivals == found.arrivals
    network_of(left)
    assert loads(left.to_yaml()).hash == left.hash != whole.hash


def test_what_went_through_a_forward_proxy_takes_its_way_on():
    chain = loads(CHAIN)
    nodes = chain.without("inner").document.nodes
    assert nodes["staff"].through == "outer"
    assert nodes["inner"].zone == "office"
    nodes = chain.without("outer").document.nodes
    assert (nodes["staff"].through, nodes["inner"].through) == ("inner", None)
    assert chain.without("outer").without("inner").document.nodes["staff"].through is None


def test_what_would_have_happened_to_the_proxy_does_not():
    left = loads(CHAIN).without("inner")
    assert [event.node for event in left.document.events] == ["shop-2"]


def test_an_inner_proxy_leaves_its_backends_to_the_one_before_it():
    nodes = loads(CHAIN).without("tier").document.nodes
    assert nodes["edge"].backend_names == ["shop", "extra"]
    assert nodes["shop"].sites == []


def test_the_backends_of_a_front_answer_for_its_sites():
    left = loads(CHAIN).without("tier").without("edge")
    assert left.removed == ("tier", "edge")
    assert left.document.nodes["shop"].sites == ["shop.example"]
    assert left.document.nodes["extra"].sites == ["blog.example", "shop.example"]
    assert left.fronts("shop.example") == ("shop", "extra")


def test_only_a_proxy_can_be_left_out():
    for node in ("shop", "ege"):
        with pytest.raises(ScenarioError, match="Known: edge, inner, outer, tier"):
            loads(CHAIN).without(node)
