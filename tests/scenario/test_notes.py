"""What is said of a scenario though nothing is wrong with it."""

import re

import pytest

from proxysim.scenario import from_dict
from proxysim.scenario.notes import notes_of


def office(*rules, directory=".", **proxy):
    tree = {
        "proxysim": 1,
        "title": "An office",
        "sites": {"open.example": {}, "bank.example": {"tls": True}, "mail.example": {"tls": True}},
        "nodes": {
            "staff": {"kind": "clients", "arrivals": 1, "through": "inner"},
            "guests": {"kind": "clients", "arrivals": 1, "sites": ["mail.example"]},
            "inner": {"kind": "forward_proxy", "through": "gateway"},
            "gateway": {"kind": "forward_proxy", "filters": list(rules), **proxy},
            "web": {"kind": "server", "sites": ["open.example", "bank.example", "mail.example"]},
        },
    }
    return notes_of(from_dict(tree, directory=directory))


@pytest.mark.parametrize(
    ("rule", "unseen"),
    [
        ({"deny": {"url": "*/ads/*"}}, "url of what goes through tunnels: all of bank"),
        ({"deny": {"method": "POST"}}, "method"),
        ({"deny": {"content_type": "video/*", "size": "1MB"}}, "content type or size"),
        ({"deny": {"url": "*", "domain": "bank.example"}}, "all of bank.example"),
        ({"deny": {"url": "*", "domain": "open.example"}}, None),
        ({"deny": {"method": ["POST", "CONNECT"]}}, None),
        ({"deny": {"domain": "example", "port": 443, "client": "inner"}}, None),
    ],
)
def test_a_rule_that_tunnels_escape_is_told(rule, unseen):
    notes = office(rule)
    assert len(notes) == (unseen is not None)
    assert all(note.startswith("gateway: filters.0 (deny ") and unseen in note for note in notes)


def test_lines_of_a_list_that_are_left_out_are_told(tmp_path):
    bad = "".join(f"bad_/{number}\n" for number in range(7))
    (tmp_path / "ads.txt").write_text(f"ads.example\n{bad}\xe9.example\n", encoding="latin-1")
    (tmp_path / "fine.txt").write_text("0.0.0.0 ads.example\n")
    categories = {"ads": ["ads.txt", "fine.txt"]}
    (note,) = office({"deny": {"category": "ads"}}, categories=categories, directory=tmp_path)
    assert note.startswith("gateway: category ads leaves out 8 lines of ads.txt: line 2 (bad_/0), ")
    assert note.endswith("line 6 (bad_/4), ...")


def shop(edge=(), staff=(), events=(), encrypted=True, **nodes):
    """What is said of a shop with a gateway for its staff, without the name of the noted."""
    tree = {
        "proxysim": 1,
        "title": "A shop",
        "run": {"duration": "30s"},
        "sites": {"shop.example": {"tls": encrypted}},
        "nodes": {
            "staff": {"kind": "clients", "arrivals": 1, "through": "gateway"} | dict(staff),
            "gateway": {
                "kind": "forward_proxy",
                "authentication": {"users": {"ann": {"password": "x"}}},
            },
            "edge": {"kind": "reverse_proxy", "sites": ["shop.example"], "backends": "app"}
            | dict(edge),
            "app": {"kind": "server", "count": 2},
            **nodes,
        },
        "events": list(events),
    }
    return notes_of(from_dict(tree))


def credentials(user):
    return {"credentials": {"user": user, "password": "x"}}


HELPED = {"cache": {"capacity": "1MB"}, "hedge": {}}
WELL = [
    {},
    {"staff": credentials("ann")},
    {"edge": HELPED},
    {"edge": {"tls": "passthrough", "health": {"passive": {}}}},
    {"edge": {"tls": "passthrough", "balancer": {"ring": {"key": "host"}}}},
    {"edge": {"tls": "passthrough", "balancer": {"maglev": None}}},
    {"edge": {"balancer": "random"}, "app": {"kind": "server", "count": 2, "weight": [0, 2]}},
    {
        "edge": {"balancer": "weighted_random"},
        "app": {"kind": "server", "count": 2, "weight": [1, 2]},
    },
    {"events": [{"at": 29, "link": ["app-1", "edge"], "loss": "5%", "for": 9}]},
    {"corner": {"kind": "router"}},
]
UNHEEDED = [
    ({"edge": HELPED | {"tls": "passthrough"}}, "edge: .* for shop.example from its cache, hedge"),
    (
        {"edge": {"tls": "passthrough", "balancer": "sticky", "trusted": {"hops": 1}}},
        "edge: .* from its trusted, balancer",
    ),
    (
        {"edge": {"tls": "passthrough", "balancer": {"ring": {"key": "cookie:a"}}}},
        "edge: .* from its balancer",
    ),
    (
        {"edge": {"tls": "passthrough", "balancer": {"priority": {"within": "uri_hash"}}}},
        "edge: .* from its balancer",
    ),
    (
        {"edge": {"balancer": "random"}, "app": {"kind": "server", "count": 2, "weight": [1, 2]}},
        "edge: its balancer does not look at the weights",
    ),
    (
        {
            "edge": {"balancer": {"sticky": {"within": "round_robin"}}},
            "app": {"kind": "server", "count": 2, "weight": [1, 2]},
        },
        "edge: its balancer does not look at the weights",
    ),
    ({"staff": credentials("zoe")}, "staff: log in as 'zoe', whom gateway does not know"),
    ({"staff": {"through": None} | credentials("ann")}, "staff: go through no proxy that could"),
    ({"spare": {"kind": "server"}}, "spare: nobody asks for anything that it serves"),
    ({"events": [{"at": 30, "node": "app", "down_for": 5}]}, "events.0 comes at 30 s, when no"),
    (
        {"events": [{"at": 3, "link": ["staff", "app-1"], "loss": "5%", "for": 1}]},
        "events.0: staff and app do not talk to each other",
    ),
]


@pytest.mark.parametrize(("more", "note"), UNHEEDED)
def test_what_a_run_will_not_heed_is_told(more, note):
    assert any(re.match(note, said) for said in shop(**more))


@pytest.mark.parametrize("more", WELL)
def test_of_what_a_run_heeds_nothing_is_said(more):
    assert shop(**more) == []


@pytest.mark.parametrize(
    ("tls", "said"),
    [
        ({"tls": "terminate"}, "has tls, and none"),
        ({"tls": "passthrough", "tls_version": "1.2"}, "has tls and tls_version, and none"),
        ({"early_data": True}, "has early_data, and none"),
        ({"tls": "none"}, None),
        ({}, None),
    ],
)
def test_tls_before_sites_that_have_none_is_told(tls, said):
    found = shop(edge=tls, encrypted=False)
    assert [note.startswith(f"edge: {said} of its sites") for note in found] == [True] * bool(said)


def test_a_gateway_that_nobody_goes_through_is_told():
    assert shop(staff={"through": None}) == [
        "gateway: nobody asks through it; clients say so with through: gateway"
    ]


def test_credentials_that_nobody_wants_are_told():
    open_gate = {"kind": "forward_proxy"}
    (note,) = shop(staff=credentials("ann"), gateway=open_gate)
    assert note == "staff: have credentials, but gateway wants nobody to log in"
