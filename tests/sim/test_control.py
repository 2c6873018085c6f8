"""Filters, log-in and identity at work: what of it shows in a run, with every world's clients."""

import pytest

from proxysim.errors import ScenarioError
from proxysim.policies.authentication import hashed
from tests.sim.scene import SITE, outcomes, play, statuses

OTHER = "other.example"


def office(*, site=None, users=None, **proxy):
    """Users behind a gateway; two of them, unless they say otherwise."""
    return {
        "users": {"count": 2, "through": "gateway", **(users or {})},
        "gateway": {"kind": "forward_proxy", **proxy},
        "web": {"kind": "server", "workers": 100, "sites": [SITE]},
    }


def asks(*requests):
    return [(at, client, path, 1000) for at, client, path in requests]


def test_a_group_or_one_member_of_it_may_be_denied():
    script = asks((1, "a", "/x"), (2, "b", "/x"))
    rule = {"deny": {"client": "users-2"}}
    assert statuses(play(office(filters=[rule]), script=script)) == [200, 403]
    assert outcomes(play(office(filters=[rule]), script=script)) == ["ok", "blocked"]
    everybody = {"deny": {"client": "users"}}
    assert statuses(play(office(filters=[everybody]), script=script)) == [403, 403]


@pytest.mark.parametrize(("hops", "expected"), [(None, [403, 403]), (1, [200, 403])])
def test_behind_a_further_proxy_clients_are_told_apart_where_it_is_trusted(hops, expected):
    rule = {"deny": {"client": ["users-2", "branch"]}}
    nodes = office(filters=[rule], **({"trusted": {"hops": hops}} if hops else {}))
    nodes["users"]["through"] = "branch"
    nodes["branch"] = {"kind": "forward_proxy", "through": "gateway"}
    assert statuses(play(nodes, script=asks((1, "a", "/x"), (2, "b", "/x")))) == expected


def test_rules_count_what_they_match_after_the_warm_up():
    rules = [
        {"log": {"domain": SITE}, "because": "all"},
        {"deny": {"url": "*/x"}},
        {"log": {"size": 500}, "because": "large"},
    ]
    script = asks((1, "a", "/y"), (7, "a", "/x"), (8, "a", "/y"), (9, "b", "/z"))
    run = play(office(filters=rules), script=script, run={"warmup": 5})
    found = run.summary().rules
    assert [(rule["because"], rule["matched"]) for rule in found["gateway"]] == [
        ("all", 3),
        ("", 1),
        ("large", 2),
    ]
    assert found["gateway"][1]["rule"] == "deny url */x"


def test_a_schedule_goes_by_the_time_at_which_the_run_starts():
    rule = {"deny": {"schedule": "Tue 09:00-09:01"}}
    script = asks((10, "a", "/x"), (70, "a", "/x"), (99, "a", "/x"))
    run = {"starts": "Tue 08:59"}
    assert statuses(play(office(filters=[rule]), script=script, run=run)) == [200, 403, 403]
    assert statuses(play(office(filters=[rule]), script=script)) == [200, 200, 200]


@pytest.mark.parametrize(
    "cache", [None, {"capacity": "1MB"}, {"capacity": "1MB", "collapse": True}]
)
def test_a_rule_for_answers_holds_for_misses_and_for_hits(cache):
    rules = [{"deny": {"size": 500, "client": "users-2"}, "because": "too large for you"}]
    proxy = {"filters": rules} | ({"cache": cache} if cache else {})
    script = asks(
        (1, "a", "/x"), (2, "b", "/x"), (3, "a", "/x"), (3, "b", "/new"), (4, "b", "/new")
    )
    run = play(office(**proxy), script=script)
    assert statuses(run) == [200, 403, 200, 403, 403]
    assert outcomes(run) == ["ok", "blocked", "ok", "blocked", "blocked"]
    if cache:
        # What is denied is not read and so not stored, unless a shared fetch had all of it.
        last = "hit" if "collapse" in cache else "miss"
        assert list(run.requests["cache"]) == ["miss", "hit", "hit", "miss", last]


def test_an_answer_that_is_denied_is_not_fetched_to_its_end():
    big = {"filters": [{"deny": {"size": "1MB"}}]}
    links = [
        {"between": ["users", "gateway"]},
        {"between": ["gateway", "web"], "bandwidth": "1MB/s"},
    ]
    script = [(1, "a", "/x", 50_000_000), (1, "b", "/y", 1_000_000)]
    run = play(office(**big), script=script, links=links)
    assert statuses(run) == [403, 200]
    assert float(run.column("latency")[1]) == pytest.approx(1.0)


def test_a_redirection_is_an_answer_that_blocks():
    rule = {"redirect": {"url": "*/x"}, "to": f"http://{SITE}/blocked"}
    run = play(office(filters=[rule]), script=asks((1, "a", "/x"), (2, "a", "/y")))
    assert statuses(run) == [302, 200]
    assert outcomes(run) == ["blocked", "ok"]


USERS = {"users": {"ann": {"password": "secret", "groups": ["sales"]}, "bob": {"password": "b"}}}


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({}, 407),
        ({"user": "ann", "password": "secret"}, 200),
        ({"user": "ann", "password": "wrong"}, 407),
        ({"user": "nobody", "password": "secret"}, 407),
        ({"user": "bob", "password": "b"}, 403),
    ],
)
def test_only_users_who_log_in_pass_and_rules_know_them(said, status, tls):
    users = {"credentials": said} if said else {}
    proxy = {"authentication": USERS, "filters": [{"deny": {"user": "bob"}}]}
    run = play(
        office(users=users, **proxy), site={"tls": tls}, script=asks((1, "a", "/x"), (2, "a", "/x"))
    )
    assert statuses(run) == [status] * 2
    assert outcomes(run) == ["ok" if status == 200 else "blocked"] * 2


def test_a_password_may_be_given_as_a_hash():
    users = {"ann": {"password": hashed("secret", "salt", 1000)}}
    said = {"credentials": {"user": "ann", "password": "secret"}}
    run = play(office(users=said, authentication={"users": users}), script=asks((1, "a", "/x")))
    assert statuses(run) == [200]


def test_the_password_stays_with_the_proxy(monkeypatch):
    from proxysim.sim.servers import Server

    told = []
    receive = Server.receive
    monkeypatch.setattr(
        Server,
        "receive",
        lambda self, exchange: (told.append(exchange.request.headers), receive(self, exchange)),
    )
    said = {"credentials": {"user": "ann", "password": "secret"}, "fields": {"X-Mine": "1"}}
    for tls in (False, True):
        play(
            office(users=said, authentication=USERS),
            site={"tls": tls},
            script=asks((1, "a", "/x")),
        )
    nodes = office(users=said)
    del nodes["users"]["through"]
    play(nodes, script=asks((1, "a", "/x")))
    assert len(told) == 3
    assert all("x-mine" in fields for fields in told)
    assert not any("proxy-authorization" in fields for fields in told)


def test_a_list_that_is_not_there_is_refused():
    nodes = office(categories={"ads": "none.txt"}, filters=[{"deny": {"category": "ads"}}])
    with pytest.raises(ScenarioError) as caught:
        play(nodes, script=asks((1, "a", "/x")))
    assert "nodes.gateway.categories.ads" in str(caught.value)
    assert "cannot be read" in str(caught.value)
