"""Who may ask and who is believed, as a scenario writes it: what is refused, what becomes of it."""

from dataclasses import replace

import pytest

from proxysim.errors import ScenarioError
from proxysim.messages import Headers, Request, Response
from proxysim.scenario import from_dict
from proxysim.scenario.build_proxies import proxy_of


def tree():
    return {
        "proxysim": 1,
        "title": "A chain",
        "sites": {"shop.example": {}},
        "nodes": {
            "staff": {"kind": "clients", "count": 300, "arrivals": 1, "through": "gateway"},
            "gateway": {"kind": "forward_proxy"},
            "cdn": {"kind": "reverse_proxy", "sites": ["shop.example"], "backends": "edge"},
            "edge": {"kind": "reverse_proxy", "sites": ["shop.example"], "backends": "shop"},
            "shop": {"kind": "server", "count": 2},
        },
    }


def built(name, **settings):
    said = tree()
    said["nodes"][name] |= settings
    return proxy_of(from_dict(said), name, lambda: 0.0)


def rule(**condition):
    return {"filters": [{"deny": condition}]}


LOGIN = {"users": {"ann": {"password": "x", "groups": ["sales"]}}}


@pytest.mark.parametrize(
    ("node", "settings", "says"),
    [
        ("gateway", rule(category="ads"), "filters.0.deny.category: no category is called 'ads'"),
        (
            "gateway",
            rule(client="staf"),
            "filters.0.deny.client: no node is called 'staf'. Did you",
        ),
        ("gateway", rule(client="shop"), "shop is of kind server, which asks nothing"),
        ("gateway", rule(client="staff-301"), "no node is called 'staff-301'"),
        ("gateway", rule(client="10.0.0.1/8"), "10.0.0.0/8 is the network that it lies in"),
        ("gateway", rule(user="ann"), "filters.0.deny.user: nobody logs in to this proxy"),
        ("gateway", rule(user="bob") | {"authentication": LOGIN}, "no user is called 'bob'"),
        ("gateway", rule(group="it") | {"authentication": LOGIN}, "no group is called 'it'"),
        ("gateway", rule(port="http"), "found 'http' as a port"),
        ("gateway", rule(schedule="always"), "found 'always' as a schedule"),
        ("gateway", rule(content_type="video"), "found 'video' as a content type"),
        ("gateway", {"filters": [{"redirect": {"port": 80}}]}, "does not say where to"),
        ("gateway", {"filters": [{"log": {"port": 80}, "to": "http://a/"}]}, "log takes no to"),
        ("gateway", {"filters": [{"log": {"port": 1}, "deny": {"port": 2}}]}, "both deny and log"),
        (
            "gateway",
            {"categories": {"ads": "none.txt"}},
            "categories.ads: none.txt: the list cannot",
        ),
        ("gateway", {"authentication": {"users": {}}}, "authentication.users"),
        (
            "gateway",
            {"authentication": {"users": {"a:b": {"password": "x"}}}},
            "the user name 'a:b'",
        ),
        (
            "gateway",
            {"authentication": {"users": {"a": {"password": "pbkdf2_sha256$1$s"}}}},
            "broken hash",
        ),
        ("gateway", {"identity": "elite", "forwarded": "both"}, "which tells of nobody"),
        ("edge", {"trusted": {}}, "edge.trusted: trusts nobody"),
        ("edge", {"trusted": {"hops": 0}}, "edge.trusted.hops"),
        ("edge", {"trusted": {"addresses": ["cnd"]}}, "Did you mean 'cdn'"),
        ("edge", {"trusted": {"hops": 1, "field": "x-real-ip"}}, "edge.trusted.field"),
        ("staff", {"fields": {"Host": "x"}}, "staff.fields: found the field 'Host'"),
        ("staff", {"fields": {"x": "a\r\nb: c"}}, "found the field 'x'"),
        ("staff", {"credentials": {"user": "ann"}}, "staff.credentials.password: is missing"),
    ],
)
def test_what_cannot_be_kept_is_refused_where_it_stands(node, settings, says):
    with pytest.raises(ScenarioError) as caught:
        built(node, **settings)
    assert says in str(caught.value)


def test_a_run_that_starts_at_no_time_is_refused():
    with pytest.raises(ScenarioError, match=r"run\.starts: found 'noon'"):
        from_dict(tree() | {"run": {"starts": "noon"}})


def test_a_proxy_behind_another_cannot_ask_for_a_log_in():
    said = tree()
    said["nodes"]["gateway"]["through"] = "parent"
    said["nodes"]["parent"] = {"kind": "forward_proxy", "authentication": LOGIN}
    with pytest.raises(ScenarioError, match="Let them log in at gateway"):
        from_dict(said)


def test_without_a_proxy_that_a_rule_or_trust_names_the_rest_goes_on():
    said = tree()
    said["nodes"]["edge"]["trusted"] = {"addresses": ["cdn"]}
    said["nodes"]["staff"]["credentials"] = {"user": "ann", "password": "x"}
    scenario = from_dict(said)
    for node in ("cdn", "gateway"):
        proxy_of(scenario.without(node), "edge", lambda: 0.0)


def test_names_of_nodes_stand_for_their_addresses():
    edge = built("edge", trusted={"addresses": ["cdn"]})
    fields = Headers([("x-forwarded-for", "6.6.6.6, 192.0.2.1")])
    asked = Request("GET", "http", "shop.example", 80, "/", fields)
    seen = {
        peer: edge.trusted.client(replace(asked, peer=peer))
        for peer in ("127.3.0.1", "127.2.0.1", "127.1.0.1")
    }
    assert seen == {"127.3.0.1": "192.0.2.1", "127.2.0.1": "127.2.0.1", "127.1.0.1": "127.1.0.1"}


def test_what_is_hidden_of_servers_may_be_more_or_nothing():
    head = Response(
        302, Headers([("server", "x"), ("x-mine", "y"), ("location", "http://shop-2:8080/a")])
    )
    told = {
        hide if isinstance(hide, bool) else "more": built("edge", hide=hide).identity.answer(head)
        for hide in (True, False, ["X-Mine"])
    }
    assert told[True].headers.fields == {"x-mine": "y", "location": "/a"}
    assert told["more"].headers.fields == {"location": "/a"}
    assert told[False].headers == head.headers
