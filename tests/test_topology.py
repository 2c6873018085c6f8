"""Networks: the way that is shortest, over routers only, and an error where there is none."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import TopologyError
from proxysim.topology import Network, Place, Wire

PLACES = [
    Place("staff", "clients", 80),
    Place("gateway", "forward_proxy"),
    Place("net", "router"),
    Place("edge", "reverse_proxy"),
    Place("shop", "server", 3),
    Place("web", "server"),
]
WIRES = [
    Wire(("staff", "gateway"), 0.001),
    Wire(("gateway", "net"), 0.02),
    Wire(("net", "edge"), 0.03),
    Wire(("edge", "shop"), 0.0005),
    Wire(("net", "web"), 0.04, shared=True),
]
TALK = [("staff", "gateway"), ("gateway", "edge"), ("gateway", "web"), ("edge", "shop")]


def names(hops):
    return [hop.name for hop in hops]


@pytest.fixture
def network():
    return Network(PLACES, WIRES, TALK)


def test_routes_go_through_routers(network):
    assert names(network.route("gateway", "edge")) == ["gateway>net", "net>edge"]
    assert names(network.route("edge", "shop-2")) == ["edge>shop-2"]
    assert network.rtt("gateway", "edge") == pytest.approx(0.1)
    assert network.route("staff-7", "gateway") == network.route("staff", "gateway")
    assert network.route("web", "web") == ()


def test_answers_go_back_the_same_way(network):
    for a, b in network.conversations:
        there, back = network.route(a, b), network.route(b, a)
        assert [hop.wire for hop in there] == [hop.wire for hop in reversed(back)]
        assert [(hop.start, hop.end) for hop in there] == [
            (hop.end, hop.start) for hop in reversed(back)
        ]


def test_the_same_route_is_the_same_object_and_hops_are_shared_between_routes(network):
    assert network.route("gateway", "edge") is network.route("gateway", "edge")
    assert network.route("gateway", "edge")[0] is network.route("gateway", "web")[0]


def test_a_link_to_servers_joins_every_member_and_a_shared_one_is_one_lane():
    for shared in (False, True):
        network = Network(PLACES[3:5], [Wire(("edge", "shop"), shared=shared)])
        lanes = {network.route("edge", f"shop-{n}")[0].lane for n in (1, 2, 3)}
        assert lanes == ({"edge>shop"} if shared else {f"edge>shop-{n}" for n in (1, 2, 3)})


def test_members_of_clients_have_lanes_of_their_own_unless_shared():
    for shared in (False, True):
        network = Network(PLACES[:2], [Wire(("staff", "gateway"), shared=shared)])
        for hop in (*network.route("staff", "gateway"), *network.route("gateway", "staff")):
            assert hop.each is not shared


def test_a_link_to_one_member_goes_before_the_link_to_its_group():
    wires = [Wire(("edge", "shop"), 0.001), Wire(("shop-2", "edge"), 0.5)]
    for given_wires in (wires, wires[::-1]):
        network = Network(PLACES[3:5], given_wires)
        assert [network.rtt("edge", f"shop-{n}") for n in (1, 2, 3)] == [0.002, 1.0, 0.002]


@pytest.mark.parametrize("interior", ["clients", "forward_proxy", "reverse_proxy", "server"])
def test_only_routers_pass_traffic_on(interior):
    places = [Place("a", "clients"), Place("b", interior), Place("c", "server")]
    wires = [Wire(("a", "b")), Wire(("b", "c"))]
    with pytest.raises(TopologyError, match="'a' cannot reach 'c': the only way is through 'b'"):
        Network(places, wires, [("a", "c")])
    around = Network(
        [*places, Place("r", "router")],
        [*wires, Wire(("a", "r"), 9), Wire(("r", "c"), 9)],
        [("a", "c")],
    )
    assert names(around.route("a", "c")) == ["a>r", "r>c"]


def test_ties_go_to_fewer_hops_then_to_the_first_name():
    places = [Place("a", "clients"), Place("z", "server")]
    places += [Place(f"r{n}", "router") for n in (3, 2, 1)]
    wires = [Wire(("a", f"r{n}"), 0.1) for n in (3, 2, 1)]
    wires += [Wire((f"r{n}", "z"), 0.2) for n in (3, 2, 1)]
    assert names(Network(places, wires).route("a", "z")) == ["a>r1", "r1>z"]
    # 0.1 + 0.7 is less than 0.8 in floats, and yet a tie.
    wires = [Wire(("a", "r1"), 0.1), Wire(("r1", "z"), 0.7), Wire(("a", "z"), 0.8)]
    assert names(Network(places, wires).route("a", "z")) == ["a>z"]


def test_of_two_ways_alike_both_directions_take_the_same():
    places = [Place("a", "clients"), Place("z", "server")]
    places += [Place(f"r{n}", "router") for n in (1, 2, 3, 9)]
    pairs = [("a", "r1"), ("r1", "r9"), ("r9", "z"), ("a", "r2"), ("r2", "r3"), ("r3", "z")]
    wires = [Wire(pair, 0.1) for pair in pairs]
    for ends in (("a", "z"), ("z", "a")):
        network = Network(places, wires)
        network.route(*ends)
        assert names(network.route("a", "z")) == ["a>r1", "r1>r9", "r9>z"]
        assert names(network.route("z", "a")) == ["z>r9", "r9>r1", "r1>a"]


@given(
    st.lists(
        st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(0, 50)), min_size=1, max_size=20
    )
)
def test_routes_over_routers_are_as_short_as_those_of_networkx(edges):
    places = [Place(f"n{n}", "router") for n in range(8)]
    graph = nx.Graph()
    wires = []
    for a, b, latency in edges:
        if a != b and not graph.has_edge(f"n{a}", f"n{b}"):
            graph.add_edge(f"n{a}", f"n{b}", weight=latency)
            wires.append(Wire((f"n{a}", f"n{b}"), latency / 1000))
    network = Network(places, wires)
    for a, lengths in nx.all_pairs_dijkstra_path_length(graph):
        for b in (place.name for place in places):
            if b in lengths:
                assert network.rtt(a, b) == pytest.approx(2 * lengths[b] / 1000)
            else:
                with pytest.raises(TopologyError):
                    network.route(a, b)


def test_without_links_everyone_is_joined_at_no_cost():
    network = Network(PLACES, None, TALK)
    assert network.ideal
    hops = network.route("gateway", "shop-1")
    assert names(hops) == ["gateway>shop-1"]
    assert network.rtt("staff", "web") == 0
    assert hops[0].wire.bandwidth is None
    assert network.joins("shop", "gateway") == tuple(
        hop
        for n in (1, 2, 3)
        for hop in (
            network.route(f"shop-{n}", "gateway")[0],
            network.route("gateway", f"shop-{n}")[0],
        )
    )


def test_a_link_is_found_by_its_ends_in_both_directions(network):
    assert names(network.joins("edge", "shop-2")) == ["edge>shop-2", "shop-2>edge"]
    assert len(network.joins("shop", "edge")) == 6
    with pytest.raises(TopologyError, match=r"no link joins 'staff' and 'web'\. Links: edge-shop"):
        network.joins("staff", "web")


@pytest.mark.parametrize(
    ("wires", "talk", "says"),
    [
        (
            WIRES[:1],
            [("gateway", "web")],
            r"'gateway' cannot reach 'web'.*between: \[gateway, web\]",
        ),
        ([], [("edge", "shop")], r"'edge' cannot reach 'shop-1'.*between: \[edge, shop\]"),
        ([Wire(("edge", "shpo"))], [], "links.0.*'shpo'.*Did you mean 'shop'"),
        ([Wire(("edge", "edge"))], [], "joins 'edge' to itself"),
        ([WIRES[0], Wire(("gateway", "staff"))], [], "links.1: a second link joins"),
        ([], [("edge", "shop-4")], "no node 'shop-4'"),
    ],
)
def test_what_makes_no_network_is_one_clear_error(wires, talk, says):
    with pytest.raises(TopologyError, match=says):
        Network(PLACES, wires, talk)


@pytest.mark.parametrize("name", ["staff-0", "staff-81", "staff-07", "shop", "x", "shop-0"])
def test_names_of_nobody_are_refused(network, name):
    with pytest.raises(TopologyError, match="no node"):
        network.route(name, "gateway")


def test_a_node_named_like_a_member_is_refused():
    with pytest.raises(TopologyError, match="'shop-2' is both"):
        Network([Place("shop", "server", 2), Place("shop-2", "router")])


# Addresses


def test_addresses_tell_members_apart_and_back():
    network = Network([*PLACES, Place("crowd", "clients", 200_000), Place("last", "server")])
    members = [
        place.member(index)
        for place in network.places.values()
        for index in range(place.count)
        if place.count < 1000 or index % 97 == 0 or index > 199_990
    ]
    addresses = [network.address(member) for member in members]
    assert len(set(addresses)) == len(members)
    assert [network.name(address) for address in addresses] == members
    for address in addresses:
        octets = [int(part) for part in address.split(".")]
        assert octets[0] == 127
        assert 1 <= octets[1] <= 254
        assert 0 <= octets[2] <= 255
        assert 1 <= octets[3] <= 254
    assert network.address("staff-7") == network.address_of("staff", 6) == "127.1.0.7"


def test_a_million_members_fit_and_twenty_do_not():
    crowd = Network([Place("crowd", "clients", 1_000_000), Place("web", "server")])
    assert crowd.name(crowd.address("crowd-1000000")) == "crowd-1000000"
    assert crowd.name(crowd.address("web")) == "web"
    with pytest.raises(TopologyError, match="do not fit"):
        Network([Place(f"c{n}", "clients", 1_000_000) for n in range(20)])


@pytest.mark.parametrize("member", ["staff", "staff-81", "web-1", "shop-4", "nobody", "shop"])
def test_members_that_are_none_have_no_address(network, member):
    with pytest.raises(TopologyError, match="no member"):
        network.address(member)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.1.0.81", "127.1.0.0", "10.0.0.1", "x", "127.9.0.1"]
)
def test_addresses_of_nobody_are_refused(network, address):
    with pytest.raises(TopologyError, match="no member has"):
        network.name(address)


# Pictures


def test_layers_run_from_clients_to_servers(network):
    assert network.layers() == (
        ("staff",),
        ("gateway",),
        ("net",),
        ("edge",),
        ("shop-1", "shop-2", "shop-3", "web"),
    )
    assert Network(PLACES, None, TALK).layers()[0] == ("staff",)


def test_layers_hold_every_node_once_even_where_routes_meet_head_on():
    places = [Place("c", "clients"), Place("p", "forward_proxy"), Place("q", "forward_proxy")]
    places += [Place("r", "router"), Place("s", "server"), Place("idle", "router")]
    wires = [Wire((name, "r")) for name in "cpqs"]
    network = Network(places, wires, [("c", "p"), ("p", "q"), ("q", "s")])
    assert sorted(name for layer in network.layers() for name in layer) == sorted(network.graph)
    assert network.layers()[0] == ("c",)
    assert network.layers()[-1] == ("s",)


def test_zones_are_whose_network_a_node_stands_in(network):
    assert network.zones() == {
        "clients' side": ("staff", "gateway"),
        "internet": ("net",),
        "servers' side": ("edge", "shop-1", "shop-2", "shop-3", "web"),
    }
    named = Network([Place("staff", "clients", 80, zone="office"), *PLACES[1:]], WIRES, TALK)
    assert named.zone("staff-3") == "office"
    assert next(iter(named.zones())) == "office"
